//! Captured frames as packets: packet i is frame i mod n, with the fields that the profile
//! rewrites.
//!
//! Frames with their headers at the same places share a *shape*: its operations, and its checksums.
//! What is constant of a frame's own checksums, their bases, stands beside its bytes. So a frame
//! costs its bytes and a few words, and packet i a copy and the operations of its shape.

use std::sync::Arc;

use super::ir::{ChecksumOp, MAX_CHECKSUMS, PatchOp};
use super::program::{patch, seal};

/// What frames share whose headers stand at the same places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FrameShape {
    /// Fields that change from packet to packet. Their bits are zero in the frames.
    pub ops: Box<[PatchOp]>,
    /// Checksums that follow them, innermost first; the base of each is the frame's.
    pub checksums: Box<[ChecksumOp]>,
    /// Offset of the probe tag.
    pub tag_at: Option<u16>,
}

/// A frame: where its bytes lie, and what changes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first of its bytes, among those of all frames.
    pub at: u32,
    /// How many they are.
    pub len: u32,
    /// Position of its shape.
    pub shape: u32,
    /// Position of the first of its checksums' bases.
    pub base: u32,
}

/// The frames of a stream. Never empty; every part that a frame names is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameTable {
    /// The bytes of all frames.
    pub(super) bytes: Arc<[u8]>,
    pub(super) frames: Box<[Frame]>,
    pub(super) shapes: Box<[FrameShape]>,
    /// Ones' complement sums, folded.
    pub(super) bases: Box<[u16]>,
}

impl FrameTable {
    /// How many frames there are.
    pub fn count(&self) -> usize {
        self.frames.len()
    }

    /// The frames, in the order of the packets.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The shapes.
    pub fn shapes(&self) -> &[FrameShape] {
        &self.shapes
    }

    /// A frame's bytes, with zeros where something changes.
    pub fn bytes(&self, frame: &Frame) -> &[u8] {
        &self.bytes[frame.at as usize..frame.at as usize + frame.len as usize]
    }

    /// The bases of a frame's checksums, in the order of its shape's.
    pub fn bases(&self, frame: &Frame) -> &[u16] {
        &self.bases[frame.base as usize..]
    }

    /// The frame of packet `index`.
    #[inline(always)]
    fn frame(&self, index: u64) -> &Frame {
        let count = self.frames.len() as u64;
        // Most captures are sent once, and a division is dear.
        let n = if index < count { index } else { index % count };
        &self.frames[n as usize]
    }

    /// The bytes of packet `index`, with zeros where something changes.
    pub fn bytes_of(&self, index: u64) -> &[u8] {
        self.bytes(self.frame(index))
    }

    /// Where packet `index` has its probe tag.
    #[inline(always)]
    pub(super) fn tag_at(&self, index: u64) -> Option<u16> {
        self.shapes[self.frame(index).shape as usize].tag_at
    }

    /// Makes `to` packet `index`, all but the stamp, and returns its length.
    ///
    /// # Panics
    /// If `to` is shorter than the frame.
    #[inline(never)]
    pub(super) fn build(&self, index: u64, to: &mut [u8], lists: &[u64]) -> usize {
        let frame = self.frame(index);
        let bytes = self.bytes(frame);
        let to = &mut to[..bytes.len()];
        to.copy_from_slice(bytes);
        let shape = &self.shapes[frame.shape as usize];
        if shape.ops.is_empty() {
            return bytes.len();
        }
        let mut sums = [0u64; MAX_CHECKSUMS];
        patch(&shape.ops, index, lists, to, &mut sums);
        for (checksum, base) in shape.checksums.iter().zip(self.bases(frame)) {
            seal(checksum, u64::from(*base), to, &mut sums);
        }
        bytes.len()
    }
}
