//! From the frames of a capture to a stream's frames: what is rewritten, tagged, and summed anew.

mod sums;

use std::collections::HashMap;
use std::ops::Range;

use super::error::{CompileError, Problem};
use super::limit;
use super::lists::Lists;
use super::ops::{self, Patch};
use super::values::{self, Context, Values, low_bits};
use crate::packet::Addressing;
use crate::packet::captured::{Captured, masked};
use crate::packet::frames::{Frame, FrameShape, FrameTable};
use crate::packet::ir::{MAX_CHECKSUMS, MAX_OPS, PatchOp};
use crate::packet::program::StreamProgram;
use crate::packet::{random, tag};
use crate::profile::model::{FieldName, FieldValue, Profile, Stream};
use crate::profile::replay::{Checksums, Replay, Rewrite, Rewritten};
use crate::receive::find_tag;
use crate::wire::bits;
use crate::wire::field::{FieldKind, ProtocolKind};

/// The numbers of rewritten fields, for the keys of their random values.
const REWRITTEN: u32 = 1 << 31;

/// Compiles the stream, which replays a capture.
pub(super) fn compile(
    profile: &Profile,
    (number, stream, replay): (u16, &Stream, &Replay),
    addressing: &Addressing,
    epoch: u8,
) -> Result<StreamProgram, CompileError> {
    let in_stream = |(path, problem)| CompileError { stream: stream.name.clone(), path, problem };
    let mut lists = Lists::default();
    let key = |n: u32| random::key(profile.seed, number.into(), REWRITTEN | n);
    let mut rules = Vec::with_capacity(replay.rewrite.len());
    for (n, rewrite) in replay.rewrite.iter().enumerate() {
        let position = |name: &FieldName| (name.header.clone(), name.nth.unwrap_or(0));
        let same = |other: &&Rewrite| {
            position(&other.name) == position(&rewrite.name)
                && other.name.field == rewrite.name.field
        };
        let rule = match replay.rewrite[..n].iter().find(same) {
            Some(other) => Err(Problem::RewrittenTwice { name: other.name.to_string() }),
            None => Rule::new(rewrite, addressing, (n as u32) << 1, &key, &mut lists),
        };
        rules.push(rule.map_err(|problem| in_stream((path(rewrite), problem)))?);
    }
    let tag = stream.tag.then_some((number, epoch));
    let table = Builder::new(replay, &rules, tag, addressing).build().map_err(in_stream)?;
    let longest = table.frames().iter().max_by_key(|frame| frame.len);
    let template = longest.map_or(&[][..], |frame| table.bytes(frame));
    Ok(StreamProgram {
        stream: number,
        template: template.into(),
        ops: [].into(),
        checksums: [].into(),
        crc32c: None,
        size: None,
        tag_at: table.shapes().first().and_then(|shape| shape.tag_at),
        lists: lists.into(),
        frames: Some(table.into()),
    })
}

/// The place of a rule below the stream.
fn path(rewrite: &Rewrite) -> String {
    format!("replay.rewrite[{}]", rewrite.name)
}

/// What a field becomes, worked out as far as the frame does not matter.
struct Rule<'r> {
    rewrite: &'r Rewrite,
    becomes: Becomes<'r>,
}

enum Becomes<'r> {
    Fixed(u128),
    NextHop,
    /// What another field was captured with, plus a number.
    Copy {
        value: &'r FieldValue,
        of: &'r FieldName,
        plus: u128,
        keep: bool,
    },
    Parts(Vec<Part>),
}

/// A part of a field of at most 64 bits.
struct Part {
    bit: u16,
    bits: u8,
    /// Bits that follow the rule.
    mask: u64,
    /// The others; None: they stay as they were captured.
    base: Option<u64>,
    value: Value,
}

enum Value {
    Constant(u64),
    Op(PatchOp),
}

