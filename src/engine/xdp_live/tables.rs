//! Programs as the eBPF engine reads them: flat tables, and what is constant for all of them.

use std::collections::HashMap;
use std::sync::Arc;

use crate::packet::frames::FrameTable;
use crate::packet::ir::{
    ChecksumOp, EVERY, LengthOp, MAX_CHECKSUMS, MAX_LENGTHS, MAX_OPS, PatchOp, ValueKind,
};
use crate::packet::program::{SizeProgram, StreamProgram, fold};
use crate::packet::tag;
use crate::sys::tx_abi::{
    INLINE_CHECKSUMS, INLINE_OPS, LiveLength, LiveProgram, NO_TAG, TxConfig, WORD_COPY,
};

/// Bytes at the start of a frame that are written anew into every page, since whoever had the page
/// before may have rewritten them: a router changes addresses, hop limit and checksum, a NAT the
/// ports. 128 bytes hold two VLAN tags, a tunnel, IPv6 with an extension header, and L4.
pub const HEADER_BYTES: usize = 128;
/// Bytes of all templates at most: they lie in the kernel's memory, once for each worker.
pub const MAX_TEMPLATE_BYTES: usize = 256 << 20;

/// Why programs cannot run in the kernel: the stream's position, and the limit it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TooLarge {
    /// Position of the program; None: all of them together.
    pub program: Option<usize>,
    /// What there is too much of.
    pub what: String,
}

/// The content of the maps and of the constants.
#[derive(Clone, Debug)]
pub struct Tables {
    /// Constants; interface, namespaces and times are filled in by the loader.
    pub config: TxConfig,
    /// What every page begins with: the longest template.
    pub image: Vec<u8>,
    /// One entry a program, and behind them one for each frame of a capture.
    pub programs: Vec<LiveProgram>,
    /// Operations of all programs, one after the other.
    pub ops: Vec<PatchOp>,
    /// Checksums of all programs.
    pub checksums: Vec<ChecksumOp>,
    /// Length fields of all programs.
    pub lengths: Vec<LiveLength>,
    /// Lists of all programs; streams that share a list share its place.
    pub lists: Vec<u64>,
    /// Payload sums of all programs, four in an entry.
    pub payload_sums: Vec<u64>,
    /// The first `config.copy_len` bytes of each template, padded to a multiple of 8.
    pub templates: Vec<u8>,
}

impl Tables {
    /// Lays out programs. `inline`: one program alone may become part of the eBPF program, which is
    /// faster; off only to test the general way with one program.
    ///
    /// # Errors
    /// [`TooLarge`], when a program has more operations, checksums or bytes than the engine takes,
    /// or there is no program.
    pub fn new(programs: &[Arc<StreamProgram>], inline: bool) -> Result<Self, TooLarge> {
        let longest = programs.iter().max_by_key(|program| program.template.len());
        let Some(longest) = longest else {
            return Err(TooLarge { program: None, what: "no stream to send".into() });
        };
        let mut tables = Self {
            config: empty_config(),
            image: longest.template.to_vec(),
            programs: Vec::with_capacity(programs.len()),
            ops: Vec::new(),
            checksums: Vec::new(),
            lengths: Vec::new(),
            lists: Vec::new(),
            payload_sums: Vec::new(),
            templates: Vec::new(),
        };
        let mut places = Places::default();
        for (number, program) in programs.iter().enumerate() {
            check(program)
                .map_err(|what| TooLarge { program: Some(number), what: what.to_owned() })?;
            tables.add(program, &mut places);
        }
        for (number, program) in programs.iter().enumerate() {
            if let Some(frames) = &program.frames {
                tables.add_frames(number, program, frames, &mut places);
            }
        }
        tables.copy_templates(programs)?;
        if let [only] = programs
            && inline
            && only.frames.is_none()
            && only.ops.len() <= INLINE_OPS
            && only.checksums.len() <= INLINE_CHECKSUMS
        {
            tables.inline_only();
        }
        Ok(tables)
    }

