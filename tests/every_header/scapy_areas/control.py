"""ICMP errors, neighbour discovery, group management."""

import socket

from scapy.contrib.igmp import IGMP
from scapy.contrib.igmpv3 import IGMPv3, IGMPv3mq, IGMPv3mr
from scapy.layers.inet import ICMP, ICMPerror, IPerror, TCPerror, UDPerror
from scapy.layers.inet6 import (
    ICMPv6DestUnreach, ICMPv6MLDone, ICMPv6MLQuery, ICMPv6MLQuery2, ICMPv6MLReport,
    ICMPv6MLReport2, ICMPv6ND_NA, ICMPv6ND_NS, ICMPv6ND_RA, ICMPv6ND_Redirect, ICMPv6ND_RS,
    ICMPv6NDOptDstLLAddr, ICMPv6NDOptMTU, ICMPv6NDOptPrefixInfo, ICMPv6NDOptRDNSS,
    ICMPv6MLDMultAddrRec, ICMPv6NDOptRedirectedHdr, ICMPv6NDOptSrcLLAddr, ICMPv6PacketTooBig,
    ICMPv6ParamProblem, ICMPv6TimeExceeded, IPerror6,
)
from scapy.packet import NoPayload, Raw

from .base import address, icmp, ipv4, ipv6, mac, tcp, udp


def ipv4_list(texts):
    return b"".join(socket.inet_aton(text) for text in texts)


def ipv6_list(texts):
    return b"".join(socket.inet_pton(socket.AF_INET6, text) for text in texts)


def icmp_message(p):
    """scapy has one class for all types: the header's name depends on the type."""
    own = {"type": p.type, "code": p.code, "checksum": p.chksum}
    if p.type == 3:
        own.update(header="icmp_unreachable", unused=p.reserved, length=p.length,
                   next_hop_mtu=p.nexthopmtu)
    elif p.type == 5:
        own.update(header="icmp_redirect", gateway=address(p.gw))
    elif p.type == 11:
        own.update(header="icmp_time_exceeded", unused=p.reserved, length=p.length,
                   unused2=p.unused)
    elif p.type == 12:
        own.update(header="icmp_parameter_problem", pointer=p.ptr, length=p.length,
                   unused=p.unused)
    elif p.type in (13, 14):
        own.update(header="icmp_timestamp", id=p.id, seq=p.seq, originate=p.ts_ori,
                   receive=p.ts_rx, transmit=p.ts_tx)
    else:
        own.update(icmp(p))
    return own


def code(p):
    return {"type": p.type, "code": p.code, "checksum": p.cksum}


def with_length(p):
    return {**code(p), "length": p.length, "unused": p.unused}


def packet_too_big(p):
    return {**code(p), "mtu": p.mtu}


def parameter_problem(p):
    return {**code(p), "pointer": p.ptr}


def nd_option(p):
    own = {"type": p.type, "length": p.len}
    kind = type(p)
    if kind in (ICMPv6NDOptSrcLLAddr, ICMPv6NDOptDstLLAddr):
        source = kind is ICMPv6NDOptSrcLLAddr
        return {**own, "header": "source_link_layer" if source else "target_link_layer",
                "mac": mac(p.lladdr)}
    if kind is ICMPv6NDOptMTU:
        return {**own, "header": "mtu", "reserved": p.res, "mtu": p.mtu}
    if kind is ICMPv6NDOptPrefixInfo:
        return {**own, "header": "prefix_information", "prefix_length": p.prefixlen,
                "on_link": p.L, "autonomous": p.A, "router_address": p.R, "reserved": p.res1,
                "valid_lifetime": p.validlifetime, "preferred_lifetime": p.preferredlifetime,
                "reserved2": p.res2, "prefix": address(p.prefix)}
    if kind is ICMPv6NDOptRDNSS:
        return {**own, "header": "rdnss", "reserved": p.res, "lifetime": p.lifetime,
                "servers": ipv6_list(p.dns)}
    if kind is ICMPv6NDOptRedirectedHdr:
        return {**own, "header": "redirected_header",
                "reserved": int.from_bytes(p.res, "big"), "packet": bytes(p.pkt)}
    raise ValueError(kind)


def nd_options(p):
    options, layer = [], p.payload
    while not isinstance(layer, NoPayload):
        if isinstance(layer, Raw):
            # scapy has no class for it. The profile says what is not padding: 3 or 6 bytes.
            kind, length, *data = layer.load
            data = bytes(data[:length * 8 - 2])
            data = data[:3] if data[3:] == b"\0\0\0" else data
            options.append({"header": "option", "type": kind, "length": length, "data": data})
            break
        options.append(nd_option(layer))
        layer = layer.payload
    return options


