//! YAML paths: `streams[0].rate`, `ports.tx`, `lab.sysctl[net.ipv4.ip_forward]`.

use std::fmt::Write;

use super::problem::shorten;
use super::yaml::{Data, Node};

/// `path` followed by a key.
pub fn key(path: &str, key: &str) -> String {
    let simple = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    let mut longer = path.to_owned();
    if key.is_empty() || !key.chars().all(simple) {
        let _ = write!(longer, "[{}]", shorten(key));
    } else {
        if !longer.is_empty() {
            longer.push('.');
        }
        longer.push_str(&shorten(key));
    }
    longer
}

/// `path` followed by a position in a list.
pub fn index(path: &str, index: usize) -> String {
    format!("{path}[{index}]")
}

/// The steps of a path as people type it: `streams[v4].packet.udp.dst`. In brackets stands a
/// position, a name, or a key with dots in it.
///
/// # Errors
/// What would be allowed instead.
pub fn parse(text: &str) -> Result<Vec<String>, String> {
    const EXPECTED: &str = "a path such as streams[0].rate";
    let mut steps = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        if let Some(inside) = rest.strip_prefix('[') {
            let (step, after) = inside.split_once(']').ok_or(EXPECTED)?;
            steps.push(step.to_owned());
            rest = after;
        } else {
            let word =
                if steps.is_empty() { rest } else { rest.strip_prefix('.').ok_or(EXPECTED)? };
            let end = word.find(['.', '[']).unwrap_or(word.len());
            let (step, after) = word.split_at(end);
            steps.push(step.to_owned());
            rest = after;
        }
        if steps.last().is_some_and(String::is_empty) {
            return Err(EXPECTED.to_owned());
        }
    }
    if steps.is_empty() { Err(EXPECTED.to_owned()) } else { Ok(steps) }
}

/// The position that a step means in a list: a number, an item's `name`, or the only key of an
/// item (a header of a stack).
pub fn position(items: &[Node], step: &str) -> Option<usize> {
    if let Ok(index) = step.parse::<usize>() {
        return (index < items.len()).then_some(index);
    }
    let named = |item: &Node| item.entry("name").and_then(|e| e.value.scalar()) == Some(step);
    items.iter().position(named).or_else(|| items.iter().position(|item| is_header(item, step)))
}

/// Whether the item of a header stack is the header `name`: `udp`, or `udp: …` alone.
pub fn is_header(item: &Node, name: &str) -> bool {
    match &item.data {
        Data::Mapping(entries) => matches!(entries.as_slice(), [only] if only.key == name),
        _ => item.scalar() == Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        let steps = |text| parse(text).unwrap_or_default().join("|");
        assert_eq!(steps("streams[0].rate"), "streams|0|rate");
        assert_eq!(steps("streams.0.rate"), "streams|0|rate");
        assert_eq!(steps("lab.sysctl[net.ipv4.ip_forward]"), "lab|sysctl|net.ipv4.ip_forward");
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[]", "a[0]b"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn paths_are_put_together() {
        assert_eq!(key(&index(&key("", "streams"), 0), "rate"), "streams[0].rate");
        assert_eq!(key("lab.sysctl", "net.ipv4"), "lab.sysctl[net.ipv4]");
    }
}
