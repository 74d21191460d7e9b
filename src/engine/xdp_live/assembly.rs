//! eBPF instructions (Linux Documentation/bpf/standardization/instruction-set.rst), as far as
//! `straight.rs` needs them.

use std::os::fd::{AsRawFd, BorrowedFd};

/// A register: 0 holds results, 1 to 5 are arguments and lost in a call, 6 to 9 are kept, 10 points
/// to the end of the stack.
pub(super) type Register = u8;

/// Bytes of a load or store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Width {
    One = 0x10,
    Two = 0x08,
    Four = 0x00,
    Eight = 0x18,
}

impl Width {
    /// The width of so many bytes.
    pub(super) fn of(bytes: u8) -> Option<Self> {
        match bytes {
            1 => Some(Self::One),
            2 => Some(Self::Two),
            4 => Some(Self::Four),
            8 => Some(Self::Eight),
            _ => None,
        }
    }

    fn bits(self) -> i32 {
        match self {
            Self::One => 8,
            Self::Two => 16,
            Self::Four => 32,
            Self::Eight => 64,
        }
    }
}

/// Arithmetic on registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Do {
    Add = 0x00,
    Multiply = 0x20,
    Or = 0x40,
    And = 0x50,
    ShiftLeft = 0x60,
    ShiftRight = 0x70,
    Remainder = 0x90,
    Xor = 0xa0,
    Move = 0xb0,
}

/// When a jump is taken; numbers are unsigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum If {
    Above = 0x20,
    AboveOrEqual = 0x30,
    NotEqual = 0x50,
    Below = 0xa0,
}

/// A jump whose target is still to come.
#[derive(Debug)]
#[must_use]
pub(super) struct Jump(usize);

const IMMEDIATE: u8 = 0x00;
const REGISTER: u8 = 0x08;
const LOAD: u8 = 0x61;
const STORE: u8 = 0x63;
const LOAD_64_BITS: u8 = 0x18;
const ARITHMETIC: u8 = 0x07;
const ARITHMETIC_32: u8 = 0x04;
const JUMP: u8 = 0x05;
const CALL: u8 = 0x85;
const EXIT: u8 = 0x95;
const TO_BIG_ENDIAN: u8 = 0xdc;
/// In the source register of a 64-bit load: what the number means.
const MAP: u8 = 1;
const MAP_VALUE: u8 = 2;

/// A program under construction.
#[derive(Debug, Default)]
pub(super) struct Assembly(Vec<u64>);

impl Assembly {
    fn push(&mut self, code: u8, to: Register, from: Register, offset: i16, number: i32) {
        let registers = u64::from(to) | u64::from(from) << 4;
        let number = u64::from(number as u32) << 32;
        self.0.push(number | u64::from(offset as u16) << 16 | registers << 8 | u64::from(code));
    }

    fn push_64_bits(&mut self, to: Register, meaning: u8, low: u32, high: u32) {
        self.push(LOAD_64_BITS, to, meaning, 0, low as i32);
        self.push(0, 0, 0, 0, high as i32);
    }

    /// `to = value`
    pub(super) fn set(&mut self, to: Register, value: u64) {
        match i32::try_from(value as i64) {
            Ok(short) => self.push(ARITHMETIC | Do::Move as u8, to, 0, 0, short),
            Err(_) => self.push_64_bits(to, 0, value as u32, (value >> 32) as u32),
        }
    }

    /// `to = ` the address of the only value of a map.
    pub(super) fn set_to_map_value(&mut self, to: Register, map: BorrowedFd<'_>) {
        self.push_64_bits(to, MAP_VALUE, map.as_raw_fd() as u32, 0);
    }

    /// `to = ` a map.
    pub(super) fn set_to_map(&mut self, to: Register, map: BorrowedFd<'_>) {
        self.push_64_bits(to, MAP, map.as_raw_fd() as u32, 0);
    }

    /// `to = to OPERATION from`, in 64 bits.
    pub(super) fn with(&mut self, operation: Do, to: Register, from: Register) {
        self.push(ARITHMETIC | REGISTER | operation as u8, to, from, 0, 0);
    }

