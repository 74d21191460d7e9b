//! Options, extension headers and other transports against bytes worked by hand, and the checksums
//! that they change.

mod packets;

use packets::{addressing, header, packet, plain_sum, program, stream};
use wirestorm::engine::xdp_live::tables::Tables;
use wirestorm::packet::compile::{Problem, compile};
use wirestorm::packet::program::StreamProgram;
use wirestorm::profile;
use wirestorm::profile::model::Profile;

fn profile_of(size: &str, packet: &str) -> Profile {
    let text =
        format!("lab: b2b\nstreams:\n- {{rate: 1kpps, count: 9, size: {size}, packet: {packet}}}");
    profile::parse("test.yaml", &text, &[]).unwrap_or_else(|errors| panic!("{errors}"))
}

fn compiled(size: &str, packet: &str) -> StreamProgram {
    compile(&profile_of(size, packet), 0, &addressing(), 1).unwrap_or_else(|e| panic!("{e}"))
}

fn problem(size: &str, packet: &str) -> String {
    let text =
        format!("lab: b2b\nstreams:\n- {{rate: 1kpps, count: 9, size: {size}, packet: {packet}}}");
    profile::parse("test.yaml", &text, &[]).expect_err("it is refused").to_string()
}

/// The bytes of the first packet behind Ethernet, `skip` left out.
fn bytes(packet_of: &str, skip: usize, len: usize) -> Vec<u8> {
    packet(&compiled("256B", packet_of), 0)[14 + skip..][..len].to_vec()
}

/// Hexadecimal with blanks.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

#[test]
fn ipv4_options_are_what_rfc_791_says() {
    let options = |list: &str, len| bytes(&format!("[ipv4: {{options: {list}}}, udp]"), 20, len);
    assert_eq!(options("[nop, eol]", 4), hex("01 00 0000"));
    let recorded = options("[record_route]", 40);
    assert_eq!(recorded, [&hex("07 27 04")[..], &[0; 37]].concat());
    assert_eq!(
        options("[record_route: {route: [198.18.0.1, 198.18.0.2], pointer: 8}]", 12),
        hex("07 0b 08 c6120001 c6120002 00")
    );
    assert_eq!(
        options("[timestamp: {times: 0000000000000000}]", 12),
        hex("44 0c 05 00 00000000 00000000")
    );
    assert_eq!(options("[timestamp_addresses]", 4), hex("44 24 05 01"));
    assert_eq!(
        options("[timestamp_prespecified: {addresses: [198.18.0.9], overflow: 2}]", 12),
        hex("44 0c 05 23 c6120009 00000000")
    );
    assert_eq!(
        options("[loose_source_route: {route: [198.18.2.1]}, nop]", 8),
        hex("83 07 04 c6120201 01")
    );
    assert_eq!(
        options("[strict_source_route: {route: [1.2.3.4]}]", 8),
        hex("89 07 04 01020304 00")
    );
    assert_eq!(
        options("[security: {security: 0x6bc5, compartments: 1, transmission_control: 2}]", 12),
        hex("82 0b 6bc5 0001 0000 000002 00")
    );
    assert_eq!(options("[basic_security: {authorities: 80}]", 4), hex("82 04 ab 80"));
    assert_eq!(options("[stream_id: {id: 9}, router_alert]", 8), hex("88 04 0009 94 04 0000"));
    assert_eq!(options("[raw: {type: 0x99, length: 200, data: 01}]", 4), hex("99 c8 01 00"));
    // The header's length follows, and its checksum.
    let header = bytes("[ipv4: {options: [router_alert]}, udp]", 0, 24);
    assert_eq!(header[0], 0x46);
    assert_eq!(plain_sum(&[&header]), 0xffff);
}

#[test]
fn tcp_options_are_what_the_rfcs_say() {
    let segment = bytes(
        "[ipv4, tcp: {flags: 2, options: [mss, sack_permitted, timestamps: {value: 1, echo: 2}, \
         nop, window_scale]}]",
        20,
        40,
    );
    assert_eq!(segment[12], 0xa0);
    assert_eq!(segment[20..], hex("020405b4 0402 080a 00000001 00000002 01 030307"));
    let options = |list: &str, len| bytes(&format!("[ipv4, tcp: {{options: {list}}}]"), 40, len);
    assert_eq!(
        options("[sack: {left: 1, right: 2, left2: 3}, eol]", 20),
        hex("05 12 00000001 00000002 00000003 00000004 00 00")
    );
    assert_eq!(options("[md5]", 20), [&hex("13 12")[..], &[0; 18]].concat());
    assert_eq!(options("[raw: {kind: 254, data: beef}]", 4), hex("fe 04 beef"));
    assert_eq!(bytes("[ipv4, tcp: {data_offset: 15, options: [nop]}]", 32, 1), [0xf0]);
    assert!(
        problem("256B", "[ipv4, tcp: {options: [md5, md5, md5]}]")
            .contains("a header of 76 B with its options is longer than the 60 B")
    );
}

