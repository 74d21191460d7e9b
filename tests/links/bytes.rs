//! Frames against bytes that were worked out by hand.

use super::packets::{packet, program};
use super::{parse, stream_of};

/// The frame of a stack, in hexadecimal from byte `from` on, as long as `expected`.
fn check(stack: &str, size: Option<u32>, from: usize, expected: &str) {
    let frame = packet(&program(stream_of(stack, size)), 0);
    let hex: String = frame[from..].iter().map(|byte| format!("{byte:02x}")).collect();
    let expected: String = expected.split_whitespace().collect();
    assert_eq!(hex.get(..expected.len()), Some(expected.as_str()), "{stack}");
}

/// A whole message of 60 bytes: what is told, then zeros.
fn padded(stack: &str, expected: &str) {
    let told: String = expected.split_whitespace().collect();
    check(stack, None, 0, &format!("{told:0<120}"));
}

#[test]
fn an_arp_request_goes_to_everybody_and_a_reply_to_the_next_hop() {
    padded(
        "[arp]",
        "ffffffffffff 020000000001 0806 0001 0800 06 04 0001 \
         020000000001 c6120001 000000000000 c6120102",
    );
    padded(
        "[arp: {operation: 2, target_mac: '02:00:00:00:00:04'}]",
        "020000000004 020000000001 0806 0001 0800 06 04 0002 \
         020000000001 c6120001 020000000004 c6120102",
    );
    // Not the Ethernet header that a tunnel stands on.
    check("[ipv4, gre, arp]", None, 0, "020000000004 020000000001 0800");
    check("[ipv4, udp, vxlan, ethernet, arp]", None, 50, "ffffffffffff 020000000001 0806");
}

#[test]
fn labels_stack() {
    check(
        "[mpls: {label: 100, tc: 5}, mpls: {label: 200, ttl: 9}, ipv4]",
        Some(64),
        12,
        "8847 00064a40 000c8109 45",
    );
    check(
        "[mpls, control_word: {sequence: 7}, ethernet, ipv4]",
        Some(64),
        12,
        "8847 00010140 00000007 020000000004 020000000001 0800 45",
    );
    check("[mpls: {bottom_of_stack: 0}, ipv4]", Some(64), 12, "8847 00010040 45");
}

#[test]
fn llc_is_framed_by_a_length() {
    check("[llc, snap, ipv4, udp]", Some(64), 12, "002e aaaa03 000000 0800 45");
    check("[vlan, llc, ipv4, udp]", Some(64), 12, "8100 0001 002a 060603 45");
    check("[llc: {dsap: 0x42, ssap: 0x42}]", Some(64), 12, "002e 424203 00");
    // Padding is not part of the length.
    padded(
        "[llc, snap, arp]",
        "ffffffffffff 020000000001 0024 aaaa03 000000 0806 0001 0800 06 04 0001 \
         020000000001 c6120001 000000000000 c6120102",
    );
    // Where there is no length, LLC has an EtherType.
    check("[ipv4, gre, llc, ipv4]", Some(100), 34, "0000 8870 060603 45");
}

#[test]
fn a_length_that_reads_as_an_ethertype_is_refused() {
    let error = |stack: &str, size| {
        let profile = parse(stack, Some(size));
        profile.err().map(|errors| errors.to_string()).unwrap_or_default()
    };
    assert_eq!(error("[llc, ipv4]", 1518), "");
    let told = error("[llc, ipv4]", 1519);
    assert!(told.contains("a length of 1501 B in the EtherType's place is above 1500 B"), "{told}");
    assert_eq!(error("[ethernet: {ethertype: 0x8870}, llc, ipv4]", 1519), "");
}

#[test]
fn pppoe_sessions_and_discovery() {
    check("[pppoe: {session_id: 0x11}, ipv4]", Some(64), 12, "8864 1100 0011 0028 0021 45");
    check("[pppoe, ipv6]", Some(100), 12, "8864 1100 0001 004c 0057 60");
    padded("[pppoe_discovery]", "ffffffffffff 020000000001 8863 1109 0000 0004 0101 0000");
    padded(
        "[pppoe_discovery: {code: 0x65, session_id: 5, tags: [service_name: {name: ab}, \
         tag: {type: 0x0120, value: 05dc}]}]",
        "020000000004 020000000001 8863 1165 0005 000c 0101 0002 6162 0120 0002 05dc",
    );
}

