"""What stands directly on Ethernet."""

from scapy.contrib.lacp import LACP, SlowProtocol
from scapy.contrib.lldp import LLDPDU, LLDPConfiguration
from scapy.contrib.mac_control import MACControl, MACControlPause
from scapy.contrib.mpls import MPLS, EoMCW
from scapy.config import conf
from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, LLC, SNAP, Dot1Q, Dot3, Ether
from scapy.layers.ppp import PPPoE, PPPoED
from scapy.packet import bind_layers

from .base import address, mac

conf.contribs.setdefault("LLDP", LLDPConfiguration()).strict_mode_disable()

# What scapy does not know of itself.
bind_layers(LLC, IP, dsap=6)
bind_layers(Ether, Dot1Q, type=0x9100)
bind_layers(Dot1Q, PPPoE, type=0x8864)
bind_layers(Dot1Q, PPPoED, type=0x8863)


def dot3(p):
    return {"dst": mac(p.dst), "src": mac(p.src), "ethertype": p.len}


def mpls(p):
    # Behind the stack, scapy goes by the label or expects a control word.
    own = {"label": p.label, "tc": p.cos, "bottom_of_stack": p.s, "ttl": p.ttl}
    if not p.s:
        return own, p.payload
    rest = bytes(p.payload)
    kind = {4: IP, 6: IPv6}.get(rest[0] >> 4)
    if kind is None:
        kind = EoMCW if rest[:2] == b"\0\0" and rest[4:7] == b"\0\0\x5e" else Ether
    return own, kind(rest)


def control_word(p):
    return {"zero": p.zero, "reserved": p.reserved, "sequence": p.seq}, Ether(bytes(p.payload))


def arp(p):
    return {
        "hardware_type": p.hwtype, "protocol_type": p.ptype, "hardware_length": p.hwlen,
        "protocol_length": p.plen, "operation": p.op, "sender_mac": mac(p.hwsrc),
        "sender_ip": address(p.psrc), "target_mac": mac(p.hwdst), "target_ip": address(p.pdst),
    }


def llc(p):
    return {"dsap": p.dsap, "ssap": p.ssap, "control": p.ctrl}


def snap(p):
    return {"oui": p.OUI, "pid": p.code}


def session(p):
    ppp = p.payload
    own = pppoe(p)
    own["protocol"] = ppp.proto
    if ppp.proto == 0x0281:
        return own, MPLS(bytes(ppp.payload))
    return own, ppp.payload


def pppoe(p):
    return {
        "version": p.version, "type": p.type, "code": p.code, "session_id": p.sessionid,
        "length": p.len,
    }


def tag(t):
    names = {
        0x0000: "end_of_list", 0x0101: "service_name", 0x0102: "ac_name", 0x0103: "host_uniq",
        0x0104: "ac_cookie", 0x0105: "vendor_specific", 0x0110: "relay_session_id",
    }
    name = names.get(t.tag_type, "tag")
    own = {"header": name, "type": t.tag_type, "length": t.tag_len}
    value = bytes(t.tag_value) if t.tag_value else b""
    if name == "vendor_specific":
        own["vendor"], value = int.from_bytes(value[:4], "big"), value[4:]
    if name != "end_of_list":
        own["name" if name.endswith("_name") else "value"] = value
    return own


def discovery(p):
    own = pppoe(p)
    own["tags"] = [tag(one) for one in p.payload.tag_list]
    return own, None


def state(prefix, value):
    names = ["expired", "defaulted", "distributing", "collecting", "synchronization",
             "aggregation", "timeout", "activity"]
    return {prefix + name: value >> 7 - n & 1 for n, name in enumerate(names)}


def number(value):
    return int.from_bytes(value, "big") if isinstance(value, bytes) else value


