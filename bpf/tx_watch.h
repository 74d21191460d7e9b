/* SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0 */
/* Part of tx_live.bpf.c: uses its `config` and `shared`. */
#ifndef WIRESTORM_TX_WATCH_H
#define WIRESTORM_TX_WATCH_H

/*
 * What becomes of a redirect: the program that asked for it is not told, the tracepoints are. Both
 * run in the sending thread, inside its BPF_PROG_RUN call. Kernel structures, as far as they are
 * read; offsets are relocated (CO-RE).
 */
struct ns_common {
	unsigned int inum;
} __attribute__((preserve_access_index));

struct net {
	struct ns_common ns;
} __attribute__((preserve_access_index));

struct net_device {
	int ifindex;
	struct {
		struct net *net;
	} nd_net;
} __attribute__((preserve_access_index));

/* Live frames come from the loopback device of the sender's namespace, the first of every one. */
ALWAYS_INLINE int is_mine(const struct net_device *from)
{
	struct bpf_pidns_info thread;

	return from->ifindex == 1 && from->nd_net.net->ns.inum == config.netns &&
	       !bpf_get_ns_current_pid_tgid(config.pidns_device, config.pidns, &thread,
					    sizeof(thread)) &&
	       thread.pid == shared.thread;
}

/* A bulk was handed to a device's ndo_xdp_xmit. */
SEC("tp_btf/xdp_devmap_xmit")
int BPF_PROG(on_devmap_xmit, const struct net_device *from, const struct net_device *to, int sent,
	     int drops, int err)
{
	if (drops <= 0 || (__u32)to->ifindex != config.ifindex || !is_mine(from))
		return 0;
	shared.dropped += drops;
	if (err)
		shared.error = err;
	return 0;
}

/* A redirect was refused before it reached a bulk. */
SEC("tp_btf/xdp_redirect_err")
int BPF_PROG(on_redirect_err, const struct net_device *from, const void *xdp, const void *target,
	     int err)
{
	if (!is_mine(from))
		return 0;
	shared.refused++;
	shared.error = err;
	return 0;
}

#endif
