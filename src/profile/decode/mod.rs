//! From the tree to the profile: a small decoder that goes on after a mistake, so that all
//! mistakes are told at once.

mod benchmark;
mod data;
mod fragments;
mod header;
mod imix;
mod lab;
mod measure;
mod modifier;
mod nested;
mod only;
mod pattern;
mod payload;
mod port;
mod profile;
mod record;
mod replay;
mod rule;
mod size;
mod stream;
mod study;
mod value;

pub use benchmark::{GOALS, METHODS, OWN_SIZES, SHARES, STUDY};
pub use fragments::ORDERS;
pub(super) use header::{record_name as header_record, some_of};
pub use imix::MIXES;
pub use lab::TOPOLOGIES;
pub(super) use lab::plain as plain_lab;
pub use measure::{PERCENTILES, RECEIVE_MODES};
pub use modifier::{MAX_FILTERS, NETWORKS};
pub use pattern::{MAX_BURST, MAX_STEPS};
pub use payload::WORDS as PAYLOAD_WORDS;
#[cfg(test)]
pub(super) use profile::asked_keys;
pub use profile::{Decoded, decode};
pub(super) use replay::{
    CHECKSUMS, FOREVER, MAX_ROUNDS as MAX_REPLAY_ROUNDS, WORDS as REWRITE_WORDS,
};
pub(super) use rule::ROUND;
pub use stream::{MAX_ORDER, MAX_REPEAT};
pub use study::{MAX_CELLS, MAX_INTERLEAVE, MAX_TRIES, STAGES};
pub(super) use value::record_name as rule_name;

use std::path::PathBuf;

use record::Record;

use super::path;
use super::problem::{Problem, nearest, shorten};
use super::units::{self, Unit};
use super::yaml::{Data, Node};

/// A node and its path.
#[derive(Clone, Debug)]
struct At<'n> {
    node: &'n Node,
    path: String,
}

impl<'n> At<'n> {
    fn is_null(&self) -> bool {
        self.node.data == Data::Null
    }

    fn item(&self, index: usize, node: &'n Node) -> Self {
        Self { node, path: path::index(&self.path, index) }
    }
}

/// Collects the problems while a tree is read.
#[derive(Default)]
struct Decoder {
    problems: Vec<Problem>,
    /// Where the profile lies: names of files are relative to it.
    folder: PathBuf,
    /// Packets of the capture whose fields are being rewritten: `every: round`.
    round: Option<u64>,
    /// What weights have cost so far: [`Decoder::may_deal`].
    dealt: u64,
    /// Every key that was asked for, by the record's name: the schema is held to it.
    #[cfg(test)]
    asked: std::collections::BTreeMap<String, std::collections::BTreeSet<String>>,
}

impl Decoder {
    /// The node at `at` is not what it should be.
    fn unexpected(&mut self, at: &At<'_>, expected: impl std::fmt::Display) {
        let found = at.node.describe();
        self.problems.push(Problem::found(at.node.place, at.path.clone(), found, expected));
    }

    /// A problem at `at` in other words.
    fn refuse(&mut self, at: &At<'_>, found: impl Into<String>, expected: impl Into<String>) {
        let (found, expected) = (found.into(), expected.into());
        self.problems.push(Problem::found(at.node.place, at.path.clone(), found, expected));
    }

