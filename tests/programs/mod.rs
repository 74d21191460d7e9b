//! Random stream programs: everything that the patch operations can say, sense or not.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use wirestorm::packet::ir::{ChecksumOp, LengthOp, PatchOp, ValueKind};
use wirestorm::packet::permutation::Shape;
use wirestorm::packet::program::{SizeProgram, StreamProgram};
use wirestorm::packet::shares::{self, Share};
use wirestorm::packet::tag;

/// Values that lists take.
const LIST_LEN: u64 = 40;
/// Shares of the one table, which stands behind them.
const SHARES: u64 = 7;
/// Where the frame lengths stand.
const LENGTHS_AT: u64 = LIST_LEN + SHARES * shares::WORDS as u64;

/// One program with up to `max_len` bytes.
pub fn program(max_len: usize) -> impl Strategy<Value = Arc<StreamProgram>> {
    let len = prop_oneof![4 => 14..=200usize.min(max_len), 1 => 14..=max_len];
    len.prop_flat_map(|len| {
        let tag = if len < 18 { Just(None).boxed() } else { tag_place(len).boxed() };
        (Just(len), tag)
    })
    .prop_flat_map(|(len, tag_at)| {
        (
            vec(any::<u8>(), len),
            Just(tag_at),
            any::<u16>(),
            vec(patch(len, tag_at), 0..=20),
            vec(checksum(len, tag_at), 0..=8),
            proptest::option::of(size(len, tag_at)),
            (vec(any::<u64>(), LIST_LEN as usize), shares()),
        )
    })
    .prop_map(|(mut template, tag_at, stream, ops, checksums, size, (mut lists, shares))| {
        lists.extend(shares);
        if let Some(at) = tag_at {
            tag::write_constant(&mut template[usize::from(at)..], 3, stream);
        }
        let size = size.map(|(size, lens)| {
            lists.extend(lens);
            size
        });
        Arc::new(StreamProgram {
            stream,
            template: template.into(),
            ops: ops.into(),
            checksums: checksums.into(),
            crc32c: None,
            size,
            tag_at,
            lists: lists.into(),
            frames: None,
        })
    })
}

fn tag_place(len: usize) -> impl Strategy<Value = Option<u16>> {
    proptest::option::weighted(0.8, 0..=(len - tag::TAG_LEN) as u16)
}

/// A window of `width` bytes in the frame that leaves the tag alone.
fn place(len: usize, width: usize, tag_at: Option<u16>) -> BoxedStrategy<Option<u16>> {
    let free: Vec<u16> = (0..=(len - width) as u16)
        .filter(|at| {
            tag_at.is_none_or(|tag| at + width as u16 <= tag || *at >= tag + tag::TAG_LEN as u16)
        })
        .collect();
    if free.is_empty() {
        Just(None).boxed()
    } else {
        proptest::sample::select(free).prop_map(Some).boxed()
    }
}

/// What an operation computes; its window is for others to say.
fn value() -> impl Strategy<Value = PatchOp> {
    let modulus = || {
        prop_oneof![
            Just(0u64),
            Just(1),
            (0..64u32).prop_map(|bit| 1 << bit),
            1..70_000u64,
            any::<u64>()
        ]
    };
    let of = |kind: ValueKind| PatchOp { kind: kind as u8, ..PatchOp::default() };
    let counter = (any::<u64>(), any::<u64>(), modulus()).prop_map(move |(a, b, c)| PatchOp {
        a,
        b,
        c,
        ..of(ValueKind::Counter)
    });
    let high = (any::<[u64; 4]>(), modulus()).prop_map(move |([a, b, key, extra], c)| PatchOp {
        a,
        b,
        c,
        key,
        extra,
        ..of(ValueKind::CounterHigh)
    });
    let random = (any::<u64>(), modulus(), any::<u64>()).prop_map(move |(a, b, key)| PatchOp {
        a,
        b,
        key,
        ..of(ValueKind::Random)
    });
    let list = (0..LIST_LEN)
        .prop_flat_map(|a| (Just(a), 1..=LIST_LEN - a, any::<u64>()))
        .prop_map(move |(a, b, c)| PatchOp { a, b, c, ..of(ValueKind::List) });
    let unique = (any::<u64>(), prop_oneof![modulus(), 1..200u64], any::<u64>()).prop_map(
        move |(a, values, key)| {
            let Shape { values, left, split } = Shape::new(values);
            PatchOp { a, b: values, c: left, key, extra: split.into(), ..of(ValueKind::Unique) }
        },
    );
    let shares = (any::<u64>(), any::<u64>()).prop_map(move |(c, key)| PatchOp {
        a: LIST_LEN,
        b: SHARES,
        c,
        key,
        ..of(ValueKind::Shares)
    });
    let packets = prop_oneof![3 => Just(1u64), 1 => modulus()];
    (prop_oneof![counter, high, random, list, unique, shares], packets).prop_map(
        |(mut op, packets)| {
            op.advance_every(packets);
            op
        },
    )
}

/// A table of [`SHARES`] shares.
fn shares() -> impl Strategy<Value = Vec<u64>> {
    let values = prop_oneof![Just(1u64), Just(0), 1..1000u64, any::<u64>()];
    let share = (any::<u64>(), values, 1..100u64);
    vec(share.prop_map(|(low, values, weight)| Share { low, values, weight }), SHARES as usize)
        .prop_map(|shares| shares::table(&shares))
}

