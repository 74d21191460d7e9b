//! What profiles mean: defaults, units, values of fields, and `--set`.

use std::net::{Ipv4Addr, Ipv6Addr};

use wirestorm::profile::model::{
    Attachment, FieldName, FieldValue, Limit, NextHop, Payload, Profile, Rate, Real, ReceiveMode,
    Size, Topology, Weighted,
};
use wirestorm::profile::{self, safety};
use wirestorm::units::{BitLayer, FrameSize, Nanos, PacketRate, Ratio};

fn parse(text: &str) -> Profile {
    parse_with(text, &[])
}

fn parse_with(text: &str, overrides: &[&str]) -> Profile {
    let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
    profile::parse("dir/a profile.yaml", text, &overrides).unwrap_or_else(|e| panic!("{e}"))
}

/// One stream with these keys beside the ones that it needs.
fn stream(more: &str) -> String {
    format!("streams: [{{size: 128B, rate: 1kpps, packet: [ipv4, udp], {more}}}]")
}

/// The value of a field of the last header.
fn value(header: &str, field: &str, value: &str) -> FieldValue {
    let below = match header {
        "udp" => "ipv4, ",
        _ => "",
    };
    let packet = format!("[{below}{header}: {{{field}: {value}}}]");
    let text = format!("streams: [{{size: 128B, rate: 1kpps, packet: {packet}}}]");
    let profile = parse(&text);
    let header = profile.streams[0].headers.last().expect("a header");
    assert_eq!(header.fields[0].field.name, field);
    header.fields[0].value.clone()
}

fn v4(text: &str) -> u128 {
    text.parse::<Ipv4Addr>().expect("an address").to_bits().into()
}

fn v6(text: &str) -> u128 {
    text.parse::<Ipv6Addr>().expect("an address").to_bits()
}

#[test]
fn the_shortest_profile_has_the_documented_defaults() {
    let text = "streams: [{size: 64B, rate: 1kpps, packet: [ipv4, udp]}]";
    let profile = parse(text);
    assert_eq!(profile.name, "a-profile");
    assert_eq!(profile.source, text);
    assert_eq!(profile.seed, 1);
    assert_eq!(profile.duration, Nanos(10_000_000_000));
    assert_eq!(profile.drain, Nanos(2_000_000_000));
    assert_eq!(profile.settle, Nanos(100_000_000));
    assert_eq!(profile.lab, None);
    assert!(profile.needs_lab());
    assert_eq!(profile.validity.max_unsent, Ratio(1_000_000));
    assert_eq!(profile.validity.max_lag, Nanos::MILLISECOND);
    assert_eq!(profile.validity.max_receiver_overload, 0);
    assert!(profile.measure.latency && !profile.measure.pass_on);
    assert_eq!(profile.measure.receive, ReceiveMode::Auto);
    assert_eq!(profile.pass, Default::default());
    let lab = |role: &str| Attachment::Lab(role.to_owned());
    let ports: Vec<_> = profile.ports.iter().map(|p| (&*p.name, p.attachment.clone())).collect();
    assert_eq!(ports, [("tx", lab("tx")), ("rx", lab("rx"))]);
    let stream = &profile.streams[0];
    assert_eq!((&*stream.name, stream.from, stream.to), ("stream0", 0, Some(1)));
    assert_eq!(stream.size, Size::Fixed(FrameSize(64)));
    assert_eq!(
        stream.pattern.constant(),
        Some(Rate::Packets(PacketRate { packets: 1, nanos: 1_000_000 }))
    );
    assert_eq!(stream.limit, Limit { count: None, duration: Some(profile.duration) });
    assert_eq!(stream.payload, Payload::Fill(0));
    assert!(stream.tag && stream.order.is_empty());
    let names: Vec<&str> = stream.headers.iter().map(|header| header.protocol.name).collect();
    assert_eq!(names, ["ethernet", "ipv4", "udp"]);
    assert_eq!(profile.warnings, Vec::<String>::new());
}

