//! ICMP errors, neighbour discovery, group management, and messages inside UDP: bytes worked by
//! hand from the RFCs, and where the packets go.

mod packets;

use packets::{packet, program};
use wirestorm::packet::dissect::dissect;
use wirestorm::profile::model::{Payload, Profile, Stream};
use wirestorm::profile::{self, safety};

/// A profile of one untagged stream of that header stack.
fn parse(stack: &str, size: Option<u32>) -> Profile {
    let size = size.map_or(String::new(), |size| format!("size: {size}B, "));
    let stream = format!("{{rate: 1kpps, tag: false, {size}packet: {stack}}}");
    let text = format!("lab: b2b\nstreams:\n- {stream}\n");
    profile::parse("stack.yaml", &text, &[]).unwrap_or_else(|errors| panic!("{stack}: {errors}"))
}

/// Packet `n` of a stack, with a payload of zeros.
fn frame_of(stack: &str, size: Option<u32>, n: u64) -> Vec<u8> {
    let stream = parse(stack, size).streams.remove(0);
    packet(&program(Stream { payload: Payload::Fill(0), ..stream }), n)
}

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal");
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// The frame, up to where `expected` ends; what follows is padding.
#[track_caller]
fn check_frame(frame: &[u8], from: usize, expected: &str) {
    let expected = bytes_of(expected);
    let (found, rest) = frame[from..].split_at(expected.len());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(found), hex(&expected));
    assert!(rest.iter().all(|byte| *byte == 0), "behind it: {}", hex(rest));
}

/// A whole message, from the frame's first byte on.
#[track_caller]
fn check(stack: &str, expected: &str) {
    check_frame(&frame_of(stack, None, 0), 0, expected);
}

/// RFC 792: type, code, checksum, four bytes, and the datagram that is quoted, header and all.
#[test]
fn an_error_quotes_a_datagram() {
    let stack = "[ipv4, icmp_unreachable: {code: 4, next_hop_mtu: 1400}, ipv4, udp]";
    check_frame(
        &frame_of(stack, Some(74), 0),
        12,
        "0800 4500 0038 0000 4000 40 01 ad9d c6120001 c6120102 \
         03 04 84c5 00 00 0578 \
         4500 001c 0000 4000 40 11 ada9 c6120001 c6120102 c000 0009 0008 b2ac",
    );
    // RFC 4443 §3.2.
    check_frame(
        &frame_of("[ipv6, icmpv6_packet_too_big: {mtu: 1400}, ipv6, udp]", Some(114), 0),
        12,
        "86dd 6000 0000 0038 3a 40 20010002000000000000000000000001 \
         20010002000000010000000000000002 02 00 46dc 00000578 \
         6000 0000 0008 11 40 20010002000000000000000000000001 \
         20010002000000010000000000000002 c000 0009 0008 ffca",
    );
}

/// RFC 4861 §4: hop limit 255, the groups of all routers, of all nodes, of the target; the source
/// of an advertisement of a router is link-local.
#[test]
fn neighbour_discovery_goes_to_its_groups() {
    check(
        "[ipv6, router_solicitation]",
        "333300000002 020000000001 86dd 6000 0000 0010 3a ff \
         20010002000000000000000000000001 ff020000000000000000000000000002 \
         85 00 58aa 00000000 0101 020000000001",
    );
    check(
        "[ipv6, router_advertisement]",
        "333300000001 020000000001 86dd 6000 0000 0018 3a ff \
         fe80000000000000000000fffe000001 ff020000000000000000000000000001 \
         86 00 331d 40 00 0708 00000000 00000000 0101 020000000001",
    );
    check(
        "[ipv6, neighbour_solicitation]",
        "3333ff000002 020000000001 86dd 6000 0000 0020 3a ff \
         20010002000000000000000000000001 ff0200000000000000000001ff000002 \
         87 00 3792 00000000 20010002000000010000000000000002 0101 020000000001",
    );
    check(
        "[ipv6, neighbour_advertisement]",
        "333300000001 020000000001 86dd 6000 0000 0020 3a ff \
         20010002000000000000000000000001 ff020000000000000000000000000001 \
         88 00 1497 20000000 20010002000000000000000000000001 0201 020000000001",
    );
    // The answer to a solicitation goes to whom asked, by the next hop.
    let solicited = frame_of("[ipv6, neighbour_advertisement: {solicited: 1}]", None, 0);
    check_frame(&solicited[..6], 0, "020000000006");
    check_frame(&solicited[38..54], 0, "20010002000000010000000000000002");
}

