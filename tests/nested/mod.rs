//! Random tunnels in tunnels, with checksums of every kind around one another: computed, wrong on
//! purpose, none, given; at even and at odd places; and with fields that change anywhere.
#![allow(dead_code, reason = "every test takes what it needs")]

use proptest::prelude::*;
use wirestorm::packet::random;
use wirestorm::profile::model::{FieldSetting, FieldValue, Header, Payload, Size, Stream};
use wirestorm::units::FrameSize;
use wirestorm::wire;

use super::packets::stream;

/// Fields that change in one stack.
const MOST_CHANGING: usize = 10;

/// Fields whose values nothing else in the stack depends on.
const FREE: [&str; 26] = [
    "src",
    "dst",
    "dscp",
    "ecn",
    "id",
    "ttl",
    "reserved",
    "flow_label",
    "hop_limit",
    "seq",
    "ack",
    "window",
    "urgent",
    "vni",
    "teid",
    "key",
    "sequence",
    "label",
    "tc",
    "verification_tag",
    "tsn",
    "ssn",
    "session_id",
    "sequence",
    "reserved2",
    "ppid",
];

/// What stands between an IP header and the packet that it carries.
const CARRIERS: [&[&str]; 9] = [
    &[],
    &["gre"],
    &["gre", "ethernet"],
    &["udp", "vxlan", "ethernet"],
    &["udp", "geneve", "ethernet"],
    // LLC has three bytes: what it carries stands at odd places.
    &["udp", "vxlan", "ethernet", "llc"],
    &["udp", "gtpu"],
    &["udp", "mpls"],
    &["udp", "l2tp"],
];

struct Dice {
    key: u64,
    drawn: u64,
    changing: usize,
}

impl Dice {
    fn below(&mut self, range: usize) -> usize {
        self.drawn += 1;
        random::below(self.key, self.drawn, range.max(1) as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn wide(&mut self) -> u128 {
        (0..8).fold(0, |value, _| value << 16 | self.below(1 << 16) as u128)
    }
}

/// A stream of such a stack. With `crc32c` it may end in SCTP.
pub fn any_stream(crc32c: bool) -> impl Strategy<Value = Stream> {
    let sizes = prop_oneof![
        3 => (4..200u32).prop_map(|more| vec![more]),
        1 => prop::collection::vec(4..200u32, 2..5),
    ];
    let levels = prop::collection::vec(any::<(usize, u64)>(), 0..4);
    (levels, any::<(usize, u64)>(), sizes, any::<bool>(), any::<bool>()).prop_map(
        move |(levels, last, sizes, tag, zeros)| {
            let headers = stack(&levels, last, crc32c);
            let len: usize = headers.iter().map(Header::len).sum();
            let sizes = sizes.into_iter().map(|more| FrameSize(len as u32 + more)).collect();
            let payload = if zeros { Payload::Fill(0) } else { Payload::Increment };
            Stream { size: Size::List(sizes), payload, tag, runts: true, ..stream(headers, 64) }
        },
    )
}

fn stack(levels: &[(usize, u64)], last: (usize, u64), crc32c: bool) -> Vec<Header> {
    let mut dice = Dice { key: 0, drawn: 0, changing: 0 };
    let mut names = vec!["ethernet"];
    let ip = |dice: &mut Dice| ["ipv4", "ipv6"][dice.below(2)];
    for &(carrier, seed) in levels {
        dice.key = random::key(seed, 0, 0);
        names.push(ip(&mut dice));
        names.extend(CARRIERS[carrier % CARRIERS.len()]);
        // L2TP carries PPP, MPLS what its first bits say.
        if names.last() == Some(&"l2tp") {
            names.push("ppp");
        }
    }
    dice.key = random::key(last.1, 0, 0);
    let inner = ip(&mut dice);
    names.push(inner);
    let icmp = if inner == "ipv4" { "icmp" } else { "icmpv6" };
    let ends: &[&[&str]] =
        &[&["udp"], &["tcp"], &[icmp], &["udp_lite"], &["gre"], &["sctp", "sctp_data"]];
    names.extend(ends[last.0 % (ends.len() - usize::from(!crc32c))]);
    let names = names.into_iter().filter(|name| wire::protocol(name).is_some());
    names.map(|name| header(name, &mut dice)).collect()
}

fn header(name: &str, dice: &mut Dice) -> Header {
    let protocol = wire::protocol(name).expect("a header");
    let mut header = Header::new(protocol);
    let set = |header: &mut Header, name: &str, value: FieldValue| {
        if let Some(field) = protocol.field(name) {
            header.fields.push(FieldSetting { field, value });
        }
    };
    if name == "gre" {
        for flag in ["checksum_present", "key_present", "sequence_present"] {
            let there = dice.one_in(2);
            set(&mut header, flag, FieldValue::Fixed(there.into()));
        }
    }
    let carries = header.parts().flat_map(|part| part.fields).any(|field| field.name == "checksum");
    if protocol.checksum.is_some() && (name != "gre" || carries) {
        match dice.below(12) {
            0 => set(&mut header, "checksum", FieldValue::Bad),
            1 | 2 => set(&mut header, "checksum", FieldValue::Fixed(0)),
            3 => set(&mut header, "checksum", FieldValue::Fixed(dice.wide() & 0xffff)),
            4 if name != "sctp" => {
                dice.changing += 1;
                let value = FieldValue::Random { low: 0, high: 0xffff };
                set(&mut header, "checksum", value);
            }
            _ => {}
        }
    }
    let parts = header.parts().flat_map(|part| part.fields);
    let fields: Vec<_> = protocol.fields.iter().chain(parts).collect();
    for field in fields {
        if !FREE.contains(&field.name) || header.setting(field.name).is_some() || !dice.one_in(4) {
            continue;
        }
        // Ports say what follows.
        if name.starts_with("udp") && field.name == "dst" {
            continue;
        }
        let value = value(field.max(), field.bits, dice);
        header.fields.push(FieldSetting { field, value });
    }
    header
}

fn value(max: u128, bits: u8, dice: &mut Dice) -> FieldValue {
    let one = dice.wide() & max;
    if dice.changing >= MOST_CHANGING || dice.one_in(4) {
        return FieldValue::Fixed(if dice.one_in(3) { 0 } else { one });
    }
    dice.changing += 1 + usize::from(bits > 64);
    let value = match dice.below(3) {
        // 0 and all ones are one number to the checksums.
        0 => FieldValue::List(vec![0, max, one, dice.wide() & max]),
        1 => FieldValue::Counter { start: one & max >> 1, step: 1, count: 1 + (one as u64 & 0xff) },
        _ if bits > 64 => FieldValue::Random { low: 0, high: max },
        _ => FieldValue::Random { low: one / 2, high: one },
    };
    if dice.one_in(5) {
        let mask = dice.wide() & max;
        return FieldValue::Masked { mask, base: dice.wide() & max, value: Box::new(value) };
    }
    value
}