#[test]
fn ipv6_extension_headers_are_what_rfc_8200_says() {
    let header = |text: &str, len| bytes(&format!("[ipv6, {text}, udp]"), 40, len);
    assert_eq!(header("hop_by_hop", 8), hex("11 00 01 04 00000000"));
    assert_eq!(
        header("hop_by_hop: {options: [router_alert, pad1]}", 8),
        hex("11 00 05 02 0000 00 00")
    );
    assert_eq!(
        header("hop_by_hop: {options: [experiment: {data: 0102030405}]}", 16),
        hex("11 01 1e 05 0102030405 01 05 0000000000")
    );
    // 256 bytes of frame hold 198 from the header on.
    assert_eq!(header("hop_by_hop: {options: [jumbo_payload]}", 8), hex("11 00 c2 04 000000c6"));
    assert_eq!(
        header("destination_options: {length: 7, options: [raw: {type: 0x3e, data: 01}]}", 8),
        hex("11 07 3e 01 01 01 01 00")
    );
    assert_eq!(
        header("routing_type0: {addresses: [\"2001:2::9\"]}", 24),
        hex("11 02 00 01 00000000 20010002000000000000000000000009")
    );
    assert_eq!(
        header("routing_type2: {home_address: \"2001:2::9\"}", 24),
        hex("11 02 02 01 00000000 20010002000000000000000000000009")
    );
    assert_eq!(
        header(
            "srh: {segments: [\"2001:2::9\", \"2001:2::8\"], tag: 3, tlvs: [raw: {data: 01}]}",
            48
        ),
        hex("11 05 04 01 01 00 0003 20010002000000000000000000000009 \
             20010002000000000000000000000008 7c 01 01 04 03 000000")
    );
    assert_eq!(
        header("fragment: {fragment_offset: 5, mf: 1, id: 6}", 8),
        hex("11 00 0029 00000006")
    );
    assert_eq!(
        header("ah: {icv: 0102030405060708}", 20),
        hex("11 03 0000 00000100 00000001 0102030405060708")
    );
    // A chain in any order names what follows, down to the last header.
    let chain = bytes("[ipv6, destination_options, hop_by_hop, fragment, udp]", 6, 60);
    assert_eq!([chain[0], chain[34], chain[42], chain[50]], [60, 0, 44, 17]);
}

/// The checksum of the segment at `l4` is right for these addresses.
fn holds(frame: &[u8], l4: usize, protocol: u8, addresses: &[&[u8]]) -> bool {
    let len = ((frame.len() - l4) as u32).to_be_bytes();
    let pseudo = [addresses.concat(), len.to_vec(), vec![0, protocol]].concat();
    plain_sum(&[&pseudo, &frame[l4..]]) == 0xffff
}

