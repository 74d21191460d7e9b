"""Messages inside UDP, and headers of raw bytes."""

from scapy.layers.dhcp import BOOTP
from scapy.layers.dhcp6 import DHCP6_Solicit
from scapy.layers.dns import DNS, DNSQR, DNSRROPT
from scapy.layers.ntp import NTPHeader
from scapy.packet import NoPayload, Packet, Padding

from .base import address, mac


def name_of(text):
    """A name that scapy decoded, as labels with their lengths."""
    labels = [label for label in text.split(b".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def chain(record):
    """scapy keeps the records of a section as payloads of each other, newer ones in a list."""
    if isinstance(record, list):
        yield from record
        return
    while isinstance(record, Packet) and not isinstance(record, (NoPayload, Padding)):
        yield record
        record = record.payload


def resource(record, section):
    rdata = record.rdata
    own = {"compressed": 3, "name": 12, "type": record.type, "class": record.rclass,
           "ttl": record.ttl, "rdlength": record.rdlen}
    assert name_of(record.rrname) == b"\3www\7example\3net\0", record.rrname
    if section == "an" and record.type in (1, 28):
        return {**own, "header": "a" if record.type == 1 else "aaaa", "address": address(rdata)}
    header = {"an": "answer", "ns": "authority", "ar": "additional"}[section]
    if isinstance(rdata, list):
        rdata = b"".join(bytes([len(text)]) + text for text in rdata)
    elif record.type == 1:
        rdata = address(rdata).to_bytes(4, "big")
    elif record.type == 2:
        # ns, and a pointer to example.net.
        assert rdata == b"ns.example.net.", rdata
        rdata = b"\2ns\xc0\x10"
    # scapy forgets the length where it takes a name out of the data.
    length = len(rdata) if record.rdlen is None else record.rdlen
    return {**own, "header": header, "rdlength": length, "rdata": rdata}


def dns(p):
    flags = ["qr", "opcode", "aa", "tc", "rd", "ra", "z", "ad", "cd", "rcode", "qdcount",
             "ancount", "nscount", "arcount"]
    own = {"id": p.id, **{flag: getattr(p, flag) for flag in flags}}
    records = []
    for section in ("qd", "an", "ns", "ar"):
        for record in chain(getattr(p, section)):
            if isinstance(record, DNSQR):
                records.append({"header": "question", "name": name_of(record.qname),
                                "type": record.qtype, "class": record.qclass})
            elif isinstance(record, DNSRROPT):
                records.append({
                    "header": "edns", "name": len(record.rrname.strip(b".")),
                    "type": record.type, "udp_size": record.rclass,
                    "extended_rcode": record.extrcode, "version": record.version,
                    "do": int(record.z) >> 15, "z": int(record.z) & 0x7fff,
                    "rdlength": record.rdlen, "rdata": b"".join(map(bytes, record.rdata)),
                })
            else:
                records.append(resource(record, section))
    return {**own, "records": records}, None


# Options whose value scapy hands out as bytes or numbers: its name for them, our header, our code.
DHCP_NAMES = {
    "message-type": ("message_type", 53), "client_id": ("client_id", 61),
    "hostname": ("hostname", 12), "param_req_list": ("parameter_list", 55),
    "requested_addr": ("requested_address", 50), "server_id": ("server_id", 54),
    "lease_time": ("lease_time", 51), "max_dhcp_size": ("option", 57),
}


def dhcp_option(option):
    if option == "end":
        return {"header": "end", "type": 255}
    if option == "pad":
        return {"header": "pad", "type": 0}
    name, value = option[0], option[1]
    header, code = DHCP_NAMES[name]
    own = {"header": header, "type": code}
    if header == "message_type":
        return {**own, "length": 1, "message": value}
    if header == "client_id":
        return {**own, "length": len(value), "hardware_type": value[0],
                "mac": int.from_bytes(value[1:], "big")}
    if header == "hostname":
        return {**own, "length": len(value), "name": value}
    if header == "parameter_list":
        codes = bytes(option[1:]) if len(option) > 2 else bytes(value)
        return {**own, "length": len(codes), "codes": codes}
    if header in ("requested_address", "server_id"):
        return {**own, "length": 4, "address": address(value)}
    if header == "lease_time":
        return {**own, "length": 4, "seconds": value}
    return {**own, "length": 2, "data": value.to_bytes(2, "big")}


def dhcp(p):
    flags = int(p.flags)
    return {
        "op": p.op, "hardware_type": p.htype, "hardware_length": p.hlen, "hops": p.hops,
        "xid": p.xid, "seconds": p.secs, "broadcast": flags >> 15, "reserved": flags & 0x7fff,
        "client_address": address(p.ciaddr), "your_address": address(p.yiaddr),
        "server_address": address(p.siaddr), "relay_address": address(p.giaddr),
        "client_mac": int.from_bytes(p.chaddr[:6], "big"),
        "padding": int.from_bytes(p.chaddr[6:8], "big"),
        "padding2": int.from_bytes(p.chaddr[8:16], "big"),
        "sname_file_cookie": p.sname + p.file + b"c\x82Sc",
        "options": [dhcp_option(option) for option in p.payload.options],
    }, None


def dhcpv6_option(p):
    own = {"type": p.optcode, "length": p.optlen}
    if p.optcode == 1:
        return {**own, "header": "client_id", "duid_type": p.duid.type,
                "hardware_type": p.duid.hwtype, "mac": mac(p.duid.lladdr)}
    if p.optcode == 3:
        return {**own, "header": "ia_na", "iaid": p.iaid, "t1": p.T1, "t2": p.T2,
                "options": b"".join(map(bytes, p.ianaopts))}
    if p.optcode == 6:
        codes = b"".join(code.to_bytes(2, "big") for code in p.reqopts)
        return {**own, "header": "oro", "codes": codes}
    if p.optcode == 8:
        return {**own, "header": "elapsed_time", "hundredths": p.elapsedtime}
    if p.optcode == 14:
        return {**own, "header": "rapid_commit"}
    return {**own, "header": "option", "data": bytes(p)[4:4 + p.optlen]}


def dhcpv6(p):
    options, layer = [], p.payload
    while hasattr(layer, "optcode"):
        options.append(dhcpv6_option(layer))
        layer = layer.payload
    return {"type": p.msgtype, "transaction": p.trid, "options": options}, None


def ntp(p):
    def fixed(name, bits):
        # The number as it stands in the message.
        return int(p.getfieldval(name)) & (1 << bits) - 1
    reference_id = p.ref_id if p.stratum < 2 else p.id
    if isinstance(reference_id, bytes):
        reference_id = int.from_bytes(reference_id, "big")
    elif isinstance(reference_id, str):
        reference_id = address(reference_id)
    return {
        "leap": p.leap, "version": p.version, "mode": p.mode, "stratum": p.stratum,
        "poll": p.poll & 255, "precision": p.precision & 255,
        "root_delay": fixed("delay", 32), "root_dispersion": fixed("dispersion", 32),
        "reference_id": reference_id, "reference": fixed("ref", 64), "origin": fixed("orig", 64),
        "receive": fixed("recv", 64), "transmit": fixed("sent", 64),
    }


READERS = [
    (DNS, "dns", dns), (BOOTP, "dhcp", dhcp), (DHCP6_Solicit, "dhcpv6", dhcpv6),
    (NTPHeader, "ntp", ntp),
]

UNREAD = {
    "raw": "bytes of your own",
}
