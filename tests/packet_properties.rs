//! Random stacks, values and sizes: whatever the profile asks for, every packet is what a plain
//! computation over its bytes says it should be.

mod packets;

use packets::{addressing, header, l4_sum, plain_sum, profile, stream};
use proptest::prelude::*;
use wirestorm::packet::compile::compile;
use wirestorm::packet::prbs::ORDERS;
use wirestorm::packet::program::StreamProgram;
use wirestorm::packet::tag::{self, Seen, TAG_LEN};
use wirestorm::profile::model::{FieldValue, Header, Payload, Size, Stream, Weighted};
use wirestorm::units::FrameSize;
use wirestorm::wire;
use wirestorm::wire::field::{FieldDef, FieldDefault};

/// Fields whose values the stack itself does not depend on.
fn free_fields(protocol: &str) -> Vec<&'static FieldDef> {
    let fields = wire::protocol(protocol).expect("a protocol").fields.iter();
    fields
        .filter(|field| !matches!(field.name, "version" | "ihl" | "data_offset"))
        .filter(|field| {
            use FieldDefault::{Checksum, Length, NextProtocol};
            !matches!(field.default, Checksum | Length { .. } | NextProtocol)
        })
        .collect()
}

/// A rule, perhaps slowed down, perhaps masked.
fn any_value(field: &'static FieldDef) -> impl Strategy<Value = FieldValue> {
    let max = field.max();
    let packets = prop_oneof![3 => Just(1u64), 1 => 1..100u64];
    let mask = prop::option::weighted(0.2, any::<[u128; 2]>());
    (any_rule(field), packets, mask).prop_map(move |(mut value, packets, mask)| {
        value.slow_down(packets);
        match mask {
            None => value,
            Some([mask, base]) => {
                FieldValue::Masked { mask: mask & max, base: base & max, value: Box::new(value) }
            }
        }
    })
}

fn any_rule(field: &'static FieldDef) -> impl Strategy<Value = FieldValue> {
    let max = field.max();
    let fit = move || any::<u128>().prop_map(move |value| value & max);
    prop_oneof![
        fit().prop_map(FieldValue::Fixed),
        prop::collection::vec(fit(), 1..6).prop_map(FieldValue::List),
        (fit(), any::<u128>(), 0..128u32, any::<bool>(), 1u64..1 << 20).prop_map(
            |(start, step, shift, down, count)| {
                let step = step >> shift;
                let step = if down { step.wrapping_neg() } else { step };
                FieldValue::Counter { start, step, count }
            }
        ),
        (fit(), any::<u64>()).prop_map(move |(low, more)| {
            let high = low.saturating_add(more.into()).min(max).min(low | u128::from(u64::MAX));
            FieldValue::Unique { low, high }
        }),
        prop::collection::vec((fit(), 0u128..100, 1u32..9), 1..5).prop_map(move |shares| {
            let share = |(low, more, weight): (u128, u128, u32)| {
                let high = (low + more).min(max).min(low | u128::from(u64::MAX));
                Weighted { low, high, weight }
            };
            FieldValue::Weighted(shares.into_iter().map(share).collect())
        }),
        (fit(), fit()).prop_map(move |(a, b)| {
            let (low, high) = (a.min(b), a.max(b));
            let full = u128::from(u64::MAX);
            match max >> 64 {
                0 => FieldValue::Random { low, high },
                _ => FieldValue::Random { low: low & !full, high: high | full },
            }
        }),
    ]
}

fn any_header(protocol: &'static str) -> impl Strategy<Value = Header> {
    let fields = free_fields(protocol);
    let settings: Vec<_> = fields
        .into_iter()
        .map(|field| prop::option::weighted(0.3, any_value(field).prop_map(|v| (field.name, v))))
        .collect();
    settings.prop_map(move |settings| {
        let settings: Vec<_> = settings.into_iter().flatten().collect();
        header(protocol, &settings)
    })
}

fn any_stack() -> impl Strategy<Value = Vec<Header>> {
    let ip = || prop::sample::select(vec!["ipv4", "ipv6"]);
    let l4 = prop::sample::select(vec!["udp", "tcp", "icmp", "icmpv6"]);
    (
        0usize..4,
        prop::option::weighted(0.95, ip()),
        prop::option::weighted(0.2, ip()),
        prop::option::weighted(0.95, l4),
    )
        .prop_map(|(tags, ip, inner, l4)| {
            let mut names = vec!["ethernet"];
            names.extend(std::iter::repeat_n("vlan", tags));
            names.extend(ip.into_iter().chain(ip.and(inner)).chain(ip.and(l4)));
            names
        })
        .prop_flat_map(|names| names.into_iter().map(any_header).collect::<Vec<_>>())
}