#[test]
fn the_pseudo_header_takes_the_final_destination_while_segments_are_left() {
    // The stack, the place of the transport header and that of the final destination.
    let cases = [
        ("routing_type0: {addresses: [\"2001:2::8\", \"2001:2::9\"]}", 40, 24),
        ("routing_type0: {addresses: [\"2001:2::8\"], segments_left: 0}", 24, -16),
        ("routing_type2: {home_address: \"2001:2::9\"}", 24, 8),
        ("routing_type2: {home_address: {increment: \"2001:2::9\", count: 5}}", 24, 8),
        ("srh: {segments: [\"2001:2::9\", \"2001:2::8\"]}", 40, 8),
        ("srh: {segments: [\"2001:2::9\"]}", 24, -16),
        ("srh: {segments: [\"2001:2::9\"], segments_left: 1}", 24, 8),
        // The last routing header is worked off last.
        ("routing_type2: {}, srh: {segments: [\"2001:2::9\", \"2001:2::8\"]}", 64, 32),
        ("routing_type2: {home_address: \"2001:2::7\"}, srh: {segments: [\"2001:2::9\"]}", 48, 8),
    ];
    for (chain, len, destination) in cases {
        for (l4, protocol) in [("udp", 17), ("tcp", 6), ("icmpv6", 58)] {
            for size in ["256B", "[200B, 257B]"] {
                let program = compiled(size, &format!("[ipv6, {chain}, {l4}]"));
                for index in 0..3 {
                    let frame = packet(&program, index);
                    let at = (54 + destination) as usize;
                    let pair = [&frame[22..38], &frame[at..at + 16]];
                    assert!(holds(&frame, 54 + len, protocol, &pair), "{chain} {l4} {size}");
                }
            }
        }
    }
    for (option, destination) in [
        ("loose_source_route: {route: [198.18.2.1, 198.18.3.1]}", 20 + 7),
        ("strict_source_route: {route: [198.18.2.1, 198.18.3.1], pointer: 12}", 16),
        ("loose_source_route", 16),
    ] {
        let frame = packet(&compiled("256B", &format!("[ipv4: {{options: [{option}]}}, udp]")), 0);
        let l4 = 14 + usize::from(frame[14] & 15) * 4;
        let pair = [&frame[26..30], &frame[14 + destination..][..4]];
        assert!(holds(&frame, l4, 17, &pair), "{option}");
    }
}

#[test]
fn a_value_in_an_option_is_patched_and_summed() {
    let program = compiled(
        "[128B, 300B]",
        "[ipv4: {options: [nop, stream_id: {id: {random: \
        0..65535}}]}, tcp: {options: [nop, timestamps: {value: {increment: 0xfffffffe, step: 1, \
        count: 2}, echo: {random: 0..0xffffffff}}]}]",
    );
    for index in 0..9 {
        let frame = packet(&program, index);
        assert_eq!(frame[14], 0x47);
        assert_eq!(plain_sum(&[&frame[14..42]]), 0xffff);
        let value = u32::from_be_bytes(frame[42 + 23..42 + 27].try_into().expect("four bytes"));
        assert_eq!(value, 0xffff_fffe + (index % 2) as u32);
        assert!(holds(&frame, 42, 6, &[&frame[26..34]]));
    }
}

#[test]
fn udp_lite_covers_what_its_coverage_says() {
    let covered = |frame: &[u8], coverage: usize| {
        let len = ((frame.len() - 34) as u32).to_be_bytes();
        let pseudo = [&frame[26..34], &len, &[0, 136]].concat();
        plain_sum(&[&pseudo, &frame[34..34 + coverage]])
    };
    for (size, coverage, bytes) in [
        ("128B", "", 90),
        ("128B", "coverage: 0", 90),
        ("128B", "coverage: 8", 8),
        ("128B", "coverage: 26", 26),
        ("128B", "coverage: 31", 31),
        // Illegal on purpose: the checksum covers all.
        ("128B", "coverage: 7", 90),
        ("128B", "coverage: 5000", 90),
        ("[128B, 200B]", "coverage: 31", 31),
        ("[128B, 200B]", "coverage: 31, src: {increment: 1}", 31),
    ] {
        let program = compiled(size, &format!("[ipv4, udp_lite: {{{coverage}}}]"));
        for index in [0, 2, 4] {
            let frame = packet(&program, index);
            assert_eq!(covered(&frame, bytes), 0xffff, "{coverage}");
        }
        let second = packet(&program, 1);
        let all = if bytes == 90 { second.len() - 34 } else { bytes };
        assert_eq!(covered(&second, all), 0xffff, "{coverage}");
    }
    // Without a coverage the field is the length.
    let program = compiled("[128B, 201B]", "[ipv4, udp_lite]");
    let frame = packet(&program, 1);
    assert_eq!(frame[38..40], 163u16.to_be_bytes());
    assert_eq!(covered(&frame, 163), 0xffff);
}

#[test]
fn a_coverage_that_no_checksum_can_follow_is_refused() {
    let refused = |size, header: &str| problem(size, &format!("[ipv4, udp_lite: {{{header}}}]"));
    let tag = refused("128B", "coverage: 20");
    assert!(tag.contains("ends inside the probe tag"), "{tag}");
    let list = refused("128B", "coverage: [8, 26]");
    assert!(list.contains("cannot follow a coverage that changes"), "{list}");
    let long = refused("[128B, 300B]", "coverage: 100");
    assert!(long.contains("more than the 90 B of the shortest packet"), "{long}");
    // With a checksum of one's own nothing has to follow.
    compiled("128B", "[ipv4, udp_lite: {coverage: [8, 26], checksum: 7}]");
}

