//! The compiler's decisions, one by one.

mod packets;

use std::collections::HashSet;

use packets::{addressing, header, headers, l4_sum, packet, plain_sum, profile, program, stream};
use wirestorm::packet::Addressing;
use wirestorm::packet::compile::{CompileError, compile};
use wirestorm::profile::model::{FieldValue, Payload, Profile, Size, Stream};
use wirestorm::units::FrameSize;
use wirestorm::wire::{checksum, ethernet, ipv4, ipv6, udp, vlan};

fn error(stream: Stream) -> CompileError {
    compile(&profile(vec![stream]), 0, &addressing(), 1).expect_err("an illegal stream")
}

fn counter(start: u128, step: u128, count: u64) -> FieldValue {
    FieldValue::Counter { start, step, count }
}

#[test]
fn defaults_of_a_udp_frame() {
    let frame = packet(&program(stream(headers(&["ethernet", "ipv4", "udp"]), 64)), 0);
    assert_eq!(frame.len(), 60);
    let ethernet = ethernet::Packet::new_checked(&frame).unwrap();
    assert_eq!(
        ethernet::Repr::parse(&ethernet),
        ethernet::Repr { dst: [2, 0, 0, 0, 0, 4], src: [2, 0, 0, 0, 0, 1], ethertype: 0x0800 }
    );
    let ip = ipv4::Packet::new_checked(ethernet.payload()).unwrap();
    let expected = ipv4::Repr {
        dscp: 0,
        ecn: 0,
        id: 0,
        df: true,
        mf: false,
        fragment_offset: 0,
        ttl: 64,
        protocol: 17,
        src: [198, 18, 0, 1].into(),
        dst: [198, 18, 1, 2].into(),
        payload_len: 26,
    };
    assert_eq!(ipv4::Repr::parse(&ip), expected);
    assert!(ip.verify_checksum());
    let datagram = udp::Packet::new_checked(ip.payload()).unwrap();
    assert_eq!(udp::Repr::parse(&datagram), udp::Repr { src: 49152, dst: 9, payload_len: 18 });
    assert!(datagram.verify_checksum(checksum::pseudo_ipv4(ip.src(), ip.dst(), 17, 26)));
}

#[test]
fn the_next_hop_is_that_of_the_first_ip_header() {
    let frame = packet(&program(stream(headers(&["ethernet", "ipv6", "ipv4"]), 100)), 0);
    assert_eq!(ethernet::Packet::new_checked(&frame).unwrap().dst(), [2, 0, 0, 0, 0, 6]);
    let outer = ipv6::Packet::new_checked(&frame[14..]).unwrap();
    assert_eq!((outer.next_header(), outer.payload_len()), (4, 96 - 54));
    // Nothing known follows: the inner header announces an experiment.
    assert_eq!(ipv4::Packet::new_checked(outer.payload()).unwrap().protocol(), 253);
}

#[test]
fn the_outer_tags_of_several_are_service_tags() {
    let ids =
        |frame: &[u8], at: usize| vlan::Packet::new_checked(&frame[at..]).unwrap().ethertype();
    let stack = ["ethernet", "vlan", "vlan", "vlan", "ipv6", "udp"];
    let tagged = program(stream(headers(&stack), 128));
    let frame = packet(&tagged, 0);
    assert_eq!(ethernet::Packet::new_checked(&frame).unwrap().ethertype(), 0x88a8);
    assert_eq!([14, 18, 22].map(|at| ids(&frame, at)), [0x88a8, 0x8100, 0x86dd]);
    assert_eq!(tagged.tag_at, Some(26 + 48));
    let frame = packet(&program(stream(headers(&["ethernet", "vlan"]), 64)), 0);
    assert_eq!(ethernet::Packet::new_checked(&frame).unwrap().ethertype(), 0x8100);
    assert_eq!(ids(&frame, 14), 0x88b5);
}

