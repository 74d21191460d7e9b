//! A capture sent again is the capture: the same bytes in the same order, at the times that the
//! file has. What is rewritten is what the compiler would have made of it at once.

mod replays;

use proptest::prelude::*;
use replays::{Format, addressing, beside, dry, file, made, parse, planned, refused, slots, whole};
use wirestorm::engine::Slot;
use wirestorm::pace::{Schedule, Window};
use wirestorm::packet::compile::compile;
use wirestorm::packet::dissect::dissect;
use wirestorm::packet::tag::{self, Seen};
use wirestorm::wire::protocols;

/// The frames that a replay's dry run makes of a capture.
fn replayed(capture: &[u8], stream: &str) -> Vec<(u64, Vec<u8>)> {
    let (_dir, path) = beside(capture);
    let text = format!("lab: b2b\nduration: 1s\nstreams: [{{to: null, {stream}}}]");
    let packets = dry(&parse(&path, &text));
    packets.into_iter().map(|packet| (packet.time, packet.bytes)).collect()
}

fn bytes(frames: Vec<(u64, Vec<u8>)>) -> Vec<Vec<u8>> {
    frames.into_iter().map(|(_, frame)| frame).collect()
}

/// Fails with the first packet that differs, not with all of them.
fn assert_same(seen: &[Vec<u8>], wanted: &[Vec<u8>], told: &str) {
    assert_eq!(seen.len(), wanted.len(), "{told}");
    for (n, (seen, wanted)) in seen.iter().zip(wanted).enumerate() {
        assert_eq!(seen, wanted, "{told}, packet {n}");
    }
}

/// Frames of any bytes and the gaps before them, in nanoseconds.
fn captures() -> impl Strategy<Value = Vec<(u64, Vec<u8>)>> {
    let gap = prop_oneof![Just(0u64), 0..5_000u64, 0..2_000_000_000u64];
    let frame = prop::collection::vec(any::<u8>(), 14..200);
    prop::collection::vec((gap, frame), 1..20)
}

proptest! {
    #[test]
    fn any_capture_comes_back_with_its_times(
        packets in captures(),
        epoch in 0..4_000_000_000_000_000_000u64,
        format in prop::sample::select(vec![Format::PcapMicro, Format::PcapNano, Format::Ng]),
    ) {
        let mut time = epoch;
        let frames: Vec<_> = packets
            .into_iter()
            .map(|(gap, frame)| {
                time += gap;
                let len = frame.len();
                (time, frame, len)
            })
            .collect();
        let first = format.rounded(frames[0].0);
        let again = replayed(&file(format, &frames), "replay: c.pcap");
        prop_assert_eq!(again.len(), frames.len());
        for ((due, seen), (time, frame, _)) in again.iter().zip(&frames) {
            prop_assert_eq!(seen, frame);
            prop_assert_eq!(*due, format.rounded(*time) - first);
        }
    }

    /// Any headers whatever: what is rewritten stays inside the frame, and nothing else changes.
    #[test]
    fn any_frame_is_rewritten_or_left_alone(packets in captures(), ethertype in 0usize..3) {
        let mut packets = packets;
        for (_, frame) in &mut packets {
            let numbers = [[0x08, 0x00], [0x86, 0xdd], [0x81, 0x00]];
            frame[12..14].copy_from_slice(&numbers[ethertype]);
            if let Some(first) = frame.get_mut(14) {
                *first = [0x45, 0x60, 0x00][ethertype];
            }
        }
        let stream = "replay: {file: c.pcap, checksums: recompute, rewrite: {ethernet.src: \
                      {random: '00:00:00:00:00:00..ff:ff:ff:ff:ff:ff'}}}";
        let again = replayed(&whole(&packets), stream);
        for ((_, seen), (_, frame)) in again.iter().zip(&packets) {
            prop_assert_eq!(seen.len(), frame.len());
            prop_assert_eq!(&seen[..6], &frame[..6]);
            prop_assert_eq!(&seen[12..14], &frame[12..14]);
        }
    }
}

