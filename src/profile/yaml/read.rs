//! From the YAML reader's events to the tree. Input is bounded in bytes, depth and nodes, so that
//! neither a huge file nor a bomb of anchors costs more than a moment.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, ScanError, Span};

use super::{Data, Entry, Node, is_null};
use crate::profile::path;
use crate::profile::problem::{Place, Problem, shorten};

/// Longest profile in bytes.
pub const MAX_BYTES: usize = 8 << 20;
/// Deepest nesting.
const MAX_DEPTH: usize = 32;
/// Nodes, those that aliases repeat included.
const MAX_NODES: usize = 1_000_000;
/// Bytes of scalars, those that aliases repeat included.
const MAX_SCALAR_BYTES: usize = 4 * MAX_BYTES;

/// Reads a profile's text. None where there is nothing to go on with; the problems say why.
pub fn read(text: &str, problems: &mut Vec<Problem>) -> Option<Node> {
    let before = problems.len();
    let root = Reader::new(problems, None).run(text);
    if root.is_none() && problems.len() == before {
        problems.push(Problem::found(Place::File, "", "an empty profile", "at least `streams:`"));
    }
    root
}

/// Reads the value of the n-th `--set`; every node's place is that option.
pub fn read_value(text: &str, number: usize, problems: &mut Vec<Problem>) -> Option<Node> {
    let before = problems.len();
    let node = Reader::new(problems, Some(number)).run(text);
    if node.is_none() && problems.len() == before {
        return Some(Node { place: Place::Override(number), data: Data::Null });
    }
    node
}

struct Reader<'p> {
    problems: &'p mut Vec<Problem>,
    number: Option<usize>,
    open: Vec<Open>,
    anchors: HashMap<usize, (Node, Cost)>,
    spent: Cost,
    root: Option<Node>,
}

/// What a node costs, itself and all below.
#[derive(Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    bytes: usize,
}

/// A list or a mapping that has not ended yet.
struct Open {
    place: Place,
    anchor: usize,
    before: Cost,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Mapping { entries: Vec<Entry>, keys: HashSet<String>, key: Key },
}

/// The key that a mapping's next node belongs to.
enum Key {
    /// The next node is a key.
    Awaited,
    /// The next node is this key's value.
    Read(String, Place),
    /// The next node is the value of a key that is no good.
    Refused,
}

impl<'p> Reader<'p> {
    fn new(problems: &'p mut Vec<Problem>, number: Option<usize>) -> Self {
        Self {
            problems,
            number,
            open: Vec::new(),
            anchors: HashMap::new(),
            spent: Cost::default(),
            root: None,
        }
    }

    fn run(mut self, text: &str) -> Option<Node> {
        if text.len() > MAX_BYTES {
            let found = format!("{} bytes", text.len());
            self.refuse(self.whole(), found, format!("at most {MAX_BYTES}"));
            return None;
        }
        for next in Parser::new_from_str_with_options(text, options()) {
            match next {
                Ok((event, span)) => self.event(event, span)?,
                Err(error) => {
                    self.syntax(&error, text);
                    return None;
                }
            }
        }
        self.root
    }

