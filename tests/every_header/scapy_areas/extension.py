"""IPv6 extension headers, and the options of IPv4 and IPv6."""

import ipaddress

from scapy.layers import inet
from scapy.layers.inet6 import (
    HBHOptUnknown, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, IPv6ExtHdrRouting,
    IPv6ExtHdrSegmentRouting, Jumbo, Pad1, PadN, RouterAlert,
)
from scapy.layers.ipsec import AH


def addresses(texts):
    return b"".join(ipaddress.ip_address(text).packed for text in texts)


def ipv4_option(option, raw):
    kind = option.copy_flag << 7 | option.optclass << 5 | option.option
    read = {"type": kind}
    if isinstance(option, (inet.IPOption_EOL, inet.IPOption_NOP)):
        return {"header": "nop" if kind == 1 else "eol", **read}
    read["length"] = option.length
    if isinstance(option, inet.IPOption_RR):
        # Strict and loose source routes are made of the record route.
        names = {7: "record_route", 131: "loose_source_route", 137: "strict_source_route"}
        route = addresses(option.routers)
        return {"header": names[kind], **read, "pointer": option.pointer, "route": route}
    if isinstance(option, inet.IPOption_Timestamp):
        names = {
            0: ("timestamp", "times"), 1: ("timestamp_addresses", "entries"),
            3: ("timestamp_prespecified", "addresses"),
        }
        name, places = names[option.flg]
        return {
            "header": name, **read, "pointer": option.pointer, "overflow": option.oflw,
            "flag": option.flg, places: raw[4:option.length],
        }
    if isinstance(option, inet.IPOption_Security) and option.length == 11:
        return {
            "header": "security", **read, "security": option.security,
            "compartments": option.compartment, "handling": option.handling_restrictions,
            "transmission_control": int.from_bytes(option.transmission_control_code, "big"),
        }
    if kind == 130:
        return {"header": "basic_security", **read, "level": raw[2], "authorities": raw[3:]}
    if isinstance(option, inet.IPOption_Router_Alert):
        return {"header": "router_alert", **read, "value": option.alert}
    if isinstance(option, inet.IPOption_Stream_Id):
        return {"header": "stream_id", **read, "id": option.security}
    return {"header": "raw", **read, "data": option.value}


def ipv4_options(options):
    read = []
    for n, option in enumerate(options):
        # Of a timestamp's places scapy takes the first, and the others for more options.
        timestamp = isinstance(option, inet.IPOption_Timestamp)
        end = None if timestamp else n + 1
        read.append(ipv4_option(option, b"".join(bytes(one) for one in options[n:end])))
        if timestamp:
            break
    return read


def ipv6_option(option):
    read = {"type": option.otype}
    if isinstance(option, Pad1):
        return {"header": "pad1", **read}
    read["length"] = option.optlen
    if isinstance(option, RouterAlert):
        return {"header": "router_alert", **read, "value": option.value}
    if isinstance(option, Jumbo):
        return {"header": "jumbo_payload", **read, "payload_length": option.jumboplen}
    if isinstance(option, PadN):
        return {"header": "pad_n", **read, "data": option.optdata}
    name = "experiment" if option.otype == 0x1e else "raw"
    return {"header": name, **read, "data": option.optdata}


def without_padding(options):
    """The padding up to the header's end is an option too, which the profile does not name."""
    padded = options and options[-1]["header"] in ("pad1", "pad_n")
    return options[:-1] if padded else options


def options_header(p):
    options = [ipv6_option(one) for one in p.options]
    return {"next_header": p.nh, "length": p.len, "options": without_padding(options)}


def routing(p):
    read = {
        "next_header": p.nh, "length": p.len, "type": p.type, "segments_left": p.segleft,
        "reserved": p.reserved,
    }
    if p.type == 2:
        home = int(ipaddress.ip_address(p.addresses[0]))
        return {**read, "header": "routing_type2", "home_address": home}
    return {**read, "header": "routing_type0", "addresses": addresses(p.addresses)}


def tlvs(objects):
    """scapy gives Pad1 a length, and takes the hash of an HMAC for shorter than it is: only the
    bytes that it takes for TLVs are its own here, their borders are those of RFC 8754 section 2.1.
    """
    rest, read = b"".join(bytes(one) for one in objects), []
    while rest:
        if rest[0] == 0:
            read.append({"header": "pad1", "type": 0})
            rest = rest[1:]
            continue
        fields = {"type": rest[0], "length": rest[1]}
        data, rest = rest[2:2 + rest[1]], rest[2 + rest[1]:]
        if fields["type"] == 5:
            flags = int.from_bytes(data[:2], "big")
            read.append({
                "header": "hmac", **fields, "d": flags >> 15, "reserved": flags & 0x7fff,
                "key_id": int.from_bytes(data[2:6], "big"), "hmac": data[6:],
            })
        else:
            name = "pad_n" if fields["type"] == 4 else "raw"
            read.append({"header": name, **fields, "data": data})
    return without_padding(read)


def segment_routing(p):
    flags = (
        p.unused1 << 7 | p.protected << 6 | p.oam << 5 | p.alert << 4 | p.hmac << 3 | p.unused2
    )
    return {
        "next_header": p.nh, "length": p.len, "type": p.type, "segments_left": p.segleft,
        "last_entry": p.lastentry, "flags": flags, "tag": p.tag,
        "segments": addresses(p.addresses), "tlvs": tlvs(p.tlv_objects),
    }


def fragment(p):
    return {
        "next_header": p.nh, "reserved": p.res1, "fragment_offset": p.offset, "reserved2": p.res2,
        "mf": p.m, "id": p.id,
    }


def ah(p):
    fields = {
        "next_header": p.nh, "length": p.payloadlen, "reserved": p.reserved, "spi": p.spi,
        "sequence": p.seq, "icv": p.icv + (p.padding or b""),
    }
    # scapy goes on only where it can check the ICV.
    following = {6: inet.TCP, 17: inet.UDP}.get(p.nh)
    return fields, following(bytes(p.payload)) if following else None


READERS = [
    (IPv6ExtHdrHopByHop, "hop_by_hop", options_header),
    (IPv6ExtHdrDestOpt, "destination_options", options_header),
    (IPv6ExtHdrRouting, "routing_type0", routing),
    (IPv6ExtHdrSegmentRouting, "srh", segment_routing),
    (IPv6ExtHdrFragment, "fragment", fragment),
    (AH, "ah", ah),
]
