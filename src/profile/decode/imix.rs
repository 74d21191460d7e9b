//! Mixes of sizes: weights, well-known names, and the genome of RFC 6985.

use super::{At, Decoder, Record};
use crate::profile::deal;
use crate::profile::model::Size;
use crate::profile::problem::shorten;
use crate::profile::units::Unit;
use crate::profile::yaml::Data;
use crate::units::FrameSize;

use super::rule::MAX_DEALT;
use super::size::MAX_SIZES;

/// The sizes of RFC 6985 §4's letters, FCS included.
const LETTERS: [(char, u32); 10] = [
    ('a', 64),
    ('b', 128),
    ('c', 256),
    ('d', 512),
    ('e', 1024),
    ('f', 1280),
    ('g', 1518),
    ('h', 2112),
    ('i', 9000),
    ('j', 16_000),
];
/// Bytes of an Ethernet header and the FCS: what RFC 6985 adds to the MTU for `z`.
const ETHERNET: u64 = 18;

/// Mixes that have a name: sizes with the FCS, and how many frames of each.
pub const MIXES: [(&str, &[(u32, u32)]); 5] = [
    // IP packets of 40, 576 and 1500 bytes in frames: the 7:4:1 mix as Ostinato has it
    // (ostinato.org/blog/imix).
    ("simple", &[(64, 7), (594, 4), (1518, 1)]),
    // The same under the name of Ixia's predefined distribution `cisco` (IxNetwork HLT API,
    // -frame_size_distribution).
    ("cisco", &[(64, 7), (594, 4), (1518, 1)]),
    // IMIX_v4_1 of FD.io CSIT (TRex stream profiles).
    ("csit", &[(64, 28), (570, 16), (1518, 4)]),
    // The same for IPv6, whose smallest frame is 78 bytes there (FD.io CSIT, IMIX_v6_1).
    ("csit-v6", &[(78, 28), (570, 16), (1518, 4)]),
    // The Tolly Group's mix, in percent (Ixia's distribution `tolly`).
    ("tolly", &[(64, 55), (78, 5), (576, 17), (1518, 23)]),
];

/// Sizes and how often each comes, or the name of a mix.
pub(super) fn imix(decoder: &mut Decoder, at: &At<'_>) -> Option<Size> {
    let expected = "sizes with their weights: {64B: 7, 594B: 4, 1518B: 1}";
    if let Data::Scalar { .. } = at.node.data {
        let parts = decoder.choice(at, &MIXES)?;
        let parts = parts.iter().map(|(size, weight)| (FrameSize(*size), *weight));
        return Some(Size::Imix(parts.collect()));
    }
    let entries = decoder.names(at, expected)?;
    if entries.is_empty() || entries.len() > MAX_DEALT {
        let found = format!("{} sizes", entries.len());
        decoder.refuse(at, found, format!("1 to {MAX_DEALT} sizes with their weights"));
        return None;
    }
    let mut sizes = Vec::new();
    for (entry, key) in &entries {
        let weight = decoder.integer(entry, 1, MAX_SIZES as u64);
        match FrameSize::parse(key) {
            Ok(size) => sizes.extend(weight.map(|weight| (size, weight as u32))),
            Err(expected) => {
                decoder.refuse(entry, format!("the size \"{}\"", shorten(key)), expected)
            }
        }
    }
    let turns = deal::cycle(&sizes);
    let sound = sizes.len() == entries.len()
        && (turns > deal::MAX_CYCLE || decoder.may_deal(at, sizes.len(), turns));
    sound.then_some(Size::Imix(sizes))
}

/// What `genome` needs beside it.
pub(super) struct Genome<'n> {
    pub genome: At<'n>,
    pub custom: Option<At<'n>>,
    pub mtu: Option<At<'n>>,
}

/// The sizes of a genome, in its order: `{genome: aaafg}`.
pub(super) fn genome(record: &mut Record<'_, '_>, genome: &Genome<'_>) -> Option<Size> {
    let decoder = &mut *record.decoder;
    let custom = match &genome.custom {
        Some(at) => letters(decoder, at)?,
        None => Vec::new(),
    };
    let mtu = match &genome.mtu {
        Some(at) => Some(decoder.integer(at, 46, 65_535)?),
        None => None,
    };
    let expected = "letters a to j, z with mtu, A to Z with custom: aaafg";
    let text = genome.genome.node.scalar().filter(|text| (1..=MAX_SIZES).contains(&text.len()));
    let Some(text) = text else {
        decoder.unexpected(&genome.genome, expected);
        return None;
    };
    let known = |letter: char| {
        let own = custom.iter().find(|(own, _)| *own == letter).map(|(_, size)| *size);
        let given = LETTERS.iter().find(|(given, _)| *given == letter);
        own.or(given.map(|(_, size)| FrameSize(*size))).or(match letter {
            'z' => mtu.map(|mtu| FrameSize((mtu + ETHERNET) as u32)),
            _ => None,
        })
    };
    let mut sizes = Vec::with_capacity(text.len());
    for letter in text.chars() {
        let Some(size) = known(letter) else {
            let needs = match letter {
                'z' => "mtu beside the genome: z is the MTU + 18".to_owned(),
                'A'..='Z' => format!("custom: {{{letter}: 90B}} beside the genome"),
                _ => expected.to_owned(),
            };
            decoder.refuse(&genome.genome, format!("the letter {letter:?}"), needs);
            return None;
        };
        sizes.push(size);
    }
    Some(Size::List(sizes))
}

/// Letters of the profile's own: `{A: 90B, B: 1400B}`.
fn letters(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<(char, FrameSize)>> {
    let entries = decoder.names(at, "upper-case letters with their sizes: {A: 90B}")?;
    let mut letters = Vec::new();
    for (entry, key) in &entries {
        let mut chars = key.chars();
        match (chars.next(), chars.next()) {
            (Some(letter @ 'A'..='Z'), None) => {
                letters.extend(decoder.unit(entry).map(|size| (letter, size)));
            }
            _ => decoder.refuse(entry, format!("\"{}\"", shorten(key)), "one letter from A to Z"),
        }
    }
    (letters.len() == entries.len()).then_some(letters)
}