impl<'r> Rule<'r> {
    fn new(
        rewrite: &'r Rewrite,
        addressing: &Addressing,
        number: u32,
        key: &impl Fn(u32) -> u64,
        lists: &mut Lists,
    ) -> Result<Self, Problem> {
        let becomes = match &rewrite.to {
            Rewritten::NextHop => Becomes::NextHop,
            Rewritten::Port => Becomes::Fixed(port(rewrite, addressing)?),
            Rewritten::Values { value, keep } => match value.rule() {
                FieldValue::Same { of, plus } => {
                    Becomes::Copy { value, of, plus: *plus, keep: *keep }
                }
                _ => {
                    Becomes::Parts(parts(rewrite, value, *keep, |half| key(number | half), lists)?)
                }
            },
        };
        Ok(Self { rewrite, becomes })
    }
}

/// The address of a port.
fn port(rewrite: &Rewrite, addressing: &Addressing) -> Result<u128, Problem> {
    let source = rewrite.name.field == "src";
    let mac = |mac: [u8; 6]| mac.iter().fold(0, |value, byte| value << 8 | u128::from(*byte));
    let (address, which) = match (rewrite.field.kind, source) {
        (FieldKind::Ipv4, true) => {
            (addressing.source_ipv4.map(|a| a.to_bits().into()), "IPv4 source address")
        }
        (FieldKind::Ipv4, false) => {
            (addressing.destination_ipv4.map(|a| a.to_bits().into()), "IPv4 destination address")
        }
        (FieldKind::Ipv6, true) => {
            (addressing.source_ipv6.map(|a| a.to_bits()), "IPv6 source address")
        }
        (FieldKind::Ipv6, false) => {
            (addressing.destination_ipv6.map(|a| a.to_bits()), "IPv6 destination address")
        }
        _ => (Some(mac(addressing.source_mac)), "MAC"),
    };
    address.ok_or(Problem::NoAddress { which })
}

/// The parts of a field that follows a rule of its own.
fn parts(
    rewrite: &Rewrite,
    value: &FieldValue,
    keep: bool,
    key: impl Fn(u32) -> u64,
    lists: &mut Lists,
) -> Result<Vec<Part>, Problem> {
    let bits = rewrite.field.bits;
    let (mut every, mut mask, mut base) = (1u64, u128::MAX, 0);
    let mut rule = value;
    loop {
        rule = match rule {
            FieldValue::Every { packets, value } => {
                every = every.saturating_mul((*packets).max(1));
                value
            }
            FieldValue::Masked { mask: own, base: others, value } => {
                base |= others & !own & mask;
                mask &= own;
                value
            }
            rule => {
                let most = rewrite.field.max();
                if let Some(value) = [mask, base].into_iter().find(|v| *v > most && *v != u128::MAX)
                {
                    return Err(Problem::ValueTooWide { value, most });
                }
                let context = Context { source_bits: bits, plus: 0 };
                let parts = values::parts(bits, rule, context)?;
                let part = |part: values::Part| {
                    let behind = u32::from(bits) - u32::from(part.bit) - u32::from(part.bits);
                    let of_part = |value: u128| (value >> behind) as u64 & low_bits(part.bits);
                    let op = ops::rule(&part.values, key(part.half), lists);
                    let value = match (part.values, op) {
                        (Values::Constant(value), _) => Value::Constant(value),
                        (_, Some(mut op)) => {
                            op.advance_every(every);
                            Value::Op(op)
                        }
                        (_, None) => Value::Constant(0),
                    };
                    let base = (!keep).then(|| of_part(base));
                    Part { bit: part.bit, bits: part.bits, mask: of_part(mask), base, value }
                };
                return Ok(parts.into_iter().map(part).collect());
            }
        }
    }
}

/// Makes the table, frame by frame.
struct Builder<'a> {
    replay: &'a Replay,
    rules: &'a [Rule<'a>],
    /// Stream and epoch of the probe tags.
    tag: Option<(u16, u8)>,
    addressing: &'a Addressing,
    bytes: Vec<u8>,
    frames: Vec<Frame>,
    shapes: HashMap<FrameShape, u32>,
    bases: Vec<u16>,
    /// Per rule, whether any frame has its field.
    used: Vec<bool>,
    /// Frames without room for a tag, and the first of them.
    without_room: usize,
    first_without: Option<usize>,
}