#[test]
fn what_the_profile_sets_stays_as_it_is() {
    let fixed = FieldValue::Fixed;
    let stack = vec![
        header("ethernet", &[("ethertype", fixed(0x0806))]),
        header("ipv4", &[("length", fixed(9)), ("checksum", fixed(0xbad)), ("protocol", fixed(6))]),
        header("udp", &[("length", fixed(3)), ("checksum", fixed(0))]),
    ];
    let mut resized = stream(stack, 64);
    resized.size = Size::List(vec![FrameSize(64), FrameSize(99)]);
    let program = program(resized);
    assert!(program.checksums.is_empty());
    for index in 0..4 {
        let frame = packet(&program, index);
        assert_eq!(frame.len(), if index % 2 == 0 { 60 } else { 95 });
        assert_eq!(frame[12..14], [0x08, 0x06]);
        assert_eq!((&frame[16..18], &frame[24..26]), (&[0, 9][..], &[0x0b, 0xad][..]));
        assert_eq!((frame[23], &frame[38..42]), (6, &[0, 3, 0, 0][..]));
    }
}

#[test]
fn the_checksum_of_a_datagram_with_a_wrong_length_is_over_what_is_there() {
    let stack = vec![
        header("ethernet", &[]),
        header("ipv4", &[]),
        header("udp", &[("length", counter(1, 1, 100))]),
    ];
    let program = program(stream(stack, 64));
    for index in 0..200 {
        let frame = packet(&program, index);
        assert_eq!(l4_sum(Some(("ipv4", &frame[14..])), 17, &frame[34..]), 0xffff);
    }
}

#[test]
fn identification_counts_where_the_datagram_may_be_fragmented() {
    let stack = |fields: &[(&str, FieldValue)]| {
        vec![header("ethernet", &[]), header("ipv4", fields), header("udp", &[])]
    };
    let id = |frame: &[u8]| ipv4::Packet::new_checked(&frame[14..]).unwrap().id();
    let atomic = program(stream(stack(&[]), 64));
    assert!(atomic.ops.is_empty());
    assert_eq!(id(&packet(&atomic, 77)), 0);
    for field in [("df", 0), ("mf", 1), ("fragment_offset", 2)] {
        let counted = program(stream(stack(&[(field.0, FieldValue::Fixed(field.1))]), 64));
        let ids: HashSet<u16> = (0..65_536).map(|index| id(&packet(&counted, index))).collect();
        assert_eq!(ids.len(), 65_535, "{}", field.0);
        assert!(!ids.contains(&0), "the kernel replaces it where it goes through a raw socket");
    }
    let given = stack(&[("df", FieldValue::Fixed(0)), ("id", FieldValue::Fixed(5))]);
    assert_eq!(id(&packet(&program(stream(given, 64)), 9)), 5);
}

#[test]
fn a_udp_checksum_of_zero_is_sent_as_ffff_and_a_tcp_one_as_it_is() {
    let over = |protocol: &str, at: usize| -> HashSet<u16> {
        let stack = vec![
            header("ethernet", &[]),
            header("ipv4", &[]),
            header(protocol, &[("src", counter(0, 1, 1 << 16))]),
        ];
        let program = program(stream(stack, 80));
        let checksums = (0..1 << 16).map(|index| {
            let frame = packet(&program, index);
            u16::from_be_bytes([frame[at], frame[at + 1]])
        });
        checksums.collect()
    };
    let (udp, tcp) = (over("udp", 40), over("tcp", 50));
    assert!(!udp.contains(&0) && udp.contains(&0xffff));
    assert!(tcp.contains(&0) && !tcp.contains(&0xffff));
}

#[test]
fn the_template_itself_obeys_the_zero_rule() {
    // The one source port that makes a constant checksum 0, found by asking for it.
    let with_port = |port: u128| {
        let stack = vec![
            header("ethernet", &[]),
            header("ipv4", &[]),
            header("udp", &[("src", FieldValue::Fixed(port))]),
        ];
        packet(&program(stream(stack, 64)), 0)
    };
    let first = with_port(0);
    let checksum = u16::from_be_bytes([first[40], first[41]]);
    let frame = with_port(checksum.into());
    assert_eq!(frame[40..42], [0xff, 0xff]);
    assert_eq!(plain_sum(&[&frame[14..34]]), 0xffff);
}