    fn add(&mut self, program: &StreamProgram, places: &mut Places) {
        let list = places.list(&mut self.lists, &program.lists);
        let first_op = self.ops.len() as u32;
        let first_checksum = self.checksums.len() as u32;
        let first_length = self.lengths.len() as u32;
        let slots = Slots::of(&program.checksums);
        for op in &program.ops {
            // What is only added to the sums may be as wide as the widest window.
            let wide = op.width == 0 && op.mask > u32::MAX.into();
            self.config.widths |= if wide { 8 } else { op.width.into() };
            let (sums, odd) = slots.renumber(op.sums, op.odd);
            self.add_op(PatchOp { sums, odd, ..*op }, list);
        }
        for (position, op) in program.checksums.iter().enumerate() {
            let (sums, odd) = slots.renumber(op.sums, op.odd);
            self.checksums.push(ChecksumOp { slot: position as u8, sums, odd, ..*op });
        }
        self.config.checksums = self.config.checksums.max(program.checksums.len() as u32);
        let mut live = LiveProgram {
            first_op,
            first_checksum,
            first_length,
            ops: program.ops.len() as u8,
            checksums: program.checksums.len() as u8,
            len: program.template.len() as u16,
            tag_at: NO_TAG,
            ..LiveProgram::default()
        };
        if let Some(size) = &program.size {
            self.config.uses_size = 1;
            self.add_op(size.value, list);
            live.sized = 1;
            live.lengths = size.lengths.len() as u8;
            live.first_payload_sum = places.payload_sums(&mut self.payload_sums, size);
            live.payload_at = size.payload_at;
            (live.payload_sums, live.payload_odd) = slots.renumber(size.sums, size.odd);
            self.lengths.extend(size.lengths.iter().map(|op| {
                let (sums, odd) = slots.renumber(op.sums, op.odd);
                live_length(op, sums, odd)
            }));
        }
        if let Some((at, sum)) = tag_of(program) {
            self.config.uses_tag = 1;
            (live.tag_at, live.tag_sum) = (at, sum);
        }
        if program.size.is_some() || program.template.len() != self.image.len() {
            self.config.lens_differ = 1;
        }
        self.programs.push(live);
    }

    /// The frames of program `number`: each a program of its own that shares the operations of its
    /// shape.
    fn add_frames(
        &mut self,
        number: usize,
        program: &StreamProgram,
        frames: &FrameTable,
        places: &mut Places,
    ) {
        let list = places.list(&mut self.lists, &program.lists);
        self.config.uses_frames = 1;
        self.programs[number].first_frame = self.programs.len() as u32;
        self.programs[number].frames = frames.count() as u32;
        let mut first_ops = Vec::with_capacity(frames.shapes().len());
        for shape in frames.shapes() {
            first_ops.push(self.ops.len() as u32);
            self.config.checksums = self.config.checksums.max(shape.checksums.len() as u32);
            for op in &shape.ops {
                self.config.widths |= u32::from(op.width);
                self.add_op(*op, list);
            }
        }
        for frame in frames.frames() {
            let shape = &frames.shapes()[frame.shape as usize];
            let mut live = LiveProgram {
                first_op: first_ops[frame.shape as usize],
                first_checksum: self.checksums.len() as u32,
                ops: shape.ops.len() as u8,
                checksums: shape.checksums.len() as u8,
                len: frame.len as u16,
                tag_at: NO_TAG,
                ..LiveProgram::default()
            };
            let bases = shape.checksums.iter().zip(frames.bases(frame));
            self.checksums
                .extend(bases.map(|(op, base)| ChecksumOp { base: u64::from(*base), ..*op }));
            if let Some((at, sum)) = tag_at(frames.bytes(frame), shape.tag_at) {
                self.config.uses_tag = 1;
                (live.tag_at, live.tag_sum) = (at, sum);
            }
            if frame.len as usize != self.image.len() {
                self.config.lens_differ = 1;
            }
            self.programs.push(live);
        }
    }

    fn add_op(&mut self, mut op: PatchOp, list: u64) {
        const COUNTER: u8 = ValueKind::Counter as u8;
        const RANDOM: u8 = ValueKind::Random as u8;
        const LIST: u8 = ValueKind::List as u8;
        match op.kind {
            COUNTER => {}
            RANDOM => self.config.uses_random = 1,
            LIST => self.config.uses_list = 1,
            _ => self.config.uses_rare = 1,
        }
        if [LIST, ValueKind::Shares as u8].contains(&(op.kind & !EVERY)) {
            op.a += list;
        }
        self.ops.push(op);
    }

    /// The start of every template, as far as pages have to be written anew.
    fn copy_templates(&mut self, programs: &[Arc<StreamProgram>]) -> Result<(), TooLarge> {
        let mut copy = self.image.len().min(HEADER_BYTES);
        if self.config.uses_frames != 0 {
            // What two captured frames have in common is not worth looking for.
            copy = self.image.len();
        } else if programs.len() > 1 {
            for program in programs {
                copy = copy.max(end_of_difference(&program.template, &self.image));
                copy = copy.max(end_of_writes(program));
            }
        }
        self.config.max_len = self.image.len() as u32;
        self.config.copy_len = copy as u32;
        let stride = copy.next_multiple_of(8);
        let bytes = stride * self.programs.len();
        if bytes > MAX_TEMPLATE_BYTES {
            let what = format!(
                "{} frames of up to {} bytes take {} MiB there, at most {} are possible",
                self.programs.len() - programs.len(),
                self.image.len(),
                bytes.div_ceil(1 << 20),
                MAX_TEMPLATE_BYTES >> 20,
            );
            return Err(TooLarge { program: None, what });
        }
        self.templates.reserve_exact(bytes);
        for program in programs {
            self.add_template(&program.template, copy);
        }
        for frames in programs.iter().filter_map(|program| program.frames.as_ref()) {
            frames.frames().iter().for_each(|frame| self.add_template(frames.bytes(frame), copy));
        }
        Ok(())
    }

