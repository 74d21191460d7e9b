//! From a stream of a profile to its program.
//!
//! | file | what it decides |
//! |---|---|
//! | `layout` | where each header, the tag and the payload begin; what follows what |
//! | `sizes` | the frame length of packet i |
//! | `values` | the numbers that a field takes, as constants and rules of 64 bits |
//! | `distributions` | Zipf's and the normal distribution as tables |
//! | `resolve` | what a field that follows another one takes |
//! | `template` | every field's constant, rule or computation; the payload |
//! | `ops` | the window of a field that changes |
//! | `cover` | which bytes a checksum covers |
//! | `sum` | one checksum: its place, and what it covers |
//! | `dependence` | what a checksum really depends on |
//! | `checksums` | whether each checksum is computed once or per packet |
//! | `piece` | what a fragment has of its datagram |
//! | `replay` | the frames of a capture, rewritten |

mod addresses;
mod checksums;
mod cover;
mod dependence;
mod distributions;
mod error;
mod layout;
mod lists;
mod ops;
mod piece;
mod replay;
mod resolve;
mod sizes;
mod sum;
mod template;
mod values;

pub use error::{CompileError, Problem};

use super::Addressing;
use super::ir::{LengthOp, MAX_CHECKSUMS, MAX_LENGTHS, MAX_OPS};
use super::program::{SizeProgram, StreamProgram};
use crate::profile::model::Profile;
use crate::wire::checksum;
use layout::Layout;
use lists::Lists;
use sizes::Sizes;
use template::Draft;

/// Compiles stream number `stream` of a profile. The program depends on the profile (its seed
/// included) and the addresses; `epoch`, the trial's number, stands in the tag alone.
///
/// A stream that asks for a tag gets none (`tag_at` is None) where its shortest frame has no room
/// for it: the caller says so to the user.
///
/// # Errors
/// What the profile asks for cannot be laid out: frames shorter than their headers, values wider
/// than their fields, an address that nobody named, more than the program format holds.
///
/// # Panics
/// If the profile has no such stream.
pub fn compile(
    profile: &Profile,
    stream: usize,
    addressing: &Addressing,
    epoch: u8,
) -> Result<StreamProgram, CompileError> {
    let source = &profile.streams[stream];
    let in_stream = |(path, problem)| CompileError { stream: source.name.clone(), path, problem };
    let number = u16::try_from(stream)
        .map_err(|_| in_stream((String::new(), Problem::StreamNumber { number: stream })))?;
    if let Some(replay) = &source.replay {
        return replay::compile(profile, (number, source, replay), addressing, epoch);
    }
    let mut lists = Lists::default();
    // The pieces of a datagram draw the same values.
    let drawn = source.piece.as_ref().map_or(stream, |piece| piece.group) as u32;
    let key = |field| super::random::key(profile.seed, drawn, field);

    let sizes = match &source.piece {
        Some(piece) => Sizes::fixed(piece.datagram.frame_len),
        None => Sizes::new(&source.size, key(u32::MAX), &mut lists).map_err(in_stream)?,
    };
    let layout = Layout::new(source, &sizes).map_err(in_stream)?;
    let mut draft =
        Draft::new(&layout, addressing, key, &mut lists, (number, epoch)).map_err(in_stream)?;
    // Padding behind a whole message is zeros, as a network interface pads.
    if layout.packet_end.is_none() {
        draft.fill_payload(&source.payload, &layout, key(PAYLOAD_KEY));
    }
    let mut tags: Vec<usize> = layout.tag_at.into_iter().collect();
    if let Some(piece) = &source.piece {
        piece::write_tags(&mut draft, piece, layout.prefix_len(), (number, epoch));
        tags.extend(piece.datagram.tags.iter().map(|at| layout.prefix_len() + at));
    }

    let plan = checksums::Plan::new(&layout, &draft, &tags).map_err(in_stream)?;
    limit("changing checksums", plan.changing(), MAX_CHECKSUMS).map_err(in_stream)?;
    let mut computed = plan.write(&mut draft, &layout);
    if let Some(piece) = &source.piece {
        let own = (number, epoch);
        let cut = piece::cut(&layout, draft, &plan, computed, piece, own, &mut lists)
            .map_err(|problem| in_stream(("fragments".to_owned(), problem)))?;
        limit("changing fields", cut.ops.len(), MAX_OPS).map_err(in_stream)?;
        return Ok(StreamProgram {
            stream: number,
            template: cut.template.into(),
            ops: cut.ops.into(),
            checksums: cut.checksums.into(),
            crc32c: None,
            size: None,
            tag_at: cut.tag_at.map(|at| at as u16),
            lists: lists.into(),
            frames: None,
        });
    }
    limit("changing CRC32c checksums", computed.crc32c.len(), 1).map_err(in_stream)?;
    let size = sizes.rule.map(|value| size_program(value, &layout, &draft, &plan));
    for (n, patch) in draft.patches.iter_mut().enumerate() {
        (patch.op.sums, patch.op.odd) = plan.slots_of_patch(n);
    }

    let lengths = size.as_ref().map_or(0, |size| size.lengths.len());
    limit("changing fields", draft.patches.len(), MAX_OPS).map_err(in_stream)?;
    limit("changing lengths", lengths, MAX_LENGTHS).map_err(in_stream)?;
    Ok(StreamProgram {
        stream: number,
        template: draft.bytes.into(),
        ops: draft.patches.into_iter().map(|patch| patch.op).collect(),
        checksums: computed.checksums.into(),
        crc32c: computed.crc32c.pop(),
        size,
        tag_at: layout.tag_at.map(|at| at as u16),
        lists: lists.into(),
        frames: None,
    })
}

/// The number of a random payload, for its key: none of a field's, which end with their header's.
const PAYLOAD_KEY: u32 = u32::MAX - 1;

/// `Err` where there is more of something than the program format holds.
fn limit(what: &'static str, count: usize, most: usize) -> Result<(), (String, Problem)> {
    if count > most {
        return Err((String::new(), Problem::TooMany { what, count, most }));
    }
    Ok(())
}

/// The size program: the rule, the lengths that follow from it, and the sums of every payload.
fn size_program(
    value: super::ir::PatchOp,
    layout: &Layout<'_>,
    draft: &Draft,
    plan: &checksums::Plan,
) -> SizeProgram {
    let length = |addend, offset, (sums, odd), write| LengthOp {
        addend,
        offset,
        sums,
        odd,
        write,
        reserved: [0; 3],
    };
    let written = draft
        .lengths
        .iter()
        .enumerate()
        .map(|(n, field)| length(field.addend, field.at as u16, plan.slots_of_length(n), 1));
    let added = plan.pseudo_lengths().map(|(addend, slots)| length(addend, 0, slots, 0));
    let (sums, odd) = plan.slots_of_payload();
    SizeProgram {
        value,
        lengths: written.chain(added).collect(),
        payload_at: layout.payload_at as u16,
        payload_sums: prefix_sums(&draft.bytes[layout.payload_at..]).into(),
        sums,
        odd,
    }
}

/// The folded sum of the first n bytes, for every n.
fn prefix_sums(bytes: &[u8]) -> Vec<u16> {
    let mut sum = 0;
    let mut sums = vec![0];
    for (n, byte) in bytes.iter().enumerate() {
        let word = u64::from(*byte) << if n % 2 == 0 { 8 } else { 0 };
        sum = checksum::fold(u64::from(sum) + word);
        sums.push(sum);
    }
    sums
}