#[test]
fn speeds_repetitions_and_gaps() {
    let frame = |n: u8| vec![n; 20];
    let capture = whole(&[(100, frame(0)), (1_101, frame(1)), (3_100, frame(2))]);
    let times = |stream: &str| -> Vec<u64> {
        replayed(&capture, stream).into_iter().map(|(time, _)| time).collect()
    };
    assert_eq!(times("replay: c.pcap"), [0, 1_001, 3_000]);
    assert_eq!(times("replay: {file: c.pcap, speed: 2x}"), [0, 500, 1_500]);
    assert_eq!(times("replay: {file: c.pcap, speed: 0.5x}"), [0, 2_002, 6_000]);
    // The mean gap is 1.5 µs.
    let again = [0, 1_001, 3_000, 4_500, 5_501, 7_500];
    assert_eq!(times("replay: {file: c.pcap, repeat: 2}"), again);
    let apart = [0, 1_001, 3_000, 3_010, 4_011, 6_010];
    assert_eq!(times("replay: {file: c.pcap, repeat: 2, gap: 10ns}"), apart);
    assert_eq!(times("count: 4, replay: {file: c.pcap, repeat: forever}"), again[..4]);
    assert_eq!(times("duration: 5us, replay: {file: c.pcap, repeat: forever}"), again[..4]);
    assert_eq!(times("duration: 3us, replay: c.pcap"), again[..2]);
    assert_eq!(times("rate: 1Mpps, replay: c.pcap"), [0, 1_000, 2_000]);
    assert_eq!(times("rate: {burst: 2, gap: 7us}, replay: c.pcap"), [0, 0, 7_000]);
    // A chain of one stream, twice.
    assert_eq!(times("repeat: 2, replay: c.pcap"), again);
    let order: Vec<u8> = replayed(&capture, "replay: {file: c.pcap, repeat: 2}")
        .into_iter()
        .map(|(_, frame)| frame[0])
        .collect();
    assert_eq!(order, [0, 1, 2, 0, 1, 2]);
}

