//! The fuzz target of the profile parser, on stable Rust: seeds are mutated by a generator with a
//! fixed seed, so a failure comes back. `WIRESTORM_FUZZ_ITERATIONS` says how often.

use std::path::Path;

use wirestorm::packet::random;

mod fuzz_support;
mod packets;
mod profile_invariants;

use profile_invariants::check;

/// Random numbers, one after the other.
struct Dice {
    key: u64,
    index: u64,
}

impl Dice {
    fn below(&mut self, range: usize) -> usize {
        self.index += 1;
        random::below(self.key, self.index, range.max(1) as u64) as usize
    }
}

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

/// Shipped profiles, and the tables of broken ones, a case each.
fn seeds() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for folder in ["profiles", "profiles/known-truth", "tests/profile_errors"] {
        for entry in std::fs::read_dir(Path::new(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            // Captures lie beside the profiles that send them.
            if !path.is_file() || path.extension().is_some_and(|ending| ending == "pcap") {
                continue;
            }
            let text = std::fs::read_to_string(&path).expect("text");
            for case in text.split("=== ") {
                let case = if folder == "tests/profile_errors" {
                    case.split_once('\n').map_or("", |(_, text)| text)
                } else {
                    case
                };
                seeds.push(case.as_bytes().to_vec());
            }
        }
    }
    // Not in the order of the folder, which differs from machine to machine.
    seeds.sort();
    seeds
}

#[test]
fn what_the_fuzzer_kept_is_read_or_refused() {
    let profiles = fuzz_support::corpus("profile").iter().filter(|text| check(text)).count();
    assert!(profiles > 10, "{profiles} are profiles");
}

#[test]
fn no_text_breaks_the_parser() {
    let iterations = std::env::var("WIRESTORM_FUZZ_ITERATIONS")
        .ok()
        .map_or(20_000, |text| text.parse().expect("a number of iterations"));
    let seeds = seeds();
    assert!(seeds.len() > 100, "{} seeds", seeds.len());
    fuzz_support::keep_seeds("profile", seeds.clone());
    let mut profiles = seeds.iter().filter(|seed| check(seed)).count();
    assert!(profiles >= 11, "{profiles} seeds are profiles");
    let mut dice = Dice { key: random::key(1, 0, 0), index: 0 };
    profiles = 0;
    for _ in 0..iterations {
        let text = mutate(&mut dice, &seeds, 1 << 14);
        profiles += usize::from(check(&text));
    }
    // Some mutations leave a profile: the target sees both sides of the parser.
    assert!(profiles > iterations / 1000, "{profiles} of {iterations} are profiles");
}