#[test]
fn a_frame_without_room_for_the_tag_has_none() {
    let tag_at = |protocols: &[&str], size: Size| {
        program(Stream { size, ..stream(headers(protocols), 64) }).tag_at
    };
    let fixed = |size| Size::Fixed(FrameSize(size));
    assert_eq!(tag_at(&["ethernet", "ipv4", "udp"], fixed(64)), Some(42));
    assert_eq!(tag_at(&["ethernet", "ipv4", "udp"], fixed(63)), None);
    assert_eq!(tag_at(&["ethernet", "ipv6", "udp"], fixed(84)), Some(62));
    assert_eq!(tag_at(&["ethernet", "ipv6", "udp"], fixed(83)), None);
    let mixed = Size::List(vec![FrameSize(200), FrameSize(70)]);
    assert_eq!(tag_at(&["ethernet", "ipv6", "udp"], mixed), None);
    let mut untagged = stream(headers(&["ethernet", "ipv4", "udp"]), 64);
    untagged.tag = false;
    assert_eq!(program(untagged).tag_at, None);
}

#[test]
fn payloads_fill_the_frame() {
    let rest = |payload, tag| {
        let stack = headers(&["ethernet", "ipv4", "udp"]);
        let frame = packet(&program(Stream { payload, tag, ..stream(stack, 70) }), 0);
        frame[if tag { 60 } else { 42 }..].to_vec()
    };
    assert_eq!(rest(Payload::Increment, true), [18, 19, 20, 21, 22, 23]);
    assert_eq!(rest(Payload::Increment, false)[..3], [0, 1, 2]);
    assert_eq!(rest(Payload::Fill(7), true), [7; 6]);
    assert_eq!(rest(Payload::Bytes(b"abcd".to_vec()), true), *b"abcdab");
    assert_eq!(rest(Payload::Bytes(Vec::new()), true), [0; 6]);
}

#[test]
fn ipv6_addresses_count_across_all_their_bits() {
    let dst = |value: FieldValue, index| {
        let stack =
            vec![header("ethernet", &[]), header("ipv6", &[("dst", value)]), header("udp", &[])];
        let frame = packet(&program(stream(stack, 100)), index);
        let packet = ipv6::Packet::new_checked(&frame[14..]).unwrap();
        assert_eq!(l4_sum(Some(("ipv6", &frame[14..])), 17, &frame[54..]), 0xffff);
        packet.dst().to_bits()
    };
    let base = 0x2001_0002_u128 << 96;
    // Hosts, networks, both, and downwards.
    assert_eq!(dst(counter(base, 1, 1 << 40), 1 << 33), base + (1 << 33));
    assert_eq!(dst(counter(base, 1 << 64, 256), 255), base + (255 << 64));
    let both = (1 << 64) + 3;
    assert_eq!(dst(counter(base, both, 100), 99), base + 99 * both);
    let down = 1u128.wrapping_neg();
    assert_eq!(dst(counter(base + 9, down, 10), 9), base);
    let list = FieldValue::List(vec![base + 5, 1, u128::MAX]);
    assert_eq!([0, 1, 2, 3].map(|i| dst(list.clone(), i)), [base + 5, 1, u128::MAX, base + 5]);
}

#[test]
fn random_values_are_of_the_seed_the_stream_and_the_field_alone() {
    let any_port = FieldValue::Random { low: 0, high: 65_535 };
    let stack = |with_ttl: bool| {
        let ttl: &[_] = if with_ttl { &[("ttl", counter(1, 1, 9))] } else { &[] };
        vec![
            header("ethernet", &[]),
            header("ipv4", ttl),
            header("udp", &[("src", any_port.clone())]),
        ]
    };
    let ports = |profile: &Profile, stream, epoch| -> Vec<[u8; 2]> {
        let program = compile(profile, stream, &addressing(), epoch).unwrap();
        (0..20).map(|index| packet(&program, index)[34..36].try_into().unwrap()).collect()
    };
    let two = profile(vec![stream(stack(false), 64), stream(stack(true), 64)]);
    let first = ports(&two, 0, 1);
    assert_eq!(first, ports(&two, 0, 2), "another trial sends the same packets");
    assert_ne!(first, ports(&two, 1, 1), "another stream sends others");
    let changed = profile(vec![stream(stack(true), 64)]);
    assert_eq!(first, ports(&changed, 0, 1), "another field does not matter");
    let seeded = Profile { seed: 2, ..changed };
    assert_ne!(first, ports(&seeded, 0, 1), "another seed does");
}

