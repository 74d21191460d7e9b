//! Whether raw sockets can send a stream's packets as they are, on any port: asked before anything is
//! sent.

use super::kernel::{self, Change};
use crate::packet::ir::{EVERY, PatchOp, ValueKind};
use crate::packet::program::StreamProgram;
use crate::packet::shares::WORDS;
use crate::wire::field::Space;
use crate::wire::protocols;

/// Bytes that the kernel writes: both MACs and the EtherType.
pub const ETHERNET: usize = 14;
/// Packets of a stream that are built and looked at. What is rarer is seen where it would be sent.
const LOOKED_AT: u64 = 256;
/// Where the identification of IPv4 is, and the byte with DF.
const IDENTIFICATION: usize = 18;
const FLAGS: usize = 20;
const DF: u8 = 0x40;
/// Values of the identification.
const IDENTIFICATIONS: u64 = 1 << 16;

/// Why raw sockets cannot send the packets of a stream. None: they can, where the port's own MAC and
/// its neighbour's are the frames'.
pub fn refusal(program: &StreamProgram) -> Option<String> {
    let shapes = program.frames.iter().flat_map(|frames| frames.shapes());
    let mut ops = program.ops.iter().chain(shapes.flat_map(|shape| &shape.ops));
    if ops.any(|op| usize::from(op.offset) < ETHERNET && op.width > 0) {
        return Some("a MAC or an EtherType that changes: the kernel writes both itself".into());
    }
    let mut frame = vec![0; program.max_frame_len()];
    for index in looked_at(program) {
        let len = program.build(index, &mut frame, false);
        if let Some(why) = refusal_of(&frame[..len]) {
            return Some(why);
        }
    }
    rare(program)
}

fn refusal_of(frame: &[u8]) -> Option<String> {
    let Some(header) = frame.first_chunk::<ETHERNET>() else {
        return Some("a frame without a whole Ethernet header".into());
    };
    let ether_type = [header[12], header[13]];
    let Some(ipv6) = kernel::is_ipv6(ether_type) else {
        let found = named(u16::from_be_bytes(ether_type));
        return Some(format!("{found} stands on Ethernet, where raw sockets have IPv4 or IPv6"));
    };
    kernel::change(kernel::packet(frame), ipv6).map(|change| change.to_string())
}

/// What follows an Ethernet header: `vlan (EtherType 0x8100)`.
fn named(ether_type: u16) -> String {
    if ether_type < 0x0600 {
        return "an 802.3 length".into();
    }
    let known = protocols().iter().find(|protocol| {
        let number = protocol.number(Space::EtherType);
        number == Some(ether_type.into())
    });
    match known {
        Some(protocol) => format!("{} (EtherType {ether_type:#06x})", protocol.name),
        None => format!("EtherType {ether_type:#06x}"),
    }
}

/// The packets to look at: the first ones, and the neighbours of powers of two; of a capture all.
fn looked_at(program: &StreamProgram) -> Vec<u64> {
    match &program.frames {
        Some(frames) => (0..frames.count() as u64).collect(),
        None => {
            let powers = (8..u64::BITS).flat_map(|n| [(1u64 << n) - 1, 1 << n]);
            (0..LOOKED_AT).chain(powers).collect()
        }
    }
}

/// What so few packets have that those may not have shown it: one identification in 65,536.
fn rare(program: &StreamProgram) -> Option<String> {
    let template = &program.template;
    if program.frames.is_some() || template.get(12..14) != Some(&[0x08, 0x00]) {
        return None;
    }
    let df = *template.get(FLAGS)?;
    let writes = |op: &PatchOp, at: usize| bits_at(op, at);
    let df_changes = program.ops.iter().any(|op| writes(op, FLAGS) & DF != 0);
    if df & DF != 0 && !df_changes {
        return None;
    }
    let constant = |at: usize| {
        let written = program.ops.iter().fold(0, |all, op| all | writes(op, at));
        template[at] & !written
    };
    let is_zero = constant(IDENTIFICATION) == 0
        && constant(IDENTIFICATION + 1) == 0
        && program.ops.iter().all(|op| may_be_zero(op, &program.lists));
    is_zero.then(|| format!("{} (id: {{increment: 1..65535}} never is)", Change::Identification))
}

