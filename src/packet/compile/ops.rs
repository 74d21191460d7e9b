//! Patch operations: the rule of a value, and the window that it is written to.

use std::ops::Range;

use super::lists::Lists;
use super::values::{Values, low_bits};
use crate::packet::ir::{PatchOp, ValueKind};
use crate::packet::permutation::Shape;
use crate::packet::shares;

/// An operation and the bytes whose bits it replaces.
pub(super) struct Patch {
    pub(super) op: PatchOp,
    pub(super) bytes: Range<usize>,
}

impl Patch {
    /// The first byte after the window.
    pub(super) fn window_end(&self) -> usize {
        usize::from(self.op.offset) + usize::from(self.op.width)
    }
}

/// The operation that computes `values`, without a window; None where they are constant.
pub(super) fn rule(values: &Values, key: u64, lists: &mut Lists) -> Option<PatchOp> {
    let mut extra = 0;
    let (kind, a, b, c, key) = match values {
        Values::Constant(_) => return None,
        Values::Counter { start, step, count } => (ValueKind::Counter, *start, *step, *count, 0),
        Values::Random { low, range } => (ValueKind::Random, *low, *range, 0, key),
        Values::List { values, plus } => {
            (ValueKind::List, lists.add(values), values.len() as u64, *plus, 0)
        }
        Values::CounterHigh { start, step, count, low_start, low_step } => {
            extra = *low_start;
            (ValueKind::CounterHigh, *start, *step, *count, *low_step)
        }
        Values::Unique { low, values } => {
            let shape = Shape::new(*values);
            extra = shape.split.into();
            (ValueKind::Unique, *low, *values, shape.left, key)
        }
        Values::Shares { shares, plus } => {
            let table = lists.add(&shares::table(shares));
            (ValueKind::Shares, table, shares.len() as u64, *plus, key)
        }
    };
    Some(PatchOp { kind: kind as u8, a, b, c, key, extra, ..PatchOp::default() })
}

/// Gives an operation its window: the smallest that holds `bits` bits from bit `at` of the frame,
/// beginning with them where that lies inside the first `frame_len` bytes, else ending with them.
/// None where those bits span more than eight bytes or there is no such window in the frame.
pub(super) fn place(op: PatchOp, at: usize, bits: u8, frame_len: usize) -> Option<Patch> {
    let end = at + usize::from(bits);
    let bytes = at / 8..end.div_ceil(8);
    let width = bytes.len().next_power_of_two();
    if width > 8 {
        return None;
    }
    let offset = if bytes.start + width <= frame_len {
        bytes.start
    } else {
        bytes.end.checked_sub(width)?
    };
    let shift = (offset + width) * 8 - end;
    let op = PatchOp {
        width: width as u8,
        shift: shift as u8,
        offset: offset as u16,
        mask: low_bits(bits) << shift,
        ..op
    };
    Some(Patch { op, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire;

    fn window(at: usize, bits: u8, frame_len: usize) -> (u16, u8, u8, u64) {
        let values = Values::Counter { start: 0, step: 1, count: 0 };
        let op = rule(&values, 0, &mut Lists::default()).unwrap();
        let op = place(op, at, bits, frame_len).unwrap().op;
        (op.offset, op.width, op.shift, op.mask)
    }

    #[test]
    fn windows_hold_their_bits() {
        assert_eq!(window(14 * 8 + 12, 20, 60), (15, 4, 8, 0x0fff_ff00));
        assert_eq!(window(0, 48, 60), (0, 8, 16, 0xffff_ffff_ffff_0000));
        assert_eq!(window(48, 48, 14), (6, 8, 16, 0xffff_ffff_ffff_0000));
        assert_eq!(window(14 * 8, 3, 60), (14, 1, 5, 0xe0));
        assert_eq!(window(14 * 8 + 4, 12, 60), (14, 2, 0, 0x0fff));
    }

    #[test]
    fn a_window_never_leaves_the_shortest_frame() {
        assert_eq!(window(6 * 8, 48, 12), (4, 8, 0, 0x0000_ffff_ffff_ffff));
    }

    #[test]
    fn every_field_of_every_protocol_fits_one_window_or_two() {
        for field in wire::protocols().iter().flat_map(|protocol| protocol.fields) {
            // The halves of a wider one begin and end with a byte.
            let halves = field.bit_offset % 8 == 0 && field.bits % 8 == 0;
            assert!(field.bytes().len() <= 8 || halves, "{}", field.name);
        }
    }
}