fn any_size(shortest: u32) -> impl Strategy<Value = Size> {
    let size = move || (shortest..shortest + 300).prop_map(FrameSize);
    prop_oneof![
        size().prop_map(Size::Fixed),
        prop::collection::vec(size(), 1..5).prop_map(Size::List),
        prop::collection::vec((size(), 1u32..9), 1..4).prop_map(Size::Imix),
        (size(), 0u32..7, 1u64..40).prop_map(|(start, step, count)| Size::Counter {
            start,
            step,
            count
        }),
        (size(), size()).prop_map(|(a, b)| Size::Random { low: a.min(b), high: a.max(b) }),
        prop::collection::vec((size(), size(), 1u32..9), 1..5).prop_map(|shares| {
            let share = |(a, b, weight): (FrameSize, FrameSize, u32)| Weighted {
                low: a.min(b),
                high: a.max(b),
                weight,
            };
            Size::Weighted(shares.into_iter().map(share).collect())
        }),
    ]
}

fn any_stream() -> impl Strategy<Value = Stream> {
    let payload = prop_oneof![
        any::<u8>().prop_map(Payload::Fill),
        Just(Payload::Increment),
        Just(Payload::Random),
        (0..ORDERS.len()).prop_map(|n| Payload::Prbs(ORDERS[n])),
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Payload::Bytes),
    ];
    (any_stack(), payload, any::<bool>())
        .prop_flat_map(|(stack, payload, tag)| {
            let len: usize = stack.iter().map(|header| header.protocol.len).sum();
            any_size(len as u32 + 4).prop_map(move |size| {
                let (headers, payload) = (stack.clone(), payload.clone());
                Stream { payload, tag, size, ..stream(headers, 64) }
            })
        })
        .prop_filter("at most 32 operations", |stream| {
            let fields = stream.headers.iter().flat_map(|header| &header.fields);
            fields.map(|field| 1 + usize::from(field.field.bits > 64)).sum::<usize>() <= 32
        })
}

/// The value that a field must have, computed in 128 bits; else any in the ranges.
fn expected(field: &FieldDef, value: &FieldValue, index: u64) -> Result<u128, Vec<(u128, u128)>> {
    Ok(match value {
        FieldValue::Bad => unreachable!("no bad checksum is asked for"),
        FieldValue::Fixed(value) => *value,
        FieldValue::List(list) => list[(index % list.len() as u64) as usize],
        FieldValue::Counter { start, step, count } => {
            start.wrapping_add(step.wrapping_mul((index % count).into())) & field.max()
        }
        FieldValue::Random { low, high } | FieldValue::Unique { low, high } => {
            return Err(vec![(*low, *high)]);
        }
        FieldValue::Weighted(shares) => {
            return Err(shares.iter().map(|share| (share.low, share.high)).collect());
        }
        FieldValue::Every { packets, value } => return expected(field, value, index / packets),
        FieldValue::Masked { .. } => unreachable!("the mask is taken off"),
        other => unreachable!("{other:?} is not made here"),
    })
}

fn check_value(
    field: &FieldDef,
    value: &FieldValue,
    found: u128,
    index: u64,
) -> Result<(), TestCaseError> {
    let (mask, base, value) = match value {
        FieldValue::Masked { mask, base, value } => (*mask, *base, &**value),
        value => (field.max(), 0, value),
    };
    prop_assert_eq!(found & !mask, base & !mask, "{}", field.name);
    match expected(field, value, index) {
        Ok(value) => prop_assert_eq!(found & mask, value & mask, "{}", field.name),
        // Behind a mask only a part of a random value is left.
        Err(_) if mask != field.max() => {}
        Err(ranges) => {
            let inside = ranges.iter().any(|(low, high)| (low..=high).contains(&&found));
            prop_assert!(inside, "{}", field.name);
        }
    }
    Ok(())
}

fn check_fields(stack: &[Header], frame: &[u8], index: u64) -> Result<(), TestCaseError> {
    let mut at = 0;
    for header in stack {
        for setting in &header.fields {
            let found = setting.field.read(&frame[at..]).expect("the frame holds its headers");
            check_value(setting.field, &setting.value, found, index)?;
        }
        at += header.protocol.len;
    }
    Ok(())
}

