"""Ethernet, VLAN, IPv4, IPv6, UDP, TCP, ICMPv6 echo; ICMP echo's reader stands with the others of ICMP."""

import ipaddress

from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether

from scapy_areas.extension import ipv4_options
from scapy_areas.transport import tcp_options


def mac(text):
    return int(text.replace(":", ""), 16)


def address(text):
    return int(ipaddress.ip_address(text))


def ethernet(p):
    return {"dst": mac(p.dst), "src": mac(p.src), "ethertype": p.type}


def vlan(p):
    # Older releases call the DEI bit `id`.
    dei = p.getfieldval("dei") if "dei" in p.fields else p.getfieldval("id")
    return {"pcp": p.prio, "dei": dei, "id": p.vlan, "ethertype": p.type}


def ipv4(p):
    flags = int(p.flags)
    return {
        "version": p.version, "ihl": p.ihl, "dscp": p.tos >> 2, "ecn": p.tos & 3,
        "length": p.len, "id": p.id, "reserved": flags >> 2, "df": flags >> 1 & 1,
        "mf": flags & 1, "fragment_offset": p.frag, "ttl": p.ttl, "protocol": p.proto,
        "checksum": p.chksum, "src": address(p.src), "dst": address(p.dst),
        "options": ipv4_options(p.options),
    }


def ipv6(p):
    return {
        "version": p.version, "dscp": p.tc >> 2, "ecn": p.tc & 3, "flow_label": p.fl,
        "length": p.plen, "next_header": p.nh, "hop_limit": p.hlim,
        "src": address(p.src), "dst": address(p.dst),
    }


def udp(p):
    return {"src": p.sport, "dst": p.dport, "length": p.len, "checksum": p.chksum}


def tcp(p):
    flags = int(p.flags)
    return {
        "src": p.sport, "dst": p.dport, "seq": p.seq, "ack": p.ack, "data_offset": p.dataofs,
        "reserved": p.reserved << 1 | flags >> 8, "flags": flags & 255, "window": p.window,
        "checksum": p.chksum, "urgent": p.urgptr,
        "options": tcp_options(p.options),
    }


def icmp(p):
    return {"type": p.type, "code": p.code, "checksum": p.chksum, "id": p.id, "seq": p.seq}


def icmpv6(p):
    return {"type": p.type, "code": p.code, "checksum": p.cksum, "id": p.id, "seq": p.seq}


READERS = [
    (Ether, "ethernet", ethernet), (Dot1Q, "vlan", vlan), (Dot1AD, "vlan", vlan),
    (IP, "ipv4", ipv4), (IPv6, "ipv6", ipv6), (UDP, "udp", udp), (TCP, "tcp", tcp),
    (ICMPv6EchoRequest, "icmpv6", icmpv6),
    (ICMPv6EchoReply, "icmpv6", icmpv6),
]
