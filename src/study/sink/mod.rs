//! The receiver of a study: what arrives raw, what is put together, and an answer to the tester.
//!
//! ```text
//! tap (AF_PACKET)           every fragment, before the kernel puts it together ┐
//! UDP, raw TCP, raw ICMP    what the kernel put together, and the longest of   ├→ table → reply,
//!                           its fragments (IP_RECVFRAGSIZE)                    ┘   answer to a query
//! ```
//!
//! | file | what it knows |
//! |---|---|
//! | [`wire`] | replies, queries and answers |
//! | [`table`] | what was seen, bounded |
//! | `sockets`, `message`, `limit` | what it listens on; what TCP and ICMP would take; answers a second |
//! | [`log`] | the lines of the log |

mod limit;
pub mod log;
mod message;
mod sockets;
pub mod table;
pub mod wire;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use socket2::Socket;

use self::limit::Limit;
use self::message::{is_echo_request, is_right_tcp};
use self::sockets::{Kind, Listening, Sockets};
use self::table::Table;
use self::wire::{Answer, Query, Reply};
use super::tag::Tag;
use super::view::View;
use crate::error::{Error, Result};
use crate::frontend::ip::control::Control;
use crate::sys::errno::words;
use crate::sys::frame_socket::{ALL, FrameSocket};
use crate::sys::netns::Netns;
use crate::sys::raw_socket;
use crate::sys::{clock, poll};

/// Receive buffer of every socket: some thousand packets.
const BUFFER: u32 = 8 << 20;
/// How long a wait for packets lasts before the end is looked for.
const WAIT_MS: i32 = 50;
/// Packets that are read of one socket before the others get their turn.
const TURN: usize = 256;
/// No frame is longer: loopback has 65,536 bytes and headers.
const FRAME: usize = 1 << 17;

/// How a sink behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Port of UDP and TCP.
    pub port: u16,
    /// The address to listen on; None: all, of both families.
    pub address: Option<IpAddr>,
    /// Replies and answers a second at most, of all testers together.
    pub rate: u32,
}

/// What a sink counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Totals {
    /// Frames that the tap saw, of whatever.
    pub frames: u64,
    /// Of those, fragments, atomic ones included.
    pub fragments: u64,
    /// Frames with a tag.
    pub tagged: u64,
    /// Datagrams with a tag that reached a socket.
    pub datagrams: u64,
    /// Of those, the ones that were put together from fragments.
    pub reassembled: u64,
    /// TCP connections that were accepted.
    pub connections: u64,
    /// Replies sent.
    pub replies: u64,
    /// Queries answered.
    pub answers: u64,
    /// Replies and answers that the rate limit kept back.
    pub limited: u64,
    /// Datagrams that are nothing to a sink.
    pub ignored: u64,
    /// Packets that the sink's sockets had no room for.
    pub dropped: u64,
}

/// A datagram that reached a socket, for the log.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Delivered {
    /// The tester.
    pub from: IpAddr,
    /// `udp`, `tcp`, `icmp`.
    pub protocol: &'static str,
    /// Its study.
    pub study: u32,
    /// Its try.
    pub seq: u32,
    /// Which packet of a burst.
    pub index: u8,
    /// Its longest fragment; 0: it came whole.
    pub largest_fragment: u16,
    /// The fragments that the tap has seen of it, a bit each.
    pub tap: u64,
}

/// A sink that listens.
#[derive(Debug)]
pub struct Sink {
    tap: Option<FrameSocket>,
    why_no_tap: Option<String>,
    sockets: Vec<Listening>,
    accepting: Vec<Socket>,
    table: Table,
    limit: Limit,
    totals: Totals,
    /// What each socket has dropped so far, by its own counting.
    socket_drops: Vec<u32>,
    tap_drops: u32,
    buffer: Vec<u8>,
}