#[test]
fn all_of_the_language_at_once() {
    let profile = parse(
        "
name: all
test: traffic
seed: 0xff
duration: 3s
drain: 500ms
settle: 0
lab:
  topology: router
  neighbours: resolved
  queues: 2
  mtu: 2000
  nft: |
    table ip t {
    \tchain c {}
    }
  tbf: [{towards: rx, rate: 100Mbps, burst: 2kB, limit: 62500B}]
  sysctl: {net.ipv4.ip_forward: 1}
ports:
  a: {lab: rx, queues: [1, 3], cores: [0, 1], speed: 10Gbps, next_hop: 02:00:00:00:00:01}
  b: {lab: tx, workers: 2, next_hop: {ipv4: 192.0.2.1, ipv6: '2001:db8::1'}, ipv4: 192.0.2.2}
streams:
  - {name: x, from: b, size: 64B, rate: unlimited, count: 1_000, duration: 2s, packet: [ipv4, udp]}
  - {name: y, to: ~, size: [64B, 128B], rate: 50%, packet: [ipv4, udp:], tag: false, order: [1, 0]}
  - {name: z, to: a, size: 100B, rate: 1Gbps L2, start: 10ms, packet: [{vlan: {id: 7}}, ipv6, tcp]}
measure: {latency: true, receive: xdp-steer, pass_on: true}
pass: {max_loss: 0.1%, p99_latency: 5ms, p99_9_latency: 6ms, max_latency: 7ms, min_rx_rate: 10kpps}
validity: {max_unsent: 0, max_lag: 20us, max_receiver_overload: 3}
",
    );
    let lab = profile.lab.as_ref().expect("a lab");
    assert_eq!((lab.topology, lab.queues, lab.mtu), (Topology::Router, Some(2), 2000));
    assert_eq!(lab.nft.as_deref(), Some("table ip t {\n\tchain c {}\n}\n"));
    assert_eq!((lab.tbf[0].rate_bps, lab.tbf[0].burst_bytes), (100_000_000, 2_000));
    assert_eq!(lab.sysctl, [("net.ipv4.ip_forward".to_owned(), "1".to_owned())]);
    assert_eq!(profile.seed, 255);
    let [a, b] = profile.ports.as_slice() else { panic!("two ports") };
    assert_eq!(
        (&*a.queues, &*a.cores, a.speed_bps),
        (&[1, 3][..], &[0, 1][..], Some(10u64.pow(10)))
    );
    assert_eq!(a.next_hop.mac, Some([2, 0, 0, 0, 0, 1]));
    assert_eq!(&*b.queues, [0, 1]);
    let (ipv4, ipv6) = ("192.0.2.1".parse().ok(), "2001:db8::1".parse().ok());
    assert_eq!(b.next_hop, NextHop { mac: None, ipv4, ipv6 });
    let [x, y, z] = profile.streams.as_slice() else { panic!("three streams") };
    assert_eq!((x.from, x.to), (1, Some(0)));
    let (count, duration) = (Some(1_000), Some(Nanos(2_000_000_000)));
    assert_eq!(x.limit, Limit { count, duration });
    assert_eq!((y.to, y.tag, &*y.order), (None, false, &[1, 0][..]));
    assert_eq!(y.pattern.constant(), Some(Rate::LineShare(Ratio(500_000_000))));
    let bits = Rate::Bits { bps: 1_000_000_000, layer: BitLayer::L2 };
    assert_eq!(z.pattern.constant(), Some(bits));
    assert_eq!((z.start, z.headers.len()), (Nanos(10_000_000), 4));
    let latency = [(990_000, Nanos(5_000_000)), (999_000, Nanos(6_000_000))];
    assert_eq!((&*profile.pass.latency, profile.pass.min_rx_pps), (&latency[..], Some(10_000)));
    assert_eq!(profile.pass.max_loss, Some(Ratio(1_000_000)));
    assert_eq!(profile.validity.max_lag, Nanos(20_000));
}

#[test]
fn values_of_numbers() {
    let udp = |text| value("udp", "dst", text);
    let counter = |start, step, count| FieldValue::Counter { start, step, count };
    assert_eq!(udp("0x35"), FieldValue::Fixed(53));
    assert_eq!(udp("[53, 0x7b]"), FieldValue::List(vec![53, 123]));
    assert_eq!(udp("{list: [1, 2]}"), FieldValue::List(vec![1, 2]));
    assert_eq!(udp("{random: 1024..65535}"), FieldValue::Random { low: 1024, high: 65535 });
    assert_eq!(udp("{increment: 5000, step: 2, count: 100}"), counter(5000, 2, 100));
    assert_eq!(udp("{increment: 5000..5009, step: 3}"), counter(5000, 3, 4));
    assert_eq!(udp("{increment: 65000}"), counter(65000, 1, 536));
    assert_eq!(udp("{decrement: 10, step: 3}"), counter(10, 3u128.wrapping_neg(), 4));
    assert_eq!(udp("{decrement: 5..9}"), counter(9, u128::MAX, 5));
}

