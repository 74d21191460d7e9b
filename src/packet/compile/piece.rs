//! One fragment of a datagram: the whole is laid out, then the piece is cut out of it.
//!
//! What changes in a piece is written by its operations; what changes in the others and is covered
//! by a checksum in this one becomes operations of width 0, which only add to the sums.

use std::ops::Range;

use super::checksums::{self, Computed};
use super::error::Problem;
use super::layout::Layout;
use super::lists::Lists;
use super::ops::Patch;
use super::template::Draft;
use crate::packet::ir::{ChecksumOp, EVERY, PatchOp, ValueKind};
use crate::packet::tag::{self, TAG_LEN};
use crate::profile::model::Piece;

/// The shortest frame, without FCS.
const MIN_FRAME: usize = 60;
/// A counter of more values than this cannot be cut in two: the halves are lists.
const MAX_LIST: u64 = 1 << 16;

/// Fills in the tags of all pieces, the own one with (stream number, epoch). The others' are as
/// neutral to every checksum as theirs will be.
pub(super) fn write_tags(draft: &mut Draft, piece: &Piece, prefix: usize, own: (u16, u8)) {
    for &at in &piece.datagram.tags {
        if let Some(bytes) = draft.bytes[prefix + at..].first_chunk_mut::<TAG_LEN>() {
            tag::write_constant(bytes, own.1, own.0);
            tag::stamp(bytes, 0, 0, 0);
        }
    }
}

/// A piece, cut out.
pub(super) struct Cut {
    pub(super) template: Vec<u8>,
    pub(super) ops: Vec<PatchOp>,
    pub(super) checksums: Vec<ChecksumOp>,
    pub(super) tag_at: Option<usize>,
}

/// The parts of the whole frame that the piece has.
struct Regions {
    parts: Vec<Range<usize>>,
    /// Where the data begin in the whole frame, and how far before that they stand in the piece's.
    data_at: usize,
    back: usize,
}

impl Regions {
    fn new(prefix: usize, piece: &Piece, frame_len: usize) -> Self {
        let at = prefix + piece.offset;
        let data = at.min(frame_len)..(at + piece.len).min(frame_len);
        let mut parts = Vec::with_capacity(2);
        if piece.offset == 0 {
            parts.push(0..data.end);
        } else {
            parts.extend([0..prefix, data]);
        }
        Self { parts, data_at: at, back: piece.offset }
    }

    /// The part that holds all these bytes.
    fn around(&self, bytes: &Range<usize>) -> Option<&Range<usize>> {
        self.parts.iter().find(|part| part.start <= bytes.start && bytes.end <= part.end)
    }

    /// The place in the piece's frame of a byte that it has.
    fn place(&self, at: usize) -> usize {
        if self.back > 0 && at >= self.data_at { at - self.back } else { at }
    }
}

/// Cuts `piece` out of the whole. `computed` are the whole's that change, innermost first.
pub(super) fn cut(
    layout: &Layout<'_>,
    draft: Draft,
    plan: &checksums::Plan,
    computed: Computed,
    piece: &Piece,
    own: (u16, u8),
    lists: &mut Lists,
) -> Result<Cut, Problem> {
    let prefix = layout.prefix_len();
    let regions = Regions::new(prefix, piece, draft.bytes.len());
    if !computed.crc32c.is_empty() {
        return Err(Problem::CutCrc32c);
    }
    let (checksums, slots) = needed(computed.checksums, &regions)?;
    let mut ops = Vec::new();
    for (n, patch) in draft.patches.iter().enumerate() {
        let (sums, odd) = plan.slots_of_patch(n);
        let (sums, odd) = (sums & slots, odd & slots);
        let window = usize::from(patch.op.offset)..patch.window_end();
        if regions.around(&window).is_some() {
            let offset = regions.place(window.start) as u16;
            ops.push(PatchOp { offset, sums, odd, ..patch.op });
            continue;
        }
        if sums != 0 {
            ops.push(PatchOp { width: 0, offset: 0, sums, odd, ..patch.op });
        }
        for part in &regions.parts {
            let bytes = patch.bytes.start.max(part.start)..patch.bytes.end.min(part.end);
            if !bytes.is_empty() {
                split(patch, bytes, part, &regions, lists, &mut ops)?;
            }
        }
    }
    let mut template = draft.bytes[..prefix].to_vec();
    let data = &draft.bytes[(prefix + piece.offset).min(draft.bytes.len())..];
    template.extend_from_slice(&data[..piece.len.min(data.len())]);
    template.resize(prefix + piece.len, 0);
    if piece.other {
        template[prefix..].iter_mut().for_each(|byte| *byte = !*byte);
        ops.iter().for_each(|op| clear(&mut template, op));
    }
    template.resize((prefix + piece.len).max(MIN_FRAME), 0);
    let tag_at = piece.tag_at.map(|at| prefix + at);
    if let Some(bytes) = tag_at.and_then(|at| template[at..].first_chunk_mut::<TAG_LEN>()) {
        tag::write_constant(bytes, own.1, own.0);
        tag::stamp(bytes, 0, 0, 0);
    }
    Ok(Cut { template, ops, checksums, tag_at })
}