#[test]
fn random_values_are_uniform_and_independent() {
    const PACKETS: u64 = 40_000;
    let stack = vec![
        header("ethernet", &[]),
        header("ipv4", &[("dst", FieldValue::Random { low: 0xc612_0000, high: 0xc613_ffff })]),
        header("udp", &[("src", FieldValue::Random { low: 1000, high: 1099 })]),
    ];
    let program = program(stream(stack, 64));
    let mut ports = [0u32; 100];
    let mut addresses = HashSet::new();
    for index in 0..PACKETS {
        let frame = packet(&program, index);
        ports[usize::from(u16::from_be_bytes([frame[34], frame[35]])) - 1000] += 1;
        addresses.insert(frame[30..34].to_vec());
    }
    // Chi-square with 99 degrees of freedom: mean 99, standard deviation 14; the values are the
    // seed's, so the test always gives the same.
    let expected = PACKETS as f64 / 100.0;
    let chi2: f64 = ports.iter().map(|n| (f64::from(*n) - expected).powi(2) / expected).sum();
    assert!((50.0..160.0).contains(&chi2), "{chi2}");
    // 40,000 draws of 131,072 leave 131,072 (1 - e^-0.30518) = 34,463 distinct ones, ± 65.
    assert!((34_100..34_800).contains(&addresses.len()), "{}", addresses.len());
}

#[test]
fn imix_follows_its_weights() {
    let mut mixed = stream(headers(&["ethernet", "ipv4", "udp"]), 64);
    mixed.size = Size::Imix(vec![(FrameSize(64), 14), (FrameSize(570), 8), (FrameSize(1518), 2)]);
    let program = program(mixed);
    let lens: Vec<usize> = (0..12_000).map(|index| program.frame_len(index)).collect();
    let count = |len| lens.iter().filter(|have| **have == len).count();
    assert_eq!([60, 566, 1514].map(count), [7000, 4000, 1000]);
}

#[test]
fn errors_name_the_place_and_the_remedy() {
    let stack = |fields: &[(&str, FieldValue)]| {
        vec![header("ethernet", &[]), header("ipv6", fields), header("udp", &[])]
    };
    let small = wirestorm::error::Error::from(error(stream(stack(&[]), 64)));
    assert_eq!(
        small.to_string(),
        "cannot lay out stream stream: size: a frame of 64 B is shorter than its headers, which \
         take 66 B with the FCS; set size to 66B or more"
    );
    let ragged = FieldValue::Random { low: 5, high: 1 << 65 };
    assert_eq!(
        error(stream(stack(&[("dst", ragged)]), 100)).to_string(),
        "stream stream: headers[1].ipv6.dst: a random range across the border of 2^64 values must \
         hold whole blocks of them"
    );
    let wide = FieldValue::List(vec![1, 1 << 20]);
    assert_eq!(
        error(stream(stack(&[("flow_label", wide)]), 100)).to_string(),
        "stream stream: headers[1].ipv6.flow_label: 1048576 is larger than the field's largest \
         value, 1048575"
    );
    let empty = stack(&[("hop_limit", FieldValue::List(Vec::new()))]);
    assert_eq!(
        error(stream(empty, 100)).to_string(),
        "stream stream: headers[1].ipv6.hop_limit: the list is empty"
    );
    assert_eq!(
        error(stream(Vec::new(), 64)).to_string(),
        "stream stream: headers: the header stack is empty"
    );
    assert_eq!(
        error(stream(stack(&[]), 65_540)).to_string(),
        "stream stream: size: a frame of 65540 B is longer than 65539 B"
    );
    let deep = headers(&["ethernet", "vlan", "vlan", "vlan", "vlan"]);
    let changing: Vec<_> = (0..9).map(|n| header("ipv4", &[("ttl", counter(n, 1, 4))])).collect();
    let stack = [deep, changing].concat();
    assert_eq!(
        error(stream(stack, 400)).to_string(),
        "stream stream: the stream has 9 changing checksums, at most 8 are possible"
    );
}

#[test]
fn an_address_that_nobody_named_is_an_error_unless_the_profile_sets_it() {
    let nobody = Addressing::default();
    let ipv4 = |fields: &[(&str, FieldValue)]| {
        profile(vec![stream(vec![header("ethernet", &[]), header("ipv4", fields)], 64)])
    };
    let told = |profile| compile(&profile, 0, &nobody, 1).map_err(|error| error.to_string());
    assert_eq!(
        told(ipv4(&[])).unwrap_err(),
        "stream stream: headers[1].ipv4.src: no IPv4 source address is known"
    );
    let set = [("src", FieldValue::Fixed(1)), ("dst", FieldValue::Fixed(2))];
    assert!(told(ipv4(&set)).is_ok());
}