impl Sink {
    /// Opens the sockets, in the network namespace of the calling thread. Without CAP_NET_RAW there is
    /// no tap, and UDP alone is seen: the answers say so.
    ///
    /// # Errors
    /// A port that is taken; an address that this host does not have.
    pub fn open(options: &Options) -> Result<Self> {
        let Sockets { listening, accepting, missing } = Sockets::open(options)?;
        let tap = Netns::current()
            .and_then(|netns| FrameSocket::open(&netns, 0, ALL))
            .and_then(|tap| tap.set_receive_buffer(BUFFER).map(|()| tap));
        let (tap, why) = match tap {
            Ok(tap) => (Some(tap), missing),
            Err(error) => (None, Some(words(&error))),
        };
        Ok(Self {
            tap,
            why_no_tap: why,
            socket_drops: vec![0; listening.len()],
            sockets: listening,
            accepting,
            table: Table::default(),
            limit: Limit::new(options.rate),
            totals: Totals::default(),
            tap_drops: 0,
            buffer: vec![0; FRAME],
        })
    }

    /// Why the sink does not see everything, if it does not.
    pub fn blind(&self) -> Option<&str> {
        self.why_no_tap.as_deref()
    }

    /// What was counted so far.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Listens and answers until `stop` is set. `log` is told of every datagram that arrived.
    ///
    /// # Errors
    /// A socket that broke.
    pub fn serve(&mut self, stop: &AtomicBool, log: &mut dyn FnMut(&Delivered)) -> Result<Totals> {
        while !stop.load(Relaxed) {
            self.work(log)?;
        }
        Ok(self.totals)
    }