    /// A scalar, read by `parse`, which tells what it expects.
    fn scalar<T>(
        &mut self,
        at: &At<'_>,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let Some(text) = at.node.scalar() else {
            self.unexpected(at, expected);
            return None;
        };
        parse(text).map_err(|expected| self.unexpected(at, expected)).ok()
    }

    fn unit<T: Unit>(&mut self, at: &At<'_>) -> Option<T> {
        self.scalar(at, T::EXPECTED, T::parse)
    }

    fn range<T: Unit>(&mut self, at: &At<'_>) -> Option<(T, T)> {
        let expected = format!("a range such as low..high, each {}", T::EXPECTED);
        self.scalar(at, &expected, units::parse_range)
    }

    /// A whole number in `low..=high`.
    fn integer(&mut self, at: &At<'_>, low: u64, high: u64) -> Option<u64> {
        let expected = match high {
            u64::MAX => format!("a whole number from {low}, below 2^64"),
            _ => format!("a whole number from {low} to {high}"),
        };
        self.scalar(at, &expected, |text| {
            units::parse_integer(text)
                .and_then(|value| u64::try_from(value).ok())
                .filter(|value| (low..=high).contains(value))
                .ok_or_else(|| expected.clone())
        })
    }

    fn boolean(&mut self, at: &At<'_>) -> Option<bool> {
        self.choice(at, &[("true", true), ("false", false)])
    }

    /// Any text that is not empty; scalars that look like numbers are texts too.
    fn text(&mut self, at: &At<'_>) -> Option<String> {
        self.scalar(at, "a text", |text| {
            if text.is_empty() { Err("a text".to_owned()) } else { Ok(text.to_owned()) }
        })
    }

    /// One of a few words.
    fn choice<T: Clone>(&mut self, at: &At<'_>, choices: &[(&str, T)]) -> Option<T> {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let expected = match words.as_slice() {
            [only] => (*only).to_owned(),
            [words @ .., last] => format!("{} or {last}", words.join(", ")),
            [] => String::new(),
        };
        let text = at.node.scalar();
        let chosen = choices.iter().find(|(word, _)| text == Some(*word));
        if chosen.is_none() {
            let hint = text.and_then(|text| nearest(text, words.iter().copied()));
            let found = at.node.describe();
            let problem = Problem::found(at.node.place, at.path.clone(), found, expected);
            self.problems.push(problem.hint(hint));
        }
        chosen.map(|(_, value)| value.clone())
    }

    /// A list's items.
    fn list<'n>(&mut self, at: &At<'n>, expected: &str) -> Option<Vec<At<'n>>> {
        let Data::List(items) = &at.node.data else {
            self.unexpected(at, expected);
            return None;
        };
        Some(items.iter().enumerate().map(|(n, node)| at.item(n, node)).collect())
    }

    /// A list whose every item `read` understands; None when one is no good.
    fn list_of<'n, T>(
        &mut self,
        at: &At<'n>,
        expected: &str,
        mut read: impl FnMut(&mut Self, &At<'n>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.list(at, expected)?;
        let count = items.len();
        let good: Vec<T> = items.iter().filter_map(|item| read(self, item)).collect();
        (good.len() == count).then_some(good)
    }

    /// A mapping whose keys are names that the profile makes up, in order: (name, its place, value).
    fn names<'n>(&mut self, at: &At<'n>, expected: &str) -> Option<Vec<(At<'n>, &'n str)>> {
        let Data::Mapping(entries) = &at.node.data else {
            self.unexpected(at, expected);
            return None;
        };
        let child = |key: &str, node| At { node, path: path::key(&at.path, key) };
        Some(entries.iter().map(|e| (child(&e.key, &e.value), e.key.as_str())).collect())
    }

    /// A mapping with known keys, read by `body`. Keys that `body` did not ask for are problems.
    fn record<'n, T>(
        &mut self,
        at: &At<'n>,
        name: &str,
        expected: &str,
        body: impl FnOnce(&mut Record<'_, 'n>) -> T,
    ) -> Option<T> {
        let Data::Mapping(entries) = &at.node.data else {
            self.unexpected(at, expected);
            return None;
        };
        let mut record = Record::open(self, at, name, entries);
        let value = body(&mut record);
        record.close();
        Some(value)
    }

    /// Whether so many values may be dealt out over so many turns. A list takes a value a turn, and
    /// weighs all of them for each; few aliases would make an hour of it.
    fn may_deal(&mut self, at: &At<'_>, values: usize, turns: u64) -> bool {
        const MOST: u64 = 1 << 28;
        const LEAST: u64 = 64;
        let cost = (values as u64).max(LEAST).saturating_mul(turns);
        let told = self.dealt > MOST;
        self.dealt = self.dealt.saturating_add(cost);
        if self.dealt > MOST && !told {
            let expected =
                "shorter ones: all weights of a profile together take too long to deal out";
            self.refuse(at, format!("weights of {turns} in all for {values} values"), expected);
        }
        self.dealt <= MOST
    }

    /// A name that people type in `--set` and that stands in file names.
    fn name(&mut self, at: &At<'_>) -> Option<String> {
        const EXPECTED: &str =
            "a name of at most 64 letters, digits, '-', '_' or '.', a letter or digit first";
        self.scalar(at, EXPECTED, |text| {
            if is_name(text) { Ok(text.to_owned()) } else { Err(EXPECTED.to_owned()) }
        })
    }
}

/// Whether a text can be a name: see [`Decoder::name`].
fn is_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

/// `a, b or c`, for messages.
fn alternatives(words: &[&str]) -> String {
    words.iter().map(|word| shorten(word)).collect::<Vec<_>>().join(", ")
}
