//! The side of the servers: queries out, by UDP and by TCP where an answer is cut short.

use std::io::{self, Read, Write};
use std::net::SocketAddr;

use mio::net::{TcpStream, UdpSocket};
use mio::{Interest, Registry};

use super::{FrontEnd, TURN, kind, sockets, token};
use crate::error::{Error, Result};
use crate::frontend::serve::dns::exchange::{Asker, Pending, Slot};
use crate::frontend::serve::dns::message::{self, PLAIN_SIZE, Rcode};
use crate::frontend::serve::dns::stream::{self, Framer};
use crate::frontend::serve::dns::watch::Answer;
use crate::sys::errno::words;

/// Sockets to one server: identifications alone are too easily guessed.
const SOCKETS: usize = 4;
/// Queries by TCP at the same time.
const MAX_STREAMS: usize = 256;
/// Time-outs in a row after which a server is not the first to be asked.
const SILENT_AFTER: u32 = 5;
/// How long a silent server is left alone where there is another.
const REST: u64 = 2_000_000_000;

/// A server behind.
pub struct Server {
    pub address: SocketAddr,
    sockets: Vec<(UdpSocket, bool)>,
    timeouts: u32,
    rests_until: u64,
}

impl Server {
    /// Opens the sockets to server number `n`.
    pub fn open(address: SocketAddr, n: usize, registry: &Registry) -> Result<Self> {
        let mut all = Vec::with_capacity(SOCKETS);
        for socket in 0..SOCKETS {
            let mut opened = sockets::connect_udp(address)?;
            let token = token(kind::SERVER, n * SOCKETS + socket);
            registry
                .register(&mut opened, token, Interest::READABLE)
                .map_err(|error| Error::new("watch", address.to_string(), words(&error)))?;
            all.push((opened, false));
        }
        Ok(Self { address, sockets: all, timeouts: 0, rests_until: 0 })
    }

    /// Its sockets.
    pub fn sockets(&self) -> impl Iterator<Item = &UdpSocket> {
        self.sockets.iter().map(|(socket, _)| socket)
    }

    /// Whether answers wait.
    pub fn is_ready(&self) -> bool {
        self.sockets.iter().any(|(_, ready)| *ready)
    }
}

/// A query by TCP.
pub struct Stream {
    stream: TcpStream,
    slot: Slot,
    out: Vec<u8>,
    written: usize,
    framer: Framer,
}