/// Options are padded to units of 8 bytes (RFC 4861 §4.6), and their lengths say so.
#[test]
fn options_of_neighbour_discovery_have_units_of_eight_bytes() {
    check(
        "[ipv6, router_advertisement: {options: [mtu: {mtu: 1400}, prefix_information, \
         rdnss: {servers: ['2001:2::53']}, option: {type: 253, data: c0ffee}]}]",
        "333300000001 020000000001 86dd 6000 0000 0058 3a ff \
         fe80000000000000000000fffe000001 ff020000000000000000000000000001 \
         86 00 138a 40 00 0708 00000000 00000000 05 01 0000 00000578 \
         03 04 40 c0 00278d00 00093a80 00000000 20010002000000000000000000000000 \
         19 03 0000 00000708 20010002000000000000000000000053 fd 01 c0ffee 000000",
    );
}

/// A group and its MAC follow what the message is about, packet by packet.
#[test]
fn destinations_follow_fields_that_change() {
    let ns = "[ipv6, neighbour_solicitation: {target: {increment: '2001:2::10', count: 9}}]";
    let report = "[ipv4, igmpv2_report: {group: {increment: 233.252.0.1, count: 9}}]";
    let listener = "[ipv6, mld_report: {group: ['ff0e::db8:0:1', 'ff05::db8:0:2']}]";
    for n in [0u8, 1] {
        let frame = frame_of(ns, None, n.into());
        check_frame(&frame[..6], 0, &format!("3333ff0000{:02x}", 0x10 + n));
        check_frame(&frame[38..54], 0, &format!("ff0200000000000000000001ff0000{:02x}", 0x10 + n));
        check_frame(&frame[62..78], 0, &format!("200100020000000000000000000000{:02x}", 0x10 + n));
        let frame = frame_of(report, None, n.into());
        check_frame(&frame[..6], 0, &format!("01005e7c00{:02x}", 1 + n));
        check_frame(&frame[30..34], 0, &format!("e9fc00{:02x}", 1 + n));
        let frame = frame_of(listener, None, n.into());
        check_frame(&frame[..6], 0, &format!("3333000000{:02x}", 1 + n));
        check_frame(&frame[38..54], 0, &hex_of_group(n));
        check_frame(&frame[62..78], 0, &hex_of_group(n));
    }
    // Where it cannot follow, the profile says where the packet goes.
    let random = "[ipv6: {dst: 'ff02::1'}, neighbour_solicitation: {target: {random: \
                  '2001:2::1..2001:2::ffff'}}]";
    check_frame(&frame_of(random, None, 0)[..6], 0, "333300000001");
}

fn hex_of_group(n: u8) -> String {
    let scope = ["0e", "05"][usize::from(n)];
    format!("ff{scope} 0000 0000 0000 0000 0db8 0000 00{:02x}", 1 + n)
}

/// RFC 2236 §2, RFC 3376 §4: TTL 1, and where each message goes.
#[test]
fn group_management_of_ipv4() {
    check(
        "[ipv4, igmp_query]",
        "01005e000001 020000000001 0800 4500 001c 0000 4000 01 02 d3cb c6120001 e0000001 \
         11 64 ee9b 00000000",
    );
    check(
        "[ipv4, igmpv2_report]",
        "01005e7c0001 020000000001 0800 4500 001c 0000 4000 01 02 c9cf c6120001 e9fc0001 \
         16 00 0002 e9fc0001",
    );
    let from_ip = |stack: &str| frame_of(stack, None, 0)[30..].to_vec();
    let query = "[ipv4, igmp_query: {max_response: 10, group: 233.252.0.9}]";
    check_frame(&from_ip(query), 0, "e9fc0009 11 0a 04f0 e9fc0009");
    check_frame(
        &from_ip("[ipv4, igmp_leave: {group: 233.252.0.1}]"),
        0,
        "e0000002 17 00 ff01 e9fc0001",
    );
    check_frame(
        &from_ip(
            "[ipv4, igmpv3_query: {group: 233.252.0.1, suppress: 1, \
                  sources: [198.18.0.7, 198.18.0.8]}]",
        ),
        0,
        "e9fc0001 11 64 6dea e9fc0001 0a 7d 0002 c6120007 c6120008",
    );
    check_frame(
        &from_ip(
            "[ipv4, igmpv3_report: {records: [record: {type: 1, group: 233.252.0.9, \
                  sources: [198.18.0.7, 198.18.0.8]}, record: {type: 3}]}]",
        ),
        0,
        "e0000016 22 00 79c3 0000 0002 01 00 0002 e9fc0009 c6120007 c6120008 \
         03 00 0000 e9fc0001",
    );
}

