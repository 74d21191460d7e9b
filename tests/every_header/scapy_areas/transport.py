"""SCTP, and the options of TCP. UDP-Lite is not among scapy's layers."""

from scapy.layers.inet import TCPOptions
from scapy.layers.sctp import SCTP, SCTPChunkData, SCTPChunkInit

# What scapy calls a kind by name, and what we call it.
NAMES = {
    0: "eol", 1: "nop", 2: "mss", 3: "window_scale", 4: "sack_permitted", 5: "sack",
    8: "timestamps", 19: "md5",
}


def tcp_option(name, value):
    kind = TCPOptions[1][name] if isinstance(name, str) else name
    read = {"header": NAMES.get(kind, "raw"), "kind": kind}
    if kind < 2:
        return read
    if kind == 2:
        return {**read, "length": 4, "size": value}
    if kind == 3:
        return {**read, "length": 3, "shift": value}
    if kind == 5:
        edges = ["left", "right", "left2", "right2", "left3", "right3", "left4", "right4"]
        return {**read, "length": 2 + 4 * len(value), **dict(zip(edges, value))}
    if kind == 8:
        return {**read, "length": 10, "value": value[0], "echo": value[1]}
    read["length"] = 2 + len(value)
    if kind == 19:
        return {**read, "digest": value}
    return read if kind == 4 else {**read, "data": value}


def tcp_options(options):
    return [tcp_option(name, value) for name, value in options]


def sctp(p):
    return {"src": p.sport, "dst": p.dport, "verification_tag": p.tag, "checksum": p.chksum}


def data(p):
    return {
        "type": p.type, "reserved": p.reserved, "i": p.delay_sack, "u": p.unordered,
        "b": p.beginning, "e": p.ending, "length": p.len, "tsn": p.tsn, "stream": p.stream_id,
        "ssn": p.stream_seq, "ppid": p.proto_id,
    }


def init(p):
    return {
        "type": p.type, "flags": p.flags, "length": p.len, "initiate_tag": p.init_tag,
        "a_rwnd": p.a_rwnd, "outbound_streams": p.n_out_streams,
        "inbound_streams": p.n_in_streams, "initial_tsn": p.init_tsn,
    }


READERS = [
    (SCTP, "sctp", sctp), (SCTPChunkData, "sctp_data", data), (SCTPChunkInit, "sctp_init", init),
]

UNREAD = {
    "udp_lite": "no layer for it",
}
