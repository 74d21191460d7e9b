"""Prints what scapy reads in a capture: one JSON array a packet, one object a header.

Keys are wirestorm's field names, values decimal strings (addresses reach 128 bits). The last
element says whether scapy, asked to fill in lengths and checksums itself, makes the same bytes.
"""

import ipaddress
import json
import sys

from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, _ICMPv6
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.packet import Padding, Raw
from scapy.utils import RawPcapReader


def mac(text):
    return int(text.replace(":", ""), 16)


def address(text):
    return int(ipaddress.ip_address(text))


def ethernet(p):
    return {"dst": mac(p.dst), "src": mac(p.src), "ethertype": p.type}


def vlan(p):
    raw = bytes(p)
    # Older releases call the DEI bit `id`.
    dei = p.getfieldval("dei") if "dei" in p.fields else p.getfieldval("id")
    return {"pcp": p.prio, "dei": int(dei), "id": p.vlan, "ethertype": p.type}


def ipv4(p):
    flags = int(p.flags)
    return {
        "version": p.version, "ihl": p.ihl, "dscp": p.tos >> 2, "ecn": p.tos & 3,
        "length": p.len, "id": p.id, "reserved": flags >> 2, "df": flags >> 1 & 1,
        "mf": flags & 1, "fragment_offset": p.frag, "ttl": p.ttl, "protocol": p.proto,
        "checksum": p.chksum, "src": address(p.src), "dst": address(p.dst),
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
    }


def icmp(p):
    return {"type": p.type, "code": p.code, "checksum": p.chksum, "id": p.id, "seq": p.seq}


def icmpv6(p):
    return {"type": p.type, "code": p.code, "checksum": p.cksum, "id": p.id, "seq": p.seq}


READERS = [
    (Ether, "ethernet", ethernet), (Dot1Q, "vlan", vlan), (Dot1AD, "vlan", vlan),
    (IP, "ipv4", ipv4), (IPv6, "ipv6", ipv6), (UDP, "udp", udp), (TCP, "tcp", tcp),
    (ICMP, "icmp", icmp), (_ICMPv6, "icmpv6", icmpv6),
]


def computed_anew(raw):
    packet = Ether(raw)
    layer = packet
    while layer and not isinstance(layer, (Raw, Padding)):
        for field in ("len", "plen", "chksum", "cksum"):
            if field in layer.fields:
                layer.delfieldval(field)
        layer = layer.payload
    return bytes(packet)


for raw, _ in RawPcapReader(sys.argv[1]):
    headers = []
    layer = Ether(raw)
    while layer and not isinstance(layer, (Raw, Padding)):
        for kind, name, read in READERS:
            if isinstance(layer, kind):
                values = {key: str(value) for key, value in read(layer).items()}
                headers.append({"header": name, **values})
                break
        else:
            headers.append({"header": type(layer).__name__})
            break
        layer = layer.payload
    headers.append({"same": computed_anew(raw) == raw})
    print(json.dumps(headers))
