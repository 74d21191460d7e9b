//! Writes the eBPF program of one stream whose packets are all due at once: what
//! `bpf/tx_live.bpf.c` does with the constants of such a run, instruction after instruction, without
//! its questions. They cost as much as the building itself: the verifier removes the branches that
//! a constant rules out, but not the loads and the moves between them.

use std::mem::offset_of;
use std::os::fd::BorrowedFd;

use super::assembly::{Assembly, Do, If, Jump, Register, Width};
use super::tables::Tables;
use crate::packet::ir::{ChecksumOp, PatchOp, ValueKind};
use crate::packet::random::{GOLDEN_GAMMA, MIX_FIRST, MIX_SECOND};
use crate::packet::tag;
use crate::sys::tx_abi::{BULK, NO_TAG, SharedRun, TxShared, WORD_COPY};

/// Helpers of the kernel (enum bpf_func_id in linux/bpf.h).
const KTIME_GET_NS: u32 = 5;
const REDIRECT_MAP: u32 = 51;
/// Verdicts of an XDP program (enum xdp_action).
const DROP: u64 = 1;
const REDIRECT: i32 = 4;

/// What the registers hold.
const RESULT: Register = 0;
const CONTEXT: Register = 1;
const VALUE: Register = 2;
const OTHER: Register = 3;
const SPARE: Register = 4;
const TIME: Register = 5;
const FRAME: Register = 6;
const SHARED: Register = 7;
const INDEX: Register = 8;
/// The end of the page's frame.
const END: Register = 9;
const STACK: Register = 10;

const COUNT: i16 = offset_of!(TxShared, count) as i16;
const CURSOR: i16 = offset_of!(TxShared, cursor) as i16;
const LEFT: i16 = offset_of!(TxShared, left) as i16;
const STALE_AT: i16 = offset_of!(TxShared, stale_at) as i16;
const NOW: i16 = offset_of!(TxShared, now) as i16;
const BATCH: i16 = offset_of!(TxShared, batch) as i16;
const BROKEN: i16 = offset_of!(TxShared, broken) as i16;
const REFUSED: i16 = offset_of!(TxShared, refused) as i16;
const NEXT_INDEX: i16 = (offset_of!(TxShared, run) + offset_of!(SharedRun, index)) as i16;
const STRIDE: i16 = (offset_of!(TxShared, run) + offset_of!(SharedRun, stride)) as i16;

/// The instructions for packets of the only program of `tables` that are due at once, taken from a
/// run. `shared` is the map of [`TxShared`], `port` the one that redirects.
///
/// None where the stream needs what is only in `bpf/tx_live.bpf.c`: frames of several sizes, or
/// values other than counters and random numbers below 2^32.
pub(super) fn assemble(
    tables: &Tables,
    shared: BorrowedFd<'_>,
    port: BorrowedFd<'_>,
) -> Option<Vec<u64>> {
    let config = &tables.config;
    let suits = config.single != 0
        && config.bare == 0
        && config.lens_differ == 0
        && config.copy_len as usize <= WORD_COPY
        && tables.ops.iter().all(is_simple);
    if !suits {
        return None;
    }
    let mut straight = Straight { code: Assembly::default(), tables };
    let nothing_left = straight.take_slot(shared);
    straight.read_clock();
    let too_short = straight.check_length();
    straight.copy_template();
    for (number, op) in tables.ops.iter().enumerate() {
        straight.patch(number, op)?;
    }
    for (number, op) in tables.checksums.iter().enumerate() {
        straight.checksum(number, op);
    }
    straight.stamp();
    straight.redirect(port);
    straight.drop_page(nothing_left);
    straight.count_and_drop(too_short, BROKEN);
    Some(straight.code.finish())
}

/// Whether a value is one of those that are written here.
fn is_simple(op: &PatchOp) -> bool {
    op.kind == ValueKind::Counter as u8
        || op.kind == ValueKind::Random as u8 && (1..=u64::from(u32::MAX)).contains(&op.b)
}

/// What an operation contributes to sums is kept on the stack until they are computed.
fn place_of_op(number: usize) -> i16 {
    -8 * (number as i16 + 1)
}

