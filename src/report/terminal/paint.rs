//! Colours, widths and line breaks of a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::statement::Tone;

/// What a piece of text says by its colour. Nothing is said by colour alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tint {
    /// Text.
    #[default]
    Plain,
    /// Headings and names.
    Strong,
    /// What is there for completeness.
    Faint,
    /// As it should be.
    Good,
    /// To be looked at.
    Warn,
    /// Lost, failed.
    Bad,
}

impl From<Tone> for Tint {
    fn from(tone: Tone) -> Self {
        match tone {
            Tone::Plain => Self::Plain,
            Tone::Good => Self::Good,
            Tone::Warn => Self::Warn,
            Tone::Bad => Self::Bad,
        }
    }
}

/// `text` in the colour of `tint` (ECMA-48 SGR), or as it is without `color`.
pub fn paint(text: &str, tint: Tint, color: bool) -> String {
    let code = match tint {
        Tint::Plain => return text.to_owned(),
        Tint::Strong => "1",
        Tint::Faint => "2",
        Tint::Good => "32",
        Tint::Warn => "33",
        Tint::Bad => "31",
    };
    if color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// A word in a box of the colour of `tint`; without `color` the word alone.
pub fn badge(word: &str, tint: Tint, color: bool) -> String {
    let code = match tint {
        Tint::Good => "1;7;32",
        Tint::Warn => "1;7;33",
        Tint::Bad => "1;7;31",
        Tint::Plain | Tint::Strong | Tint::Faint => "1;7",
    };
    if color { format!("\x1b[{code}m {word} \x1b[0m") } else { word.to_owned() }
}

/// Columns that `text` takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Names and messages come from files and devices: line ends and tabs become spaces, other control
/// characters U+FFFD, so that none of them steers the terminal.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            // Direction marks could show a number reversed.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// `text` in at most `limit` columns; what is too long loses its middle to `…`, for beginnings and
/// ends tell names apart.
pub fn shorten(text: &str, limit: usize) -> String {
    if width(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(1);
    let head = fitting(text.chars(), room.div_ceil(2));
    let tail: String = fitting(text.chars().rev(), room / 2).chars().rev().collect();
    format!("{head}…{tail}")
}

/// As many characters as fit into `limit` columns.
fn fitting(chars: impl Iterator<Item = char>, limit: usize) -> String {
    let mut used = 0;
    chars
        .take_while(|c| {
            used += c.width().unwrap_or(0);
            used <= limit
        })
        .collect()
}

/// The words of a text, a number with its unit as one.
fn glued(text: &str) -> Vec<String> {
    let is_unit = |word: &str| {
        let word = word.trim_end_matches([',', ';', '.', ':', ')']);
        matches!(word, "%" | "ns" | "µs" | "ms" | "s" | "B" | "packets")
            || word.ends_with("pps")
            || word.ends_with("bit/s")
    };
    let mut words: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match words.last_mut() {
            Some(number) if is_unit(word) && number.ends_with(|c: char| c.is_ascii_digit()) => {
                number.push(' ');
                number.push_str(word);
            }
            _ => words.push(word.to_owned()),
        }
    }
    words
}

/// Breaks `text` at spaces into lines of at most `limit` columns, but not between a number and its
/// unit. A word that is longer than a line is cut.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in glued(text) {
        let mut word = word.as_str();
        if !line.is_empty() && width(&line) + 1 + width(word) <= limit {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > limit {
            let mut part = fitting(word.chars(), limit);
            if part.is_empty() {
                // One character that is wider than the line.
                part = word.chars().take(1).collect();
            }
            word = &word[part.len()..];
            lines.push(part);
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(shorten("short", 5), "short");
        assert_eq!(shorten("customer-a-ipv6-1518", 11), "custo…-1518");
        assert_eq!(shorten("日本語日本語", 7), "日…語");
        assert_eq!(shorten("abc", 1), "…");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\nc\u{202e}"), "a\u{fffd}[31mb c\u{fffd}");
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrap("one two  three", 7), ["one two", "three"]);
        assert_eq!(wrap("lost 0.1 %, not 1 %", 8), ["lost", "0.1 %,", "not 1 %"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert!(wrap("", 10).is_empty());
    }

    proptest! {
        #[test]
        fn no_line_is_too_long_and_no_word_is_lost(text in "[a-zé日 ]{0,80}", limit in 2..40_usize) {
            let lines = wrap(&text, limit);
            prop_assert!(lines.iter().all(|line| width(line) <= limit));
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }

        #[test]
        fn shortened_names_fit(text in "\\PC{0,40}", limit in 1..40_usize) {
            prop_assert!(width(&shorten(&text, limit)) <= limit);
        }
    }
}
