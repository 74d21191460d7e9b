//! YAML as a tree that knows where each part was written. The only place that knows the crate
//! that reads YAML.

mod read;
mod write;

pub use read::{MAX_BYTES, read, read_value};
pub use write::write;

use super::problem::{Place, shorten};

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub data: Data,
}

/// A YAML value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Data {
    /// Nothing, `~` or `null`.
    Null,
    /// Any other scalar, as text: the reader of a value knows what it should be.
    Scalar {
        /// The text after YAML's escapes.
        text: String,
        /// Written without quotes.
        plain: bool,
    },
    /// `[a, b]` or lines with dashes.
    List(Vec<Node>),
    /// `{a: b}` or lines with colons; keys are unique and stand in the order of the text.
    Mapping(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The key's text.
    pub key: String,
    /// Where the key begins.
    pub place: Place,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The text of a scalar.
    pub fn scalar(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The entry of a mapping under `key`.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.data {
            Data::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// What it is, for `found …`.
    pub fn describe(&self) -> String {
        match &self.data {
            Data::Null => "nothing".to_owned(),
            Data::Scalar { text, .. } => format!("\"{}\"", shorten(text)),
            Data::List(items) if items.is_empty() => "an empty list".to_owned(),
            Data::List(_) => "a list".to_owned(),
            Data::Mapping(entries) => match entries.as_slice() {
                [] => "an empty mapping".to_owned(),
                [only] => format!("a mapping with the key \"{}\"", shorten(&only.key)),
                _ => "a mapping".to_owned(),
            },
        }
    }
}

/// Whether a plain scalar stands for nothing (YAML 1.2, core schema).
fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}