    /// The same in 32 bits: the upper half becomes 0.
    pub(super) fn with_32(&mut self, operation: Do, to: Register, from: Register) {
        self.push(ARITHMETIC_32 | REGISTER | operation as u8, to, from, 0, 0);
    }

    /// `to = to OPERATION value`, in 64 bits; `spare` may be lost.
    pub(super) fn with_value(&mut self, operation: Do, to: Register, value: u64, spare: Register) {
        match i32::try_from(value as i64) {
            Ok(short) => self.push(ARITHMETIC | IMMEDIATE | operation as u8, to, 0, 0, short),
            Err(_) => {
                self.set(spare, value);
                self.with(operation, to, spare);
            }
        }
    }

    /// The same in 32 bits: the upper half becomes 0.
    pub(super) fn with_value_32(&mut self, operation: Do, to: Register, value: u32) {
        self.push(ARITHMETIC_32 | IMMEDIATE | operation as u8, to, 0, 0, value as i32);
    }

    /// The low `width` of a register as it stands in memory in network byte order; the rest
    /// becomes 0.
    pub(super) fn swap_to_big_endian(&mut self, register: Register, width: Width) {
        if width != Width::One {
            self.push(TO_BIG_ENDIAN, register, 0, 0, width.bits());
        }
    }

    /// `to = *(base + offset)`
    pub(super) fn load(&mut self, width: Width, to: Register, base: Register, offset: i16) {
        self.push(LOAD | width as u8, to, base, offset, 0);
    }

    /// `*(base + offset) = from`
    pub(super) fn store(&mut self, width: Width, base: Register, offset: i16, from: Register) {
        self.push(STORE | width as u8, base, from, offset, 0);
    }

    /// A jump, taken where `left` is so to `right`.
    pub(super) fn jump_if(&mut self, when: If, left: Register, right: Register) -> Jump {
        self.push(JUMP | REGISTER | when as u8, left, right, 0, 0);
        Jump(self.0.len())
    }

    /// The same against a number.
    pub(super) fn jump_if_value(&mut self, when: If, left: Register, right: i32) -> Jump {
        self.push(JUMP | IMMEDIATE | when as u8, left, 0, 0, right);
        Jump(self.0.len())
    }

    /// The target of a jump is here.
    pub(super) fn land(&mut self, jump: Jump) {
        let offset = (self.0.len() - jump.0) as u64;
        if let Some(instruction) = jump.0.checked_sub(1).and_then(|at| self.0.get_mut(at)) {
            *instruction |= (offset & 0x7fff) << 16;
        }
    }

    /// Calls a helper of the kernel, by its number (enum bpf_func_id).
    pub(super) fn call(&mut self, helper: u32) {
        self.push(CALL, 0, 0, 0, helper as i32);
    }

    /// Ends the run of the program.
    pub(super) fn exit(&mut self) {
        self.push(EXIT, 0, 0, 0, 0);
    }

    /// What has been written.
    pub(super) fn finish(self) -> Vec<u64> {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_encoded_as_the_kernel_reads_them() {
        let mut assembly = Assembly::default();
        assembly.set(2, 5);
        assembly.set(3, u64::MAX);
        assembly.set(4, 0x1_2345_6789);
        assembly.load(Width::Four, 1, 7, -8);
        let jump = assembly.jump_if_value(If::NotEqual, 1, 9);
        assembly.swap_to_big_endian(2, Width::Two);
        assembly.land(jump);
        assembly.exit();
        let expected = [
            0x0000_0005_0000_02b7,
            0xffff_ffff_0000_03b7,
            0x2345_6789_0000_0418,
            0x0000_0001_0000_0000,
            0x0000_0000_fff8_7161,
            0x0000_0009_0001_0155,
            0x0000_0010_0000_02dc,
            0x0000_0000_0000_0095,
        ];
        assert_eq!(assembly.finish(), expected);
    }
}