/// RFC 2710 §3, RFC 3810 §5: hop limit 1, a link-local source.
#[test]
fn group_management_of_ipv6() {
    check(
        "[ipv6, mld_query]",
        "333300000001 020000000001 86dd 6000 0000 0018 3a 01 \
         fe80000000000000000000fffe000001 ff020000000000000000000000000001 \
         82 00 5a17 2710 0000 00000000000000000000000000000000",
    );
    check(
        "[ipv6, mld_report]",
        "333300000001 020000000001 86dd 6000 0000 0018 3a 01 \
         fe80000000000000000000fffe000001 ff0e00000000000000000db800000001 \
         83 00 659b 0000 0000 ff0e00000000000000000db800000001",
    );
    check(
        "[ipv6, mldv2_report]",
        "333300000016 020000000001 86dd 6000 0000 001c 3a 01 \
         fe80000000000000000000fffe000001 ff020000000000000000000000000016 \
         8f 00 6345 0000 0001 04 00 0000 ff0e00000000000000000db800000001",
    );
}

/// RFC 1035 §4.1: the sections are counted on their own.
#[test]
fn a_dns_message_counts_its_sections() {
    check_frame(
        &frame_of("[ipv4, udp, dns]", None, 0)[42..],
        0,
        "0001 0100 0001 0000 0000 0000 03777777 076578616d706c65 036e6574 00 0001 0001",
    );
    let response = frame_of(
        "[ipv4, udp, dns: {qr: 1, ra: 1, records: [question: {name: a.bc}, a: {address: \
         198.18.0.9}, aaaa: {address: '2001:2::9'}, answer: {type: 5, rdata: c00c}, \
         authority: {type: 2, rdata: c00c}, additional: {rdata: c6120001}, edns: {do: 1}]}]",
        None,
        0,
    );
    check_frame(&response[34..38], 0, "0035 0035");
    check_frame(
        &response[42..],
        0,
        "0001 8180 0001 0003 0001 0002 0161 026263 00 0001 0001 \
         c00c 0001 0001 0000012c 0004 c6120009 \
         c00c 001c 0001 0000012c 0010 20010002000000000000000000000009 \
         c00c 0005 0001 0000012c 0002 c00c c00c 0002 0001 0000012c 0002 c00c \
         c00c 0001 0001 0000012c 0004 c6120001 00 0029 04d0 00 00 8000 0000",
    );
}

/// RFC 2131 §2, §4.1: from 0.0.0.0 to everybody; the cookie stands 236 bytes behind the first.
#[test]
fn a_dhcp_discover_goes_to_everybody() {
    let frame = frame_of("[ipv4, udp, dhcp]", None, 0);
    check_frame(&frame[..14], 0, "ffffffffffff 020000000001 0800");
    check_frame(&frame[26..38], 0, "00000000 ffffffff 0044 0043");
    let message = &frame[42..];
    check_frame(&message[..28], 0, "01 01 06 00 00000001 0000 0000");
    check_frame(&message[28..44], 0, "020000000001");
    check_frame(&message[44..236], 0, "");
    check_frame(&message[236..], 0, "63825363 35 01 01 3d 07 01 020000000001 37 04 0103060f ff");
}