def slow(p):
    lacp = p.payload
    if not isinstance(lacp, LACP):
        return {"subtype": p.subtype}, None
    own = {"subtype": p.subtype, "version": lacp.version}
    for side in ("actor_", "partner_"):
        for ours, theirs in (
            ("type", "type"), ("length", "length"), ("system_priority", "system_priority"),
            ("key", "key"), ("port_priority", "port_priority"), ("port", "port_number"),
            ("reserved", "reserved"),
        ):
            own[side + ours] = number(lacp.getfieldval(side + theirs))
        own[side + "system"] = mac(lacp.getfieldval(side + "system"))
        own.update(state(side, lacp.getfieldval(side + "state")))
    for key in ("type", "length", "max_delay"):
        own["collector_" + key] = lacp.getfieldval("collector_" + key)
    reserved = lacp.collector_reserved
    own["collector_reserved1"] = number(reserved[:8])
    own["collector_reserved2"] = number(reserved[8:])
    own["terminator_type"] = lacp.terminator_type
    own["terminator_length"] = lacp.terminator_length
    rest = bytes(lacp)[-50:]
    for n in range(4):
        own["reserved%d" % (n + 1)] = number(rest[n * 16:n * 16 + 16])
    return own, None


def tlv(p):
    kind = p._type
    own = {"type": kind, "length": p._length}
    name = {0: "end", 3: "ttl", 4: "port_description", 5: "system_name",
            6: "system_description", 7: "capabilities", 127: "organisational"}.get(kind, "tlv")
    if kind in (1, 2):
        own["subtype"] = p.subtype
        what = "chassis" if kind == 1 else "port"
        if (kind, p.subtype) in ((1, 4), (2, 3)):
            name, own["mac"] = what + "_mac", mac(p.id)
        else:
            name, own["id"] = what + "_id", bytes(p.id)
    elif kind == 3:
        own["seconds"] = p.ttl
    elif kind in (4, 5, 6):
        fields = {4: "description", 5: "system_name", 6: "description"}
        own["text"] = bytes(p.getfieldval(fields[kind]))
    elif kind == 7:
        value = int.from_bytes(bytes(p)[2:6], "big")
        own["supported"], own["enabled"] = value >> 16, value & 0xffff
    elif kind == 8:
        name = "management_ipv" + {1: "4", 2: "6"}[p.management_address_subtype]
        own.update({
            "address_length": p._management_address_string_length,
            "subtype": p.management_address_subtype, "address": number(p.management_address),
            "interface_subtype": p.interface_numbering_subtype,
            "interface": p.interface_number, "oid_length": p._oid_string_length,
            "oid": bytes(p.object_id),
        })
    elif kind == 127:
        own.update({"oui": p.org_code, "subtype": p.subtype, "value": bytes(p.data)})
    elif kind != 0:
        own["value"] = bytes(p)[2:2 + p._length]
    own["header"] = name
    return own


def lldp(p):
    p, tlvs = p.payload, []
    while isinstance(p, LLDPDU):
        tlvs.append(tlv(p))
        p = p.payload
    # scapy stops at a type that the standard reserves.
    rest = bytes(p)
    while tlvs[-1]["header"] != "end" and rest:
        kind, length = rest[0] >> 1, (rest[0] & 1) << 8 | rest[1]
        one = {"header": "tlv" if kind else "end", "type": kind, "length": length}
        tlvs.append({**one, "value": rest[2:2 + length]} if kind else one)
        rest = rest[2 + length:]
    return {"tlvs": tlvs}, None


def mac_control(p):
    p = p.payload
    if isinstance(p, MACControlPause):
        return {"header": "pause", "opcode": p._op_code, "quanta": p.pause_time}, None
    own = {"header": "pfc", "opcode": p._op_code, "reserved": p._reserved}
    for n in range(8):
        own["enable%d" % n] = p.getfieldval("c%d_enabled" % n)
        own["time%d" % n] = p.getfieldval("c%d_pause_time" % n)
    return own, None


READERS = [
    (Dot3, "ethernet", dot3), (MPLS, "mpls", mpls), (EoMCW, "control_word", control_word),
    (ARP, "arp", arp), (LLC, "llc", llc), (SNAP, "snap", snap), (PPPoE, "pppoe", session),
    (PPPoED, "pppoe_discovery", discovery), (SlowProtocol, "lacp", slow),
    (MACControl, "mac_control", mac_control), (LLDPDU, "lldp", lldp),
]