fn patch(len: usize, tag_at: Option<u16>) -> impl Strategy<Value = PatchOp> {
    // Of width 0: it only adds to the sums.
    let width = prop_oneof![Just(0u8), Just(1), Just(2), Just(4), Just(8)];
    (width, value(), any::<u64>(), any::<bool>(), any::<(u8, u8, u8)>())
        .prop_flat_map(move |(width, value, mask, full, rest)| {
            let place = place(len, usize::from(width), tag_at);
            (Just((width, value, mask, full, rest)), place)
        })
        .prop_map(|((width, value, mask, full, (shift, sums, odd)), place)| {
            let bits = if width == 0 { 64 } else { u32::from(width) * 8 };
            let window = u64::MAX >> (64 - bits);
            PatchOp {
                width: if place.is_some() { width } else { width.min(1) },
                shift: (u32::from(shift) % bits) as u8,
                sums,
                odd,
                offset: place.unwrap_or(0),
                // Without a place of its own, an operation that changes nothing.
                mask: match place {
                    Some(_) if full => window,
                    Some(_) => mask & window,
                    None if width == 0 => mask,
                    None => 0,
                },
                ..value
            }
        })
}

fn checksum(len: usize, tag_at: Option<u16>) -> impl Strategy<Value = ChecksumOp> {
    // 0xffff folds to a field of 0, which UDP writes as 0xffff.
    let base = prop_oneof![Just(0xffffu64), 0..1u64 << 48];
    (base, place(len, 2, tag_at), 0..8u8, any::<u8>(), any::<u8>(), 0..2u8).prop_map(
        move |(base, place, slot, sums, odd, zero_as_ffff)| ChecksumOp {
            base,
            // Beyond the tag nothing is free: the tag's stamp overwrites its own check again.
            offset: place.unwrap_or_else(|| tag_at.unwrap_or(0) + 16),
            slot,
            sums,
            odd,
            zero_as_ffff,
            reserved: 0,
        },
    )
}

fn length(len: usize, tag_at: Option<u16>) -> impl Strategy<Value = LengthOp> {
    (-300..300i32, place(len, 2, tag_at), any::<u8>(), any::<u8>(), any::<bool>()).prop_map(
        |(addend, place, sums, odd, write)| LengthOp {
            addend,
            offset: place.unwrap_or(0),
            sums,
            odd,
            write: u8::from(write && place.is_some()),
            reserved: [0; 3],
        },
    )
}

/// A size program, and the frame lengths of its list, which stand behind the others' values.
fn size(len: usize, tag_at: Option<u16>) -> impl Strategy<Value = (SizeProgram, Vec<u64>)> {
    let first = tag_at.map_or(14, |at| (usize::from(at) + tag::TAG_LEN).max(14));
    (first..=len)
        .prop_flat_map(move |payload_at| {
            let range = (len - payload_at) as u64 + 1;
            (
                Just(payload_at),
                0..3u8,
                1..=range,
                any::<u64>(),
                vec(length(len, tag_at), 0..=8),
                vec(any::<u16>(), range as usize),
                any::<(u8, u8)>(),
                vec(payload_at as u64..=len as u64, 5),
            )
        })
        .prop_map(|(payload_at, kind, range, key, lengths, payload_sums, (sums, odd), lens)| {
            let (a, b, c) = match kind {
                0 => (payload_at as u64, 1, range),
                1 => (payload_at as u64, range, 0),
                _ => (LENGTHS_AT, lens.len() as u64, 0),
            };
            let value =
                PatchOp { kind, width: 2, mask: 0xffff, a, b, c, key, ..PatchOp::default() };
            let size = SizeProgram {
                value,
                lengths: lengths.into(),
                payload_at: payload_at as u16,
                payload_sums: payload_sums.into(),
                sums,
                odd,
            };
            (size, lens)
        })
}

/// A program of counters and random numbers below 2^32, with frames of one length: what the kernel
/// engine writes a program of its own for.
#[allow(dead_code, reason = "only for the kernel engine's parity")]
pub fn simple_program(max_len: usize) -> impl Strategy<Value = Arc<StreamProgram>> {
    let simple = |op: &PatchOp| {
        let random = op.kind & 1 != 0;
        let kind = if random { ValueKind::Random } else { ValueKind::Counter };
        let b = if random { op.b % u64::from(u32::MAX) + 1 } else { op.b };
        PatchOp { kind: kind as u8, b, ..*op }
    };
    program(max_len).prop_map(move |program| {
        Arc::new(StreamProgram {
            ops: program.ops.iter().take(16).map(simple).collect(),
            checksums: program.checksums.iter().take(4).copied().collect(),
            size: None,
            ..(*program).clone()
        })
    })
}

/// The program behind an Ethernet header that never changes, so that a kernel that receives its
/// frames treats all alike: those of known and of unknown EtherTypes overtake each other there.
#[allow(dead_code, reason = "only for programs that are sent")]
pub fn behind_ethernet(program: &StreamProgram) -> Arc<StreamProgram> {
    const HEADER: [u8; 14] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x88, 0xb5];
    let by = HEADER.len() as u16;
    let mut program = program.clone();
    program.template = HEADER.iter().chain(&program.template).copied().collect();
    program.ops.iter_mut().for_each(|op| op.offset += by);
    program.checksums.iter_mut().for_each(|op| op.offset += by);
    program.tag_at = program.tag_at.map(|at| at + by);
    if let Some(size) = &mut program.size {
        size.payload_at += by;
        size.lengths.iter_mut().for_each(|op| op.offset += by);
        if size.value.kind == ValueKind::List as u8 {
            let mut lists = program.lists.to_vec();
            lists[LENGTHS_AT as usize..].iter_mut().for_each(|len| *len += u64::from(by));
            program.lists = lists.into();
        } else {
            size.value.a += u64::from(by);
        }
    }
    Arc::new(program)
}