    /// Takes one event. None: it makes no sense to go on.
    fn event(&mut self, event: Event<'_>, span: Span) -> Option<()> {
        let place = self.place(&span.start);
        if let Some(tag) = event.tag() {
            let found = format!("the YAML tag {}", shorten(&tag.original()));
            self.refuse(place, found, "no tag: a profile's values need none");
        }
        match event {
            Event::DocumentStart(..) if self.root.is_some() => {
                self.refuse(place, "a second document", "one profile a file");
                return None;
            }
            Event::Scalar(text, style, anchor, _) => self.scalar(place, text, style, anchor)?,
            Event::Alias(anchor) => self.alias(place, anchor)?,
            Event::SequenceStart(_, anchor, _) => {
                self.start(place, anchor, Content::List(Vec::new()))?;
            }
            Event::MappingStart(_, anchor, _) => {
                let (entries, keys) = (Vec::new(), HashSet::new());
                self.start(place, anchor, Content::Mapping { entries, keys, key: Key::Awaited })?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            _ => {}
        }
        Some(())
    }

    fn scalar(
        &mut self,
        place: Place,
        text: Cow<'_, str>,
        style: ScalarStyle,
        anchor: usize,
    ) -> Option<()> {
        let before = self.spent;
        self.spend(place, Cost { nodes: 1, bytes: text.len() })?;
        let plain = style == ScalarStyle::Plain;
        let data = if plain && is_null(&text) {
            Data::Null
        } else {
            Data::Scalar { text: text.into_owned(), plain }
        };
        self.complete(Node { place, data }, anchor, before);
        Some(())
    }

    fn alias(&mut self, place: Place, anchor: usize) -> Option<()> {
        let before = self.spent;
        let Some((_, cost)) = self.anchors.get(&anchor) else {
            self.refuse(place, "an alias inside its own anchor", "one that ends somewhere");
            return None;
        };
        let cost = *cost;
        self.spend(place, cost)?;
        let node = self.anchors[&anchor].0.clone();
        self.complete(node, 0, before);
        Some(())
    }

    fn start(&mut self, place: Place, anchor: usize, content: Content) -> Option<()> {
        let before = self.spent;
        self.spend(place, Cost { nodes: 1, bytes: 0 })?;
        self.open.push(Open { place, anchor, before, content });
        Some(())
    }

    fn end(&mut self) {
        if let Some(Open { place, anchor, before, content }) = self.open.pop() {
            let data = match content {
                Content::List(items) => Data::List(items),
                Content::Mapping { entries, .. } => Data::Mapping(entries),
            };
            self.complete(Node { place, data }, anchor, before);
        }
    }

    /// Puts a whole node where it belongs.
    fn complete(&mut self, node: Node, anchor: usize, before: Cost) {
        if anchor != 0 {
            let cost = Cost {
                nodes: self.spent.nodes - before.nodes,
                bytes: self.spent.bytes - before.bytes,
            };
            self.anchors.insert(anchor, (node.clone(), cost));
        }
        if self.awaits_key() {
            return self.key(&node);
        }
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open { content: Content::List(items), .. }) => items.push(node),
            Some(Open { content: Content::Mapping { entries, key, .. }, .. }) => {
                if let Key::Read(key, place) = std::mem::replace(key, Key::Awaited) {
                    entries.push(Entry { key, place, value: node });
                }
            }
        }
    }

    fn awaits_key(&self) -> bool {
        let content = self.open.last().map(|open| &open.content);
        matches!(content, Some(Content::Mapping { key: Key::Awaited, .. }))
    }

    /// Takes a node as the key of the innermost mapping.
    fn key(&mut self, node: &Node) {
        let text = match &node.data {
            Data::Scalar { text, .. } => Some(text.as_str()),
            Data::Null => Some("null"),
            Data::List(_) | Data::Mapping(_) => None,
        };
        let Some(Open { content: Content::Mapping { keys, key, .. }, .. }) = self.open.last_mut()
        else {
            return;
        };
        let accepted = text.filter(|text| keys.insert((*text).to_owned()));
        *key = match accepted {
            Some(text) => Key::Read(text.to_owned(), node.place),
            None => Key::Refused,
        };
        if accepted.is_none() {
            let (found, expected) = match text {
                Some(text) => {
                    (format!("the key \"{}\" a second time", shorten(text)), "every key once")
                }
                None => (format!("{} as a key", node.describe()), "a word"),
            };
            self.refuse(node.place, found, expected);
        }
    }

    fn spend(&mut self, place: Place, cost: Cost) -> Option<()> {
        self.spent.nodes += cost.nodes;
        self.spent.bytes += cost.bytes;
        if self.spent.nodes > MAX_NODES || self.spent.bytes > MAX_SCALAR_BYTES {
            let found = format!("more than {MAX_NODES} values or {MAX_SCALAR_BYTES} bytes");
            self.refuse(place, found, "fewer: aliases count in full");
            return None;
        }
        Some(())
    }

    fn syntax(&mut self, error: &ScanError, text: &str) {
        let mut message = format!("not YAML: {}", shorten_long(&error.info()));
        // The reader may notice a tab only at the end of the line before.
        let mut around = text.lines().enumerate().skip(error.marker().line().max(1) - 1).take(2);
        let tab = |line: &str| line.trim_start_matches(' ').starts_with('\t');
        if let Some((n, _)) = around.find(|(_, line)| tab(line)) {
            message.push_str(&format!("; line {} is indented with a tab, expected spaces", n + 1));
        }
        if message.contains("recursion limit") {
            message.push_str(&format!("; expected at most {MAX_DEPTH} levels of nesting"));
        }
        let place = self.place(error.marker());
        self.problems.push(Problem::new(place, "", message));
    }

    fn refuse(&mut self, place: Place, found: impl Into<String>, expected: impl Into<String>) {
        let path = self.path();
        self.problems.push(Problem::found(place, path, found.into(), expected.into()));
    }

    /// The path of the node that is being read.
    fn path(&self) -> String {
        self.open.iter().fold(String::new(), |at, open| match &open.content {
            Content::List(items) => path::index(&at, items.len()),
            Content::Mapping { key: Key::Read(key, _), .. } => path::key(&at, key),
            Content::Mapping { .. } => at,
        })
    }

    fn whole(&self) -> Place {
        self.number.map_or(Place::File, Place::Override)
    }

    fn place(&self, mark: &Marker) -> Place {
        match self.number {
            Some(number) => Place::Override(number),
            None => Place::Text { line: mark.line().max(1), column: mark.col() + 1 },
        }
    }
}

