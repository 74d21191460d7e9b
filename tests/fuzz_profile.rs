//! The fuzz target of the profile parser, on stable Rust: seeds are mutated by a generator with a
//! fixed seed, so a failure comes back. `WIRESTORM_FUZZ_ITERATIONS` says how often.

use std::path::Path;

mod fuzz_support;
mod packets;
mod profile_invariants;
mod yaml_mutation;

use fuzz_support::{Dice, iterations};
use profile_invariants::check;
use yaml_mutation::{Pool, seeds};

/// Pieces that mean something to YAML or to the profile language.
const WORDS: [&str; 44] = [
    "\n",
    "\t",
    ": ",
    "- ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "\"",
    "'",
    "#",
    "&a ",
    "*a",
    "!!str ",
    "|\n",
    ">\n",
    "? ",
    "---\n",
    "%YAML 1.2\n",
    "~",
    "null",
    "\u{feff}",
    "\u{0}",
    "é",
    "..",
    "0x",
    "-1",
    "18446744073709551615",
    "340282366920938463463374607431768211455",
    "64B",
    "16000B",
    "1Mpps",
    "10Gbps L1",
    "0.0000001%",
    "unlimited",
    "random: ",
    "increment: ",
    "list: ",
    "prefix: ",
    "::/0",
    "198.18.0.0/15",
    "--set a[0].b=",
    "_",
];

fn mutate(dice: &mut Dice, seeds: &[Vec<u8>], longest: usize) -> Vec<u8> {
    let mut text = seeds[dice.below(seeds.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(text.len() + 1);
        let end = at + dice.below((text.len() - at).min(24) + 1);
        match dice.below(7) {
            0 => text.insert(at, dice.below(256) as u8),
            1 => {
                text.drain(at..end);
            }
            2 => {
                let piece = text[at..end].to_vec();
                let to = dice.below(text.len() + 1);
                text.splice(to..to, piece);
            }
            3 if at < text.len() => text[at] ^= 1 << dice.below(8),
            4 => {
                let other = &seeds[dice.below(seeds.len())];
                let from = dice.below(other.len() + 1);
                let to = from + dice.below((other.len() - from).min(64) + 1);
                text.splice(at..end, other[from..to].iter().copied());
            }
            5 => {
                let word = WORDS[dice.below(WORDS.len())].repeat(1 + dice.below(40) / 30 * 50);
                text.splice(at..at, word.bytes());
            }
            _ => {
                let word = WORDS[dice.below(WORDS.len())];
                text.splice(at..end, word.bytes());
            }
        }
    }
    text.truncate(longest);
    text
}

#[test]
fn what_the_fuzzer_kept_is_read_or_refused() {
    let profiles = fuzz_support::corpus("profile").iter().filter(|text| check(text)).count();
    assert!(profiles > 10, "{profiles} are profiles");
}

#[test]
fn no_text_breaks_the_parser() {
    let iterations = iterations(20_000);
    let seeds = seeds(Path::new("."));
    assert!(seeds.len() > 100, "{} seeds", seeds.len());
    fuzz_support::keep_seeds("profile", seeds.clone());
    let mut profiles = seeds.iter().filter(|seed| check(seed)).count();
    assert!(profiles >= 11, "{profiles} seeds are profiles");
    let mut dice = Dice::new();
    profiles = 0;
    for _ in 0..iterations {
        let text = mutate(&mut dice, &seeds, 1 << 14);
        profiles += usize::from(check(&text));
    }
    // Some mutations leave a profile: the target sees both sides of the parser.
    assert!(profiles as u64 > iterations / 1000, "{profiles} of {iterations} are profiles");
}

#[test]
fn no_tree_breaks_what_reads_it() {
    let seeds = seeds(Path::new("."));
    let pool = Pool::of(seeds.iter().map(Vec::as_slice));
    let mut dice = Dice::new();
    let (mut trees, mut profiles) = (0u64, 0u64);
    for _ in 0..iterations(4_000) {
        let text = String::from_utf8_lossy(&seeds[dice.below(seeds.len())]);
        if let Some(text) = yaml_mutation::mutate(&mut dice, &pool, &text) {
            trees += 1;
            profiles += u64::from(check(text.as_bytes()));
        }
    }
    // What is changed as a tree is a profile more often: the bound is higher than that of texts.
    assert!(trees > 0 && profiles > trees / 50, "{profiles} of {trees} are profiles");
}