impl<'a> Builder<'a> {
    fn new(
        replay: &'a Replay,
        rules: &'a [Rule<'a>],
        tag: Option<(u16, u8)>,
        addressing: &'a Addressing,
    ) -> Self {
        Self {
            replay,
            rules,
            tag,
            addressing,
            bytes: Vec::new(),
            frames: Vec::with_capacity(replay.frames.count()),
            shapes: HashMap::new(),
            bases: Vec::new(),
            used: vec![false; rules.len()],
            without_room: 0,
            first_without: None,
        }
    }

    fn build(mut self) -> Result<FrameTable, (String, Problem)> {
        let frames = &*self.replay.frames;
        let changes = !self.rules.is_empty()
            || self.tag.is_some()
            || self.replay.checksums == Checksums::Recompute;
        if !changes {
            let frame = |span: &crate::capture::Span| Frame {
                at: span.at,
                len: span.len,
                shape: 0,
                base: 0,
            };
            return Ok(FrameTable {
                bytes: frames.bytes().clone(),
                frames: frames.spans().iter().map(frame).collect(),
                shapes: [FrameShape::default()].into(),
                bases: [].into(),
            });
        }
        self.bytes = frames.bytes().to_vec();
        for (n, span) in frames.spans().iter().enumerate() {
            let base = self.bases.len() as u32;
            let shape = self.frame(n, span.range())?;
            let next = self.shapes.len() as u32;
            let shape = *self.shapes.entry(shape).or_insert(next);
            self.frames.push(Frame { at: span.at, len: span.len, shape, base });
        }
        if let Some(first) = self.first_without {
            let (packets, of) = (self.without_room, frames.count());
            let first = frames.number(first);
            let problem = Problem::NoRoomInCapture { packets, of, first };
            return Err(("tag".to_owned(), problem));
        }
        if let Some(unused) = self.used.iter().position(|used| !used) {
            let rewrite = self.rules[unused].rewrite;
            let cause = "no packet of the capture has it".to_owned();
            let problem = Problem::NoSuchField { name: rewrite.name.to_string(), cause };
            return Err((path(rewrite), problem));
        }
        let mut shapes = vec![FrameShape::default(); self.shapes.len()];
        self.shapes.into_iter().for_each(|(shape, n)| shapes[n as usize] = shape);
        Ok(FrameTable {
            bytes: self.bytes.into(),
            frames: self.frames.into(),
            shapes: shapes.into(),
            bases: self.bases.into(),
        })
    }

    /// Rewrites frame number `n`, and returns its shape.
    fn frame(&mut self, n: usize, range: Range<usize>) -> Result<FrameShape, (String, Problem)> {
        let captured = &self.replay.frames.bytes()[range.clone()];
        let found = Captured::of(captured);
        let bytes = &mut self.bytes[range];
        let mut patches = Vec::new();
        for (rule, used) in self.rules.iter().zip(&mut self.used) {
            let name = &rule.rewrite.name;
            let Some(header) = found.find(name) else { continue };
            let Some(bit) = found.bit_of(header, rule.rewrite.field) else { continue };
            *used = true;
            let width = rule.rewrite.field.bits;
            match &rule.becomes {
                Becomes::Fixed(value) => bits::set(bytes, bit, width, *value),
                Becomes::NextHop => {
                    if let Some(mac) = next_hop(&found, bytes, self.addressing) {
                        bits::set(bytes, bit, width, mac);
                    }
                }
                Becomes::Copy { value, of, plus, keep } => {
                    let Some((other, _)) = found.value(of) else { continue };
                    let own = bits::get(captured, bit, width);
                    let same = other.wrapping_add(*plus);
                    bits::set(bytes, bit, width, masked(value, *keep, own, same));
                }
                Becomes::Parts(parts) => {
                    let placed = set_parts(bytes, bit, parts, &mut patches);
                    placed.map_err(|problem| (path(rule.rewrite), problem))?;
                }
            }
        }
        let tag_at = match self.tag {
            None => None,
            Some((stream, epoch)) => {
                let at = room_for_tag(&found, captured, &patches)
                    .filter(|at| find_tag::behind_l4(bytes) == Some(*at));
                if let Some(tag) = at.and_then(|at| bytes[at..].first_chunk_mut()) {
                    tag::write_constant(tag, epoch, stream);
                    tag::stamp(tag, 0, 0, 0);
                } else {
                    self.without_room += 1;
                    self.first_without.get_or_insert(n);
                }
                at.map(|at| at as u16)
            }
        };
        limit("changing fields", patches.len(), MAX_OPS)?;
        let mut shape = FrameShape { tag_at, ..FrameShape::default() };
        if self.replay.checksums == Checksums::Recompute {
            let computed = sums::Plan::new(&found, captured, bytes, &patches)
                .map_err(|problem| ("replay.checksums".to_owned(), problem))?;
            for patch in &mut patches {
                (patch.op.sums, patch.op.odd) =
                    computed.slots_over(&patch.bytes, patch.window_end());
            }
            limit("changing checksums", computed.checksums.len(), MAX_CHECKSUMS)?;
            self.bases.extend(&computed.bases);
            shape.checksums = computed.checksums.into();
        }
        shape.ops = patches.into_iter().map(|patch| patch.op).collect();
        Ok(shape)
    }
}

