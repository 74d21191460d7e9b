//! TCP connections of clients.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};

use mio::Interest;
use mio::net::TcpStream;

use super::{FrontEnd, kind, token};
use crate::frontend::serve::dns::exchange::Asker;
use crate::frontend::serve::dns::stream::{self, Framer};

/// Queries of one connection that wait for an answer (RFC 7766 §6.2.1.1).
const MAX_WAITING: usize = 64;
/// Bytes of answers that a client may leave unread.
const MAX_UNREAD: usize = 1 << 20;
/// How long a connection may be idle (RFC 7766 §6.2.3).
const IDLE: u64 = 10_000_000_000;

/// A client's connection.
pub struct Connection {
    stream: TcpStream,
    address: SocketAddr,
    framer: Framer,
    out: Vec<u8>,
    written: usize,
    waiting: usize,
    /// Nothing is read before some of these have one.
    held: bool,
    /// The client sends no more.
    ended: bool,
    active_at: u64,
}

impl Connection {
    /// Writes as far as it goes.
    fn flush(&mut self) -> io::Result<()> {
        while self.written < self.out.len() {
            match self.stream.write(&self.out[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.written += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.out.clear();
        self.written = 0;
        Ok(())
    }

    fn unread(&self) -> usize {
        self.out.len() - self.written
    }

    /// Nothing is to be expected of it any more.
    fn done(&self) -> bool {
        self.ended && self.waiting == 0 && self.unread() == 0
    }
}

impl FrontEnd<'_> {
    pub(super) fn accept(&mut self, listener: usize, now: u64) {
        loop {
            let (mut stream, address) = match self.tcp[listener].0.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // None there, or no descriptor left: looked at again at the next tick.
                Err(_) => return,
            };
            self.totals.connections += 1;
            if self.connections.len() >= self.settings.max_connections as usize {
                self.totals.connections_refused += 1;
                continue;
            }
            self.numbers += 1;
            let interest = Interest::READABLE | Interest::WRITABLE;
            let token = token(kind::CONNECTION, self.numbers);
            if self.poll.registry().register(&mut stream, token, interest).is_err() {
                continue;
            }
            // Without it, an answer waits for the acknowledgement of the one before.
            let _ = stream.set_nodelay(true);
            let connection = Connection {
                stream,
                address,
                framer: Framer::default(),
                out: Vec::new(),
                written: 0,
                waiting: 0,
                held: false,
                ended: false,
                active_at: now,
            };
            self.connections.insert(self.numbers, connection);
        }
    }

    /// Something may be read, or written.
    pub(super) fn connection_ready(&mut self, n: usize, now: u64) {
        let Some(connection) = self.connections.get_mut(&n) else { return };
        if connection.flush().is_err() {
            self.connections.remove(&n);
            return;
        }
        self.read(n, now);
    }

    /// Reads and passes on queries, as many as may wait.
    fn read(&mut self, n: usize, now: u64) {
        let mut chunk = [0; 4096];
        loop {
            let Some(connection) = self.connections.get_mut(&n) else { return };
            if connection.waiting < MAX_WAITING
                && let Some(message) = connection.framer.take()
            {
                let message = message.to_vec();
                connection.waiting += 1;
                connection.active_at = now;
                let asker = Asker::Tcp(n, connection.address);
                self.totals.tcp_queries += 1;
                self.query(asker, &message, now);
                continue;
            }
            if connection.waiting >= MAX_WAITING {
                connection.held = true;
                return;
            }
            if connection.ended {
                break;
            }
            match connection.stream.read(&mut chunk) {
                Ok(0) => connection.ended = true,
                Ok(len) => {
                    connection.framer.push(&chunk[..len]);
                    connection.active_at = now;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.connections.remove(&n);
                    return;
                }
            }
        }
        if self.connections.get(&n).is_some_and(Connection::done) {
            self.connections.remove(&n);
        }
    }

    /// Sends an answer to a connection; one that has gone needs none.
    pub(super) fn write(&mut self, asker: Asker, message: &[u8], now: u64) {
        let Asker::Tcp(n, _) = asker else { return };
        let Some(connection) = self.connections.get_mut(&n) else { return };
        stream::frame(message, &mut connection.out);
        connection.active_at = now;
        connection.waiting = connection.waiting.saturating_sub(1);
        let resume = connection.waiting < MAX_WAITING && std::mem::take(&mut connection.held);
        if connection.flush().is_err() || connection.unread() > MAX_UNREAD || connection.done() {
            self.connections.remove(&n);
        } else if resume {
            self.resumed.push(n);
        }
    }

    /// A message that gets no answer: whoever sends that does not speak DNS.
    pub(super) fn forget(&mut self, asker: Asker) {
        let Asker::Tcp(n, _) = asker else { return };
        if let Some(connection) = self.connections.remove(&n) {
            let _ = connection.stream.shutdown(Shutdown::Both);
        }
    }

    /// Goes on with connections that waited until some of their queries were answered.
    pub(super) fn resume(&mut self, now: u64) {
        for n in std::mem::take(&mut self.resumed) {
            self.read(n, now);
        }
    }

    /// Closes what is idle.
    pub(super) fn close_idle(&mut self, now: u64) {
        self.connections.retain(|_, connection| {
            !connection.done() && now.saturating_sub(connection.active_at) < IDLE
        });
    }
}
