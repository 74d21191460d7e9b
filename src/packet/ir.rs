//! Patch operations: the few instructions that turn a template into packet i. Plain data with a
//! fixed layout, since the eBPF engine runs the same operations out of a map
//! (`bpf/tx_abi.h` declares the twins).
//!
//! A *window* is 1, 2, 4 or 8 bytes of the frame, read as one big-endian number. An operation
//! computes a value from the packet's index, shifts it into place and replaces the bits of `mask`.
//! The bits that an operation replaces are zero in the template, and the checksums' base sums leave
//! them out, so a checksum is the base sum plus what the operations contribute (RFC 1071; RFC 1624
//! without the subtraction, as nothing old has to be taken away).

/// Checksums in one packet at most.
pub const MAX_CHECKSUMS: usize = 8;
/// Patch operations of one stream at most.
pub const MAX_OPS: usize = 32;
/// Length fields of one stream at most.
pub const MAX_LENGTHS: usize = 8;

/// How an operation's value follows from the packet's index `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ValueKind {
    /// `a + b * (i % c)`, wrapping; `c` 0: `a + b * i`.
    Counter = 0,
    /// `a + below(key, i, b)`; `b` 0: 2^64.
    Random = 1,
    /// `lists[a + i % b] + c`.
    List = 2,
    /// The upper half of a counter of 128 bits: `a + b * n + carry`, n being `i % c` as above and
    /// carry the upper 64 bits of `extra + key * n`.
    CounterHigh = 3,
    /// `a + permute(i % b)`: every value of `a..a + b` once in a cycle of `b` packets, in an order
    /// that each cycle draws anew; `b` 0: 2^64 (see [`super::permutation`]). `c` and `extra` are
    /// [`super::permutation::Shape`]'s.
    Unique = 4,
    /// `c` + a draw from the table of `b` shares at `lists[a]` (see [`super::shares`]).
    Shares = 5,
}

/// In [`PatchOp::kind`]: the operation advances every so many packets. Instead of the index it sees
/// `i / every`, or `i >> every_shift` where `every` is 0.
pub const EVERY: u8 = 0x80;

/// One field that changes from packet to packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct PatchOp {
    /// A [`ValueKind`], perhaps with [`EVERY`].
    pub kind: u8,
    /// Bytes of the window: 1, 2, 4 or 8; 0: nothing is written, and the value is only added to the
    /// sums, as a checksum covers it whose field is in another fragment than the window.
    pub width: u8,
    /// Left shift of the value inside the window.
    pub shift: u8,
    /// Checksum slots that cover the window, a bit each.
    pub sums: u8,
    /// Of those, the slots for which the window ends at an odd distance from the start of their
    /// coverage: its contribution is rotated by a byte.
    pub odd: u8,
    /// See [`EVERY`].
    pub every_shift: u8,
    /// First byte of the window in the frame.
    pub offset: u16,
    /// Bits of the window that the operation replaces, after the shift.
    pub mask: u64,
    /// See [`ValueKind`].
    pub a: u64,
    /// See [`ValueKind`].
    pub b: u64,
    /// See [`ValueKind`].
    pub c: u64,
    /// Key of the random sequence.
    pub key: u64,
    /// See [`EVERY`].
    pub every: u64,
    /// See [`ValueKind`].
    pub extra: u64,
}

impl PatchOp {
    /// Packets of one value; a divisor that [`EVERY`] stands for is at least 2.
    pub fn advance_every(&mut self, packets: u64) {
        if packets <= 1 {
            return;
        }
        self.kind |= EVERY;
        if packets.is_power_of_two() {
            self.every_shift = packets.trailing_zeros() as u8;
        } else {
            self.every = packets;
        }
    }
}

/// One checksum that changes from packet to packet. Operations stand innermost first; a checksum
/// contributes to those after it that cover it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(C)]
pub struct ChecksumOp {
    /// Ones' complement sum of everything constant that the checksum covers, the pseudo-header
    /// included, its own field taken as zero. Not folded.
    pub base: u64,
    /// The field's offset in the frame.
    pub offset: u16,
    /// The slot that this checksum reads.
    pub slot: u8,
    /// Slots of outer checksums that cover this field.
    pub sums: u8,
    /// Of those, the ones at an odd distance.
    pub odd: u8,
    /// 1: a result of 0 is written as 0xffff (UDP: RFC 768, RFC 8200 §8.1).
    pub zero_as_ffff: u8,
    /// Always 0.
    pub reserved: u16,
}

/// A 16-bit length field of a stream whose frame size changes: `frame length + addend`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct LengthOp {
    /// Added to the frame length (without FCS).
    pub addend: i32,
    /// The field's offset in the frame.
    pub offset: u16,
    /// Slots that the field contributes to.
    pub sums: u8,
    /// Of those, the ones at an odd distance.
    pub odd: u8,
    /// 0: the value is only added to the sums (a pseudo-header's length); 1: written and added.
    pub write: u8,
    /// Always 0.
    pub reserved: [u8; 3],
}

const _: () = {
    assert!(size_of::<PatchOp>() == 64);
    assert!(size_of::<ChecksumOp>() == 16);
    assert!(size_of::<LengthOp>() == 12);
};