    /// One more template, filled up to `copy` bytes with what all have there.
    fn add_template(&mut self, template: &[u8], copy: usize) {
        let end = self.templates.len() + copy.next_multiple_of(8);
        let own = template.len().min(copy);
        self.templates.extend_from_slice(&template[..own]);
        self.templates.extend_from_slice(&self.image[own..copy]);
        self.templates.resize(end, 0);
    }

    /// Makes the one program a part of the constants.
    fn inline_only(&mut self) {
        let config = &mut self.config;
        config.single = 1;
        config.only = self.programs[0];
        let ops = usize::from(config.only.ops);
        config.only_ops[..ops].copy_from_slice(&self.ops[..ops]);
        if config.uses_size != 0 {
            config.only_ops[INLINE_OPS] = self.ops[ops];
        }
        config.only_checksums[..self.checksums.len()].copy_from_slice(&self.checksums);
        config.only_lengths[..self.lengths.len()].copy_from_slice(&self.lengths);
        let copy = config.copy_len as usize;
        if copy <= WORD_COPY {
            for (word, bytes) in config.only_template.iter_mut().zip(self.image.chunks_exact(8)) {
                *word = u64::from_ne_bytes(*bytes.first_chunk().unwrap_or(&[0; 8]));
            }
            if let Some(end) = self.image[..copy].last_chunk() {
                config.only_template_end = u64::from_ne_bytes(*end);
            }
        }
    }
}

/// Where lists and payload sums that several streams share have been put.
#[derive(Default)]
struct Places {
    lists: HashMap<*const u64, u64>,
    payload_sums: HashMap<*const u16, u32>,
}

impl Places {
    fn list(&mut self, all: &mut Vec<u64>, list: &Arc<[u64]>) -> u64 {
        *self.lists.entry(list.as_ptr()).or_insert_with(|| {
            let place = all.len() as u64;
            all.extend_from_slice(list);
            place
        })
    }

    fn payload_sums(&mut self, all: &mut Vec<u64>, size: &SizeProgram) -> u32 {
        *self.payload_sums.entry(size.payload_sums.as_ptr()).or_insert_with(|| {
            let place = all.len() as u32;
            all.extend(
                size.payload_sums.chunks(4).map(|four| {
                    four.iter().rev().fold(0, |entry, sum| entry << 16 | u64::from(*sum))
                }),
            );
            place
        })
    }
}

/// The slots that a stream's checksums read, in their order: in the kernel checksum n reads slot n,
/// so that its loop over checksums needs no computed index.
struct Slots([u8; MAX_CHECKSUMS], usize);

impl Slots {
    fn of(checksums: &[ChecksumOp]) -> Self {
        let mut slots = [0; MAX_CHECKSUMS];
        for (slot, op) in slots.iter_mut().zip(checksums) {
            *slot = op.slot;
        }
        Self(slots, checksums.len())
    }

    fn renumber(&self, sums: u8, odd: u8) -> (u8, u8) {
        let bits = |mask: u8| {
            let slots = self.0[..self.1].iter().enumerate();
            slots.fold(0, |bits, (position, slot)| bits | (mask >> slot & 1) << position)
        };
        (bits(sums), bits(odd))
    }
}

fn check(program: &StreamProgram) -> Result<(), String> {
    let limit = |what: &str, count: usize, most: usize| {
        if count > most {
            Err(format!("{count} {what}, at most {most} are possible"))
        } else {
            Ok(())
        }
    };
    let lengths = program.size.as_ref().map_or(0, |size| size.lengths.len());
    limit("changing fields", program.ops.len(), MAX_OPS)?;
    limit("changing checksums", program.checksums.len(), MAX_CHECKSUMS)?;
    limit("length fields", lengths, MAX_LENGTHS)?;
    limit("frame bytes", program.template.len(), 4095)?;
    if let Some(frames) = &program.frames {
        for shape in frames.shapes() {
            limit("changing fields", shape.ops.len(), MAX_OPS)?;
            limit("changing checksums", shape.checksums.len(), MAX_CHECKSUMS)?;
        }
    }
    if program.crc32c.is_some() {
        return Err("an SCTP checksum (CRC32c) over bytes that change is not computed there".into());
    }
    if program.template.len() < 14 {
        return Err("a frame shorter than an Ethernet header".into());
    }
    Ok(())
}