/// Names stand wherever values do, and steps of addresses may be written as such.
#[test]
fn values_that_have_a_name() {
    let dscp = |text| value("ipv4", "dscp", text);
    assert_eq!(dscp("ef"), FieldValue::Fixed(46));
    assert_eq!(dscp("AF41"), FieldValue::Fixed(34));
    assert_eq!(dscp("[ef, 0, cs6]"), FieldValue::List(vec![46, 0, 48]));
    assert_eq!(dscp("{list: {ef: 1, cs0: 2}}"), FieldValue::List(vec![0, 46, 0]));
    let low_high = FieldValue::Weighted(vec![
        Weighted { low: 46, high: 46, weight: 1 },
        Weighted { low: 0, high: 8, weight: 3 },
    ]);
    assert_eq!(dscp("{random: {ef: 1, cs0..cs1: 3}}"), low_high);
    assert_eq!(value("ipv6", "ecn", "ce"), FieldValue::Fixed(3));
    assert_eq!(value("arp", "operation", "reply"), FieldValue::Fixed(2));
    let flags = |text: &str| {
        let text = format!(
            "streams: [{{size: 128B, rate: 1kpps, packet: [ipv4, {{tcp: {{flags: {text}}}}}]}}]"
        );
        parse(&text).streams[0].headers[2].setting("flags").expect("is set").clone()
    };
    assert_eq!(flags("syn"), FieldValue::Fixed(2));
    assert_eq!(flags("fin+psh+ack"), FieldValue::Fixed(0x19));
    assert_eq!(flags("[syn, syn+ack]"), FieldValue::List(vec![2, 0x12]));
    let start = v4("198.18.0.0");
    let counter = |step, count| FieldValue::Counter { start, step, count };
    assert_eq!(
        value("ipv4", "dst", "{increment: 198.18.0.0, step: 0.0.1.0, count: 300}"),
        counter(256, 300)
    );
    let step = value("ipv6", "dst", "{increment: '2001:2::', step: '0:0:0:1::', count: 9}");
    assert_eq!(step, FieldValue::Counter { start: v6("2001:2::"), step: 1 << 64, count: 9 });
}

/// An entry of a list of addresses takes what a field takes, and other fields may follow it.
#[test]
fn entries_of_a_list_may_change() {
    let text = "streams: [{size: 256B, rate: 1kpps, packet: [{ipv6: {dst: {same_as: 'srh.segments[1]'}}}, \
                {srh: {segments: ['2001:2:0:3::1', {increment: '2001:2:0:2::1', count: 9}]}}, udp]}]";
    let profile = parse(text);
    let srh = &profile.streams[0].headers[2];
    assert_eq!(
        srh.data(),
        [v6("2001:2:0:3::1").to_be_bytes(), v6("2001:2:0:2::1").to_be_bytes()].concat()
    );
    let [entry] = srh.custom.as_slice() else { panic!("{:?}", srh.custom) };
    assert_eq!((&*entry.name, entry.bit_offset, entry.bits), ("segments[1]", 24 * 8, 128));
    let start = v6("2001:2:0:2::1");
    assert_eq!(entry.value, FieldValue::Counter { start, step: 1, count: 9 });
}

#[test]
fn values_of_addresses() {
    let ipv4 = |text| value("ipv4", "dst", text);
    let ipv6 = |text| value("ipv6", "dst", text);
    assert_eq!(ipv4("198.18.0.9"), FieldValue::Fixed(v4("198.18.0.9")));
    let start = v4("198.19.0.1");
    assert_eq!(ipv4("198.19.0.0/24"), FieldValue::Counter { start, step: 1, count: 254 });
    assert_eq!(ipv4("{prefix: 198.19.0.0/24}"), ipv4("198.19.0.0/24"));
    let (low, high) = (v4("198.19.0.1"), v4("198.19.0.254"));
    assert_eq!(ipv4("{prefix: 198.19.0.0/24, order: random}"), FieldValue::Random { low, high });
    let (low, high) = (v6("2001:2::1"), v6("2001:2::ffff:ffff:ffff:ffff"));
    assert_eq!(ipv6("{prefix: '2001:2::/64', order: random}"), FieldValue::Random { low, high });
    let (low, high) = (v6("2001:2::"), v6("2001:2::ffff:ffff:ffff:ffff:ffff"));
    assert_eq!(ipv6("{prefix: '2001:2::/48', order: random}"), FieldValue::Random { low, high });
    let (start, count) = (v6("2001:2::1"), u64::MAX);
    assert_eq!(ipv6("'2001:2::/48'"), FieldValue::Counter { start, step: 1, count });
    assert_eq!(value("ethernet", "dst", "02-00-00-00-00-0a"), FieldValue::Fixed(0x0200_0000_000a));
}

