//! A stream, compiled: a template, the operations that change it, and the place of its tag.
//!
//! [`StreamProgram::build`] is the hot path of every engine that fills frames in user space.

use std::sync::Arc;

use super::frames::FrameTable;
use super::ir::{ChecksumOp, EVERY, LengthOp, MAX_CHECKSUMS, PatchOp, ValueKind};
use super::permutation::{self, Shape};
use super::{random, shares, tag};

/// How the frame length follows from the packet's index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeProgram {
    /// Its value is the frame length without FCS; `offset`, `width`, `shift`, `mask`, `sums` unused.
    pub value: PatchOp,
    /// Length fields that follow.
    pub lengths: Box<[LengthOp]>,
    /// First byte after headers and tag.
    pub payload_at: u16,
    /// `payload_sums[n]` is the folded ones' complement sum of the first n payload bytes, the last
    /// one padded with zero if n is odd.
    pub payload_sums: Arc<[u16]>,
    /// Checksum slots that cover the payload.
    pub sums: u8,
    /// Of those, the ones whose coverage begins at an odd distance from `payload_at`.
    pub odd: u8,
}

/// A CRC32c that is computed last, over all that is covered: unlike an Internet checksum it changes
/// with the stamp of the probe tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32cOp {
    /// The first byte that it covers.
    pub start: u16,
    /// The first byte that it does not cover; None: it covers all up to the frame's end.
    pub end: Option<u16>,
    /// The field's offset in the frame. It has four bytes and is taken as zero.
    pub offset: u16,
    /// Slots of Internet checksums around it that cover the field.
    pub sums: u8,
    /// Of those, the ones at an odd distance.
    pub odd: u8,
    /// Added to the right value: 0, unless it is to be wrong.
    pub wrong_by: u32,
}

impl Crc32cOp {
    /// Computes the checksum of a frame of `len` bytes, writes it, and returns it as it stands
    /// there, read as a big-endian number. 0, and nothing is written, where the frame is shorter
    /// than the field's end.
    pub fn write(&self, frame: &mut [u8], len: usize) -> u32 {
        let (start, at) = (usize::from(self.start), usize::from(self.offset));
        let end = self.end.map_or(len, usize::from).min(frame.len());
        if at < start || at + 4 > end {
            return 0;
        }
        frame[at..at + 4].fill(0);
        let value = crc32c::crc32c(&frame[start..end]).wrapping_add(self.wrong_by);
        frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
        value.swap_bytes()
    }
}

/// A compiled stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamProgram {
    /// The stream's number: its position in the profile.
    pub stream: u16,
    /// The longest frame, without FCS. Bits that operations replace are zero. The tag's constant
    /// part and a valid stamp of time 0 stand in it.
    pub template: Box<[u8]>,
    /// Fields that change.
    pub ops: Box<[PatchOp]>,
    /// Checksums that change, innermost first. Checksums that never change are in the template.
    pub checksums: Box<[ChecksumOp]>,
    /// A CRC32c that changes. Its field is zero in the template, and the base sums leave it out.
    pub crc32c: Option<Crc32cOp>,
    /// Sizes that change.
    pub size: Option<SizeProgram>,
    /// Offset of the probe tag; None where the frame has no room or the stream has none.
    pub tag_at: Option<u16>,
    /// Values of [`ValueKind::List`].
    pub lists: Arc<[u64]>,
    /// Captured frames that the stream sends: its packets are made of them, and `template` is the
    /// longest. None: of the template.
    pub frames: Option<Arc<FrameTable>>,
}

impl StreamProgram {
    /// The length of packet `index` in bytes, without FCS.
    #[inline(always)]
    pub fn frame_len(&self, index: u64) -> usize {
        match (&self.size, &self.frames) {
            (None, None) => self.template.len(),
            (Some(size), _) => value(&size.value, index, &self.lists) as usize,
            (None, Some(frames)) => frames.bytes_of(index).len(),
        }
    }

    /// The length of the longest frame, without FCS.
    pub fn max_frame_len(&self) -> usize {
        self.template.len()
    }

    /// Makes `frame` packet `index` of the stream, all but the stamp, and returns its length.
    ///
    /// `holds_template` says that the frame's first [`max_frame_len`](Self::max_frame_len) bytes
    /// hold an earlier packet of this very program, so that only what changes is written.
    ///
    /// # Panics
    /// If `frame` is shorter than the template.
    #[inline(always)]
    pub fn build(&self, index: u64, frame: &mut [u8], holds_template: bool) -> usize {
        if let Some(frames) = &self.frames {
            return frames.build(index, frame, &self.lists);
        }
        let frame = &mut frame[..self.template.len()];
        if !holds_template {
            frame.copy_from_slice(&self.template);
        }
        let mut sums = [0u64; MAX_CHECKSUMS];
        patch(&self.ops, index, &self.lists, frame, &mut sums);
        let len = match &self.size {
            None => self.template.len(),
            Some(size) => self.apply_size(size, index, frame, &mut sums),
        };
        for checksum in &self.checksums {
            seal(checksum, checksum.base, frame, &mut sums);
        }
        len
    }