fn live_length(op: &LengthOp, sums: u8, odd: u8) -> LiveLength {
    LiveLength {
        addend: op.addend,
        offset: op.offset,
        sums,
        odd,
        write: op.write,
        reserved: [0; 7],
    }
}

/// Offset and constant sum of a tag that fits the template; others are not stamped in user space
/// either.
fn tag_of(program: &StreamProgram) -> Option<(u16, u64)> {
    // Frames have tags of their own.
    tag_at(&program.template, program.tag_at.filter(|_| program.frames.is_none()))
}

/// As [`tag_of`], of a frame.
fn tag_at(frame: &[u8], at: Option<u16>) -> Option<(u16, u64)> {
    let at = at?;
    let tag = frame.get(usize::from(at)..)?.first_chunk::<{ tag::TAG_LEN }>()?;
    let words = tag[..tag::INDEX_AT].chunks_exact(2);
    let sum = words.map(|word| u64::from(u16::from_be_bytes([word[0], word[1]]))).sum::<u64>();
    Some((at, u64::from(fold(sum))))
}

/// The end of the last byte by which a template differs from the image.
fn end_of_difference(template: &[u8], image: &[u8]) -> usize {
    template.iter().zip(image).rposition(|(ours, common)| ours != common).map_or(0, |at| at + 1)
}

/// The end of the last byte that a program writes.
fn end_of_writes(program: &StreamProgram) -> usize {
    let ops = program.ops.iter().map(|op| usize::from(op.offset) + usize::from(op.width));
    let checksums = program.checksums.iter().map(|op| usize::from(op.offset) + 2);
    let lengths = program.size.iter().flat_map(|size| size.lengths.iter());
    let lengths = lengths.filter(|op| op.write != 0).map(|op| usize::from(op.offset) + 2);
    let tag = tag_of(program).map(|(at, _)| usize::from(at) + tag::TAG_LEN);
    ops.chain(checksums).chain(lengths).chain(tag).max().unwrap_or(0)
}

fn empty_config() -> TxConfig {
    let op = PatchOp { width: 1, ..PatchOp::default() };
    let checksum =
        ChecksumOp { base: 0, offset: 0, slot: 0, sums: 0, odd: 0, zero_as_ffff: 0, reserved: 0 };
    TxConfig {
        bare: 0,
        single: 0,
        uses_random: 0,
        uses_list: 0,
        uses_size: 0,
        uses_tag: 0,
        lens_differ: 0,
        max_len: 0,
        checksums: 0,
        widths: 0,
        copy_len: 0,
        spin_ns: 0,
        uses_rare: 0,
        uses_frames: 0,
        only: LiveProgram::default(),
        only_template: [0; WORD_COPY / 8],
        only_template_end: 0,
        only_ops: [op; INLINE_OPS + 1],
        only_checksums: [checksum; INLINE_CHECKSUMS],
        only_lengths: [LiveLength::default(); MAX_LENGTHS],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(len: usize) -> StreamProgram {
        StreamProgram {
            stream: 0,
            template: vec![0; len].into(),
            ops: [].into(),
            checksums: [].into(),
            crc32c: None,
            size: None,
            tag_at: None,
            lists: [].into(),
            frames: None,
        }
    }

    #[test]
    fn headers_are_written_anew_and_payload_only_where_it_differs() {
        let plain = Arc::new(program(1000));
        let copied = |programs: &[Arc<StreamProgram>]| {
            Tables::new(programs, true).map(|tables| tables.config.copy_len)
        };
        assert_eq!(copied(std::slice::from_ref(&plain)), Ok(HEADER_BYTES as u32));
        assert_eq!(copied(&[Arc::new(program(60))]), Ok(60));
        let mut other = program(900);
        other.template[700] = 1;
        assert_eq!(copied(&[plain, Arc::new(other)]), Ok(701));
    }

    #[test]
    fn a_shared_list_is_stored_once() {
        let list: Arc<[u64]> = (0..100).collect();
        let programs: Vec<_> = (0..3)
            .map(|_| Arc::new(StreamProgram { lists: list.clone(), ..program(60) }))
            .collect();
        assert_eq!(Tables::new(&programs, true).map(|tables| tables.lists.len()), Ok(100));
    }

    #[test]
    fn checksums_are_renumbered_to_the_slots_they_read() {
        let checksum = |slot| ChecksumOp {
            base: 0,
            offset: 0,
            slot,
            sums: 0,
            odd: 0,
            zero_as_ffff: 0,
            reserved: 0,
        };
        let slots = Slots::of(&[checksum(5), checksum(2), checksum(5)]);
        assert_eq!(slots.renumber(0b0010_0000, 0b0000_0100), (0b101, 0b010));
    }
}
