//! Where each part of a profile was written, for problems that show only later.

use std::fmt;
use std::sync::Arc;

use super::path;
use super::problem::{Place, Problem, ProfileErrors};
use super::yaml::{Data, Node};

/// The text that a profile was read from.
#[derive(Clone, Default)]
pub struct Origin {
    source: Option<Arc<Source>>,
    /// Per stream of the profile, the position at which it was written: pieces of a datagram share
    /// one. Empty: each stands where it was written.
    written: Arc<[usize]>,
}

struct Source {
    file: String,
    overrides: Vec<String>,
    root: Node,
}

impl Origin {
    /// Keeps what a profile was read from.
    pub(super) fn new(file: &str, overrides: &[String], root: Node) -> Self {
        let (file, overrides) = (file.to_owned(), overrides.to_vec());
        let source = Some(Arc::new(Source { file, overrides, root }));
        Self { source, written: Arc::default() }
    }

    /// Says where each stream of the profile was written.
    pub(super) fn set_written(&mut self, written: Vec<usize>) {
        self.written = written.into();
    }

    /// Where a stream was written among the streams.
    fn written(&self, stream: usize) -> usize {
        self.written.get(stream).copied().unwrap_or(stream)
    }

    /// The path of a stream.
    pub fn stream_path(&self, stream: usize) -> String {
        path::index("streams", self.written(stream))
    }

    /// The place of `path`, or of the nearest part around it that was written.
    pub fn place(&self, path: &str) -> Place {
        let (Some(source), Ok(steps)) = (&self.source, path::parse(path)) else {
            return self.root().map_or(Place::File, |root| root.place);
        };
        let mut node = &source.root;
        for step in steps {
            let next = match &node.data {
                Data::List(items) => path::position(items, &step).map(|index| &items[index]),
                _ => node.entry(&step).map(|entry| &entry.value),
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.place
    }

    /// The path of a stream's header: an Ethernet header that the profile left out is not counted.
    pub fn header_path(&self, stream: usize, header: usize, headers: usize, name: &str) -> String {
        let stream = self.written(stream);
        let written = self.root().and_then(|root| {
            let Data::List(streams) = &root.entry("streams")?.value.data else { return None };
            let Data::List(packet) = &streams.get(stream)?.entry("packet")?.value.data else {
                return None;
            };
            Some(packet.len())
        });
        let left_out = written.is_some_and(|written| written < headers);
        match header.checked_sub(usize::from(left_out)) {
            Some(header) => format!("streams[{stream}].packet[{header}].{name}"),
            None => format!("streams[{stream}].packet"),
        }
    }

    /// A problem at the place of `path`.
    pub fn problem(
        &self,
        path: impl Into<String>,
        found: impl fmt::Display,
        expected: impl fmt::Display,
    ) -> Problem {
        let path = path.into();
        Problem::found(self.place(&path), path, found, expected)
    }

    /// Problems of this profile, to be shown.
    pub fn errors(&self, problems: Vec<Problem>) -> ProfileErrors {
        match &self.source {
            Some(source) => {
                ProfileErrors::new(source.file.clone(), source.overrides.clone(), problems)
            }
            None => ProfileErrors::new("profile", Vec::new(), problems),
        }
    }

    fn root(&self) -> Option<&Node> {
        self.source.as_ref().map(|source| &source.root)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.source.as_ref().map(|source| source.file.as_str());
        f.debug_tuple("Origin").field(&file).finish()
    }
}
