//! What is known of each client in the end.

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;

use super::clients::ClientPrefix;
use super::watch::{Outcome, Settled};

/// Clients that are remembered; those that come later are counted together.
const MOST: usize = 1 << 17;

/// Questions of one client that were answered in fragments, by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// The fragments arrived.
    pub arrived: u64,
    /// They did not.
    pub lost: u64,
    /// Some did.
    pub sometimes: u64,
    /// The question came again.
    pub asked_again: u64,
    /// Nothing more came.
    pub silent: u64,
    /// It cannot be told.
    pub unknown: u64,
}

impl Tally {
    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Arrived => self.arrived += 1,
            Outcome::Lost => self.lost += 1,
            Outcome::Sometimes => self.sometimes += 1,
            Outcome::AskedAgain => self.asked_again += 1,
            Outcome::Silent => self.silent += 1,
            Outcome::Unknown => self.unknown += 1,
            Outcome::NotFragmented => {}
        }
    }

    /// Whether the client receives fragments, as far as that is proved.
    pub fn receives(&self) -> &'static str {
        match (self.arrived + self.sometimes > 0, self.lost + self.sometimes > 0) {
            (true, true) => "sometimes",
            (true, false) => "always",
            // What followed silence may have arrived.
            (false, true) if self.silent == 0 => "never",
            _ => "unknown",
        }
    }
}

/// The line of a client.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename = "client")]
pub struct ClientLine {
    time: String,
    client: String,
    receives_fragments: &'static str,
    #[serde(flatten)]
    tally: Tally,
}

/// All clients, and all of them together.
#[derive(Debug, Default)]
pub struct Tallies {
    clients: HashMap<IpAddr, Tally>,
    /// Of all clients.
    pub all: Tally,
    /// Clients that were not remembered.
    forgotten: bool,
}

impl Tallies {
    /// An episode that is over.
    pub fn add(&mut self, settled: &Settled) {
        if settled.outcome == Outcome::NotFragmented {
            return;
        }
        self.all.add(settled.outcome);
        let client = settled.asked.client;
        if self.clients.len() >= MOST && !self.clients.contains_key(&client) {
            self.forgotten = true;
            return;
        }
        self.clients.entry(client).or_default().add(settled.outcome);
    }

    /// Clients by whether they receive fragments: always, sometimes, never, unknown.
    pub fn clients(&self) -> [(&'static str, u64); 4] {
        ["always", "sometimes", "never", "unknown"].map(|word| {
            let alike = self.clients.values().filter(|tally| tally.receives() == word);
            (word, alike.count() as u64)
        })
    }

    /// Whether there were more clients than are remembered.
    pub fn forgotten(&self) -> bool {
        self.forgotten
    }

    /// A line for each client, in the order of their addresses.
    pub fn lines(&self, prefix: ClientPrefix, time: &str) -> Vec<ClientLine> {
        let mut clients: Vec<_> = self.clients.iter().collect();
        clients.sort_unstable_by_key(|(client, _)| **client);
        let line = |(client, tally): (&IpAddr, &Tally)| ClientLine {
            time: time.to_owned(),
            client: prefix.text(*client),
            receives_fragments: tally.receives(),
            tally: *tally,
        };
        clients.into_iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_proved_is_said() {
        let receives = |arrived, lost, silent| Tally { arrived, lost, silent, ..Tally::default() };
        assert_eq!(receives(2, 0, 9).receives(), "always");
        assert_eq!(receives(0, 2, 0).receives(), "never");
        assert_eq!(receives(1, 1, 0).receives(), "sometimes");
        assert_eq!(receives(0, 0, 9).receives(), "unknown");
        assert_eq!(receives(0, 1, 1).receives(), "unknown");
        assert_eq!(Tally { sometimes: 1, ..Tally::default() }.receives(), "sometimes");
    }
}
