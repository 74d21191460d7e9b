//! From the tree back to text: what a profile was after `--set`.

use std::fmt::Write;

use super::{Data, Node, is_null};

/// The tree as YAML; read again, it is the same tree at other places. Comments are gone.
pub fn write(root: &Node) -> String {
    let mut out = String::new();
    match &root.data {
        Data::List(items) if !items.is_empty() => block(&mut out, root, 0),
        Data::Mapping(entries) if !entries.is_empty() => block(&mut out, root, 0),
        _ => inline(&mut out, root),
    }
    out
}

/// A list or a mapping that is not empty, a line an entry.
fn block(out: &mut String, node: &Node, indent: usize) {
    match &node.data {
        Data::List(items) => {
            for item in items {
                out.push_str(&" ".repeat(indent));
                out.push('-');
                value(out, item, indent);
            }
        }
        Data::Mapping(entries) => {
            for entry in entries {
                out.push_str(&" ".repeat(indent));
                scalar(out, &entry.key, !is_null(&entry.key));
                out.push(':');
                value(out, &entry.value, indent);
            }
        }
        Data::Null | Data::Scalar { .. } => {}
    }
}

fn value(out: &mut String, node: &Node, indent: usize) {
    let nested = match &node.data {
        Data::List(items) => items.iter().any(|item| item.scalar().is_none()),
        Data::Mapping(entries) => !entries.is_empty(),
        Data::Null | Data::Scalar { .. } => false,
    };
    if nested {
        out.push('\n');
        block(out, node, indent + 2);
    } else {
        out.push(' ');
        inline(out, node);
    }
}

/// Scalars, lists of scalars, and what is empty.
fn inline(out: &mut String, node: &Node) {
    match &node.data {
        Data::Null => out.push('~'),
        Data::Scalar { text, plain } => scalar(out, text, *plain),
        Data::Mapping(_) => out.push_str("{}"),
        Data::List(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push_str(", ");
                }
                if let Some(text) = item.scalar() {
                    scalar(out, text, matches!(item.data, Data::Scalar { plain: true, .. }));
                }
            }
            out.push(']');
        }
    }
    out.push('\n');
}

/// Plain where it was plain and no character could mean anything to YAML, else in double quotes.
fn scalar(out: &mut String, text: &str, plain: bool) {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "._/%+".contains(c);
    let inside = |c: char| harmless(c) || "-: ".contains(c);
    let safe = text.starts_with(harmless)
        && text.ends_with(harmless)
        && text.len() < 100
        && text.chars().all(inside)
        && !text.contains(": ");
    if plain && safe && !matches!(text, "..." | "---") {
        out.push_str(text);
        return;
    }
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ' '..='~' => out.push(c),
            _ if u32::from(c) <= 0xff => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            _ if u32::from(c) <= 0xffff => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => {
                let _ = write!(out, "\\U{:08x}", u32::from(c));
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, read};
    use super::*;
    use crate::profile::problem::Place;
    use proptest::prelude::*;

    const NOWHERE: Place = Place::File;

    fn tree() -> impl Strategy<Value = Node> {
        let scalar = prop_oneof![
            Just(Data::Null),
            "[a-z0-9./%: -]{0,12}".prop_map(|text| Data::Scalar { text, plain: false }),
            any::<String>().prop_map(|text| Data::Scalar { text, plain: false }),
            "[a-z0-9]{1,5}([ :.][0-9a-z/]{1,5})?"
                .prop_filter("null is nothing", |text| !is_null(text))
                .prop_map(|text| Data::Scalar { text, plain: true }),
        ];
        let node = scalar.prop_map(|data| Node { place: NOWHERE, data });
        node.prop_recursive(4, 40, 6, |inner| {
            let list = prop::collection::vec(inner.clone(), 0..6).prop_map(Data::List);
            let mapping = prop::collection::btree_map("[a-z~ :\n]{0,6}|null", inner, 0..6)
                .prop_map(|entries| {
                    let entry = |(key, value)| Entry { key, place: NOWHERE, value };
                    Data::Mapping(entries.into_iter().map(entry).collect())
                });
            prop_oneof![list, mapping].prop_map(|data| Node { place: NOWHERE, data })
        })
    }

    fn nowhere(node: &mut Node) {
        node.place = NOWHERE;
        match &mut node.data {
            Data::List(items) => items.iter_mut().for_each(nowhere),
            Data::Mapping(entries) => entries.iter_mut().for_each(|entry| {
                entry.place = NOWHERE;
                nowhere(&mut entry.value);
            }),
            Data::Null | Data::Scalar { .. } => {}
        }
    }

    proptest! {
        #[test]
        fn reads_back_what_was_written(root in tree()) {
            let text = write(&root);
            let mut problems = Vec::new();
            let back = read(&text, &mut problems);
            prop_assert!(problems.is_empty(), "{:?}\n{}", problems, text);
            let mut back = back.expect("a tree");
            nowhere(&mut back);
            prop_assert_eq!(back, root, "{}", text);
        }
    }
}