impl FrontEnd<'_> {
    pub(super) fn server_ready(&mut self, n: usize) {
        self.servers[n / SOCKETS].sockets[n % SOCKETS].1 = true;
    }

    /// Sends a query to a server; the next one each time it is sent.
    pub(super) fn pass_on(&mut self, pending: Pending, now: u64) {
        if !self.exchange.has_room() {
            self.totals.overload += 1;
            self.fail(&pending, now);
            return;
        }
        let count = self.servers.len();
        let first = pending.tries as usize % count;
        let mut turns = (0..count).map(|n| (first + n) % count);
        let awake = turns.find(|n| self.servers[*n].rests_until <= now);
        let server = awake.unwrap_or(first);
        let draw = self.ids.draw();
        let socket = server * SOCKETS + (draw >> 32) as usize % SOCKETS;
        let retry = pending.tries > 0;
        let slot = match self.exchange.insert(pending, socket, draw, now) {
            Ok(slot) => slot,
            Err(pending) => {
                self.totals.overload += 1;
                self.fail(&pending, now);
                return;
            }
        };
        self.totals.server_queries += 1;
        self.totals.server_retries += u64::from(retry);
        self.scratch.clear();
        if let Some(pending) = self.exchange.get(slot) {
            self.scratch.extend(&pending.message);
        }
        if let Some(id) = self.scratch.first_chunk_mut::<2>() {
            *id = slot.id.to_be_bytes();
        }
        let socket = &self.servers[server].sockets[socket % SOCKETS].0;
        // The first call may tell of an ICMP error that an earlier query met.
        if socket.send(&self.scratch).is_err() {
            let _ = socket.send(&self.scratch);
        }
    }

    /// Tells a client that no server answered.
    pub(super) fn fail(&mut self, pending: &Pending, now: u64) {
        self.totals.servfail += 1;
        let answer = pending.query.empty_answer(&pending.message, Rcode::ServFail, false);
        self.reply(pending.asker, &answer, now);
        self.answered(pending, Answer::Failed, now);
    }

    pub(super) fn take_answers(&mut self, now: u64) {
        for n in 0..self.servers.len() * SOCKETS {
            let (server, socket) = (n / SOCKETS, n % SOCKETS);
            if !self.servers[server].sockets[socket].1 {
                continue;
            }
            let mut buffer = std::mem::take(&mut self.buffer);
            for _ in 0..TURN {
                match self.servers[server].sockets[socket].0.recv(&mut buffer) {
                    Ok(len) => self.server_said(n, &mut buffer[..len], now),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        self.servers[server].sockets[socket].1 = false;
                        break;
                    }
                    // An ICMP error of an earlier query: its time will run out.
                    Err(_) => {}
                }
            }
            self.buffer = buffer;
        }
    }

    fn server_said(&mut self, socket: usize, answer: &mut [u8], now: u64) {
        let Some(id) = answer.first_chunk::<2>().map(|id| u16::from_be_bytes(*id)) else {
            self.totals.stray += 1;
            return;
        };
        let slot = Slot { socket, id };
        let fits = |pending: &&Pending| {
            !pending.by_tcp && message::answers(answer, id, &pending.query.question)
        };
        let Some(pending) = self.exchange.get(slot).filter(fits) else {
            self.totals.stray += 1;
            return;
        };
        // A client that takes 512 bytes takes no more by UDP, whatever TCP would give.
        let wants_all = matches!(pending.asker, Asker::Tcp(..))
            || self.settings.ignore_buffer_size
            || pending.query.room() > usize::from(PLAIN_SIZE);
        let by_tcp = message::truncated(answer) && wants_all;
        self.heard_from(socket / SOCKETS);
        if by_tcp {
            self.exchange.by_tcp(slot, now);
            self.waiting_for_stream.push_back(slot);
            self.open_streams(now);
        } else if let Some(pending) = self.exchange.remove(slot) {
            self.deliver(&pending, answer, now);
        }
    }

    fn heard_from(&mut self, server: usize) {
        let state = &mut self.servers[server];
        let was_silent = state.timeouts >= SILENT_AFTER;
        (state.timeouts, state.rests_until) = (0, 0);
        if was_silent {
            self.server_state(server, "answers");
        }
    }

    /// Sends again what waited long enough, or gives up.
    pub(super) fn expire(&mut self, now: u64) {
        while let Some(slot) = self.exchange.expired(now) {
            let server = slot.socket / SOCKETS;
            let state = &mut self.servers[server];
            state.timeouts = state.timeouts.saturating_add(1);
            if state.timeouts >= SILENT_AFTER {
                state.rests_until = now + REST;
            }
            if state.timeouts == SILENT_AFTER {
                self.server_state(server, "silent");
            }
            self.try_again(slot, now);
        }
    }

    fn try_again(&mut self, slot: Slot, now: u64) {
        let Some(pending) = self.exchange.remove(slot) else { return };
        if pending.by_tcp {
            self.streams.retain(|_, stream| stream.slot != slot);
        }
        let gone = match pending.asker {
            Asker::Tcp(n, _) => !self.connections.contains_key(&n),
            Asker::Udp(..) => false,
        };
        if gone {
            return;
        }
        if pending.tries > self.settings.retries {
            self.fail(&pending, now);
        } else {
            self.pass_on(pending, now);
        }
    }

    /// Asks by TCP what waits for it, as far as there may be streams.
    fn open_streams(&mut self, now: u64) {
        while self.streams.len() < MAX_STREAMS {
            let Some(slot) = self.waiting_for_stream.pop_front() else { return };
            // It may have been given up meanwhile.
            let Some(pending) = self.exchange.get(slot).filter(|pending| pending.by_tcp) else {
                continue;
            };
            let mut message = pending.message.to_vec();
            if let Some(id) = message.first_chunk_mut::<2>() {
                *id = slot.id.to_be_bytes();
            }
            let mut out = Vec::with_capacity(message.len() + 2);
            stream::frame(&message, &mut out);
            self.totals.server_tcp += 1;
            self.numbers += 1;
            let number = self.numbers;
            let opened = TcpStream::connect(self.servers[slot.socket / SOCKETS].address).and_then(
                |mut stream| {
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    let token = token(kind::STREAM, number);
                    self.poll.registry().register(&mut stream, token, interest)?;
                    Ok(stream)
                },
            );
            match opened {
                Ok(stream) => {
                    let framer = Framer::default();
                    self.streams.insert(number, Stream { stream, slot, out, written: 0, framer });
                }
                Err(_) => self.try_again(slot, now),
            }
        }
    }

    pub(super) fn stream_ready(&mut self, number: usize, now: u64) {
        let Some(stream) = self.streams.get_mut(&number) else { return };
        let slot = stream.slot;
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = stream.go_on(&mut buffer);
        self.buffer = buffer;
        match result {
            Ok(None) => return,
            Ok(Some(mut answer)) => {
                self.streams.remove(&number);
                let fits = |pending: &&Pending| {
                    pending.by_tcp && message::answers(&answer, slot.id, &pending.query.question)
                };
                if self.exchange.get(slot).filter(fits).is_some() {
                    self.heard_from(slot.socket / SOCKETS);
                    if let Some(pending) = self.exchange.remove(slot) {
                        self.deliver(&pending, &mut answer, now);
                    }
                } else {
                    self.totals.stray += 1;
                    self.try_again(slot, now);
                }
            }
            Err(_) => {
                self.streams.remove(&number);
                self.try_again(slot, now);
            }
        }
        self.open_streams(now);
    }
}

impl Stream {
    /// Writes and reads as far as it goes; the answer, when it is whole.
    fn go_on(&mut self, buffer: &mut [u8]) -> io::Result<Option<Vec<u8>>> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.written += len,
                Err(error) if waits(&error) => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(len) => {
                    self.framer.push(&buffer[..len]);
                    if let Some(answer) = self.framer.take() {
                        return Ok(Some(answer.to_vec()));
                    }
                }
                Err(error) if waits(&error) => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Not now, or not yet connected.
fn waits(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::NotConnected)
}