#[test]
fn a_route_that_ends_in_some_packets_has_no_checksum_behind_it() {
    let refused = |packet: &str| problem("256B", packet);
    let two = "addresses: [\"2001:2::8\", \"2001:2::9\"]";
    for left in ["[0, 1]", "{increment: 0..2}", "{random: 0..2}", "{decrement: 0..2}"] {
        let why = refused(&format!("[ipv6, routing_type0: {{{two}, segments_left: {left}}}, udp]"));
        assert!(why.contains("in some packets the route has addresses left"), "{left}: {why}");
        assert!(why.contains("set the checksum behind it too"), "{why}");
    }
    let route = "loose_source_route: {route: [198.18.2.1, 198.18.3.1], pointer: [4, 12]}";
    let why = refused(&format!("[ipv4: {{options: [{route}]}}, tcp]"));
    assert!(why.contains("in some packets the route has addresses left"), "{why}");
    // Some are always left; there is no checksum; it is the profile's own.
    for (left, behind) in [("[2, 1]", "udp"), ("[0, 1]", "sctp"), ("[0, 1]", "udp: {checksum: 7}")]
    {
        let stack = format!("[ipv6, routing_type0: {{{two}, segments_left: {left}}}, {behind}]");
        let program = compiled("256B", &stack);
        for index in 0..2 {
            let frame = packet(&program, index);
            let pair = [&frame[22..38], &frame[78..94]];
            assert!(behind != "udp" || holds(&frame, 94, 17, &pair), "{stack}");
        }
    }
}

/// CRC32c bit by bit: the reflected polynomial 0x82f63b78 (RFC 9260 appendix A).
fn slow_crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 }
        })
    })
}

fn sctp_holds(segment: &[u8]) -> bool {
    let mut zeroed = segment.to_vec();
    zeroed[8..12].fill(0);
    segment[8..12] == slow_crc32c(&zeroed).to_le_bytes()
}

#[test]
fn sctp_is_what_rfc_9260_says() {
    // The check value of the CRC catalogue, so that the judge is right.
    assert_eq!(slow_crc32c(b"123456789"), 0xe306_9283);
    let frame = packet(
        &compiled(
            "102B",
            "[ipv4, sctp: {verification_tag: 7}, sctp_data: {tsn: 5, ssn: 6, ppid: 3}]",
        ),
        0,
    );
    assert_eq!(frame[23], 132);
    assert_eq!(frame[34..42], hex("c000 0009 00000007"));
    assert_eq!(frame[46..62], hex("00 03 0034 00000005 0000 0006 00000003"));
    let init = compiled("102B", "[ipv4, sctp, sctp_init]");
    let init = packet(&init, 0);
    assert_eq!(init[34..42], hex("c000 0009 00000000"));
    assert_eq!(init[46..66], hex("01 00 0014 00000001 00010000 000a ffff 00000001"));
    assert_eq!(init[16..18], [0, 52]);
    assert!(sctp_holds(&init[34..66]));
}

#[test]
fn the_crc_is_right_whatever_changes() {
    for (size, stack, changes) in [
        ("102B", "[ipv4, sctp, sctp_data]", true),
        ("[102B, 302B, 103B]", "[ipv4, sctp, sctp_data: {tsn: {increment: 1}}]", true),
        ("102B", "[ipv4, sctp: {src: {random: 1..65535}}, sctp_data]", true),
        // Nothing changes without a tag: the CRC stands in the template.
        ("78B", "[ipv4, sctp, sctp_data]", false),
    ] {
        let program = compiled(size, stack);
        assert_eq!(program.crc32c.is_some(), changes, "{stack}");
        let mut reused = vec![0xa5; program.max_frame_len()];
        for index in 0..6 {
            let frame = packet(&program, index);
            assert!(sctp_holds(&frame[34..]), "{stack} {index}");
            // A frame that holds an earlier packet ends up the same.
            let len = program.build(index, &mut reused, index > 0);
            program.stamp(index, &mut reused, 0x1234_5678_9abc, 77);
            assert_eq!(reused[..len], frame, "{stack} {index}");
        }
    }
    let right = packet(&compiled("102B", "[ipv4, sctp, sctp_data]"), 0);
    let bad = packet(&compiled("102B", "[ipv4, sctp: {checksum: bad}, sctp_data]"), 0);
    let crc = |frame: &[u8]| u32::from_le_bytes(frame[42..46].try_into().expect("four bytes"));
    assert_eq!(crc(&bad), crc(&right).wrapping_add(1));
}

