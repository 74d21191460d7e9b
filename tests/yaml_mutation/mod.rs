//! Mutations of a profile or a JSON result as a tree: what comes out is YAML or JSON still, in
//! words that the reader knows, so that more of it gets past the parser to what lies behind. Bytes are
//! mutated elsewhere.
#![allow(dead_code, reason = "every test takes what it needs")]

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use wirestorm::profile::Place;
use wirestorm::profile::yaml::{self, Data, Entry, Node};
use wirestorm::wire::protocols;

use super::fuzz_support::Dice;

/// Shipped profiles, and the tables of broken ones, a case each. `root` is the project's folder.
pub fn seeds(root: &Path) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for folder in ["profiles", "profiles/known-truth", "tests/profile_errors"] {
        for entry in std::fs::read_dir(root.join(folder)).expect("a folder") {
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

/// A stream for each example of a header.
pub fn examples() -> Vec<Vec<u8>> {
    let text = |example: &&str| {
        format!(
            "lab: b2b\nstreams:\n- {{name: s, rate: 1pps, count: 9, size: 256B, tag: false, \
             packet: {example}}}\n"
        )
        .into_bytes()
    };
    protocols().iter().flat_map(|protocol| protocol.examples).map(text).collect()
}

/// What stands in other profiles, by where it stands.
#[derive(Default)]
pub struct Pool {
    /// Values by their keys.
    values: BTreeMap<String, Vec<Node>>,
    /// Mappings by each of their keys: what may stand beside it.
    beside: BTreeMap<String, Vec<Entry>>,
    /// Items of lists by the list's key.
    items: BTreeMap<String, Vec<Node>>,
    /// All scalars, and those at the borders of what is taken.
    scalars: Vec<String>,
}

impl Pool {
    /// What stands in these texts; those that are no YAML are passed over.
    pub fn of<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut pool = Self::default();
        for text in texts {
            if let Some(root) = tree(&String::from_utf8_lossy(text)) {
                pool.add(&root, "");
            }
        }
        pool.scalars.extend(BORDERS.map(str::to_owned));
        pool.scalars.sort();
        pool.scalars.dedup();
        pool
    }

    fn add(&mut self, node: &Node, key: &str) {
        match &node.data {
            Data::Null => {}
            Data::Scalar { text, .. } => self.scalars.push(text.clone()),
            Data::List(items) => {
                for item in items {
                    self.items.entry(key.to_owned()).or_default().push(item.clone());
                    self.add(item, key);
                }
            }
            Data::Mapping(entries) => {
                for entry in entries {
                    self.values.entry(entry.key.clone()).or_default().push(entry.value.clone());
                    let others = entries.iter().filter(|other| other.key != entry.key).cloned();
                    self.beside.entry(entry.key.clone()).or_default().extend(others);
                    self.add(&entry.value, &entry.key);
                }
            }
        }
    }
}

/// Numbers and words at the borders of what is taken, and what would be markup if it were not
/// escaped.
const BORDERS: [&str; 45] = [
    "0",
    "1",
    "2",
    "3",
    "7",
    "8",
    "9",
    "15",
    "16",
    "63",
    "64",
    "127",
    "128",
    "255",
    "256",
    "1280",
    "1500",
    "4095",
    "16000",
    "65535",
    "65536",
    "4294967295",
    "18446744073709551615",
    "340282366920938463463374607431768211455",
    "-1",
    "0x10",
    "64B",
    "1pps",
    "1Gbps",
    "50%",
    "1ms",
    "bad",
    "random",
    "all",
    "none",
    "off",
    "true",
    "null",
    "198.18.0.1",
    "2001:2::1",
    "0.5",
    "1e308",
    "-0.0",
    MARKUP,
    "\u{1b}[31m",
];

/// A tag that no page has.
pub const MARKUP: &str = "<q>";

fn tree(text: &str) -> Option<Node> {
    yaml::read(text, &mut Vec::new())
}

fn scalar(text: impl Into<String>) -> Node {
    let text = text.into();
    Node { place: Place::File, data: Data::Scalar { text, plain: true } }
}

/// The text with up to four changes to its tree, as YAML; None: it is none.
pub fn mutate(dice: &mut Dice, pool: &Pool, text: &str) -> Option<String> {
    changed(dice, pool, text).map(|root| yaml::write(&root))
}

/// The same as JSON, which is YAML too.
pub fn mutate_json(dice: &mut Dice, pool: &Pool, text: &str) -> Option<String> {
    changed(dice, pool, text).map(|root| json(&root).to_string())
}

fn json(node: &Node) -> Value {
    match &node.data {
        Data::Null => Value::Null,
        Data::Scalar { text, plain: true } => {
            serde_json::from_str(text).unwrap_or_else(|_| text.as_str().into())
        }
        Data::Scalar { text, .. } => text.as_str().into(),
        Data::List(items) => items.iter().map(json).collect(),
        Data::Mapping(entries) => {
            entries.iter().map(|entry| (entry.key.clone(), json(&entry.value))).collect()
        }
    }
}

fn changed(dice: &mut Dice, pool: &Pool, text: &str) -> Option<Node> {
    let mut root = tree(text)?;
    for _ in 0..=dice.below(4) {
        let mut at = dice.below(count(&root));
        change(dice, pool, &mut root, "", &mut at);
    }
    Some(root)
}

fn count(node: &Node) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(count).sum(),
        Data::Mapping(entries) => entries.iter().map(|entry| count(&entry.value)).sum(),
        Data::Null | Data::Scalar { .. } => 0,
    }
}