/// The bits of byte `at` of the frame that an operation writes.
fn bits_at(op: &PatchOp, at: usize) -> u8 {
    let (start, width) = (usize::from(op.offset), usize::from(op.width));
    if !(start..start + width).contains(&at) {
        return 0;
    }
    (op.mask >> (8 * (start + width - 1 - at))) as u8
}

/// Whether an operation may leave all its bits of the identification at zero.
fn may_be_zero(op: &PatchOp, lists: &[u64]) -> bool {
    let (start, width) = (usize::from(op.offset), usize::from(op.width));
    let here = (0..2).fold(0u64, |mask, n| {
        let at = IDENTIFICATION + n;
        let bits = u64::from(bits_at(op, at));
        if bits == 0 { mask } else { mask | bits << (8 * (start + width - 1 - at)) }
    });
    if here == 0 {
        return true;
    }
    let is_zero = |value: u64| (value << op.shift) & here == 0;
    let one_of = |low: u64, values: u64| {
        !(1..IDENTIFICATIONS).contains(&values) || (0..values).any(|n| is_zero(low.wrapping_add(n)))
    };
    const COUNTER: u8 = ValueKind::Counter as u8;
    const RANDOM: u8 = ValueKind::Random as u8;
    const LIST: u8 = ValueKind::List as u8;
    const UNIQUE: u8 = ValueKind::Unique as u8;
    const SHARES: u8 = ValueKind::Shares as u8;
    match op.kind & !EVERY {
        COUNTER => {
            let turns = if op.c == 0 { IDENTIFICATIONS } else { op.c.min(IDENTIFICATIONS) };
            (0..turns).any(|turn| is_zero(op.a.wrapping_add(op.b.wrapping_mul(turn))))
        }
        RANDOM | UNIQUE => one_of(op.a, op.b),
        LIST => {
            let entries = lists.iter().skip(op.a as usize).take(op.b as usize);
            entries.into_iter().any(|value| is_zero(value.wrapping_add(op.c)))
        }
        SHARES => {
            let rows = lists[op.a as usize..].chunks(WORDS).take(op.b as usize);
            rows.into_iter().any(|row| one_of(row[2].wrapping_add(op.c), row[3]))
        }
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn op(kind: ValueKind, a: u64, b: u64, c: u64) -> PatchOp {
        let (kind, offset) = (kind as u8, IDENTIFICATION as u16);
        PatchOp { kind, width: 2, offset, mask: 0xffff, a, b, c, ..PatchOp::default() }
    }

    #[test]
    fn values_that_reach_zero() {
        let lists = [7, 0, 9, 5, 0, 0, 1, 65_535];
        let zero = |op: PatchOp| may_be_zero(&op, &lists);
        assert!(zero(op(ValueKind::Counter, 1, 1, 0)), "it wraps");
        assert!(!zero(op(ValueKind::Counter, 1, 1, 65_535)));
        assert!(!zero(op(ValueKind::Counter, 1, 2, 0)), "odd for ever");
        assert!(zero(op(ValueKind::Random, 0, 2, 0)));
        assert!(!zero(op(ValueKind::Random, 1, 65_535, 0)));
        assert!(!zero(op(ValueKind::List, 2, 2, 0)));
        assert!(zero(op(ValueKind::List, 0, 3, 0)));
        assert!(!zero(op(ValueKind::List, 0, 3, 1)));
        assert!(!zero(op(ValueKind::Shares, 4, 1, 0)), "1 to 65535");
        assert!(zero(op(ValueKind::Shares, 4, 1, 65_535)));
        let elsewhere = PatchOp { offset: 30, ..op(ValueKind::Counter, 1, 1, 65_535) };
        assert!(zero(elsewhere), "says nothing of the identification");
        let shifted = PatchOp { width: 1, mask: 0xf0, shift: 4, ..op(ValueKind::Counter, 1, 1, 9) };
        assert!(!zero(shifted));
    }

    #[test]
    fn what_stands_on_ethernet_is_named() {
        assert_eq!(named(0x8100), "vlan (EtherType 0x8100)");
        assert_eq!(named(0x0806), "arp (EtherType 0x0806)");
        assert_eq!(named(0x1234), "EtherType 0x1234");
        assert_eq!(named(46), "an 802.3 length");
    }
}