/// Packets of a capture by their numbers, headers and fields, at the distances that they had.
#[test]
fn some_packets_of_a_capture() {
    let stream = |n: u32, packet: &str| {
        format!("{{to: null, start: {n}us, rate: 1kpps, count: 1, size: 90B, packet: {packet}}}")
    };
    let packets = [
        "[arp]",
        "[ipv4: {dst: 198.18.0.9}, udp: {src: 7, dst: 53}]",
        "[ipv4: {dst: 198.18.1.9}, udp: {src: 8, dst: 9}]",
        "[vlan: {id: 5}, ipv6, tcp: {flags: syn}]",
        "[ipv4: {dst: 198.18.0.7, ttl: 3}, tcp: {dst: 53, flags: syn+ack}]",
    ];
    let streams: Vec<String> =
        packets.iter().zip(0..).map(|(packet, n)| stream(n, packet)).collect();
    let captured = made(&format!("lab: b2b\nstreams: [{}]", streams.join(", ")));
    let file = whole(&captured);
    let sent = |keys: &str| -> Vec<usize> {
        let sent = replayed(&file, &format!("replay: {{file: c.pcap, {keys}}}"));
        let first = sent[0].1.clone();
        let start = captured.iter().find(|(_, frame)| *frame == first).expect("captured").0;
        let place = |(time, frame): &(u64, Vec<u8>)| {
            let n = captured.iter().position(|(_, other)| other == frame).expect("captured");
            assert_eq!(*time, captured[n].0 - start, "{keys}");
            n + 1
        };
        sent.iter().map(place).collect()
    };
    assert_eq!(sent("only: 2..4"), [2, 3, 4]);
    assert_eq!(sent("only: {packets: [1, 4..5]}"), [1, 4, 5]);
    assert_eq!(sent("only: udp"), [2, 3]);
    assert_eq!(sent("only: [arp, ipv6]"), [1, 4]);
    assert_eq!(sent("except: tcp"), [1, 2, 3]);
    assert_eq!(sent("only: {ipv4.dst: 198.18.0.0/24}"), [2, 5]);
    assert_eq!(sent("only: {ipv4.dst: 198.18.0.0/24, has: tcp}"), [5]);
    assert_eq!(sent("only: {tcp.flags: [syn, syn+ack]}, except: {ipv4.ttl: 1..9}"), [4]);
    assert_eq!(sent("only: {vlan.id: 1..4094}"), [4]);
    // What is said of packets is said of them by their numbers in the file.
    let (_dir, path) = beside(&file);
    let text = |keys: &str| {
        format!("lab: b2b\nstreams: [{{tag: true, replay: {{file: c.pcap, {keys}}}}}]")
    };
    let told = refused(&path, &text("only: 3..4"));
    assert!(told.contains("1 of 2 packets have no room for a probe tag, number 4"), "{told}");
    let rounds = "rewrite: {udp.src: {increment: 1, every: round}}";
    let told = refused(&path, &text(&format!("only: dns, except: 1..5, {rounds}")));
    assert!(told.contains("none of its 5 packets is taken"), "{told}");
    // Without packets there are no rounds, which is not told as well.
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn a_clock_that_was_set_back_keeps_the_order() {
    let frame = |n: u8| vec![n; 14];
    let capture =
        whole(&[(5_000, frame(0)), (9_000, frame(1)), (2_000, frame(2)), (9_500, frame(3))]);
    let again = replayed(&capture, "replay: c.pcap");
    let wanted = [(0, frame(0)), (4_000, frame(1)), (4_000, frame(2)), (4_500, frame(3))];
    assert_eq!(again, wanted);
}

/// The examples of every header have right checksums: computed anew they are the same.
#[test]
fn right_checksums_come_out_the_same() {
    let mut frames = Vec::new();
    for example in protocols().iter().flat_map(|protocol| protocol.examples) {
        for size in ["", "size: 301B, ", "size: 512B, "] {
            let text = format!(
                "lab: b2b\nstreams: [{{to: null, rate: 1kpps, count: 1, {size}payload: increment, \
                 tag: false, packet: {example}}}]"
            );
            if wirestorm::profile::parse("example.yaml", &text, &[]).is_ok() {
                frames.extend(made(&text));
            }
        }
    }
    assert!(frames.len() > 100, "{} examples", frames.len());
    let wanted = bytes(frames.clone());
    let again = bytes(replayed(&whole(&frames), "replay: {file: c.pcap, checksums: recompute}"));
    // Examples that are wrong on purpose, or leave a checksum out, are not made right here.
    for (n, (seen, wanted)) in again.iter().zip(&wanted).enumerate() {
        let found = dissect(wanted);
        let names: Vec<_> = found.headers.iter().map(|header| header.protocol.name).collect();
        assert_eq!(seen, wanted, "example {n}: {names:?}");
    }
}

/// Stacks with checksums at every depth, whose `{A}`, `{B}` and so on are values that change.
const STACKS: [&str; 9] = [
    "[ipv4: {dst: {A}}, udp: {src: {P}}]",
    "[vlan: {id: {V}}, ipv4: {dst: {A}, ttl: {T}}, tcp: {seq: {S}}]",
    "[vlan: {id: {V}}, vlan: {id: 7}, ipv6: {dst: {B}, hop_limit: {T}}, udp: {src: {P}}]",
    "[ipv6: {dst: {B}}, tcp: {seq: {S}}]",
    "[ipv4: {dst: {A}, ttl: {T}}, icmp: {id: {P}}]",
    "[ipv6: {dst: {B}}, icmpv6: {id: {P}}]",
    "[ipv4: {dst: {A}, src: 10.0.0.1}, gre: {checksum: 0}, ipv6: {dst: {B}}, udp: {src: {P}}]",
    "[ipv4: {dst: {A}}, udp: {dst: 4789, src: {P}}, vxlan, ethernet, ipv6: {dst: {B}}, tcp: {seq: {S}}]",
    "[ipv6: {dst: {B}}, destination_options, udp: {src: {P}}]",
];

/// What stands for the letters: the fixed value, the rule, and the field.
const VALUES: [(&str, &str, &str, &str); 6] = [
    ("{A}", "198.18.0.9", "{increment: 198.18.0.1, count: 100}", "ipv4.dst"),
    ("{B}", "\"2001:2::9\"", "{increment: \"2001:2::ff00\", step: 255, count: 77}", "ipv6.dst"),
    ("{P}", "1234", "{list: [1, 65535, 40000]}", ""),
    ("{T}", "9", "{decrement: 100..200}", ""),
    ("{S}", "77", "{increment: 4294964000, step: 3, count: 400}", "tcp.seq"),
    ("{V}", "5", "{increment: 1..4094}", "vlan.id"),
];

/// The field that a letter names in a stack, where it differs between stacks.
fn field_of(stack: &str, letter: &str, field: &'static str) -> String {
    let named = |name: &str| stack.contains(&format!("{name}: {letter}"));
    if !field.is_empty() {
        return field.to_owned();
    }
    let protocols: &[&str] = match letter {
        "{T}" if stack.contains("hop_limit") => return "ipv6.hop_limit".to_owned(),
        "{T}" => return "ipv4.ttl".to_owned(),
        _ if named("id") => &["icmpv6", "icmp"],
        _ => &["udp"],
    };
    let protocol = protocols.iter().find(|protocol| stack.contains(**protocol)).expect("is there");
    format!("{protocol}.{}", if named("id") { "id" } else { "src" })
}

fn fill(stack: &str, rules: bool) -> String {
    VALUES.iter().fold(stack.to_owned(), |text, (letter, fixed, rule, _)| {
        text.replace(letter, if rules { rule } else { fixed })
    })
}

fn stream(stack: &str, size: &str) -> String {
    format!(
        "lab: b2b\nstreams: [{{to: null, rate: 1kpps, count: 150, size: {size}, tag: false, \
         payload: increment, packet: {stack}}}]"
    )
}

fn rewrites(stack: &str) -> String {
    let there = VALUES.iter().filter(|(letter, ..)| stack.contains(letter));
    let rules =
        there.map(|(letter, _, rule, field)| format!("{}: {rule}", field_of(stack, letter, field)));
    rules.collect::<Vec<_>>().join(", ")
}

/// Fields rewritten from packet to packet give the packets of a stream with those rules, checksums
/// and all, whatever the capture's own checksums were.
#[test]
fn rewritten_fields_are_as_if_they_had_been_compiled() {
    for (stack, size) in STACKS.iter().flat_map(|stack| [(stack, "200B"), (stack, "257B")]) {
        // GRE's checksum is the compiler's only where it is asked for.
        let stack = &stack.replace("{checksum: 0}", "{checksum_present: 1}");
        let mut captured = made(&stream(&fill(stack, false), size));
        let wanted = bytes(made(&stream(&fill(stack, true), size)));
        let replay = format!("replay: {{file: c.pcap, rewrite: {{{}}}}}", rewrites(stack));
        assert_same(&bytes(replayed(&whole(&captured), &replay)), &wanted, stack);
        // The same with wrong checksums: one bit of the last header's bytes that nothing rewrites.
        for (_, frame) in &mut captured {
            let found = dissect(frame);
            let checked = |name: &str| ["udp", "tcp", "icmp", "icmpv6"].contains(&name);
            let last = found.headers.iter().rposition(|h| checked(h.protocol.name));
            let last = last.expect("a header with a checksum");
            let at = found.places[last].at
                + match found.headers[last].protocol.name {
                    "udp" => 6,
                    "tcp" => 16,
                    _ => 2,
                };
            frame[at] ^= 0x55;
            frame[at + 1] ^= 0xaa;
        }
        assert_same(&bytes(replayed(&whole(&captured), &replay)), &wanted, stack);
        // Constants are rewritten once, and leave nothing to do.
        let one = "replay: {file: c.pcap, rewrite: {ethernet.src: '02:00:00:00:00:99'}}";
        let (_dir, path) = beside(&whole(&captured));
        let text = format!("lab: b2b\nstreams: [{{to: null, {one}}}]");
        let program = compile(&parse(&path, &text), 0, &addressing(), 1).expect("compiles");
        let frames = program.frames.expect("a capture");
        assert!(frames.shapes().iter().all(|shape| shape.ops.is_empty()), "{stack}");
    }
}

/// Of a fragment, and of a frame that the capture cut, the checksum follows what is rewritten.
#[test]
fn checksums_of_what_is_not_all_there_follow() {
    let cut = |dst: &str| {
        bytes(made(&format!(
            "lab: b2b\nstreams: [{{to: null, rate: 1kpps, count: 3, size: 700B, tag: false, payload: \
             increment, fragments: 3, packet: [ipv4: {{dst: {dst}}}, udp: {{src: 9}}]}}]"
        )))
    };
    let (captured, wanted) = (cut("198.18.0.9"), cut("198.18.77.200"));
    let timed = |frames: &[Vec<u8>]| -> Vec<(u64, Vec<u8>)> {
        frames.iter().enumerate().map(|(n, frame)| (n as u64 * 1000, frame.clone())).collect()
    };
    let replay = "replay: {file: c.pcap, rewrite: {ipv4.dst: 198.18.77.200}}";
    assert_same(&bytes(replayed(&whole(&timed(&captured)), replay)), &wanted, "fragments");
    // By a rule: the operations of every packet do the same.
    let list = "replay: {file: c.pcap, rewrite: {ipv4.dst: [198.18.77.200, 198.18.77.200, 198.18.77.200, 198.18.0.1]}}";
    let by_rule = bytes(replayed(&whole(&timed(&captured[..3])), list));
    assert_same(&by_rule, &wanted[..3], "fragments, by a rule");
    let long = |dst: &str, seq: &str| {
        made(&stream(&format!("[ipv6: {{dst: \"{dst}\"}}, tcp: {{seq: {seq}}}]"), "900B"))
    };
    let shorten = |frames: Vec<(u64, Vec<u8>)>| -> Vec<(u64, Vec<u8>, usize)> {
        frames.into_iter().map(|(time, frame)| (time, frame[..96].to_vec(), frame.len())).collect()
    };
    let captured = file(Format::Ng, &shorten(long("2001:2::9", "5")));
    let wanted = shorten(long("2001:2::abcd", "{increment: 1000, count: 7}"));
    let replay = "replay: {file: c.pcap, rewrite: {ipv6.dst: '2001:2::abcd', tcp.seq: {increment: \
                  1000, count: 7}}}";
    let wanted: Vec<_> = wanted.into_iter().map(|(_, frame, _)| frame).collect();
    assert_same(&bytes(replayed(&captured, replay)), &wanted, "snaplen");
}

/// What a checksum covers may be what is rewritten: the end of a route, and UDP-Lite's coverage.
#[test]
fn what_a_checksum_covers_is_what_the_packet_says_now() {
    let route = |left: &str| {
        format!(
            "[ipv6, routing_type0: {{addresses: [\"2001:2::8\", \"2001:2::9\"], segments_left: \
             {left}}}, udp]"
        )
    };
    let lite = |coverage: &str| format!("[ipv4, udp_lite: {{coverage: {coverage}}}]");
    let cases = [
        (route("2"), "routing_type0.segments_left: 0", route("0")),
        (route("0"), "routing_type0.segments_left: 1", route("1")),
        (lite("8"), "udp_lite.coverage: 26", lite("26")),
        (lite("26"), "udp_lite.coverage: 0", lite("0")),
    ];
    for (before, rewrite, after) in &cases {
        let (captured, wanted) = (made(&stream(before, "200B")), made(&stream(after, "200B")));
        let replay = format!("replay: {{file: c.pcap, rewrite: {{{rewrite}}}}}");
        assert_same(&bytes(replayed(&whole(&captured), &replay)), &bytes(wanted), rewrite);
    }
    // Of a frame that was cut, it follows from the old coverage to the new one.
    let cut = |stack: &str| -> Vec<(u64, Vec<u8>, usize)> {
        let frames = made(&stream(stack, "200B")).into_iter();
        frames.map(|(time, frame)| (time, frame[..120].to_vec(), frame.len())).collect()
    };
    for (before, rewrite, after) in &cases[..2] {
        let wanted = cut(after).into_iter().map(|(_, frame, _)| frame).collect::<Vec<_>>();
        let replay = format!("replay: {{file: c.pcap, rewrite: {{{rewrite}}}}}");
        let again = bytes(replayed(&file(Format::Ng, &cut(before)), &replay));
        assert_same(&again, &wanted, rewrite);
    }
    // In some packets one, in others the other: no operation computes that.
    let (_dir, path) = beside(&whole(&made(&stream(&cases[0].0, "200B"))));
    let text = "lab: b2b\nstreams: [{to: null, replay: {file: c.pcap, rewrite: \
                {routing_type0.segments_left: [0, 1]}}}]";
    let why = refused(&path, text);
    assert!(why.contains("in some packets the route has addresses left"), "{why}");
    assert!(why.contains("checksums: keep"), "{why}");
    // Where the sender computed none there is nothing to follow.
    let none = cases[0].0.replace("udp]", "udp: {checksum: 0}]");
    let (_dir, path) = beside(&whole(&made(&stream(&none, "200B"))));
    assert_eq!(dry(&parse(&path, text)).len(), 150);
}

#[test]
fn fields_follow_what_was_captured() {
    let text = stream(
        "[ipv4: {src: 198.18.1.1, dst: {increment: 198.18.0.1, count: 9}}, udp: {src: 5, dst: 9}]",
        "64B",
    );
    let captured = whole(&made(&text));
    let of = |replay: &str| {
        replayed(&captured, &format!("replay: {{file: c.pcap, rewrite: {{{replay}}}}}"))
    };
    let field = |frames: &[(u64, Vec<u8>)], at: usize, len: usize| -> Vec<Vec<u8>> {
        frames.iter().take(3).map(|(_, frame)| frame[at..at + len].to_vec()).collect()
    };
    // Turned round.
    let round = of("ipv4.src: {same_as: ipv4.dst}, ipv4.dst: {same_as: ipv4.src}");
    assert_eq!(field(&round, 26, 8)[1], [198, 18, 0, 2, 198, 18, 1, 1]);
    // A prefix with the hosts as they were.
    let moved = of("ipv4.dst: {list: [198.19.0.0], mask: 255.255.0.0}");
    assert_eq!(field(&moved, 30, 4)[2], [198, 19, 0, 3]);
    // A number added.
    let added = of("udp.dst: {same_as: udp.dst, plus: 1000}");
    assert_eq!(field(&added, 36, 2)[0], 1009u16.to_be_bytes());
    // The ports' own, and the next hop.
    let own = of("ethernet.src: port, ethernet.dst: next-hop, ipv4.src: port, ipv4.dst: port");
    assert_eq!(field(&own, 0, 12)[0], [2, 0x57, 0x53, 0, 2, 4, 2, 0x57, 0x53, 0, 1, 2]);
    assert_eq!(field(&own, 26, 8)[0], [198, 18, 0, 2, 198, 18, 0, 3]);
    // Every round of the capture has an address of its own.
    let (_dir, path) = beside(&captured);
    let text = "lab: b2b\nstreams: [{to: null, rate: 1kpps, replay: {file: c.pcap, repeat: 3, \
                rewrite: {ipv4.src: {increment: 198.18.2.1, count: 5, every: round}}}}]";
    let sources: Vec<u8> = dry(&parse(&path, text)).iter().map(|packet| packet.bytes[29]).collect();
    assert_eq!(sources[..150], [1; 150]);
    assert_eq!(sources[150..300], [2; 150]);
    assert_eq!(sources[300..], [3; 150]);
}

#[test]
fn checksums_may_stay_as_they_were() {
    let captured = whole(&made(&stream("[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]", "64B")));
    let replay = "replay: {file: c.pcap, checksums: keep, rewrite: {ipv4.ttl: 1}}";
    let (before, after) = (
        made(&stream("[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]", "64B")),
        replayed(&captured, replay),
    );
    assert_eq!(before[0].1[24..26], after[0].1[24..26]);
    assert_eq!(after[0].1[22], 1);
}

#[test]
fn tags_are_written_into_payload_that_has_room() {
    let captured = whole(&made(&stream("[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]", "64B")));
    let (_dir, path) = beside(&captured);
    let text = "lab: b2b\nstreams: [{replay: c.pcap, tag: true}]";
    let packets = dry(&parse(&path, text));
    for (n, packet) in packets.iter().enumerate() {
        let seen = tag::read(&packet.bytes[42..]);
        assert!(matches!(seen, Seen::Probe(tag) if tag.index == n as u32), "packet {n}: {seen:?}");
        let ip = wirestorm::wire::checksum::sum(&packet.bytes[26..34]);
        let sum = ip + 17 + 26 + wirestorm::wire::checksum::sum(&packet.bytes[34..60]);
        assert_eq!(wirestorm::wire::checksum::fold(sum), 0xffff, "packet {n}");
    }
    // A shorter one among them has none, and is named.
    let mut frames = made(&stream("[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]", "64B"));
    frames[17].1[16..18].copy_from_slice(&40u16.to_be_bytes());
    let (_dir, path) = beside(&whole(&frames));
    let told = refused(&path, text);
    assert!(told.contains("1 of 150 packets have no room for a probe tag, number 18"), "{told}");
}

/// A packet belongs to its slot: what is late is left out, and the next keeps its own time.
#[test]
fn late_packets_are_left_out_and_the_others_keep_their_times() {
    let frames: Vec<_> = (0..10u8).map(|n| (u64::from(n) * 1000, vec![n; 14])).collect();
    let (_dir, path) = beside(&whole(&frames));
    let text = "lab: b2b\nstreams: [{to: null, replay: {file: c.pcap, repeat: 2}}]";
    let (plan, _) = planned(&parse(&path, text));
    let mut schedule = Schedule::new(&plan.classes, 0, 1, 1_000_000);
    let mut batch = [Slot::default(); 4];
    let window = Window { now: 1_005_500, too_late: 1_003_000, ..Window::due_at(1_005_500) };
    let taken = schedule.fill(window, &mut batch);
    let of = |slots: &[Slot]| slots.iter().map(|s| (s.index, s.due)).collect::<Vec<_>>();
    assert_eq!(of(&batch[..taken]), [(3, 1_003_000), (4, 1_004_000), (5, 1_005_000)]);
    // One was sent; of the other two the first has become too late meanwhile.
    let kept = schedule.pass_over_late(&mut batch[1..taken], 1_004_500);
    assert_eq!(of(&batch[1..=kept]), [(5, 1_005_000)]);
    let rest = slots(schedule.clone());
    assert_eq!(rest.first().map(|s| (s.index, s.due)), Some((6, 1_006_000)));
    assert_eq!(rest.last().map(|s| (s.index, s.due)), Some((19, 1_019_000)));
    let mut all = schedule;
    slots_of(&mut all);
    let counts = all.counts(0, None);
    assert_eq!((counts.intended, counts.taken, counts.skipped), (20, 16, 4));
}

fn slots_of(schedule: &mut Schedule) {
    let mut slot = [Slot::default()];
    while schedule.fill(Window { now: 0, ..Window::due_at(u64::MAX) }, &mut slot) == 1 {}
}

/// One worker sends them all, whatever their number: the order is the file's.
#[test]
fn the_order_does_not_depend_on_the_workers() {
    let frames: Vec<_> = (0..50u8).map(|n| (u64::from(n / 5) * 1000, vec![n; 14])).collect();
    let (_dir, path) = beside(&whole(&frames));
    let (plan, _) = planned(&parse(&path, "lab: b2b\nstreams: [{to: null, replay: c.pcap}]"));
    let of = |worker, workers| slots(Schedule::new(&plan.classes, worker, workers, 0));
    let alone = of(0, 1);
    assert!(alone.iter().enumerate().all(|(n, slot)| slot.index == n as u64));
    assert_eq!(of(0, 3), alone);
    assert!(of(1, 3).is_empty() && of(2, 3).is_empty());
}

/// Captured destinations are held to the rule for all others, before and after rewriting.
#[test]
fn captured_destinations_are_judged() {
    use wirestorm::profile::safety;
    let text = stream("[ipv4: {dst: [198.18.0.9, 8.8.8.8]}, udp: {src: 7}]", "64B");
    let (_dir, path) = beside(&whole(&made(&text)));
    let judged = |stream: &str| -> Vec<String> {
        let profile = parse(&path, &format!("lab: b2b\nstreams: [{{to: null, {stream}}}]"));
        safety::check(&profile, &[]).iter().map(ToString::to_string).collect()
    };
    let told = judged("replay: c.pcap");
    assert!(told[0].contains("the destination 8.8.8.8 of packet 2"), "{told:?}");
    let mask = "mask: 255.255.0.0";
    for (rewrite, outside) in [
        ("198.18.0.1".to_owned(), None),
        ("{increment: 198.18.0.1, count: 1000}".to_owned(), None),
        ("port".to_owned(), None),
        ("{same_as: ipv4.src}".to_owned(), None),
        (format!("{{list: [198.19.0.0], {mask}}}"), None),
        (format!("{{list: [198.19.0.0, 9.9.0.0], {mask}}}"), Some("9.9.0.9 of packet 1")),
        (format!("{{random: 198.18.0.0..198.19.0.0, {mask}}}"), Some("0.0.0.9 of packet 1")),
        ("{same_as: ipv4.dst, plus: 1}".to_owned(), Some("8.8.8.9 of packet 2")),
    ] {
        let told = judged(&format!("replay: {{file: c.pcap, rewrite: {{ipv4.dst: {rewrite}}}}}"));
        match outside {
            None => assert!(told.is_empty(), "{rewrite}: {told:?}"),
            Some(outside) => assert!(told[0].contains(outside), "{rewrite}: {told:?}"),
        }
    }
    let allowed = ["8.8.8.8/32"].map(|text| safety::Prefix::parse(text).expect("a prefix"));
    let profile = parse(&path, "lab: b2b\nstreams: [{to: null, replay: c.pcap}]");
    assert!(safety::check(&profile, &allowed).is_empty());
}

/// 120,000 packets: read, planned and made in bounded time and memory.
#[test]
fn a_large_capture_is_planned() {
    let mut frame = made(&stream("[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]", "64B"))[0].1.clone();
    let frames: Vec<_> = (0..120_000u32)
        .map(|n| {
            frame[42..46].copy_from_slice(&n.to_be_bytes());
            (u64::from(n) * 10_000, frame.clone())
        })
        .collect();
    let (_dir, path) = beside(&whole(&frames));
    let text = "lab: b2b\nstreams: [{to: null, replay: {file: c.pcap, rewrite: {ipv4.dst: \
                {increment: 198.18.0.1, count: 60000}}}}]";
    let profile = parse(&path, text);
    let (plan, programs) = planned(&profile);
    let table = programs[0].frames.as_ref().expect("a capture");
    assert_eq!((table.count(), table.shapes().len()), (120_000, 1));
    assert_eq!(plan.duration(), Some(1_200_000_000));
    let mut made = [0; 60];
    assert_eq!(programs[0].build(119_999, &mut made, false), 60);
    assert_eq!(made[42..46], 119_999u32.to_be_bytes());
    assert_eq!(made[30..34], [198, 18, 234, 96]);
}

/// Odd captures, each refused with what to do, or sent as documented.
#[test]
fn odd_captures_are_told() {
    let text = "lab: b2b\nstreams: [{to: null, replay: c.pcap}]";
    let mut told = String::new();
    let mut case = |title: &str, capture: &[u8], text: &str| {
        let (dir, path) = beside(capture);
        let message = refused(&path, text);
        let message = message.replace(&dir.path().display().to_string(), "DIR");
        told.push_str(&format!("=== {title}\n{message}\n"));
    };
    let frame = |len: usize| vec![7u8; len];
    case("no packets", &whole(&[]), text);
    case("a packet of 13 bytes", &whole(&[(0, frame(60)), (1, frame(13))]), text);
    case("no capture", b"hello, world, this is no capture", text);
    let mut other = whole(&[(0, frame(60))]);
    for link in [101u8, 113, 127] {
        other[20] = link;
        case(&format!("link type {link}"), &other, text);
    }
    let mut cut = whole(&[(0, frame(60)), (1, frame(60))]);
    cut.truncate(cut.len() - 5);
    case("a file that ends early", &cut, text);
    case("beyond the MTU", &whole(&[(0, frame(60)), (1, frame(1_600))]), text);
    case("longer than any frame", &whole(&[(0, frame(60_000))]), text);
    let day = 86_400_000_000_000;
    case("a gap of three days", &whole(&[(0, frame(60)), (3 * day, frame(60))]), text);
    let forever = "lab: b2b\nstreams: [{to: null, replay: {file: c.pcap, repeat: forever}}]";
    case("one packet again and again", &whole(&[(0, frame(60))]), forever);
    let missing = "lab: b2b\nstreams: [{to: null, replay: other.pcap}]";
    case("no such file", &whole(&[(0, frame(60))]), missing);
    case("a folder", &whole(&[(0, frame(60))]), "lab: b2b\nstreams: [{to: null, replay: .}]");
    let probes =
        made("lab: b2b\nstreams: [{rate: 1kpps, count: 2, size: 64B, packet: [ipv4, udp]}]");
    let measured =
        "lab: b2b\nstreams: [{replay: c.pcap}, {rate: 1kpps, size: 64B, packet: [ipv4, udp]}]";
    case("probes of another run", &whole(&probes), measured);
    let rewrite = |rewrite: &str| {
        format!(
            "lab: b2b\nstreams: [{{to: null, replay: {{file: c.pcap, rewrite: {{{rewrite}}}}}}}]"
        )
    };
    let udp = whole(&made(&stream("[ipv4: {dst: 198.18.0.9}, udp: {src: 7}]", "64B")));
    case("a header that no packet has", &udp, &rewrite("ipv6.dst: '2001:2::1'"));
    case("an inner header that no packet has", &udp, &rewrite("'ipv4[1].dst': 198.18.0.1"));
    case("one field twice", &udp, &rewrite("ipv4.dst: 198.18.0.1, 'ipv4[0].dst': 198.18.0.2"));
    case("a value that does not fit", &udp, &rewrite("udp.dst: 70000"));
    let sctp = "[ipv4: {dst: 198.18.0.9}, sctp: {src: 7}]";
    let sctp = whole(&made(&stream(sctp, "128B")));
    case("a CRC32c that would change", &sctp, &rewrite("sctp.src: {increment: 1..9}"));
    insta::assert_snapshot!("odd_captures", told);
}

#[test]
fn what_is_easily_overlooked_is_told() {
    let frames = [(5, vec![7u8; 60], 60), (3, vec![7u8; 60], 1514)];
    let (_dir, path) = beside(&file(Format::PcapNano, &frames));
    let profile = parse(&path, "lab: b2b\nstreams: [{name: site, replay: c.pcap}]");
    insta::assert_snapshot!("warnings", profile.warnings.join("\n"));
    // A stream that goes nowhere promises nothing.
    let quiet = parse(&path, "lab: b2b\nstreams: [{name: site, to: null, replay: c.pcap}]");
    assert_eq!(quiet.warnings.len(), 2);
}