/// The checksums whose fields the piece has, and those that they cover; and all their slots. One
/// that is in another piece is written where a later one overwrites it.
fn needed(all: Vec<ChecksumOp>, regions: &Regions) -> Result<(Vec<ChecksumOp>, u8), Problem> {
    let mut kept = Vec::new();
    let mut slots = 0u8;
    for op in all.into_iter().rev() {
        let field = usize::from(op.offset)..usize::from(op.offset) + 2;
        let here = regions.around(&field).is_some();
        let cut =
            regions.parts.iter().any(|part| field.start.max(part.start) < field.end.min(part.end));
        if cut && !here {
            return Err(Problem::CutThroughChecksum);
        }
        let outer = kept.iter().find(|outer: &&ChecksumOp| op.sums >> outer.slot & 1 == 1);
        let offset = match (here, outer) {
            (true, _) => regions.place(field.start) as u16,
            (false, Some(outer)) => outer.offset,
            (false, None) => continue,
        };
        slots |= 1 << op.slot;
        kept.push(ChecksumOp { offset, sums: op.sums & slots, odd: op.odd & slots, ..op });
    }
    kept.reverse();
    Ok((kept, slots))
}

/// The operations that write the `bytes` of a field that lie in `part`.
fn split(
    patch: &Patch,
    bytes: Range<usize>,
    part: &Range<usize>,
    regions: &Regions,
    lists: &mut Lists,
    ops: &mut Vec<PatchOp>,
) -> Result<(), Problem> {
    // The widest window reaches furthest back to the value's low end, which the mask hides.
    let whole = [1, 2, 4, 8].into_iter().rev().find_map(|width| {
        let start = bytes.start.min(part.end.checked_sub(width)?);
        let window = start..start + width;
        (part.start <= start && bytes.end <= window.end).then_some(window)
    });
    if let Some(window) = whole {
        return write(patch, &bytes, window, regions, lists, ops);
    }
    bytes.clone().try_for_each(|at| write(patch, &(at..at + 1), at..at + 1, regions, lists, ops))
}

/// The operation that writes the `bytes` of a field through `window`.
fn write(
    patch: &Patch,
    bytes: &Range<usize>,
    window: Range<usize>,
    regions: &Regions,
    lists: &mut Lists,
    ops: &mut Vec<PatchOp>,
) -> Result<(), Problem> {
    let mut mask = 0u64;
    for at in bytes.clone() {
        let own = byte_of(patch.op.mask, patch.window_end() - 1 - at);
        mask |= own << (8 * (window.end - 1 - at));
    }
    if mask == 0 {
        return Ok(());
    }
    let shift = i64::from(patch.op.shift) + 8 * (window.end as i64 - patch.window_end() as i64);
    let op = PatchOp {
        width: window.len() as u8,
        offset: regions.place(window.start) as u16,
        mask,
        sums: 0,
        odd: 0,
        shift: shift.max(0) as u8,
        ..patch.op
    };
    match u32::try_from(-shift) {
        Ok(right) if right > 0 => ops.extend(shifted(op, right, lists)?),
        _ => ops.push(op),
    }
    Ok(())
}

/// Byte number `n` of a window's bits, from the low end.
fn byte_of(bits: u64, n: usize) -> u64 {
    bits.checked_shr(8 * n as u32).unwrap_or(0) & 0xff
}

/// The operation whose values are those of `op` shifted right; None where they are always 0.
fn shifted(op: PatchOp, right: u32, lists: &mut Lists) -> Result<Option<PatchOp>, Problem> {
    let shift = |value: u64| value.checked_shr(right).unwrap_or(0);
    let (kind, every) = (op.kind & !EVERY, op.kind & EVERY);
    let list = |values: Vec<u64>, lists: &mut Lists| {
        let (a, b) = (lists.add(&values), values.len() as u64);
        Ok(Some(PatchOp { kind: ValueKind::List as u8 | every, a, b, c: 0, key: 0, ..op }))
    };
    if kind == ValueKind::List as u8 {
        let values = lists.values(op.a, op.b).iter();
        return list(values.map(|value| shift(value.wrapping_add(op.c))).collect(), lists);
    }
    if kind == ValueKind::Counter as u8 && (1..=MAX_LIST).contains(&op.c) {
        let value = |turn: u64| op.a.wrapping_add(op.b.wrapping_mul(turn));
        return list((0..op.c).map(|turn| shift(value(turn))).collect(), lists);
    }
    let power = op.b == 0 || op.b.is_power_of_two();
    if kind == ValueKind::Random as u8 && op.a == 0 && power {
        // The generator's range takes the high bits of one number: fewer of them are its high bits.
        let bits = if op.b == 0 { 64 } else { op.b.trailing_zeros() };
        let left = bits.saturating_sub(right);
        return Ok((left > 0).then(|| PatchOp { b: 1 << left, ..op }));
    }
    Err(Problem::CutThroughField)
}

/// Clears the bits that an operation replaces.
fn clear(template: &mut [u8], op: &PatchOp) {
    for n in 0..usize::from(op.width) {
        let at = usize::from(op.offset) + usize::from(op.width) - 1 - n;
        if let Some(byte) = template.get_mut(at) {
            *byte &= !(byte_of(op.mask, n) as u8);
        }
    }
}
