//! Queries that wait for a server. Bounded, told the time, without I/O.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use super::message::Query;

/// Where an answer goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// To this address, from listener number `.0`.
    Udp(usize, SocketAddr),
    /// To connection number `.0` of this client.
    Tcp(usize, SocketAddr),
}

impl Asker {
    /// The client's address.
    pub fn address(&self) -> SocketAddr {
        let (Self::Udp(_, address) | Self::Tcp(_, address)) = self;
        *address
    }
}

/// A query that waits: under which socket and identification it was passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Slot {
    /// Number of the socket.
    pub socket: usize,
    /// Identification on that socket.
    pub id: u16,
}

/// A query that waits for a server.
#[derive(Clone, Debug)]
pub struct Pending {
    /// Who asked.
    pub asker: Asker,
    /// What, in the client's words.
    pub message: Box<[u8]>,
    /// What that says.
    pub query: Query,
    /// It is to be answered whole.
    pub whole: bool,
    /// How often it was sent to a server.
    pub tries: u32,
    /// When it came.
    pub asked_at: u64,
    /// It is asked by TCP now: the answer by UDP was cut short.
    pub by_tcp: bool,
    /// Tells apart what waits under the same slot at different times.
    number: u64,
}

/// All queries that wait.
#[derive(Debug)]
pub struct Exchange {
    most: usize,
    timeout: u64,
    pending: HashMap<Slot, Pending>,
    askers: HashMap<(Asker, u16), Slot>,
    /// All wait equally long: the first in is the first due.
    deadlines: VecDeque<(u64, Slot, u64)>,
    count: u64,
}

impl Exchange {
    /// Room for `most` queries, each of which waits `timeout` nanoseconds for a server.
    pub fn new(most: usize, timeout: u64) -> Self {
        Self {
            most,
            timeout,
            pending: HashMap::new(),
            askers: HashMap::new(),
            deadlines: VecDeque::new(),
            count: 0,
        }
    }

    /// Queries that wait.
    pub fn len(&self) -> usize {
        self.pending.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    /// Whether there is room for another one.
    pub fn has_room(&self) -> bool {
        self.pending.len() < self.most
    }

    /// Whether the same client waits for the answer to the same question with the same
    /// identification: it sent it again before there was an answer.
    pub fn waits(&self, asker: Asker, query: &Query) -> bool {
        let slot = self.askers.get(&(asker, query.id));
        slot.and_then(|slot| self.pending.get(slot))
            .is_some_and(|pending| pending.query.question == query.question)
    }

    /// A query that came at `now`.
    pub fn new_query(
        &self,
        asker: Asker,
        message: &[u8],
        query: Query,
        whole: bool,
        now: u64,
    ) -> Pending {
        Pending {
            asker,
            message: message.into(),
            query,
            whole,
            tries: 0,
            asked_at: now,
            by_tcp: false,
            number: 0,
        }
    }

    /// Has a query wait under a free slot of `socket`, drawn by `draw`. Counts a try.
    ///
    /// # Errors
    /// The query, where there is no room.
    pub fn insert(
        &mut self,
        mut pending: Pending,
        socket: usize,
        draw: u64,
        now: u64,
    ) -> Result<Slot, Box<Pending>> {
        if !self.has_room() {
            return Err(Box::new(pending));
        }
        // A socket has few of its 65,536 identifications in use: some of these are free.
        let mut free =
            (0..64u64).map(|n| Slot { socket, id: (draw.rotate_right(n as u32) ^ n) as u16 });
        let Some(slot) = free.find(|slot| !self.pending.contains_key(slot)) else {
            return Err(Box::new(pending));
        };
        if self.deadlines.len() > self.most * 4 + 1024 {
            let pending = &self.pending;
            self.deadlines.retain(|(_, slot, number)| {
                pending.get(slot).is_some_and(|pending| pending.number == *number)
            });
        }
        self.count += 1;
        pending.number = self.count;
        pending.tries += 1;
        pending.by_tcp = false;
        self.deadlines.push_back((now + self.timeout, slot, pending.number));
        self.askers.insert((pending.asker, pending.query.id), slot);
        self.pending.insert(slot, pending);
        Ok(slot)
    }

    /// What waits under a slot.
    pub fn get(&self, slot: Slot) -> Option<&Pending> {
        self.pending.get(&slot)
    }

    /// Has a query wait for its answer by TCP from now on, as long again.
    pub fn by_tcp(&mut self, slot: Slot, now: u64) {
        if let Some(pending) = self.pending.get_mut(&slot) {
            self.count += 1;
            pending.number = self.count;
            pending.by_tcp = true;
            self.deadlines.push_back((now + self.timeout, slot, pending.number));
        }
    }

    /// Takes out what waits under a slot.
    pub fn remove(&mut self, slot: Slot) -> Option<Pending> {
        let pending = self.pending.remove(&slot)?;
        let asker = (pending.asker, pending.query.id);
        if self.askers.get(&asker) == Some(&slot) {
            self.askers.remove(&asker);
        }
        Some(pending)
    }

    /// The next query that has waited long enough.
    pub fn expired(&mut self, now: u64) -> Option<Slot> {
        while let Some(&(deadline, slot, number)) = self.deadlines.front() {
            let current = self.pending.get(&slot).is_some_and(|pending| pending.number == number);
            if current && deadline > now {
                return None;
            }
            self.deadlines.pop_front();
            if current {
                return Some(slot);
            }
        }
        None
    }

    /// When the first of them will have.
    pub fn next_deadline(&self) -> Option<u64> {
        self.deadlines.front().map(|(deadline, ..)| *deadline)
    }
}

#[cfg(test)]
#[path = "exchange_tests.rs"]
mod tests;