def nd(own):
    def read(p):
        return {**code(p), **own(p), "options": nd_options(p)}, None
    return read


def router_advertisement(p):
    return {"hop_limit": p.chlim, "managed": p.M, "other": p.O, "home_agent": p.H,
            "preference": p.prf, "proxy": p.P, "reserved": p.res, "lifetime": p.routerlifetime,
            "reachable_time": p.reachabletime, "retransmit_timer": p.retranstimer}


def neighbour_advertisement(p):
    return {"router": p.R, "solicited": p.S, "override": p.O, "reserved": p.res,
            "target": address(p.tgt)}


def igmp(p):
    # Versions 1 and 2; scapy has one class for both.
    names = {0x11: "igmp_query", 0x12: "igmpv1_report", 0x16: "igmpv2_report", 0x17: "igmp_leave"}
    return {"header": names[p.type], "type": p.type, "max_response": p.mrcode,
            "checksum": p.chksum, "group": address(p.gaddr)}


def igmpv3(p):
    body = p.payload
    if isinstance(body, IGMPv3mq):
        return {"header": "igmpv3_query", "type": p.type, "max_response": p.mrcode,
                "checksum": p.chksum, "group": address(body.gaddr), "reserved": body.resv,
                "suppress": body.s, "robustness": body.qrv, "interval": body.qqic,
                "number_of_sources": body.numsrc, "sources": ipv4_list(body.srcaddrs)}, None
    assert isinstance(body, IGMPv3mr), body
    records = [
        {"header": "record", "type": one.rtype, "auxiliary_length": one.auxdlen,
         "number_of_sources": one.numsrc, "group": address(one.maddr),
         "sources": ipv4_list(one.srcaddrs)} for one in body.records
    ]
    return {"header": "igmpv3_report", "type": p.type, "reserved": p.mrcode,
            "checksum": p.chksum, "reserved2": body.res2, "number_of_records": body.numgrp,
            "records": records}, None


def mld(p):
    return {**code(p), "max_response": p.mrd, "reserved": p.reserved, "group": address(p.mladdr)}


def mldv2_query(p):
    return {**mld(p), "reserved2": p.Resv, "suppress": p.S, "robustness": p.QRV,
            "interval": p.QQIC, "number_of_sources": p.sources_number,
            "sources": ipv6_list(p.sources)}


def mldv2_records(p):
    # Each may have the next one as its payload.
    for one in p.records:
        while isinstance(one, ICMPv6MLDMultAddrRec):
            yield one
            one = one.payload


def mldv2_report(p):
    records = [
        {"header": "record", "type": one.rtype, "auxiliary_length": one.auxdata_len,
         "number_of_sources": one.sources_number, "group": address(one.dst),
         "sources": ipv6_list(one.sources)} for one in mldv2_records(p)
    ]
    return {"type": p.type, "reserved": p.res, "checksum": p.cksum, "reserved2": p.reserved,
            "number_of_records": p.records_number, "records": records}


READERS = [
    (ICMP, "icmp", icmp_message), (ICMPerror, "icmp", icmp_message), (IPerror, "ipv4", ipv4),
    (IPerror6, "ipv6", ipv6), (UDPerror, "udp", udp), (TCPerror, "tcp", tcp),
    (ICMPv6DestUnreach, "icmpv6_unreachable", with_length),
    (ICMPv6PacketTooBig, "icmpv6_packet_too_big", packet_too_big),
    (ICMPv6TimeExceeded, "icmpv6_time_exceeded", with_length),
    (ICMPv6ParamProblem, "icmpv6_parameter_problem", parameter_problem),
    (ICMPv6ND_RS, "router_solicitation", nd(lambda p: {"reserved": p.res})),
    (ICMPv6ND_RA, "router_advertisement", nd(router_advertisement)),
    (ICMPv6ND_NS, "neighbour_solicitation",
     nd(lambda p: {"reserved": p.res, "target": address(p.tgt)})),
    (ICMPv6ND_NA, "neighbour_advertisement", nd(neighbour_advertisement)),
    (ICMPv6ND_Redirect, "icmpv6_redirect",
     nd(lambda p: {"reserved": p.res, "target": address(p.tgt), "destination": address(p.dst)})),
    (IGMP, "igmp_query", igmp), (IGMPv3, "igmpv3_query", igmpv3),
    (ICMPv6MLQuery, "mld_query", mld), (ICMPv6MLReport, "mld_report", mld),
    (ICMPv6MLDone, "mld_done", mld), (ICMPv6MLQuery2, "mldv2_query", mldv2_query),
    (ICMPv6MLReport2, "mldv2_report", mldv2_report),
]