    /// Waits for packets, a twentieth of a second at most, and does what they ask for. `log` is told
    /// of every datagram that arrived.
    ///
    /// # Errors
    /// A socket that broke.
    pub fn work(&mut self, log: &mut dyn FnMut(&Delivered)) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let worked = self.wait().and_then(|()| self.turn(&mut buffer, log));
        self.buffer = buffer;
        worked.map_err(|error| Error::new("listen on", "the sink's sockets", words(&error)))
    }

    fn wait(&self) -> io::Result<()> {
        let tap = self.tap.as_ref().map(AsFd::as_fd);
        let sockets = self.sockets.iter().map(|listening| listening.socket.as_fd());
        let accepting = self.accepting.iter().map(AsFd::as_fd);
        let all: Vec<BorrowedFd<'_>> = tap.into_iter().chain(sockets).chain(accepting).collect();
        poll::readable(&all, WAIT_MS).map(|_| ())
    }

    fn turn(&mut self, buffer: &mut [u8], log: &mut dyn FnMut(&Delivered)) -> io::Result<()> {
        for at in 0..self.sockets.len() {
            for _ in 0..TURN {
                // What a socket gives was a frame before: the tap comes first.
                self.read_tap(buffer)?;
                if !self.read_socket(at, buffer, log)? {
                    break;
                }
            }
        }
        self.read_tap(buffer)?;
        for listener in &self.accepting {
            for _ in 0..TURN {
                match listener.accept() {
                    Ok(_) => self.totals.connections += 1,
                    Err(_) => break,
                }
            }
        }
        Ok(())
    }

    fn read_tap(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        let Some(tap) = &self.tap else { return Ok(()) };
        for _ in 0..TURN {
            let frame = match tap.try_receive(buffer) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                // An interface that went down: the others go on.
                Err(error) if error.raw_os_error() == Some(libc::ENETDOWN) => break,
                Err(error) => return Err(error),
            };
            self.totals.frames += 1;
            let Some(view) = View::of_frame(frame) else { continue };
            self.totals.fragments += u64::from(view.fragment.is_some());
            match (Tag::find(view.payload), view.fragment) {
                (Some(tag), _) => {
                    self.totals.tagged += 1;
                    self.table.tapped(view.src, &tag);
                }
                (None, Some(fragment)) => {
                    self.table.tapped_untagged(view.src, fragment.id, fragment.offset);
                }
                (None, None) => {}
            }
        }
        Ok(())
    }

    /// Whether there was something.
    fn read_socket(
        &mut self,
        at: usize,
        buffer: &mut [u8],
        log: &mut dyn FnMut(&Delivered),
    ) -> io::Result<bool> {
        let Listening { socket, kind, family } = &self.sockets[at];
        let (kind, family) = (*kind, *family);
        let mut control = [0; 256];
        let received = match raw_socket::receive(socket, buffer, &mut control, false) {
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            // The error of an answer that did not arrive.
            Err(error) if is_of_a_peer(&error) => return Ok(true),
            Err(error) => return Err(error),
        };
        let control = Control::parse(&control[..received.control_len.min(control.len())]);
        if let Some(dropped) = control.dropped {
            let before = std::mem::replace(&mut self.socket_drops[at], dropped);
            self.totals.dropped += u64::from(dropped.wrapping_sub(before));
        }
        let (Some(from), message) = (received.from, &buffer[..received.len]) else {
            return Ok(true);
        };
        if kind == Kind::Udp
            && let Some(query) = Query::parse(message)
        {
            self.answer(at, from, &query);
            return Ok(true);
        }
        // The raw ICMP socket hears the host's own answers and errors too, which quote.
        if kind == Kind::RawIcmp && !is_echo_request(family, message) {
            return Ok(true);
        }
        // A raw socket is given what TCP itself would discard.
        if kind == Kind::RawTcp && !is_right_tcp(family, message, from.ip(), &control) {
            return Ok(true);
        }
        let Some(tag) = Tag::find(message) else {
            self.totals.ignored += u64::from(kind == Kind::Udp);
            return Ok(true);
        };
        let largest = control.fragment_size.map_or(0, |size| size.min(65_535) as u16);
        self.totals.datagrams += 1;
        self.totals.reassembled += u64::from(largest > 0);
        let record = self.table.delivered(from.ip(), &tag, largest);
        if kind == Kind::Udp && self.may_answer() {
            let index = if tag.burst { tag.index } else { 0 };
            let reply = Reply { study: tag.study, seq: tag.seq, index, record };
            let sent = self.sockets[at].socket.send_to(&reply.bytes(), &from.into());
            self.totals.replies += u64::from(sent.is_ok());
        }
        log(&Delivered {
            from: from.ip(),
            protocol: kind.name(),
            study: tag.study,
            seq: tag.seq,
            index: tag.index,
            largest_fragment: largest,
            tap: record.tap,
        });
        Ok(true)
    }

    fn answer(&mut self, at: usize, to: SocketAddr, query: &Query) {
        if !self.may_answer() {
            return;
        }
        if let Some(tap) = &self.tap {
            // The kernel's count starts again with each reading.
            let dropped = tap.dropped().unwrap_or(0);
            self.tap_drops = self.tap_drops.saturating_add(dropped);
            self.totals.dropped += u64::from(dropped);
        }
        let answer = Answer {
            study: query.study,
            nonce: query.nonce,
            tap: self.tap.is_some(),
            dropped: u32::try_from(self.totals.dropped).unwrap_or(u32::MAX),
            entries: self.table.look_up(to.ip(), query),
        };
        let sent = self.sockets[at].socket.send_to(&answer.bytes(), &to.into());
        self.totals.answers += u64::from(sent.is_ok());
    }

    fn may_answer(&mut self) -> bool {
        let may = self.limit.take(clock::now());
        self.totals.limited += u64::from(!may);
        may
    }
}

fn is_of_a_peer(error: &io::Error) -> bool {
    let known = [libc::ECONNREFUSED, libc::EHOSTUNREACH, libc::ENETUNREACH, libc::EPROTO];
    error.raw_os_error().is_some_and(|code| known.contains(&code))
        || error.kind() == io::ErrorKind::Interrupted
}
