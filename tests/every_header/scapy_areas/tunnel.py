"""What carries other packets."""

from scapy.contrib.geneve import GENEVE, GeneveOptions
from scapy.contrib.gtp import GTP_U_Header, GTPPDUSessionContainer
from scapy.contrib.mpls import MPLS
from scapy.layers.inet import UDP
from scapy.layers.l2 import GRE
from scapy.layers.l2tp import L2TP
from scapy.layers.ppp import HDLC
from scapy.layers.vxlan import VXLAN
from scapy.packet import bind_bottom_up

bind_bottom_up(UDP, GRE, dport=4754)
bind_bottom_up(UDP, L2TP, dport=1701)
bind_bottom_up(UDP, GTP_U_Header, dport=2152)


def gre(p):
    own = {
        "checksum_present": p.chksum_present, "reserved0": p.routing_present,
        "key_present": p.key_present, "sequence_present": p.seqnum_present,
        "reserved1": p.strict_route_source << 8 | p.recursion_control << 5 | p.flags,
        "version": p.version, "protocol": p.proto,
    }
    if p.chksum_present:
        own.update({"checksum": p.chksum, "reserved2": p.offset})
    if p.key_present:
        own["key"] = p.key
    if p.seqnum_present:
        own["sequence"] = p.sequence_number
    return own


def vxlan(p):
    raw = bytes(p)
    return {"flags": raw[0], "reserved1": p.reserved1, "vni": p.vni, "reserved2": p.reserved2}


def options_of(p):
    # scapy takes what follows the first option for its payload.
    for option in p.options:
        yield option
        rest = bytes(option.payload)
        while rest:
            option = GeneveOptions(rest)
            yield option
            rest = bytes(option.payload)


def geneve(p):
    options = [{
        "header": "option", "class": one.classid, "critical": one.type >> 7,
        "type": one.type & 127, "reserved": one.reserved, "length": one.length, "data": one.data,
    } for one in options_of(p)]
    return {
        "version": p.version, "options_length": p.optionlen, "control": p.oam,
        "critical": p.critical, "reserved1": p.reserved, "protocol": p.proto, "vni": p.vni,
        "reserved2": p.reserved2, "options": options,
    }


def gtpu(p):
    own = {
        "version": p.version, "protocol_type": p.PT, "reserved": p.reserved,
        "extension_flag": p.E, "sequence_flag": p.S, "n_pdu_flag": p.PN,
        "message_type": p.gtp_type, "length": p.length, "teid": p.teid, "extensions": [],
    }
    if p.E or p.S or p.PN:
        own.update({"sequence": p.seq, "n_pdu": p.npdu, "next_extension": p.next_ex})
    following = p.payload
    while isinstance(following, GTPPDUSessionContainer):
        raw = bytes(following)
        own["extensions"].append({
            "header": "pdu_session_container", "length": following.ExtHdrLen,
            "pdu_type": following.type, "spare": raw[1] & 15, "ppp": following.PPP,
            "rqi": following.RQI, "qfi": following.QFI, "next_extension": following.NextExtHdr,
        })
        following = following.payload
    return own, following


def l2tp(p):
    raw = p.original
    flags = raw[0] << 4 | raw[1] >> 4
    own = {
        "type": flags >> 11, "length_present": flags >> 10 & 1, "reserved1": flags >> 8 & 3,
        "sequence_present": flags >> 7 & 1, "reserved2": flags >> 6 & 1,
        "offset_present": flags >> 5 & 1, "priority": flags >> 4 & 1, "reserved3": flags & 15,
        "version": p.version, "tunnel_id": p.tunnel_id, "session_id": p.session_id,
        "offset_pad": b"",
    }
    if own["length_present"]:
        own["length"] = p.len
    if own["sequence_present"]:
        own.update({"ns": p.ns, "nr": p.nr})
    if own["offset_present"]:
        own["offset"] = p.offset
        # scapy passes over the pad.
        at = 8 + 2 * own["length_present"] + 4 * own["sequence_present"]
        own["offset_pad"] = raw[at:at + p.offset]
    return own


def ppp(p):
    inner = p.payload
    own = {"address": p.address, "control": p.control, "protocol": inner.proto}
    if inner.proto == 0x0281:
        return own, MPLS(bytes(inner.payload))
    return own, inner.payload


READERS = [
    (GRE, "gre", gre), (VXLAN, "vxlan", vxlan), (GENEVE, "geneve", geneve),
    (GTP_U_Header, "gtpu", gtpu), (L2TP, "l2tp", l2tp), (HDLC, "ppp", ppp),
]

UNREAD = {
    "l2tpv3": "scapy has no layer for version 3",
    "l2tpv3_udp": "scapy has no layer for version 3",
}