fn options() -> Options {
    granit_parser::options! {
        disallow_directives: true,
        emit_comments: false,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    }
}

/// The reader's words, which may quote the input.
fn shorten_long(info: &str) -> String {
    info.chars().filter(|c| !c.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        read(text, &mut problems);
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn places_are_those_of_an_editor() {
        let mut problems = Vec::new();
        let root = read("a: 1\nb:\n  - [x, y]\n", &mut problems).expect("is YAML");
        let b = root.entry("b").expect("b is there");
        assert_eq!(b.place, Place::Text { line: 2, column: 1 });
        let Data::List(items) = &b.value.data else { panic!("a list") };
        assert_eq!(items[0].place, Place::Text { line: 3, column: 5 });
        let Data::List(items) = &items[0].data else { panic!("a list") };
        assert_eq!(items[1].place, Place::Text { line: 3, column: 9 });
    }

    #[test]
    fn a_bomb_of_anchors_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..9 {
            let many = vec![format!("*a{}", n - 1); 10].join(", ");
            text.push_str(&format!("a{n}: &a{n} [{many}]\n"));
        }
        let found = problems(&text);
        assert!(found[0].contains("found more than"), "{found:?}");
    }

    #[test]
    fn long_scalars_that_are_repeated_are_refused() {
        let long = "x".repeat(MAX_BYTES / 2);
        let many = vec!["*a"; 100].join(", ");
        let found = problems(&format!("a: &a {long}\nb: [{many}]\n"));
        assert!(found[0].contains("found more than"), "{found:?}");
    }

    #[test]
    fn an_alias_inside_its_own_anchor_is_refused() {
        assert_eq!(problems("a: &a [*a]").len(), 1);
    }

    #[test]
    fn deep_and_long_texts_are_refused() {
        assert_eq!(problems(&"[".repeat(100_000)).len(), 1);
        assert_eq!(problems(&"- ".repeat(100_000)).len(), 1);
        assert_eq!(problems(&"#".repeat(MAX_BYTES + 1)).len(), 1);
    }
}