/// Lengths and checksums, as a receiver computes them.
fn check_computed(stack: &[Header], frame: &[u8]) -> Result<(), TestCaseError> {
    let mut at = 0;
    let mut ip: Option<(&str, &[u8])> = None;
    for header in stack {
        let rest = &frame[at..];
        let field = |name| header.protocol.field(name).and_then(|field| field.read(rest));
        match header.protocol.name {
            "ipv4" => {
                prop_assert_eq!(field("length"), Some(rest.len() as u128));
                prop_assert_eq!(plain_sum(&[&rest[..20]]), 0xffff);
                ip = Some(("ipv4", rest));
            }
            "ipv6" => {
                prop_assert_eq!(field("length"), Some(rest.len() as u128 - 40));
                ip = Some(("ipv6", rest));
            }
            "udp" => {
                prop_assert_eq!(field("length"), Some(rest.len() as u128));
                prop_assert_ne!(field("checksum"), Some(0));
                prop_assert_eq!(l4_sum(ip, 17, rest), 0xffff);
            }
            "tcp" => prop_assert_eq!(l4_sum(ip, 6, rest), 0xffff),
            "icmpv6" => prop_assert_eq!(l4_sum(ip, 58, rest), 0xffff),
            // A message of nothing but zeros has the other zero.
            "icmp" if rest.iter().any(|byte| *byte != 0) => {
                prop_assert_eq!(plain_sum(&[rest]), 0xffff);
            }
            _ => {}
        }
        at += header.protocol.len;
    }
    Ok(())
}

fn expected_len(size: &Size, index: u64) -> Result<u32, (u32, u32)> {
    let size = match size {
        Size::Fixed(size) => *size,
        Size::List(sizes) => sizes[(index % sizes.len() as u64) as usize],
        Size::Counter { start, step, count } => FrameSize(start.0 + step * (index % count) as u32),
        Size::Random { low, high } => return Err((low.buffer_len(), high.buffer_len())),
        Size::Weighted(shares) => {
            let sizes = shares.iter().flat_map(|s| [s.low.buffer_len(), s.high.buffer_len()]);
            return Err((sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0)));
        }
        Size::Imix(mix) => {
            let sizes = mix.iter().map(|(size, _)| size.buffer_len());
            return Err((sizes.clone().min().unwrap_or(0), sizes.max().unwrap_or(0)));
        }
    };
    Ok(size.buffer_len())
}

fn check_frame(
    stream: &Stream,
    program: &StreamProgram,
    index: u64,
    frame: &[u8],
) -> Result<(), TestCaseError> {
    match expected_len(&stream.size, index) {
        Ok(len) => prop_assert_eq!(frame.len(), len as usize),
        Err((low, high)) => prop_assert!((low..=high).contains(&(frame.len() as u32))),
    }
    check_fields(&stream.headers, frame, index)?;
    check_computed(&stream.headers, frame)?;
    if let Some(at) = program.tag_at {
        let at = usize::from(at);
        let seen = tag::read(&frame[at..]);
        prop_assert!(matches!(seen, Seen::Probe(tag) if tag.index == index as u32));
        let headers: usize = stream.headers.iter().map(Header::len).sum();
        prop_assert_eq!(at, headers);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn packets_are_what_the_profile_says(
        streams in prop::collection::vec(any_stream(), 1..3), seed: u64,
        indices in prop::collection::vec(prop_oneof![0u64..100, any::<u64>()], 1..6),
    ) {
        let profile = wirestorm::profile::model::Profile { seed, ..profile(streams) };
        for (number, stream) in profile.streams.iter().enumerate() {
            let program = compile(&profile, number, &addressing(), 3).expect("a legal stream");
            let headers_len: usize = stream.headers.iter().map(|h| h.protocol.len).sum();
            let shortest = program.size.as_ref().map_or(program.template.len(), |_| {
                (0..500).map(|index| program.frame_len(index)).min().unwrap_or(0)
            });
            if program.tag_at.is_some() {
                prop_assert!(stream.tag && headers_len + TAG_LEN <= shortest);
            }
            let mut reused = vec![0xa5; program.max_frame_len() + 1];
            for (n, &index) in indices.iter().enumerate() {
                let mut fresh = vec![0xa5; program.max_frame_len() + 1];
                let len = program.build(index, &mut fresh, false);
                program.stamp(index, &mut fresh, index ^ 0x5555, index);
                check_frame(stream, &program, index, &fresh[..len])?;
                prop_assert_eq!(fresh.last(), Some(&0xa5));
                // A frame that holds an earlier packet of the stream ends up the same.
                let again = program.build(index, &mut reused, n > 0);
                program.stamp(index, &mut reused, index ^ 0x5555, index);
                prop_assert_eq!(&reused[..again], &fresh[..len]);
            }
        }
    }
}