/// The frames of a profile of one stream with this stack.
fn frames(stack: &str, count: u64) -> Vec<Vec<u8>> {
    let text = format!("streams: [{{rate: 1kpps, size: 256B, packet: {stack}}}]");
    let profile = wirestorm::profile::parse("p.yaml", &text, &[]).unwrap_or_else(|e| panic!("{e}"));
    let program = compile(&profile, 0, &addressing(), 1).expect("compiles");
    (0..count).map(|index| packet(&program, index)).collect()
}

fn number(frame: &[u8], at: std::ops::Range<usize>) -> u128 {
    frame[at].iter().fold(0, |number, byte| number << 8 | u128::from(*byte))
}

#[test]
fn a_field_follows_another_one() {
    let (src, dst) = (34..36, 36..38);
    for rule in ["{random: 1..9, every: 3}", "[5, 9, 7]", "{random: {80: 2, 90..99: 1}}", "77"] {
        let stack =
            format!("[ipv4, {{udp: {{src: {{same_as: udp.dst, plus: -2}}, dst: {rule}}}}}]");
        for frame in frames(&stack, 200) {
            let expected = (number(&frame, dst.clone()) as u16).wrapping_sub(2);
            assert_eq!(number(&frame, src.clone()) as u16, expected, "{rule}");
            assert_eq!(l4_sum(Some(("ipv4", &frame[14..])), 17, &frame[34..]), 0xffff);
        }
    }
}

#[test]
fn fields_of_different_widths_follow_each_other() {
    // The low bits of a wide field, and a wide field of a narrow one; a chain of them.
    let stack = "[{ipv6: {src: {prefix: '2001:2::/48', order: random}, \
                  dst: {same_as: ipv6.src, plus: 0}}}, \
                  {udp: {src: {same_as: ipv6.src, plus: 5}, dst: {same_as: udp.src}}}]";
    for frame in frames(stack, 100) {
        let src = number(&frame, 22..38);
        assert_eq!(number(&frame, 38..54), src);
        assert_eq!(number(&frame, 54..56) as u16, (src as u16).wrapping_add(5));
        assert_eq!(number(&frame, 56..58), number(&frame, 54..56));
    }
    let stack = "[{ipv6: {src: {same_as: udp.src, plus: -10}}}, {udp: {src: {increment: 1..20}}}]";
    for frame in frames(stack, 100) {
        let expected = number(&frame, 54..56).wrapping_sub(10);
        assert_eq!(number(&frame, 22..38), expected, "the borrow goes through all 128 bits");
    }
}

#[test]
fn masks_keep_the_other_bits() {
    let stack = "[ipv4, {udp: {src: {increment: 0..0xffff, mask: 0x0f0f, base: 0xa5a5}, \
                 dst: {same_as: udp.src}}}]";
    for (index, frame) in frames(stack, 3000).iter().enumerate() {
        let expected = 0xa0a0 | index as u128 & 0x0f0f;
        assert_eq!(number(frame, 34..36), expected);
        assert_eq!(number(frame, 36..38), expected);
        assert_eq!(l4_sum(Some(("ipv4", &frame[14..])), 17, &frame[34..]), 0xffff);
    }
}

#[test]
fn addresses_carry_through_all_bits() {
    let stack = "[{ipv6: {src: {increment: '2001:2:0:ffff:ffff:ffff:ffff:fffe', count: 4}, \
                 dst: {decrement: '2001:2:1::1', count: 4}}}, udp]";
    let frames = frames(stack, 8);
    let address = |text: &str| u128::from(text.parse::<std::net::Ipv6Addr>().unwrap());
    let (up, down) = (address("2001:2:0:ffff:ffff:ffff:ffff:fffe"), address("2001:2:1::1"));
    for (index, frame) in frames.iter().enumerate() {
        let turn = index as u128 % 4;
        assert_eq!(number(frame, 22..38), up + turn);
        assert_eq!(number(frame, 38..54), down - turn);
        assert_eq!(l4_sum(Some(("ipv6", &frame[14..])), 17, &frame[54..]), 0xffff);
    }
}
