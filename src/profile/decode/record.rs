//! A mapping with known keys. Asking for a key makes it known: what was not asked for when the
//! record closes is an unknown key, and the keys asked for are the hint.

use super::{At, Decoder, alternatives};
use crate::profile::path;
use crate::profile::problem::{Problem, nearest, shorten};
use crate::profile::units::Unit;
use crate::profile::yaml::Entry;

/// An open record.
pub(super) struct Record<'d, 'n> {
    pub decoder: &'d mut Decoder,
    at: &'d At<'n>,
    entries: &'n [Entry],
    asked: Vec<&'static str>,
    #[cfg(test)]
    name: String,
}

impl<'d, 'n> Record<'d, 'n> {
    pub fn open(
        decoder: &'d mut Decoder,
        at: &'d At<'n>,
        #[cfg_attr(not(test), expect(unused_variables))] name: &str,
        entries: &'n [Entry],
    ) -> Self {
        Self {
            decoder,
            at,
            entries,
            asked: Vec::new(),
            #[cfg(test)]
            name: name.to_owned(),
        }
    }

    /// The record's own place and path.
    pub fn at(&self) -> &'d At<'n> {
        self.at
    }

    /// The value under `key`, if there is one.
    pub fn get(&mut self, key: &'static str) -> Option<At<'n>> {
        self.asked.push(key);
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(At { node: &entry.value, path: path::key(&self.at.path, key) })
    }

    /// The value under `key`; without one, the record is told to need it.
    pub fn require(&mut self, key: &'static str, expected: &str) -> Option<At<'n>> {
        let value = self.get(key);
        if value.is_none() {
            self.missing(key, expected);
        }
        value
    }

    /// The record needs `key` and has it not.
    pub fn missing(&mut self, key: &str, expected: &str) {
        let path = path::key(&self.at.path, key);
        let place = self.at.node.place;
        self.decoder.problems.push(Problem::found(place, path, "nothing", expected));
    }

    /// The value under `key` as a unit.
    pub fn unit<T: Unit>(&mut self, key: &'static str) -> Option<T> {
        let at = self.get(key)?;
        self.decoder.unit(&at)
    }

    /// The value under `key` as a boolean.
    pub fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let at = self.get(key)?;
        self.decoder.boolean(&at)
    }

    /// The value under `key` as a whole number.
    pub fn integer(&mut self, key: &'static str, low: u64, high: u64) -> Option<u64> {
        let at = self.get(key)?;
        self.decoder.integer(&at, low, high)
    }

    /// Of keys that exclude each other, the ones that are there; a problem unless it is one.
    pub fn one_of(&mut self, values: &[(&'static str, &Option<At<'n>>)]) -> bool {
        let there: Vec<&str> =
            values.iter().filter(|(_, value)| value.is_some()).map(|(key, _)| *key).collect();
        if there.len() == 1 {
            return true;
        }
        let keys: Vec<&str> = values.iter().map(|(key, _)| *key).collect();
        let found = if there.is_empty() { "none".to_owned() } else { there.join(" and ") };
        self.decoder.refuse(self.at, found, format!("exactly one of {}", alternatives(&keys)));
        false
    }

    /// Keys that mean nothing here.
    pub fn only_with(&mut self, value: &Option<At<'n>>, key: &str, needs: &str) {
        if let Some(at) = value {
            self.decoder.refuse(at, format!("\"{key}\""), format!("it only beside {needs}"));
        }
    }

    /// Reports the keys that nobody asked for.
    pub fn close(self) {
        for entry in self.entries {
            if self.asked.contains(&entry.key.as_str()) {
                continue;
            }
            let hint = nearest(&entry.key, self.asked.iter().copied());
            let problem = Problem::found(
                entry.place,
                path::key(&self.at.path, &entry.key),
                format!("the unknown key \"{}\"", shorten(&entry.key)),
                format!("one of {}", alternatives(&self.asked)),
            );
            self.decoder.problems.push(problem.hint(hint));
        }
        #[cfg(test)]
        {
            let asked = self.asked.iter().map(|&key| key.to_owned());
            self.decoder.asked.entry(self.name).or_default().extend(asked);
        }
    }
}