#[test]
fn sizes_and_payloads() {
    let size = |text: &str| {
        let text = format!("streams: [{{size: {text}, rate: 1kpps, packet: [ipv4, udp]}}]");
        parse(&text).streams[0].size.clone()
    };
    assert_eq!(size("[64B, 512 B]"), Size::List(vec![FrameSize(64), FrameSize(512)]));
    let mix = vec![(FrameSize(64), 7), (FrameSize(594), 4), (FrameSize(1518), 1)];
    assert_eq!(size("{imix: {64B: 7, 594B: 4, 1518B: 1}}"), Size::Imix(mix));
    let start = FrameSize(64);
    assert_eq!(
        size("{start: 64B, step: 2B, count: 8}"),
        Size::Counter { start, step: 2, count: 8 }
    );
    let (low, high) = (FrameSize(64), FrameSize(1518));
    assert_eq!(size("{random: 64B..1518B}"), Size::Random { low, high });
    let payload = |text| parse(&stream(&format!("payload: {text}"))).streams[0].payload.clone();
    assert_eq!(payload("increment"), Payload::Increment);
    assert_eq!(payload("{fill: 0xff}"), Payload::Fill(255));
    assert_eq!(payload("{hex: 'de:ad be ef'}"), Payload::Bytes(vec![0xde, 0xad, 0xbe, 0xef]));
    assert_eq!(payload("{text: 123}"), Payload::Bytes(b"123".to_vec()));
}

#[test]
fn a_frame_without_room_is_counted_by_flow_and_the_profile_says_so() {
    let profile = parse("streams: [{name: v6, size: 66B, rate: 1kpps, packet: [ipv6, udp]}]");
    assert!(!profile.streams[0].tag);
    insta::assert_snapshot!(profile.warnings.join("\n"), @"stream v6: frames of 66B leave 0 bytes after ethernet, ipv6, udp, and the probe tag takes 18: it is counted by flow, without latency; tagged frames have at least 84B");
    let tagged = parse("streams: [{size: 84B, rate: 1kpps, tag: true, packet: [ipv6, udp]}]");
    assert!(tagged.streams[0].tag && tagged.warnings.is_empty());
    let untagged = parse("streams: [{size: 66B, rate: 1kpps, tag: false, packet: [ipv6, udp]}]");
    assert!(!untagged.streams[0].tag && untagged.warnings.is_empty());
}

#[test]
fn overrides_change_the_profile_and_its_source() {
    let text =
        "# a comment\nstreams:\n  - {name: v4, size: 64B, rate: 1kpps, packet: [ipv4, udp]}\n";
    let overrides = [
        "streams[v4].rate=2kpps",
        "streams.0.packet.udp.dst={list: [1, 2]}",
        "duration=1s",
        "lab={topology: router, mtu: 9000}",
        "streams[0].size=[64B, 9018B]",
    ];
    let profile = parse_with(text, &overrides);
    assert_eq!(profile.duration, Nanos::SECOND);
    assert_eq!(profile.streams[0].headers[2].fields[0].value, FieldValue::List(vec![1, 2]));
    assert_eq!(profile.lab.as_ref().map(|lab| lab.mtu), Some(9000));
    let again = parse(&profile.source);
    assert_eq!(format!("{:?}", again.streams), format!("{:?}", profile.streams));
    assert!(profile.source.contains("2kpps") && !profile.source.contains("1kpps"));
}

