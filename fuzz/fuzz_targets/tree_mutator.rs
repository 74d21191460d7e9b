//! Mutates a profile or a result as a tree two times out of three, else as bytes.
#![allow(dead_code, reason = "every target takes what it needs")]

use std::path::Path;
use std::sync::OnceLock;

use super::fuzz_support::Dice;
use super::yaml_mutation::{self, Pool};

/// The mutator of profiles that libFuzzer calls: `size` bytes of `data` are the input, `max_size` the
/// output's bound. Returns the output's length.
pub fn profile(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    static POOL: OnceLock<Pool> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let mut texts = yaml_mutation::seeds(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
        texts.extend(yaml_mutation::examples());
        Pool::of(texts.iter().map(Vec::as_slice))
    });
    mutate(data, size, max_size, seed, |dice, text| yaml_mutation::mutate(dice, pool, text))
}

/// The mutator of results.
pub fn result(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    static POOL: OnceLock<Pool> = OnceLock::new();
    let pool = POOL.get_or_init(|| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds/result");
        let entries = std::fs::read_dir(folder).expect("the results to begin with");
        let read = |path| std::fs::read(path).expect("a result");
        let texts: Vec<_> = entries.map(|entry| read(entry.expect("an entry").path())).collect();
        Pool::of(texts.iter().map(Vec::as_slice))
    });
    mutate(data, size, max_size, seed, |dice, text| yaml_mutation::mutate_json(dice, pool, text))
}

fn mutate(
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
    change: impl FnOnce(&mut Dice, &str) -> Option<String>,
) -> usize {
    let mut dice = Dice::of(seed.into());
    if dice.below(3) > 0
        && let Ok(text) = std::str::from_utf8(&data[..size])
        && let Some(text) = change(&mut dice, text)
        && text.len() <= max_size.min(data.len())
    {
        data[..text.len()].copy_from_slice(text.as_bytes());
        return text.len();
    }
    libfuzzer_sys::fuzzer_mutate(data, size, max_size)
}