/// Gives the bits of a field from bit `at` on their constants, and adds the operations of others.
fn set_parts(
    bytes: &mut [u8],
    at: usize,
    parts: &[Part],
    patches: &mut Vec<Patch>,
) -> Result<(), Problem> {
    for part in parts {
        let at = at + usize::from(part.bit);
        let captured = bits::get(bytes, at, part.bits) as u64;
        let others = part.base.unwrap_or(captured) & !part.mask;
        match part.value {
            Value::Constant(value) => {
                bits::set(bytes, at, part.bits, (others | value & part.mask).into());
            }
            Value::Op(op) => {
                bits::set(bytes, at, part.bits, others.into());
                if part.mask == 0 {
                    continue;
                }
                let patch = ops::place(op, at, part.bits, bytes.len());
                let mut patch = patch.ok_or(Problem::FieldTooWide { bits: part.bits })?;
                patch.op.mask &= part.mask << patch.op.shift;
                patches.push(patch);
            }
        }
    }
    Ok(())
}

/// The MAC of the next hop; None where the frame goes to a group, or is not IP.
fn next_hop(found: &Captured<'_>, frame: &[u8], addressing: &Addressing) -> Option<u128> {
    let ip = found.outer_ip().filter(|_| frame[0] & 1 == 0)?;
    let mac = match found.headers()[ip].protocol.kind {
        ProtocolKind::Ipv6 => addressing.next_hop_mac_ipv6,
        _ => addressing.next_hop_mac_ipv4,
    };
    Some(mac.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)))
}

/// Where a probe tag may stand: behind the header of UDP, TCP or an echo, where receivers look for it,
/// in an unfragmented packet with that much payload, of which nothing is rewritten.
fn room_for_tag(found: &Captured<'_>, frame: &[u8], patches: &[Patch]) -> Option<usize> {
    let is = |n: usize, name: &str, wanted: fn(u128) -> bool| {
        let field = found.headers()[n].protocol.field(name);
        field.and_then(|field| found.read(n, field)).is_some_and(wanted)
    };
    let is_fragment =
        |n: usize| is(n, "mf", |more| more == 1) || is(n, "fragment_offset", |at| at != 0);
    if (0..found.headers().len()).any(is_fragment) {
        return None;
    }
    let at = find_tag::behind_l4(frame)?;
    let tag = at..at + tag::TAG_LEN;
    let rewritten = |p: &Patch| p.bytes.start < tag.end && tag.start < p.bytes.end;
    let fits = tag.end <= found.place(found.outer_ip()?).end && tag.end <= usize::from(u16::MAX);
    (fits && !patches.iter().any(rewritten)).then_some(at)
}
