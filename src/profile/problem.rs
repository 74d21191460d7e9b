//! What is wrong with a profile, and where: every problem of a text at once.

use std::fmt;

/// Problems shown at most; the rest is counted. A broken anchor can repeat one mistake without end.
const SHOWN: usize = 200;

/// Where something was written. Ordered as a reader goes: the whole file, its lines, `--set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The file as a whole.
    File,
    /// A place in the file's text; both from 1, the column in characters.
    Text {
        /// Line.
        line: usize,
        /// Column.
        column: usize,
    },
    /// The n-th `--set` of the command line, from 0.
    Override(usize),
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Where it was written.
    pub place: Place,
    /// The YAML path: `streams[0].rate`. Empty: the profile as a whole.
    pub path: String,
    /// What was found and what is allowed.
    pub message: String,
}

impl Problem {
    /// A problem told in one's own words. Control characters that the words quote are escaped.
    pub fn new(place: Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place, path: on_one_line(path.into()), message: on_one_line(message.into()) }
    }

    /// Something was found that is not allowed.
    pub fn found(
        place: Place,
        path: impl Into<String>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Self {
        Self::new(place, path, format!("found {found}, expected {expected}"))
    }

    /// Adds the known word that is nearest to what was written.
    #[must_use]
    pub fn hint(mut self, nearest: Option<&str>) -> Self {
        if let Some(nearest) = nearest {
            let nearest = shorten(nearest);
            self.message.push_str(&format!("; did you mean \"{nearest}\"?"));
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// All problems of one profile, by place. Displayed as a line for each:
/// `profiles/x.yaml:12:11: streams[0].rate: found "10 parsecs", expected …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileErrors {
    file: String,
    overrides: Vec<String>,
    problems: Vec<Problem>,
}

impl ProfileErrors {
    /// Sorts the problems of `file`, which was read with `overrides`, and leaves out repetitions.
    pub fn new(
        file: impl Into<String>,
        overrides: impl Into<Vec<String>>,
        mut problems: Vec<Problem>,
    ) -> Self {
        problems.sort();
        problems.dedup();
        Self { file: file.into(), overrides: overrides.into(), problems }
    }

    /// The problems, by place.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

impl fmt::Display for ProfileErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.problems.iter().take(SHOWN).enumerate() {
            if n > 0 {
                writeln!(f)?;
            }
            match problem.place {
                Place::File => write!(f, "{}", self.file)?,
                Place::Text { line, column } => write!(f, "{}:{line}:{column}", self.file)?,
                Place::Override(n) => {
                    let text = self.overrides.get(n).map_or("", String::as_str);
                    write!(f, "--set {}", shorten(text))?;
                }
            }
            write!(f, ": {problem}")?;
        }
        match self.problems.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n{}: and {more} problems more", self.file),
        }
    }
}

impl std::error::Error for ProfileErrors {}

/// A text from outside as a message may show it: on one line, without control characters, short.
pub fn shorten(text: &str) -> String {
    const MOST: usize = 60;
    let mut shown: String = text.chars().take(MOST).flat_map(char::escape_debug).collect();
    // escape_debug also escapes quotes, which stand in a message as they are.
    shown = shown.replace("\\\"", "\"").replace("\\'", "'");
    if text.chars().nth(MOST).is_some() {
        shown.push('…');
    }
    shown
}

fn on_one_line(text: String) -> String {
    if !text.contains(char::is_control) {
        return text;
    }
    let escape = |c: char| {
        if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(escape).collect()
}

/// The known word that is nearest to `word`, if it is near enough to be what was meant.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    if word.len() > 64 {
        return None;
    }
    let lower = word.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, candidate), candidate))
        .filter(|(distance, candidate)| {
            let longer = lower.chars().count().max(candidate.chars().count());
            *distance <= longer.div_ceil(3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_near() {
        assert_eq!(nearest("rte", ["size", "rate", "start"]), Some("rate"));
        assert_eq!(nearest("Duration", ["duration", "drain"]), Some("duration"));
        assert_eq!(nearest("banana", ["size", "rate", "start"]), None);
    }

    #[test]
    fn shown_text_is_short_and_on_one_line() {
        assert_eq!(shorten("a\nb\u{1b}[31m \"c\""), "a\\nb\\u{1b}[31m \"c\"");
        assert_eq!(shorten(&"x".repeat(100)).chars().count(), 61);
    }

    #[test]
    fn problems_stand_in_the_order_of_their_places() {
        let problem = |place| Problem::new(place, "seed", "found it");
        let errors = ProfileErrors::new(
            "a.yaml",
            vec!["seed=x".to_owned()],
            vec![
                problem(Place::Override(0)),
                problem(Place::Text { line: 10, column: 1 }),
                problem(Place::Text { line: 9, column: 7 }),
                problem(Place::File),
            ],
        );
        assert_eq!(
            errors.to_string(),
            "a.yaml: seed: found it\na.yaml:9:7: seed: found it\na.yaml:10:1: seed: found it\n\
             --set seed=x: seed: found it"
        );
    }
}