    /// Writes the probe tag of packet `index` into a frame that was just built: send time and lag in
    /// nanoseconds. No Internet checksum changes by it; a CRC32c is computed now, and the checksums
    /// around it follow. Does nothing where the stream has neither. Once per built frame.
    #[inline(always)]
    pub fn stamp(&self, index: u64, frame: &mut [u8], now: u64, lag: u64) {
        let tag_at = match &self.frames {
            None => self.tag_at,
            Some(frames) => frames.tag_at(index),
        };
        if let Some(at) = tag_at {
            let at = usize::from(at);
            if let Some(bytes) = frame.get_mut(at..).and_then(|rest| rest.first_chunk_mut()) {
                tag::stamp(bytes, index as u32, now as u32, tag::encode_lag(lag));
            }
        }
        if let Some(crc) = &self.crc32c {
            self.write_crc32c(crc, index, frame);
        }
    }

    /// Computes the CRC32c, and lets the checksums around it follow: each was computed with a field
    /// of zero, and changes by what the field is now (RFC 1624 eqn 3).
    #[inline(never)]
    fn write_crc32c(&self, crc: &Crc32cOp, index: u64, frame: &mut [u8]) {
        let value = crc.write(frame, self.frame_len(index));
        let mut sums = [0u64; MAX_CHECKSUMS];
        contribute(&mut sums, crc.sums, crc.odd, u64::from(value));
        for checksum in &self.checksums {
            let (added, at) = (sums[usize::from(checksum.slot)], usize::from(checksum.offset));
            if added == 0 {
                continue;
            }
            let old = u16::from_be_bytes([frame[at], frame[at + 1]]);
            let mut field = !fold(u64::from(!old) + added);
            if checksum.zero_as_ffff != 0 && field == 0 {
                field = 0xffff;
            }
            frame[at..at + 2].copy_from_slice(&field.to_be_bytes());
            let change = fold(u64::from(field) + u64::from(!old));
            contribute(&mut sums, checksum.sums, checksum.odd, u64::from(change));
        }
    }

    #[inline(never)]
    fn apply_size(
        &self,
        size: &SizeProgram,
        index: u64,
        frame: &mut [u8],
        sums: &mut [u64; MAX_CHECKSUMS],
    ) -> usize {
        let len = self.frame_len(index);
        for length in &size.lengths {
            let field = (len as i64 + i64::from(length.addend)) as u16;
            if length.write != 0 {
                let at = usize::from(length.offset);
                frame[at..at + 2].copy_from_slice(&field.to_be_bytes());
            }
            contribute(sums, length.sums, length.odd, u64::from(field));
        }
        let payload = len - usize::from(size.payload_at);
        let sum = u64::from(size.payload_sums[payload]);
        contribute(sums, size.sums, size.odd, sum);
        len
    }
}

/// Replaces the bits of every operation for packet `index`, and adds them to the sums.
#[inline(always)]
pub(super) fn patch(
    ops: &[PatchOp],
    index: u64,
    lists: &[u64],
    frame: &mut [u8],
    sums: &mut [u64; MAX_CHECKSUMS],
) {
    for op in ops {
        let bits = (value(op, index, lists) << op.shift) & op.mask;
        write_window(frame, op, bits);
        contribute(sums, op.sums, op.odd, bits);
    }
}

/// Writes a checksum whose sum of all that is constant is `base`, and adds it to those around it.
#[inline(always)]
pub(super) fn seal(
    checksum: &ChecksumOp,
    base: u64,
    frame: &mut [u8],
    sums: &mut [u64; MAX_CHECKSUMS],
) {
    let sum = sums[usize::from(checksum.slot)] + base;
    let mut field = !fold(sum);
    if checksum.zero_as_ffff != 0 && field == 0 {
        field = 0xffff;
    }
    let at = usize::from(checksum.offset);
    frame[at..at + 2].copy_from_slice(&field.to_be_bytes());
    contribute(sums, checksum.sums, checksum.odd, u64::from(field));
}

/// The value of an operation for packet `index`.
#[inline(always)]
pub fn value(op: &PatchOp, index: u64, lists: &[u64]) -> u64 {
    if op.kind == ValueKind::Counter as u8 {
        let turn = if op.c == 0 { index } else { remainder(index, op.c) };
        op.a.wrapping_add(op.b.wrapping_mul(turn))
    } else if op.kind == ValueKind::Random as u8 {
        op.a.wrapping_add(random::below(op.key, index, op.b))
    } else if op.kind == ValueKind::List as u8 {
        list_value(op, index, lists)
    } else {
        rare(op, index, lists)
    }
}

