//! UDP over IPv4 with a probe tag and 1 or 8 changing fields.

use wirestorm::engine::Programs;
use wirestorm::packet::ir::{ChecksumOp, PatchOp, ValueKind};
use wirestorm::packet::program::StreamProgram;
use wirestorm::packet::{random, tag};

const TAG_AT: usize = 42;
const IP_SUM: u8 = 1;
const UDP_SUM: u8 = 2;

/// `streams` streams of frames of `len` bytes in which `fields` (1 or 8) fields change.
pub fn flood(streams: u16, fields: usize, len: usize) -> Programs {
    super::programs((0..streams).map(|stream| program(stream, fields, len)))
}

fn program(stream: u16, fields: usize, len: usize) -> StreamProgram {
    let mut frame = vec![0; len];
    frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
    frame[14..24].copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17]);
    frame[16..18].copy_from_slice(&((len - 14) as u16).to_be_bytes());
    frame[26..34].copy_from_slice(&[10, 0, 0, 1, 10, 0, 1, 1]);
    frame[34..36].copy_from_slice(&0u16.to_be_bytes());
    frame[36..38].copy_from_slice(&(5000 + stream).to_be_bytes());
    frame[38..40].copy_from_slice(&((len - 34) as u16).to_be_bytes());
    tag::write_constant(&mut frame[TAG_AT..], 1, stream);
    tag::stamp(frame[TAG_AT..].first_chunk_mut().expect("room"), 0, 0, 0);
    let ops: Vec<PatchOp> = all_fields(stream).into_iter().take(fields).collect();
    for op in &ops {
        for byte in &mut frame[usize::from(op.offset)..][..usize::from(op.width)] {
            *byte = 0;
        }
    }
    let words = |range: std::ops::Range<usize>| -> u64 {
        frame[range]
            .chunks(2)
            .map(|word| u64::from(word[0]) << 8 | u64::from(*word.get(1).unwrap_or(&0)))
            .sum()
    };
    let udp = words(26..34) + 17 + (len as u64 - 34) + words(34..40) + words(42..len);
    let ip = words(14..24) + words(26..34);
    let checksum = |base, offset, slot, zero_as_ffff| ChecksumOp {
        base,
        offset,
        slot,
        sums: 0,
        odd: 0,
        zero_as_ffff,
        reserved: 0,
    };
    let mut checksums = vec![checksum(udp, 40, 1, 1)];
    if fields > 1 {
        checksums.push(checksum(ip, 24, 0, 0));
    } else {
        let field = !wirestorm::packet::program::fold(ip);
        frame[24..26].copy_from_slice(&field.to_be_bytes());
    }
    StreamProgram {
        stream,
        template: frame.into(),
        ops: ops.into(),
        checksums: checksums.into(),
        crc32c: None,
        size: None,
        tag_at: Some(TAG_AT as u16),
        lists: (0..16u64).map(|n| 0x0a00_0100 + n).collect(),
        frames: None,
    }
}

/// The source port first; then addresses, identification, traffic class and MACs.
fn all_fields(stream: u16) -> [PatchOp; 8] {
    let op = |kind: ValueKind, offset, width, sums, a, b, c| PatchOp {
        kind: kind as u8,
        width,
        sums,
        offset,
        mask: u64::MAX >> (64 - 8 * u32::from(width)),
        a,
        b,
        c,
        key: random::key(1, u32::from(stream), u32::from(offset)),
        ..PatchOp::default()
    };
    use ValueKind::{Counter, List, Random};
    [
        op(Counter, 34, 2, UDP_SUM, 1024, 1, 16384),
        op(Random, 26, 4, IP_SUM | UDP_SUM, 0x0a00_0000, 60_000, 0),
        op(List, 30, 4, IP_SUM | UDP_SUM, 0, 16, 0),
        op(Counter, 18, 2, IP_SUM, 0, 1, 0x10000),
        op(Random, 36, 2, UDP_SUM, 1, 50_000, 0),
        op(Counter, 15, 1, IP_SUM, 0, 4, 64),
        op(Counter, 8, 4, 0, 0, 1, 1000),
        op(Counter, 2, 4, 0, 0, 1, 250),
    ]
}
