// SPDX-License-Identifier: GPL-2.0-only OR MIT OR Apache-2.0
/* Counts what arrives and drops it: the least a receiver can do, the measure for all others. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct sink_counters {
	__u64 packets;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sink_counters);
} counters SEC(".maps");

SEC("xdp")
int sink(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct sink_counters *count = bpf_map_lookup_elem(&counters, &zero);

	if (count) {
		count->packets++;
		count->bytes += ctx->data_end - ctx->data;
	}
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "Dual MIT/GPL";