#[test]
fn the_command_line_chooses_the_lab() {
    let mut profile = parse(&stream(""));
    profile.set_lab("b2b").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(profile.lab.as_ref().map(|lab| lab.topology), Some(Topology::BackToBack));
    assert!(!profile.needs_lab());

    let text =
        format!("lab: {{topology: router, mtu: 2000, nft: 'table ip t {{}}'}}\n{}", stream(""));
    let mut profile = parse(&text);
    profile.set_lab("router").unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(profile.lab.as_ref().map(|lab| lab.mtu), Some(2000));
    let mut messages = vec![profile.set_lab("b2b").expect_err("nft needs a router").to_string()];
    messages.push(profile.set_lab("rooter").expect_err("no such lab").to_string());
    let ports = "ports: {a: {interface: eth1}, b: {interface: eth2}}";
    let mut profile = parse(&format!("{ports}\n{}", stream("")));
    assert!(!profile.needs_lab());
    messages.push(profile.set_lab("router").expect_err("not the lab's").to_string());
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn destinations_of_others_have_to_be_allowed() {
    let text = "
ports: {a: {interface: eth1}, b: {interface: eth2, ipv4: 9.9.9.9}}
streams:
  - {name: a, size: 128B, rate: 1kpps, packet: [ipv4: {dst: 8.8.8.8}, udp]}
  - {name: b, size: 128B, rate: 1kpps, packet: [ethernet, ipv4: {dst: {random: 198.18.0.0..198.20.0.0}}, udp]}
  - {name: c, size: 128B, rate: 1kpps, packet: [ipv6: {dst: {list: ['2001:2::1', '2001:4860::1']}}, udp]}
  - {name: d, size: 128B, rate: 1kpps, packet: [ipv4: {src: 8.8.8.8, dst: 10.0.0.0/8}, udp]}
  - {name: e, size: 128B, rate: 1kpps, packet: [ipv6, srh: {segments: ['2001:2::9', '2001:4860::2']}, udp]}
  - {name: f, size: 128B, rate: 1kpps, packet: [ipv6, routing_type0: {addresses: [{increment: '2001:2:0:ffff::', step: '0:0:1::', count: 2}]}, udp]}
  - {name: g, size: 128B, rate: 1kpps, packet: [ipv6, routing_type2: {home_address: '2001:4860::3'}, udp]}
  - {name: h, size: 128B, rate: 1kpps, packet: [ipv4: {options: [nop, loose_source_route: {route: [198.18.0.9, 8.8.8.8]}]}, udp]}
";
    let profile = parse(text);
    let problems = profile.origin.errors(safety::check(&profile, &[]));
    insta::assert_snapshot!(problems);
    let allowed = ["8.8.8.8", "9.9.9.9", "198.20.0.0/16", "2001:4860::/32", "2001:2:1::/48"];
    let allowed: Vec<safety::Prefix> =
        allowed.iter().map(|text| safety::Prefix::parse(text).expect("is one")).collect();
    assert_eq!(safety::check(&profile, &allowed), Vec::new());
}

#[test]
fn files_that_cannot_be_read_are_said_to() {
    let folder = tempfile::tempdir().expect("a folder");
    let load = |name: &str| {
        let errors = profile::load(&folder.path().join(name), &[]).expect_err("cannot be read");
        errors.to_string().replace(&*folder.path().to_string_lossy(), "")
    };
    std::fs::write(folder.path().join("latin1.yaml"), b"name: a\n# \xe9t\xe9\n").expect("written");
    std::fs::create_dir(folder.path().join("folder.yaml")).expect("made");
    let mut messages = vec![load("missing.yaml"), load("latin1.yaml"), load("folder.yaml")];
    let endless = profile::load(std::path::Path::new("/dev/zero"), &[]).expect_err("never ends");
    messages.push(endless.to_string());
    insta::assert_snapshot!(messages.join("\n"));
}

#[test]
fn rules_of_every_kind() {
    let value = |header: &str, rule: &str| {
        let text = format!(
            "streams: [{{size: 256B, rate: 1kpps, packet: [{{{header}: {{dst: {rule}}}}}, udp: {{src: 4}}]}}]"
        );
        let profile =
            profile::parse("p.yaml", &text, &[]).unwrap_or_else(|e| panic!("{rule}: {e}"));
        let header = profile.streams[0].headers.iter().find(|h| h.protocol.name == header);
        header.and_then(|header| header.setting("dst")).expect("is set").clone()
    };
    let ipv4 = |rule: &str| value("ipv4", rule);
    let v4 = |text: &str| u128::from(text.parse::<std::net::Ipv4Addr>().unwrap().to_bits());
    let real = |value| Real::new(value).unwrap();
    let (low, high) = (v4("198.18.0.1"), v4("198.18.0.9"));
    assert_eq!(
        ipv4("{random: 198.18.0.1..198.18.0.9, unique: true}"),
        FieldValue::Unique { low, high }
    );
    assert_eq!(
        ipv4("{random: 198.18.0.1..198.18.0.9, unique: false}"),
        FieldValue::Random { low, high }
    );
    assert_eq!(
        ipv4("{prefix: 198.18.0.0/28, order: random, zipf: 1.25}"),
        FieldValue::Zipf { low, high: v4("198.18.0.14"), exponent: real(1.25) }
    );
    assert_eq!(
        ipv4("{random: 198.18.0.1..198.18.0.9, mean: 198.18.0.4, sd: 1.5}"),
        FieldValue::Normal { low, high, mean: real(3.0), deviation: real(1.5) }
    );
    assert_eq!(
        ipv4("{random: 198.18.0.1..198.18.0.9, mean: 198.18.0.4, sd: 15e-1}"),
        FieldValue::Normal { low, high, mean: real(3.0), deviation: real(1.5) }
    );
    assert_eq!(
        ipv4("{random: {198.18.0.1: 3, 198.18.0.5..198.18.0.9: 1}}"),
        FieldValue::Weighted(vec![
            Weighted { low, high: low, weight: 3 },
            Weighted { low: low + 4, high, weight: 1 }
        ])
    );
    assert_eq!(
        ipv4("{list: {198.18.0.1: 4, 198.18.0.9: 2}}"),
        FieldValue::List(vec![low, high, low])
    );
    let of = FieldName { header: "udp".into(), nth: None, field: "src".into() };
    assert_eq!(
        ipv4("{same_as: udp.src, plus: -1}"),
        FieldValue::Same { of, plus: 1u128.wrapping_neg() }
    );
    let counter = FieldValue::Counter { start: low, step: 1, count: 3 };
    let slow = FieldValue::Every { packets: 5, value: Box::new(counter) };
    assert_eq!(
        ipv4("{increment: 198.18.0.1, count: 3, every: 5, mask: 0.0.0.15, base: 198.18.1.0}"),
        FieldValue::Masked { mask: 15, base: v4("198.18.1.0"), value: Box::new(slow) }
    );
}

#[test]
fn sizes_and_payloads_of_every_kind() {
    let stream = |size: &str, payload: &str| {
        let text = format!(
            "streams: [{{size: {size}, rate: 1kpps, packet: [ipv4, udp], payload: {payload}}}]"
        );
        profile::parse("tests/p.yaml", &text, &[])
            .unwrap_or_else(|e| panic!("{e}"))
            .streams
            .remove(0)
    };
    let size = |text: &str| stream(text, "zeros").size;
    let list = |sizes: &[u32]| Size::List(sizes.iter().map(|size| FrameSize(*size)).collect());
    assert_eq!(size("{genome: aaafg}"), list(&[64, 64, 64, 1280, 1518]));
    assert_eq!(size("{genome: hijbcde}"), list(&[2112, 9000, 16_000, 128, 256, 512, 1024]));
    assert_eq!(size("{genome: zAa, mtu: 1400, custom: {A: 90B}}"), list(&[1418, 90, 64]));
    let mix = [(64, 28), (570, 16), (1518, 4)].map(|(size, weight)| (FrameSize(size), weight));
    assert_eq!(size("{imix: csit}"), Size::Imix(mix.to_vec()));
    let share = |low, high, weight| Weighted { low: FrameSize(low), high: FrameSize(high), weight };
    assert_eq!(
        size("{random: {64B: 7, 100B..200B: 1}}"),
        Size::Weighted(vec![share(64, 64, 7), share(100, 200, 1)])
    );
    let payload = |text: &str| stream("64B", text).payload;
    assert_eq!(payload("random"), Payload::Random);
    assert!(matches!(payload("{prbs: 23}"), Payload::Prbs(order) if order.stages == 23));
    // Relative to the profile's folder, which is tests/.
    let script = std::fs::read("tests/scapy_read.py").expect("is there");
    assert_eq!(payload("{file: scapy_read.py}"), Payload::Bytes(script));
}
