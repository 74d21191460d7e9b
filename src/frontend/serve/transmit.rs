//! Puts IP packets on a link, at once or after a gap. Never blocks: what cannot be sent now is kept
//! as far as there is room, or counted.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::fragment::{Pieces, destination};
use super::next_hop::{Gateways, Known, NextHops, lock};
use crate::error::{Error, Result};
use crate::host::link;
use crate::sys::clock;
use crate::sys::errno::words;
use crate::sys::frame_sender::FrameSender;
use crate::sys::netns::Netns;
use crate::units::Nanos;
use crate::wire::{ethernet, ethertype};

/// Packets that wait for their gap or for their next hop, at most of each.
const MAX_WAITING: usize = 1 << 15;
/// Threads that learn MACs: as many destinations that do not answer hold up nobody else.
const RESOLVERS: usize = 4;
/// Destinations whose MACs are being learned.
const QUESTIONS: usize = 1024;

/// What became of packets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Frames that the kernel took.
    pub sent: u64,
    /// Frames that the kernel did not take: the link is down, or its queue full.
    pub refused: u64,
    /// Packets whose next hop has no MAC that could be learned.
    pub unresolved: u64,
    /// Packets for which there was no room to wait.
    pub overflowed: u64,
    /// The last thing that went wrong.
    pub last_error: Option<String>,
}

/// A link that packets are sent on. Several threads may use it.
#[derive(Clone)]
pub struct Transmitter {
    shared: Arc<Shared>,
    questions: SyncSender<IpAddr>,
}

struct Shared {
    name: String,
    mtu: usize,
    mac: [u8; 6],
    sender: FrameSender,
    hops: NextHops,
    /// By the key of their next hop.
    parked: Mutex<Parked>,
    delayed: Mutex<Delayed>,
    due: Condvar,
    ended: AtomicBool,
    sent: AtomicU64,
    refused: AtomicU64,
    unresolved: AtomicU64,
    overflowed: AtomicU64,
    last_error: Mutex<Option<String>>,
}

/// The packets of a datagram, and the gap between them.
type Group = (Vec<Box<[u8]>>, Nanos);
/// When a packet is due, its number, the MAC that it goes to, its bytes.
type Due = Reverse<(u64, u64, [u8; 6], Box<[u8]>)>;

#[derive(Default)]
struct Parked {
    groups: HashMap<IpAddr, Vec<Group>>,
    packets: usize,
}

#[derive(Default)]
struct Delayed {
    /// (due, number): what is due at the same time goes in the order in which it came.
    queue: BinaryHeap<Due>,
    count: u64,
}

impl Transmitter {
    /// Opens a link of this thread's namespace.
    ///
    /// # Errors
    /// When the interface is missing or down, CAP_NET_RAW is, or a gateway that was named does not
    /// answer.
    pub fn open(interface: &str, gateways: Gateways) -> Result<Self> {
        let here = |cause: std::io::Error| Error::new("look at", interface, words(&cause));
        let netns = Netns::current().map_err(here)?;
        let facts = link::facts(&netns, interface)?;
        if !facts.up {
            return Err(Error::new("send on", interface, "the link is down")
                .remedy(format!("ip link set dev {interface} up, and look for the cable")));
        }
        let sender = FrameSender::open(facts.index).map_err(|error| {
            let failed = Error::new("open a packet socket on", interface, words(&error));
            match error.raw_os_error() {
                Some(libc::EPERM) => failed.remedy(
                    "run as root (sudo) or with CAP_NET_RAW (systemd: AmbientCapabilities=)",
                ),
                _ => failed,
            }
        })?;
        let (questions, asked) = sync_channel(QUESTIONS);
        let transmitter = Self {
            shared: Arc::new(Shared {
                name: interface.to_owned(),
                mtu: facts.mtu as usize,
                mac: facts.mac,
                sender,
                hops: NextHops::open(&netns, interface, gateways)?,
                parked: Mutex::default(),
                delayed: Mutex::default(),
                due: Condvar::new(),
                ended: AtomicBool::new(false),
                sent: AtomicU64::new(0),
                refused: AtomicU64::new(0),
                unresolved: AtomicU64::new(0),
                overflowed: AtomicU64::new(0),
                last_error: Mutex::default(),
            }),
            questions,
        };
        let asked = Arc::new(Mutex::new(asked));
        for _ in 0..RESOLVERS {
            let (shared, asked) = (transmitter.shared.clone(), asked.clone());
            thread::spawn(move || shared.resolve(&asked));
        }
        let shared = transmitter.shared.clone();
        thread::spawn(move || shared.send_when_due());
        Ok(transmitter)
    }

    /// The link's MTU: bytes of an IP packet.
    pub fn mtu(&self) -> usize {
        self.shared.mtu
    }

    /// The interface.
    pub fn interface(&self) -> &str {
        &self.shared.name
    }

    /// Sends the packets, which all have the same destination, `gap` apart. False when it is known
    /// that not all of them will be sent.
    pub fn send(&self, pieces: &Pieces, gap: Nanos) -> bool {
        let Some(destination) = pieces.packets().next().and_then(destination) else { return false };
        let key = self.shared.hops.key(destination);
        match self.shared.hops.look_up(key) {
            Known::Mac { mac, ask } => {
                let sent = self.shared.send(mac, pieces.packets(), gap);
                if ask {
                    self.ask(key);
                }
                sent
            }
            Known::Unknown => self.park(key, pieces, gap),
            Known::Silent => {
                self.shared.unresolved.fetch_add(pieces.packets().len() as u64, Relaxed);
                false
            }
        }
    }