/// Changes the node that is `at` places behind this one. Returns whether it was found.
fn change(dice: &mut Dice, pool: &Pool, node: &mut Node, key: &str, at: &mut usize) -> bool {
    if *at == 0 {
        change_this(dice, pool, node, key);
        return true;
    }
    *at -= 1;
    match &mut node.data {
        Data::List(items) => items.iter_mut().any(|item| change(dice, pool, item, key, at)),
        Data::Mapping(entries) => {
            entries.iter_mut().any(|entry| change(dice, pool, &mut entry.value, &entry.key, at))
        }
        Data::Null | Data::Scalar { .. } => false,
    }
}

fn change_this(dice: &mut Dice, pool: &Pool, node: &mut Node, key: &str) {
    // What stands under the same key elsewhere fits nearly always.
    if dice.below(4) == 0
        && let Some(value) = one(dice, pool.values.get(key))
    {
        *node = value.clone();
        return;
    }
    match &mut node.data {
        Data::Null => *node = scalar(BORDERS[dice.below(BORDERS.len())]),
        Data::Scalar { text, .. } => {
            *node = match dice.below(8) {
                0..=2 => scalar(another_number(dice, text)),
                3 => scalar(BORDERS[dice.below(BORDERS.len())]),
                4 => one(dice, Some(&pool.scalars)).map_or_else(|| scalar("x"), scalar),
                5 => one(dice, pool.items.get(key)).cloned().unwrap_or_else(|| scalar("x")),
                6 => Node { place: Place::File, data: Data::List(vec![node.clone(), scalar("1")]) },
                _ => entry_of(dice, pool, node.clone()),
            };
        }
        Data::List(items) => change_list(dice, pool, items, key),
        Data::Mapping(entries) => change_mapping(dice, pool, entries),
    }
}

/// A rule of a value around it, as `{random: …}`.
fn entry_of(dice: &mut Dice, pool: &Pool, value: Node) -> Node {
    let keys: Vec<&String> = pool.values.keys().collect();
    let key = one(dice, Some(&keys)).map_or_else(|| "x".to_owned(), |key| (*key).clone());
    let entry = Entry { key, place: Place::File, value };
    Node { place: Place::File, data: Data::Mapping(vec![entry]) }
}

fn change_list(dice: &mut Dice, pool: &Pool, items: &mut Vec<Node>, key: &str) {
    let (from, to) = (dice.below(items.len()), dice.below(items.len() + 1));
    match dice.below(4) {
        0 if !items.is_empty() => drop(items.remove(from)),
        1 if !items.is_empty() => items.insert(to, items[from].clone()),
        2 if !items.is_empty() => {
            let to = to.min(items.len() - 1);
            items.swap(from, to);
        }
        _ => items.extend(one(dice, pool.items.get(key)).cloned()),
    }
}

fn change_mapping(dice: &mut Dice, pool: &Pool, entries: &mut Vec<Entry>) {
    let at = dice.below(entries.len());
    match dice.below(4) {
        0 if !entries.is_empty() => drop(entries.remove(at)),
        1 if !entries.is_empty() => {
            // Another name for what stands there.
            let beside = pool.beside.get(&entries[at].key);
            if let Some(other) = one(dice, beside)
                && entries.iter().all(|entry| entry.key != other.key)
            {
                entries[at].key = other.key.clone();
            }
        }
        _ => {
            let beside = entries.get(at).and_then(|entry| pool.beside.get(&entry.key));
            if let Some(other) = one(dice, beside) {
                match entries.iter_mut().find(|entry| entry.key == other.key) {
                    Some(entry) => entry.value = other.value.clone(),
                    None => entries.push(other.clone()),
                }
            }
        }
    }
}

fn one<'a, T>(dice: &mut Dice, of: Option<&'a Vec<T>>) -> Option<&'a T> {
    let of = of.filter(|of| !of.is_empty())?;
    of.get(dice.below(of.len()))
}

/// The text with one of its numbers changed.
fn another_number(dice: &mut Dice, text: &str) -> String {
    let digits: Vec<(usize, usize)> = {
        let mut runs = Vec::new();
        let mut from = None;
        for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
            match (c.is_ascii_digit(), from) {
                (true, None) => from = Some(at),
                (false, Some(start)) => {
                    runs.push((start, at));
                    from = None;
                }
                _ => {}
            }
        }
        runs
    };
    let Some(&(from, to)) = one(dice, Some(&digits)) else {
        return BORDERS[dice.below(BORDERS.len())].to_owned();
    };
    let number: u128 = text[from..to].parse().unwrap_or(1);
    let number = match dice.below(7) {
        0 => number.wrapping_add(1),
        1 => number.saturating_sub(1),
        2 => number.wrapping_mul(2),
        3 => number / 2,
        4 => 1 << dice.below(70),
        5 => (1u128 << dice.below(70)) - 1,
        _ => dice.below(2000) as u128,
    };
    format!("{}{number}{}", &text[..from], &text[to..])
}