#[test]
fn lacp_has_three_tlvs() {
    let zeros = |bytes: usize| "00".repeat(bytes);
    let expected = [
        "0180c2000002 020000000001 8809 0101",
        "0114 8000 020000000001 0001 8000 0001 05 000000",
        "0214 0000 000000000000 0000 0000 0000 00 000000",
        "0310 0000",
        &zeros(12),
        "0000",
        &zeros(50),
    ];
    let expected = expected.join("");
    check("[lacp]", None, 0, &expected);
    assert_eq!(packet(&program(stream_of("[lacp]", None)), 0).len(), 124);
    check("[lacp: {actor_expired: 1, actor_collecting: 1}]", None, 32, "95");
}

#[test]
fn lldp_says_who_is_there() {
    padded(
        "[lldp]",
        "0180c200000e 020000000001 88cc 0207 04 020000000001 0406 05 706f727431 0602 0079 0000",
    );
    padded(
        "[lldp: {tlvs: [system_name: {text: ab}, capabilities: {supported: 0x14, enabled: 4}, \
         organisational: {oui: 0x0080c2, subtype: 1, value: 0007}, end]}]",
        "0180c200000e 020000000001 88cc 0a02 6162 0e04 0014 0004 fe06 0080c2 01 0007 0000",
    );
    padded(
        "[lldp: {tlvs: [management_ipv4: {interface: 2, oid: 0603}, tlv: {type: 9, length: 5}]}]",
        "0180c200000e 020000000001 88cc 100e 05 01 c6120001 02 00000002 02 0603 1205",
    );
}

#[test]
fn pause_and_priority_flow_control() {
    padded("[pause]", "0180c2000001 020000000001 8808 0001 ffff");
    padded(
        "[pfc: {time3: 0xffff, time0: 0}]",
        "0180c2000001 020000000001 8808 0101 0009 0000 0000 0000 ffff 0000 0000 0000 0000",
    );
    padded("[pfc: {enable7: 1}]", "0180c2000001 020000000001 8808 0101 0080");
}

#[test]
fn gre_has_parts() {
    check("[ipv4, gre, ipv4]", Some(64), 34, "0000 0800 45");
    check(
        "[ipv4, gre: {key: 7, sequence: 9}, ipv4]",
        Some(80),
        34,
        "3000 0800 00000007 00000009 45",
    );
    // 0x8000 + 0x88b5 + 0x0102 carries once: 0x09b8, whose complement is the checksum.
    let raw = |gre: &str| format!("[ipv4, gre: {{{gre}}}, raw: {{hex: 0102}}]");
    check(&raw("checksum_present: 1"), Some(64), 34, "8000 88b5 f647 0000 0102");
    check(&raw("checksum: bad"), Some(64), 34, "8000 88b5 f646 0000 0102");
    check(&raw("checksum: 5"), Some(64), 34, "8000 88b5 0005 0000 0102");
    // A part without its flag, on purpose.
    check(&raw("key: 5, key_present: 0"), Some(64), 34, "0000 88b5 00000005 0102");
}

#[test]
fn vxlan_and_geneve() {
    check("[ipv4, udp, vxlan: {vni: 5000}, ethernet, ipv4]", Some(100), 36, "12b5");
    check("[ipv4, udp, vxlan: {vni: 5000}, ethernet, ipv4]", Some(100), 42, "08000000 00138800");
    check(
        "[ipv4, udp, geneve: {options: [option: {class: 0x0102, type: 3, data: c0ffee}, \
         option: {class: 0x0103, critical: 1}]}, ethernet, ipv4]",
        Some(128),
        42,
        "0300 6558 00000100 0102 03 01 c0ffee00 0103 80 00 020000000004 020000000001 0800",
    );
    check("[ipv4, udp, geneve, ipv6]", Some(128), 36, "17c1");
    check("[ipv4, udp, geneve, ipv6]", Some(128), 42, "0000 86dd 00000100 60");
}

