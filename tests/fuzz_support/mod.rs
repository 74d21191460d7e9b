//! What the fuzz tests share: the kept corpus, the seeds, the mutations.
#![allow(dead_code, reason = "every test takes what it needs")]

use std::path::Path;

use wirestorm::packet::compile::compile;
use wirestorm::packet::random;
use wirestorm::packet::tag::TAG_LEN;
use wirestorm::profile;
use wirestorm::wire::protocols;

/// How often a test mutates: `WIRESTORM_FUZZ_ITERATIONS`, else `otherwise`.
pub fn iterations(otherwise: u64) -> u64 {
    number("WIRESTORM_FUZZ_ITERATIONS").unwrap_or(otherwise)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("a number"))
}

/// What libFuzzer found worth keeping of a target, in the order of the names.
pub fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new("fuzz/corpus").join(target);
    let entries = std::fs::read_dir(&folder).expect("the target's corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    paths.iter().map(|path| std::fs::read(path).expect("a file of the corpus")).collect()
}

/// Writes a target's seeds into `$WIRESTORM_FUZZ_SEEDS/TARGET`, where that is set: for libFuzzer to
/// begin with.
pub fn keep_seeds(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let Some(folder) = std::env::var_os("WIRESTORM_FUZZ_SEEDS") else { return };
    let folder = Path::new(&folder).join(target);
    std::fs::create_dir_all(&folder).expect("a folder for seeds");
    for (n, seed) in seeds.into_iter().enumerate() {
        std::fs::write(folder.join(format!("seed-{n}")), seed).expect("a seed is written");
    }
}

/// Random numbers, one after the other; `WIRESTORM_FUZZ_SEED` takes another walk.
pub struct Dice {
    key: u64,
    drawn: u64,
}

impl Dice {
    pub fn new() -> Self {
        Self::of(number("WIRESTORM_FUZZ_SEED").unwrap_or(1))
    }

    pub fn of(seed: u64) -> Self {
        Self { key: random::key(seed, 0, 0), drawn: 0 }
    }

    pub fn below(&mut self, range: usize) -> usize {
        self.drawn += 1;
        random::below(self.key, self.drawn, range.max(1) as u64) as usize
    }

    /// One of the seeds with up to eight changes.
    pub fn mutate(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..self.below(9) {
            let at = self.below(bytes.len() + 1);
            let end = at + self.below((bytes.len() - at).min(9) + 1);
            match self.below(7) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.byte()),
                2 => drop(bytes.drain(at..end)),
                3 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                4 => {
                    let other = &seeds[self.below(seeds.len())];
                    let from = self.below(other.len());
                    let to = from + self.below((other.len() - from).min(64) + 1);
                    bytes.splice(at..end, other[from..to].iter().copied());
                }
                5 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ if at < bytes.len() => bytes[at] = self.byte(),
                _ => {}
            }
        }
        bytes
    }

    /// Any byte; often one at a border of lengths and counts.
    fn byte(&mut self) -> u8 {
        const BORDERS: [u8; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0x7f, 0x80, 0xff];
        let any = self.below(256) as u8;
        if any.is_multiple_of(2) { BORDERS[self.below(BORDERS.len())] } else { any }
    }
}

/// A frame an example of every header.
pub fn frames_of_all_examples() -> Vec<Vec<u8>> {
    protocols()
        .iter()
        .flat_map(|protocol| protocol.examples)
        .map(|example| frame(example))
        .collect()
}

fn frame(example: &str) -> Vec<u8> {
    let text = |size: &str| {
        format!(
            "lab: b2b\nstreams:\n- {{name: s, rate: 1pps, count: 1, {size}payload: increment, \
             packet: {example}}}\n"
        )
    };
    let profile = profile::parse("a.yaml", &text(""), &[])
        .or_else(|_| profile::parse("a.yaml", &text("size: 256B, tag: false, "), &[]))
        .unwrap_or_else(|errors| panic!("{errors}\n{example}"));
    let addressing = super::packets::addressing();
    let program = compile(&profile, 0, &addressing, 1).unwrap_or_else(|error| panic!("{error}"));
    let mut frame = vec![0; program.max_frame_len().max(TAG_LEN)];
    let len = program.build(0, &mut frame, false);
    program.stamp(0, &mut frame, 0, 0);
    frame.truncate(len);
    frame
}