struct Straight<'a> {
    code: Assembly,
    tables: &'a Tables,
}

impl Straight<'_> {
    fn place_of_checksum(&self, number: usize) -> i16 {
        place_of_op(self.tables.ops.len() + number)
    }

    /// Takes the next packet of the run, if there is one, and moves the run on.
    fn take_slot(&mut self, shared: BorrowedFd<'_>) -> Jump {
        let code = &mut self.code;
        code.set_to_map_value(SHARED, shared);
        code.load(Width::Four, VALUE, SHARED, CURSOR);
        code.load(Width::Four, OTHER, SHARED, COUNT);
        let nothing_left = code.jump_if(If::AboveOrEqual, VALUE, OTHER);
        // struct xdp_md: data, data_end.
        code.load(Width::Four, FRAME, CONTEXT, 0);
        code.load(Width::Four, END, CONTEXT, 4);
        code.with_value(Do::Add, VALUE, 1, SPARE);
        code.store(Width::Four, SHARED, CURSOR, VALUE);
        code.load(Width::Eight, INDEX, SHARED, NEXT_INDEX);
        code.load(Width::Eight, VALUE, SHARED, STRIDE);
        code.with(Do::Add, VALUE, INDEX);
        code.store(Width::Eight, SHARED, NEXT_INDEX, VALUE);
        nothing_left
    }

    /// `shares_reading` and `keep_reading` of the program in C.
    fn read_clock(&mut self) {
        if self.tables.config.uses_tag == 0 {
            return;
        }
        let code = &mut self.code;
        code.load(Width::Four, VALUE, SHARED, LEFT);
        let in_batch = code.jump_if_value(If::NotEqual, VALUE, 0);
        code.load(Width::Four, VALUE, SHARED, BATCH);
        code.store(Width::Four, SHARED, STALE_AT, VALUE);
        code.land(in_batch);
        code.with(Do::Move, OTHER, VALUE);
        code.with_value(Do::Add, OTHER, u64::MAX, SPARE);
        code.store(Width::Four, SHARED, LEFT, OTHER);
        code.load(Width::Four, SPARE, SHARED, STALE_AT);
        let shares_reading = code.jump_if(If::Above, VALUE, SPARE);
        code.call(KTIME_GET_NS);
        code.store(Width::Eight, SHARED, NOW, RESULT);
        code.load(Width::Four, VALUE, SHARED, LEFT);
        code.set(OTHER, 0);
        let last_bulk = code.jump_if_value(If::Below, VALUE, BULK as i32);
        code.with(Do::Move, OTHER, VALUE);
        code.with_value(Do::Add, OTHER, 1u64.wrapping_sub(u64::from(BULK)), SPARE);
        code.land(last_bulk);
        code.store(Width::Four, SHARED, STALE_AT, OTHER);
        code.land(shares_reading);
    }

    /// The verifier wants to see that the page reaches as far as is written.
    fn check_length(&mut self) -> Jump {
        self.code.with(Do::Move, VALUE, FRAME);
        self.code.with_value(Do::Add, VALUE, self.tables.config.max_len.into(), SPARE);
        self.code.jump_if(If::Above, VALUE, END)
    }

    fn copy_template(&mut self) {
        let copied = &self.tables.image[..self.tables.config.copy_len as usize];
        let last = copied.len().saturating_sub(8);
        let words = (0..last).step_by(8).chain([last]);
        for at in words {
            if let Some(word) = copied.get(at..).and_then(|rest| rest.first_chunk()) {
                self.code.set(VALUE, u64::from_ne_bytes(*word));
                self.code.store(Width::Eight, FRAME, at as i16, VALUE);
            }
        }
    }

    /// One operation: its bits in the frame, and on the stack where a sum needs them.
    fn patch(&mut self, number: usize, op: &PatchOp) -> Option<()> {
        if op.kind == ValueKind::Random as u8 {
            self.random(op)
        } else {
            self.counter(op)
        }
        let code = &mut self.code;
        if op.shift & 63 != 0 {
            code.with_value(Do::ShiftLeft, VALUE, u64::from(op.shift & 63), SPARE);
        }
        if op.mask != u64::MAX {
            code.with_value(Do::And, VALUE, op.mask, SPARE);
        }
        if op.sums != 0 {
            code.store(Width::Eight, STACK, place_of_op(number), VALUE);
        }
        if op.width == 0 {
            return Some(());
        }
        let width = Width::of(op.width)?;
        let everything = u64::MAX >> (64 - 8 * u32::from(op.width));
        let at = op.offset as i16;
        if op.mask & everything != everything {
            code.load(width, OTHER, FRAME, at);
            code.swap_to_big_endian(OTHER, width);
            code.with_value(Do::And, OTHER, !op.mask, SPARE);
            code.with(Do::Or, VALUE, OTHER);
        }
        code.swap_to_big_endian(VALUE, width);
        code.store(width, FRAME, at, VALUE);
        Some(())
    }

    /// `a + b * (index % c)`
    fn counter(&mut self, op: &PatchOp) {
        let code = &mut self.code;
        code.with(Do::Move, VALUE, INDEX);
        if op.c.is_power_of_two() {
            code.with_value(Do::And, VALUE, op.c - 1, SPARE);
        } else if op.c != 0 {
            code.with_value(Do::Remainder, VALUE, op.c, SPARE);
        }
        if op.b != 1 {
            code.with_value(Do::Multiply, VALUE, op.b, SPARE);
        }
        code.with_value(Do::Add, VALUE, op.a, SPARE);
    }

    /// `a + random::below(key, index, b)`, `b` being below 2^32.
    fn random(&mut self, op: &PatchOp) {
        let code = &mut self.code;
        code.with(Do::Move, VALUE, INDEX);
        code.with_value(Do::Multiply, VALUE, GOLDEN_GAMMA, SPARE);
        code.with_value(Do::Add, VALUE, op.key, SPARE);
        for (shift, factor) in [(30, Some(MIX_FIRST)), (27, Some(MIX_SECOND)), (31, None)] {
            code.with(Do::Move, OTHER, VALUE);
            code.with_value(Do::ShiftRight, OTHER, shift, SPARE);
            code.with(Do::Xor, VALUE, OTHER);
            if let Some(factor) = factor {
                code.with_value(Do::Multiply, VALUE, factor, SPARE);
            }
        }
        code.with(Do::Move, OTHER, VALUE);
        code.with_value(Do::ShiftRight, OTHER, 32, SPARE);
        code.set(SPARE, op.b);
        code.with(Do::Multiply, OTHER, SPARE);
        code.with_32(Do::Move, VALUE, VALUE);
        code.with(Do::Multiply, VALUE, SPARE);
        code.with_value(Do::ShiftRight, VALUE, 32, SPARE);
        code.with(Do::Add, VALUE, OTHER);
        code.with_value(Do::ShiftRight, VALUE, 32, SPARE);
        code.with_value(Do::Add, VALUE, op.a, SPARE);
    }

    /// A checksum: its base, what operations and earlier checksums contribute, folded.
    fn checksum(&mut self, number: usize, op: &ChecksumOp) {
        let bit = 1 << number;
        self.code.set(VALUE, op.base);
        for (of, patch) in self.tables.ops.iter().enumerate() {
            if patch.sums & bit != 0 {
                self.contribute(place_of_op(of), patch.odd & bit != 0);
            }
        }
        for (of, earlier) in self.tables.checksums[..number].iter().enumerate() {
            if earlier.sums & bit != 0 {
                self.contribute(self.place_of_checksum(of), earlier.odd & bit != 0);
            }
        }
        self.fold();
        let place = self.place_of_checksum(number);
        let code = &mut self.code;
        if op.zero_as_ffff != 0 {
            let not_zero = code.jump_if_value(If::NotEqual, VALUE, 0);
            code.set(VALUE, 0xffff);
            code.land(not_zero);
        }
        if op.sums != 0 {
            code.store(Width::Eight, STACK, place, VALUE);
        }
        code.swap_to_big_endian(VALUE, Width::Two);
        code.store(Width::Two, FRAME, op.offset as i16, VALUE);
    }

    /// Adds what lies at a place on the stack to the sum.
    fn contribute(&mut self, place: i16, odd: bool) {
        let wide = self.tables.config.widths & 8 != 0;
        let code = &mut self.code;
        code.load(Width::Eight, OTHER, STACK, place);
        if odd {
            code.with(Do::Move, SPARE, OTHER);
            code.with_value(Do::ShiftLeft, SPARE, 8, SPARE);
            code.with_value(Do::ShiftRight, OTHER, 56, SPARE);
            code.with(Do::Or, OTHER, SPARE);
        }
        if wide {
            code.with(Do::Move, SPARE, OTHER);
            code.with_value(Do::ShiftRight, SPARE, 32, SPARE);
            code.with_32(Do::Move, OTHER, OTHER);
            code.with(Do::Add, OTHER, SPARE);
        }
        code.with(Do::Add, VALUE, OTHER);
    }

    /// The complement of the sum, folded to 16 bits: `~fold` of `bpf/tx_build.h`.
    fn fold(&mut self) {
        let code = &mut self.code;
        code.with(Do::Move, OTHER, VALUE);
        code.with_value(Do::ShiftLeft, OTHER, 32, SPARE);
        code.with(Do::Move, SPARE, VALUE);
        code.with_value(Do::ShiftRight, SPARE, 32, SPARE);
        code.with(Do::Or, OTHER, SPARE);
        code.with(Do::Add, VALUE, OTHER);
        code.with_value(Do::ShiftRight, VALUE, 32, SPARE);
        code.with_32(Do::Move, OTHER, VALUE);
        code.with_value_32(Do::ShiftLeft, OTHER, 16);
        code.with_32(Do::Move, SPARE, VALUE);
        code.with_value_32(Do::ShiftRight, SPARE, 16);
        code.with_32(Do::Or, OTHER, SPARE);
        code.with_32(Do::Add, VALUE, OTHER);
        code.with_value_32(Do::ShiftRight, VALUE, 16);
        code.with_value_32(Do::Xor, VALUE, 0xffff);
    }

    /// The tag's index, time, lag (none: the packet is due when it leaves) and check.
    fn stamp(&mut self) {
        let program = &self.tables.config.only;
        if program.tag_at == NO_TAG {
            return;
        }
        let at = |offset: usize| (usize::from(program.tag_at) + offset) as i16;
        let code = &mut self.code;
        code.load(Width::Eight, TIME, SHARED, NOW);
        code.with_32(Do::Move, VALUE, INDEX);
        code.with(Do::Move, OTHER, VALUE);
        code.swap_to_big_endian(OTHER, Width::Four);
        code.store(Width::Four, FRAME, at(tag::INDEX_AT), OTHER);
        code.with_32(Do::Move, OTHER, TIME);
        code.with(Do::Add, VALUE, OTHER);
        code.with_value(Do::Add, VALUE, program.tag_sum, SPARE);
        self.fold();
        let code = &mut self.code;
        code.with_value(Do::ShiftLeft, TIME, 32, SPARE);
        code.with(Do::Or, TIME, VALUE);
        code.swap_to_big_endian(TIME, Width::Eight);
        code.store(Width::Eight, FRAME, at(tag::STAMP_AT), TIME);
    }

    fn redirect(&mut self, port: BorrowedFd<'_>) {
        let code = &mut self.code;
        code.set_to_map(1, port);
        code.set(2, 0);
        code.set(3, DROP);
        code.call(REDIRECT_MAP);
        let refused = code.jump_if_value(If::NotEqual, RESULT, REDIRECT);
        code.exit();
        self.count_and_drop(refused, REFUSED);
    }

    /// Where packets end that are not sent.
    fn count_and_drop(&mut self, from: Jump, counter: i16) {
        let code = &mut self.code;
        code.land(from);
        code.load(Width::Eight, VALUE, SHARED, counter);
        code.with_value(Do::Add, VALUE, 1, SPARE);
        code.store(Width::Eight, SHARED, counter, VALUE);
        code.set(RESULT, DROP);
        code.exit();
    }

    /// Where runs end that have no packet.
    fn drop_page(&mut self, from: Jump) {
        self.code.land(from);
        self.code.set(RESULT, DROP);
        self.code.exit();
    }
}