/// RFC 8415 §18.2.1: client identifier, elapsed time, IA_NA; to ff02::1:2 from a link-local address.
#[test]
fn a_dhcpv6_solicit_goes_to_all_servers_of_the_link() {
    let frame = frame_of("[ipv6, udp, dhcpv6]", None, 0);
    check_frame(&frame[..6], 0, "333300010002");
    check_frame(
        &frame[22..58],
        0,
        "fe80000000000000000000fffe000001 ff020000000000000000000000010002 0222 0223",
    );
    check_frame(
        &frame[62..],
        0,
        "01 000001 0001 000a 0003 0001 020000000001 0008 0002 0000 \
         0003 000c 00000001 00000000 00000000 0006 0004 0017 0018",
    );
}

/// RFC 5905 §7.3: 48 bytes.
#[test]
fn an_ntp_request_has_48_bytes() {
    let frame = frame_of("[ipv4, udp, ntp: {transmit: 0xe9f7a2c000000001}]", None, 0);
    check_frame(&frame[34..40], 0, "c000 007b 0038");
    check_frame(&frame[42..90], 0, &format!("23 00 06 00 {}e9f7a2c000000001", "0".repeat(72)));
}

/// The names of the headers that a stack's frame is taken for.
fn names(stack: &str) -> Vec<&'static str> {
    let headers = dissect(&frame_of(stack, None, 0)).headers;
    headers.iter().map(|header| header.protocol.name).skip(2).collect()
}

/// RFC 3376 §7.1, RFC 3810 §8.1: a query's length tells its version. A client's port says nothing,
/// so that a response is known by the server's.
#[test]
fn what_shares_a_number_is_told_apart() {
    assert_eq!(names("[ipv4, igmp_query]"), ["igmp_query"]);
    assert_eq!(names("[ipv4, igmpv3_query]"), ["igmpv3_query"]);
    assert_eq!(names("[ipv6, mld_query]"), ["mld_query"]);
    assert_eq!(names("[ipv6, mldv2_query]"), ["mldv2_query"]);
    assert_eq!(names("[ipv4, udp: {dst: 40000}, dns: {qr: 1}]"), ["udp", "dns"]);
    assert_eq!(names("[ipv4, udp: {src: 67, dst: 68}, dhcp: {op: 2}]"), ["udp", "dhcp"]);
    let sections = "[ipv4, udp, dns: {qr: 1, records: [question, question: {type: 28}, a, \
                    authority: {type: 2, rdata: c00c}, additional: {rdata: c6120001}]}]";
    let frame = frame_of(sections, None, 0);
    let found = dissect(&frame);
    let records = &found.headers.last().expect("headers").options;
    let kinds: Vec<&str> = records.iter().map(|record| record.protocol.name).collect();
    assert_eq!(kinds, ["question", "question", "a", "authority", "additional"]);
}

/// Groups of the link and of documentation need no permission, others do, also where the
/// destination follows from the message.
#[test]
fn groups_of_others_have_to_be_allowed() {
    let refused = |stack: &str| !safety::check(&parse(stack, None), &[]).is_empty();
    for stack in [
        "[ipv4: {dst: 224.0.0.251}, igmp_query]",
        "[ipv4, igmpv2_report]",
        "[ipv4, igmpv2_report: {group: {increment: 233.252.0.1, count: 255}}]",
        "[ipv6: {dst: 'ff02::1'}, neighbour_solicitation]",
        "[ipv6, mld_report]",
        "[ipv4: {dst: 224.0.0.1}, igmp_query: {group: 239.1.1.1}]",
        "[ipv4, igmpv3_report: {records: [record: {group: 239.1.1.1}]}]",
        "[ipv4, igmp_leave: {group: 239.1.1.1}]",
    ] {
        assert!(!refused(stack), "{stack}");
    }
    for stack in [
        "[ipv4: {dst: 224.0.1.1}, igmp_query]",
        "[ipv4, igmpv2_report: {group: 239.1.1.1}]",
        "[ipv4, igmpv2_report: {group: {increment: 233.252.0.1, count: 256}}]",
        "[ipv4, igmp_query: {group: 8.8.8.8}]",
        "[ipv6, mld_report: {group: 'ff0e::1'}]",
        "[vlan, ipv6, mldv2_query: {group: 'ff05::2'}]",
    ] {
        assert!(refused(stack), "{stack}");
    }
}