#[test]
fn checksums_around_a_crc_follow_it() {
    let names = ["ethernet", "ipv4", "udp", "ipv4", "udp", "ipv4", "sctp", "sctp_data"];
    let stack = names.map(|name| header(name, &[])).to_vec();
    let program = program(stream(stack, 300));
    let mut reused = vec![0xa5; program.max_frame_len()];
    for index in 0..4 {
        let frame = packet(&program, index);
        assert!(sctp_holds(&frame[90..]));
        assert!(holds(&frame, 62, 17, &[&frame[54..62]]), "the inner UDP");
        assert!(holds(&frame, 34, 17, &[&frame[26..34]]), "the outer UDP");
        let len = program.build(index, &mut reused, index > 0);
        program.stamp(index, &mut reused, 0x1234_5678_9abc, 77);
        assert_eq!(reused[..len], frame);
    }
}

#[test]
fn the_kernel_engine_refuses_a_crc_that_changes() {
    let tagged = compiled("102B", "[ipv4, sctp, sctp_data]");
    let refusal = Tables::new(&[tagged.into()], true).expect_err("it is refused");
    assert!(refusal.what.contains("CRC32c"), "{}", refusal.what);
    assert!(Tables::new(&[compiled("78B", "[ipv4, sctp, sctp_data]").into()], true).is_ok());
}

#[test]
fn two_crcs_that_change_are_one_too_many() {
    let names = ["ethernet", "ipv4", "sctp", "sctp_data", "ipv4", "sctp", "sctp_data"];
    let profile = packets::profile(vec![stream(names.map(|n| header(n, &[])).to_vec(), 300)]);
    let error = compile(&profile, 0, &addressing(), 1).expect_err("it is refused");
    assert!(matches!(error.problem, Problem::TooMany { count: 2, most: 1, .. }), "{error}");
}

#[test]
fn what_receivers_refuse_is_a_warning() {
    let warnings = |size, packet: &str| profile_of(size, packet).warnings.join("\n");
    let late = warnings("256B", "[ipv6, destination_options, hop_by_hop, udp]");
    assert!(late.contains("hop_by_hop does not follow ipv6"), "{late}");
    let twice = warnings("256B", "[ipv6, hop_by_hop, hop_by_hop, udp]");
    assert!(twice.contains("hop_by_hop does not follow ipv6"), "{twice}");
    let twice = warnings("256B", "[ipv6, fragment, fragment, udp]");
    assert!(twice.contains("fragment stands more than once"), "{twice}");
    let three = "destination_options, destination_options, destination_options";
    let thrice = warnings("256B", &format!("[ipv6, {three}, udp]"));
    assert!(thrice.contains("destination_options stands more than twice"), "{thrice}");
    let legal = "[ipv6, hop_by_hop, destination_options, srh, ah, destination_options, udp]";
    assert_eq!(warnings("512B", legal), "");
    assert_eq!(warnings("256B", "[ipv6, hop_by_hop, ipv6, hop_by_hop, udp]"), "");
    let cut = warnings("128B", "[ipv4, sctp, sctp_data]");
    assert!(cut.contains("whole are sizes of 2 more than a multiple of 4"), "{cut}");
    assert_eq!(warnings("130B", "[ipv4, sctp, sctp_data]"), "");
    assert!(!warnings("128B", "[ipv4, sctp, sctp_init]").contains("multiple"));
    let turned = warnings("256B", "[ipv6, udp, dns: {records: [edns, question]}]");
    assert!(turned.contains("question stands behind edns in dns"), "{turned}");
    let dns = "[ipv6, udp, dns: {records: [question, a, answer, edns, additional]}]";
    assert!(!warnings("256B", dns).contains("stands behind"));
    let ragged = warnings("256B", "[ipv4, ah: {icv: 00112233445566}, udp]");
    assert!(ragged.contains("ah is 19 bytes, and its length counts in words of 4"), "{ragged}");
    assert_eq!(warnings("256B", "[ipv4, ah: {icv: 00112233445566, length: 3}, udp]"), "");
}