    fn park(&self, key: IpAddr, pieces: &Pieces, gap: Nanos) -> bool {
        let count = pieces.packets().len();
        let mut parked = lock(&self.shared.parked);
        if parked.packets + count > MAX_WAITING {
            self.shared.overflowed.fetch_add(count as u64, Relaxed);
            return false;
        }
        parked.packets += count;
        let group = (pieces.packets().map(Box::from).collect(), gap);
        let groups = parked.groups.entry(key).or_default();
        groups.push(group);
        let first = groups.len() == 1;
        drop(parked);
        if first {
            self.ask(key);
        }
        true
    }

    fn ask(&self, key: IpAddr) {
        if let Err(TrySendError::Full(key) | TrySendError::Disconnected(key)) =
            self.questions.try_send(key)
        {
            self.shared.hops.learn(key, None);
            self.shared.release(key, None);
        }
    }

    /// What became of packets until now.
    pub fn counts(&self) -> Counts {
        let shared = &self.shared;
        Counts {
            sent: shared.sent.load(Relaxed),
            refused: shared.refused.load(Relaxed),
            unresolved: shared.unresolved.load(Relaxed),
            overflowed: shared.overflowed.load(Relaxed),
            last_error: lock(&shared.last_error).clone(),
        }
    }

    /// Waits until all gaps have passed, at most `most`.
    pub fn drain(&self, most: Duration) {
        let until = Instant::now() + most;
        while !lock(&self.shared.delayed).queue.is_empty() && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
    }

    /// Ends the threads; nothing more is sent after a gap.
    pub fn end(&self) {
        self.shared.ended.store(true, Relaxed);
        self.shared.due.notify_all();
    }
}

impl Shared {
    /// Sends the first packet now and the others each a gap later. False when one is not taken.
    fn send<'p>(
        &self,
        mac: [u8; 6],
        packets: impl ExactSizeIterator<Item = &'p [u8]>,
        gap: Nanos,
    ) -> bool {
        if gap.0 == 0 {
            return self.put(mac, packets);
        }
        let now = clock::now();
        let mut packets = packets.zip(0u64..);
        let mut sent = true;
        if let Some((first, _)) = packets.next() {
            sent = self.put(mac, std::iter::once(first));
        }
        let mut delayed = lock(&self.delayed);
        for (packet, n) in packets {
            if delayed.queue.len() >= MAX_WAITING {
                self.overflowed.fetch_add(1, Relaxed);
                sent = false;
                continue;
            }
            delayed.count += 1;
            let number = delayed.count;
            let due = now.saturating_add(gap.0.saturating_mul(n));
            delayed.queue.push(Reverse((due, number, mac, packet.into())));
        }
        drop(delayed);
        self.due.notify_one();
        sent
    }

    /// Hands packets to the kernel. False when it does not take all.
    fn put<'p>(&self, mac: [u8; 6], packets: impl ExactSizeIterator<Item = &'p [u8]>) -> bool {
        let mut packets = packets.peekable();
        let Some(first) = packets.peek() else { return true };
        let v6 = first.first().is_some_and(|byte| byte >> 4 == 6);
        let ethertype = if v6 { ethertype::IPV6 } else { ethertype::IPV4 };
        let mut header = [0; ethernet::LEN];
        ethernet::Repr { dst: mac, src: self.mac, ethertype }.emit(&mut header);
        let count = packets.len();
        let (sent, error) = self.sender.send(&header, packets);
        self.sent.fetch_add(sent as u64, Relaxed);
        if let Some(error) = error {
            // Half a datagram is nothing: the rest is not tried.
            self.refused.fetch_add((count - sent) as u64, Relaxed);
            self.tell(format!("cannot send on {}: {}", self.name, words(&error)));
        }
        sent == count
    }

    fn tell(&self, error: String) {
        *lock(&self.last_error) = Some(error);
    }

    /// A resolver's life.
    fn resolve(&self, asked: &Mutex<Receiver<IpAddr>>) {
        loop {
            let Ok(key) = lock(asked).recv() else { return };
            let mac = match self.hops.resolve(key) {
                Ok(mac) => Some(mac),
                Err(error) => {
                    self.tell(error.to_string());
                    None
                }
            };
            self.hops.learn(key, mac);
            self.release(key, mac);
        }
    }

    /// Sends what waited for a MAC; without one it is counted.
    fn release(&self, key: IpAddr, mac: Option<[u8; 6]>) {
        let mut parked = lock(&self.parked);
        let groups = parked.groups.remove(&key).unwrap_or_default();
        let count: usize = groups.iter().map(|(packets, _)| packets.len()).sum();
        parked.packets -= count;
        drop(parked);
        match mac {
            Some(mac) => {
                for (packets, gap) in groups {
                    self.send(mac, packets.iter().map(|packet| &packet[..]), gap);
                }
            }
            None => {
                self.unresolved.fetch_add(count as u64, Relaxed);
            }
        }
    }

    /// The life of the thread that sends after gaps.
    fn send_when_due(&self) {
        let mut delayed = lock(&self.delayed);
        while !self.ended.load(Relaxed) {
            let now = clock::now();
            let wait = match delayed.queue.peek() {
                None => Duration::from_secs(1),
                Some(Reverse((due, ..))) if *due > now => Duration::from_nanos(due - now),
                Some(_) => {
                    let next = delayed.queue.pop();
                    drop(delayed);
                    if let Some(Reverse((.., mac, packet))) = next {
                        self.put(mac, std::iter::once(&packet[..]));
                    }
                    delayed = lock(&self.delayed);
                    continue;
                }
            };
            delayed = match self.due.wait_timeout(delayed, wait) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
    }
}
