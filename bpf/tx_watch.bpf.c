// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
/*
 * What becomes of a redirect: the program that asked for it (tx_live.bpf.c) is not told, the
 * tracepoints are. One pair of programs for all workers of a process, since every bulk of every
 * sender runs what is attached here. They run in the sending thread, inside its BPF_PROG_RUN call.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "tx_abi.h"

const volatile struct ws_watch_config config;
struct ws_watched watched[WS_WATCHED];

/* Kernel structures, as far as they are read; offsets are relocated (CO-RE). */
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

/*
 * The worker that a frame is of; 0: nobody we know. Live frames come from the loopback device of the
 * sender's namespace, the first of every one.
 */
static __attribute__((noinline)) struct ws_watched *worker_of(__u32 ifindex, __u32 netns)
{
	struct bpf_pidns_info thread;

	if (ifindex != 1 || bpf_get_ns_current_pid_tgid(config.pidns_device, config.pidns, &thread,
							sizeof(thread)))
		return 0;
	for (__u32 i = 0; i < WS_WATCHED; i++) {
		if (watched[i].thread == thread.pid && watched[i].netns == netns)
			return &watched[i];
	}
	return 0;
}

/* A bulk was handed to a device's ndo_xdp_xmit. */
SEC("tp_btf/xdp_devmap_xmit")
int BPF_PROG(on_devmap_xmit, const struct net_device *from, const struct net_device *to, int sent,
	     int drops, int err)
{
	struct ws_watched *worker;

	if (drops <= 0)
		return 0;
	worker = worker_of(from->ifindex, from->nd_net.net->ns.inum);
	if (!worker || (__u32)to->ifindex != worker->ifindex)
		return 0;
	worker->dropped += drops;
	if (err)
		worker->error = err;
	return 0;
}

/* A redirect was refused before it reached a bulk. */
SEC("tp_btf/xdp_redirect_err")
int BPF_PROG(on_redirect_err, const struct net_device *from, const void *xdp, const void *target,
	     int err)
{
	struct ws_watched *worker = worker_of(from->ifindex, from->nd_net.net->ns.inum);

	if (!worker)
		return 0;
	worker->refused++;
	worker->error = err;
	return 0;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