#[test]
fn gtpu_has_one_part_for_three_flags() {
    let length = 128 - 4 - 14 - 20 - 8 - 8;
    let check = |gtpu: &str, flags: &str, rest: &str| {
        let stack = format!("[ipv4, udp, gtpu: {{{gtpu}}}, ipv4]");
        check(&stack, Some(128), 42, &format!("{flags}ff{length:04x}00000001 {rest} 45"));
    };
    check("teid: 1", "30", "");
    check("sequence: 5", "32", "00050000");
    check("n_pdu: 5", "31", "00000500");
    check("next_extension: 0", "34", "00000000");
    check("extensions: [pdu_session_container: {qfi: 9}]", "34", "00000085 01 00 09 00");
    check(
        "sequence: 5, extensions: [pdu_session_container, pdu_session_container: {pdu_type: 1}]",
        "36",
        "00050085 01000185 01100100",
    );
}

#[test]
fn l2tp_in_both_versions() {
    check("[ipv4, udp, l2tp, ppp, ipv4]", Some(100), 42, "0002 0001 0001 ff03 0021 45");
    let length = 100 - 4 - 42;
    check(
        "[ipv4, udp, l2tp: {length_present: 1, ns: 3, offset_pad: abcd}, ppp, ipv6]",
        Some(128),
        42,
        &format!("4a02 {:04x} 0001 0001 0003 0000 0002 abcd ff03 0057 60", length + 28),
    );
    // A wrong version changes nothing else.
    check("[ipv4, udp, l2tp: {version: 0}, ppp, ipv4]", Some(100), 42, "0000 0001 0001 ff03");
    check(
        "[ipv4, l2tpv3: {session_id: 7}, ethernet, ipv4]",
        Some(100),
        34,
        "00000007 020000000004",
    );
    check(
        "[ipv4, l2tpv3: {cookie: 1, sequence: 8}, ethernet, ipv4]",
        Some(100),
        34,
        "00000001 00000001 40000008 020000000004",
    );
    check("[ipv4, udp, l2tpv3_udp: {long_cookie: 1}, ethernet, ipv4]", Some(100), 36, "06a5");
    check(
        "[ipv4, udp, l2tpv3_udp: {long_cookie: 1}, ethernet, ipv4]",
        Some(100),
        42,
        "00030000 00000001 0000000000000001 020000000004",
    );
}

#[test]
fn ip_in_ip_in_all_four_pairs() {
    check("[ipv4, ipv4]", Some(100), 23, "04");
    check("[ipv4, ipv6]", Some(100), 23, "29");
    check("[ipv6, ipv4]", Some(100), 20, "04");
    check("[ipv6, ipv6]", Some(100), 20, "29");
}

#[test]
fn the_tpid_is_the_ethertype_before_the_tag() {
    let two = "vlan: {id: 7}, vlan: {id: 100, pcp: 5}, ipv4]";
    check(&format!("[{two}"), Some(64), 12, "88a8 0007 8100 a064 0800 45");
    check(&format!("[ethernet: {{ethertype: 0x9100}}, {two}"), Some(64), 12, "9100 0007 8100 a064");
    check(
        "[vlan: {id: 7, ethertype: 0x88a8}, vlan: {id: 9}, ipv4]",
        Some(64),
        12,
        "88a8 0007 88a8 0009 0800",
    );
    check("[ethernet: {ethertype: 0x88a8}, vlan: {id: 7}, ipv4]", Some(64), 12, "88a8 0007 0800");
}

#[test]
fn an_inner_frame_goes_to_the_group_of_its_own_packet() {
    let stack = "[ipv4, udp, vxlan, ethernet, ipv4: {dst: 239.1.2.3}, udp]";
    check(stack, Some(128), 0, "020000000004");
    check(stack, Some(128), 50, "01005e010203");
}