#[inline(always)]
fn list_value(op: &PatchOp, index: u64, lists: &[u64]) -> u64 {
    lists[(op.a + remainder(index, op.b)) as usize].wrapping_add(op.c)
}

/// The values that cost more, and all that advance every so many packets: out of the way of those
/// that do not.
#[cold]
#[inline(never)]
fn rare(op: &PatchOp, index: u64, lists: &[u64]) -> u64 {
    const COUNTER: u8 = ValueKind::Counter as u8;
    const RANDOM: u8 = ValueKind::Random as u8;
    const LIST: u8 = ValueKind::List as u8;
    const COUNTER_HIGH: u8 = ValueKind::CounterHigh as u8;
    const UNIQUE: u8 = ValueKind::Unique as u8;
    let turn = match (op.kind & EVERY, op.every) {
        (0, _) => index,
        (_, 0) => index >> (op.every_shift & 63),
        (_, every) => quotient(index, every),
    };
    let counted = || if op.c == 0 { turn } else { remainder(turn, op.c) };
    match op.kind & !EVERY {
        COUNTER => op.a.wrapping_add(op.b.wrapping_mul(counted())),
        RANDOM => op.a.wrapping_add(random::below(op.key, turn, op.b)),
        LIST => list_value(op, turn, lists),
        COUNTER_HIGH => {
            let turn = counted();
            let low = u128::from(op.key) * u128::from(turn) + u128::from(op.extra);
            let high = op.a.wrapping_add(op.b.wrapping_mul(turn));
            high.wrapping_add((low >> 64) as u64)
        }
        UNIQUE => {
            let shape = Shape { values: op.b, left: op.c, split: op.extra as u32 };
            op.a.wrapping_add(permutation::value(op.key, &shape, turn))
        }
        _ => op.c.wrapping_add(shares::draw(&lists[op.a as usize..], op.b, op.key, turn)),
    }
}

/// `index / divisor`, by 32-bit division where both fit.
#[inline(always)]
fn quotient(index: u64, divisor: u64) -> u64 {
    if (index | divisor) >> 32 == 0 {
        u64::from(index as u32 / divisor as u32)
    } else {
        index / divisor
    }
}

/// `index % modulus`, by 32-bit division where both fit: it takes a third of the cycles.
#[inline(always)]
fn remainder(index: u64, modulus: u64) -> u64 {
    if modulus.is_power_of_two() {
        index & (modulus - 1)
    } else if (index | modulus) >> 32 == 0 {
        u64::from(index as u32 % modulus as u32)
    } else {
        index % modulus
    }
}

/// Replaces the bits of the operation's mask in its window.
#[inline(always)]
fn write_window(frame: &mut [u8], op: &PatchOp, bits: u64) {
    let at = usize::from(op.offset);
    macro_rules! window {
        ($type:ty) => {{
            const LEN: usize = size_of::<$type>();
            let window: &mut [u8; LEN] = frame[at..at + LEN].first_chunk_mut().expect("LEN bytes");
            let old = <$type>::from_be_bytes(*window);
            *window = ((old & !(op.mask as $type)) | bits as $type).to_be_bytes();
        }};
    }
    // Bit by bit, for a match becomes a jump through a table, which takes as long as all the rest.
    if op.width & 2 != 0 {
        window!(u16);
    } else if op.width & 4 != 0 {
        window!(u32);
    } else if op.width & 8 != 0 {
        window!(u64);
    } else if op.width & 1 != 0 {
        window!(u8);
    }
}

/// Adds a window's bits to the sums of the slots in `mask`. Adding 32-bit halves is adding 16-bit
/// words, since 2^16 is 1 modulo 65535; for the same reason an odd distance is a rotation by 8.
#[inline(always)]
fn contribute(sums: &mut [u64; MAX_CHECKSUMS], mask: u8, odd: u8, bits: u64) {
    let mut left = mask;
    while left != 0 {
        let slot = left.trailing_zeros() as usize & (MAX_CHECKSUMS - 1);
        let bits = if odd >> slot & 1 == 1 { bits.rotate_left(8) } else { bits };
        sums[slot] += (bits >> 32) + (bits & 0xffff_ffff);
        left &= left - 1;
    }
}

/// Folds a ones' complement sum to 16 bits; 0 stays 0 and nothing else becomes 0. Adding a number
/// to itself with its halves swapped leaves their sum, the carry brought round, in the upper half.
#[inline(always)]
pub fn fold(sum: u64) -> u16 {
    let sum = (sum.wrapping_add(sum.rotate_left(32)) >> 32) as u32;
    (sum.wrapping_add(sum.rotate_left(16)) >> 16) as u16
}
