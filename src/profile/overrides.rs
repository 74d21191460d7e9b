//! `--set path=value`: changes of the tree before it is decoded, so that a change meets the same
//! checks as the file.

use super::path;
use super::problem::{Place, Problem, nearest, shorten};
use super::yaml::{self, Data, Entry, Node};

/// Applies the overrides in their order.
pub fn apply(root: &mut Node, overrides: &[String], problems: &mut Vec<Problem>) {
    for (number, text) in overrides.iter().enumerate() {
        let place = Place::Override(number);
        let Some((path, value)) = split(text) else {
            let found = format!("\"{}\"", shorten(text));
            problems.push(Problem::found(place, "", found, "path=value"));
            continue;
        };
        let steps = match path::parse(path) {
            Ok(steps) => steps,
            Err(expected) => {
                let found = format!("\"{}\"", shorten(path));
                problems.push(Problem::found(place, "", found, expected));
                continue;
            }
        };
        let Some(value) = yaml::read_value(value, number, problems) else {
            continue;
        };
        if let Err(problem) = set(root, &steps, value, place) {
            problems.push(problem);
        }
    }
}

/// Splits at the first `=` that is not in brackets.
fn split(text: &str) -> Option<(&str, &str)> {
    let mut inside = false;
    let at = text.find(|c| {
        inside = (inside || c == '[') && c != ']';
        c == '=' && !inside
    })?;
    Some((text[..at].trim(), &text[at + 1..]))
}

fn set(root: &mut Node, steps: &[String], value: Node, place: Place) -> Result<(), Problem> {
    let mut node = root;
    let mut at = String::new();
    for step in steps {
        node = descend(node, step, &mut at, place)?;
    }
    *node = value;
    Ok(())
}

/// The part of `node` that `step` means; made where a mapping has no such key.
fn descend<'n>(
    node: &'n mut Node,
    step: &str,
    at: &mut String,
    place: Place,
) -> Result<&'n mut Node, Problem> {
    if node.data == Data::Null {
        *node = Node { place, data: Data::Mapping(Vec::new()) };
    }
    let found = node.describe();
    match &mut node.data {
        Data::List(items) => {
            let Some(index) = path::position(items, step) else {
                return Err(no_such_item(items, step, at, place));
            };
            *at = path::index(at, index);
            let item = &mut items[index];
            let as_header = step.parse::<usize>().is_err() && path::is_header(item, step);
            if !as_header {
                return Ok(item);
            }
            let found = item.describe();
            header(item, step, at, place)
                .ok_or_else(|| Problem::found(place, at.clone(), found, "a header"))
        }
        Data::Mapping(entries) => {
            *at = path::key(at, step);
            let index = entries.iter().position(|entry| entry.key == step).unwrap_or_else(|| {
                let value = Node { place, data: Data::Null };
                entries.push(Entry { key: step.to_owned(), place, value });
                entries.len() - 1
            });
            Ok(&mut entries[index].value)
        }
        Data::Null | Data::Scalar { .. } => {
            let expected = format!("a mapping or a list to set \"{}\" in", shorten(step));
            Err(Problem::found(place, at.clone(), found, expected))
        }
    }
}

/// The fields of a header that a list's item is; `udp` alone becomes `udp:` first.
fn header<'n>(
    item: &'n mut Node,
    name: &str,
    at: &mut String,
    place: Place,
) -> Option<&'n mut Node> {
    if item.scalar().is_some() {
        let value = Node { place, data: Data::Null };
        let entry = Entry { key: name.to_owned(), place: item.place, value };
        item.data = Data::Mapping(vec![entry]);
    }
    *at = path::key(at, name);
    match &mut item.data {
        Data::Mapping(entries) => entries.first_mut().map(|entry| &mut entry.value),
        _ => None,
    }
}

fn no_such_item(items: &[Node], step: &str, at: &str, place: Place) -> Problem {
    let mut names = Vec::new();
    for item in items {
        let name = item.entry("name").and_then(|entry| entry.value.scalar());
        match (&item.data, name.or(item.scalar())) {
            (_, Some(name)) => names.push(name),
            (Data::Mapping(entries), None) if entries.len() == 1 => names.push(&entries[0].key),
            _ => {}
        }
    }
    let mut expected = match items.len() {
        0 => "no position: the list is empty".to_owned(),
        1 => "the position 0".to_owned(),
        n => format!("a position from 0 to {}", n - 1),
    };
    if !names.is_empty() && names.len() <= 20 {
        let names: Vec<String> = names.iter().map(|name| shorten(name)).collect();
        expected.push_str(&format!(" or one of {}", names.join(", ")));
    }
    let hint = nearest(step, names.iter().copied());
    Problem::found(place, at, format!("[{}]", shorten(step)), expected).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
duration: 1s
streams:
  - name: v4
    rate: 1kpps
    packet: [ipv4, udp: {dst: 7}]
";

    fn set_to(overrides: &[&str]) -> Result<String, Vec<String>> {
        let mut problems = Vec::new();
        let mut root = yaml::read(TEXT, &mut problems).expect("is YAML");
        let overrides: Vec<String> = overrides.iter().map(|&text| text.to_owned()).collect();
        apply(&mut root, &overrides, &mut problems);
        if problems.is_empty() {
            Ok(yaml::write(&root))
        } else {
            Err(problems.iter().map(Problem::to_string).collect())
        }
    }

    #[test]
    fn values_are_replaced_and_added() {
        let text = set_to(&[
            "duration=3s",
            "streams.0.rate=2kpps",
            "streams[v4].packet.ipv4.ttl=9",
            "streams[v4].packet[udp].dst={list: [1, 2]}",
            "pass.max_loss=0",
            "lab.sysctl[net.a=b]=1",
        ]);
        insta::assert_snapshot!(text.expect("all paths are there"), @r#"
        duration: 3s
        streams:
          -
            name: v4
            rate: 2kpps
            packet:
              -
                ipv4:
                  ttl: 9
              -
                udp:
                  dst:
                    list: [1, 2]
        pass:
          max_loss: 0
        lab:
          sysctl:
            "net.a=b": 1
        "#);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let problems = set_to(&[
            "duration",
            "=1",
            "streams[v5].rate=1pps",
            "streams.1.rate=1pps",
            "duration.x=1",
            "streams..rate=1",
            "seed=[1",
        ]);
        let problems = problems.expect_err("all are wrong").join("\n");
        insta::assert_snapshot!(problems);
    }
}
