//! Echo requests on a raw or a ping socket.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::frontend::ip::address::From;
use crate::frontend::ip::heard::Heard;
use crate::frontend::ip::socket::{Kind, Listener};
use crate::sys::errno::words;
use crate::sys::{clock, poll};
use crate::wire::{icmp, icmpv6};

/// A socket that sends echo requests to one destination and hears what answers them.
#[derive(Debug)]
pub struct Network {
    listener: Listener,
    destination: SocketAddr,
    id: u16,
    buffer: Vec<u8>,
}

impl Network {
    /// Opens a raw socket, or a ping socket where that is not allowed. `id` is the identifier of
    /// the raw socket's echoes.
    ///
    /// # Errors
    /// When neither is allowed; when there is no such interface or address.
    pub fn open(destination: SocketAddr, from: &From, ttl: Option<u8>, id: u16) -> Result<Self> {
        let family = Family::of(destination.ip());
        let opened = match Listener::open(family, Kind::RawIcmp, from) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                Listener::open(family, Kind::Ping, from).map_err(|error| {
                    let failed = Error::new(
                        "open a ping socket to",
                        destination.ip().to_string(),
                        words(&error),
                    );
                    match error.kind() {
                        io::ErrorKind::PermissionDenied => failed.remedy(
                            "run it as root or with CAP_NET_RAW, or put your group into \
                             net.ipv4.ping_group_range",
                        ),
                        _ => failed,
                    }
                })?
            }
            other => other.map_err(|error| {
                let subject = format!("to {}", destination.ip());
                Error::new("open a raw socket", subject, words(&error)).remedy("look at -I")
            })?,
        };
        let failed =
            |error| Error::new("use the socket to", destination.ip().to_string(), words(&error));
        if let Some(ttl) = ttl {
            opened.set_hop_limit(ttl).map_err(failed)?;
        }
        let id = match opened.kind() {
            Kind::Ping => {
                let any = match destination {
                    SocketAddr::V4(_) => [0; 4].into(),
                    SocketAddr::V6(_) => [0u16; 8].into(),
                };
                opened.bind_any(any).map_err(failed)?
            }
            _ => id,
        };
        Ok(Self { listener: opened, destination, id, buffer: vec![0; 1 << 16] })
    }

    /// The identifier of its echoes.
    pub fn id(&self) -> u16 {
        self.id
    }

    /// How it sends, in words.
    pub fn socket(&self) -> &'static str {
        match self.listener.kind() {
            Kind::Ping => "ping socket (unprivileged)",
            _ => "raw socket",
        }
    }

    /// Sends a request; the time just before.
    ///
    /// # Errors
    /// The kernel's. An error of an earlier request that is pending on the socket is none.
    pub fn send(&self, index: u64, payload: &[u8]) -> (u64, io::Result<()>) {
        let mut message = vec![0; icmp::LEN];
        message.extend(payload);
        let (id, seq, code) = (self.id, index as u16, 0);
        match self.destination {
            SocketAddr::V4(_) => {
                icmp::Repr { message_type: icmp::ECHO_REQUEST, code, id, seq }.emit(&mut message);
            }
            // The checksum over the addresses is the kernel's work (RFC 3542 §3.1).
            SocketAddr::V6(_) => {
                icmpv6::Repr { message_type: icmpv6::ECHO_REQUEST, code, id, seq }
                    .emit(&mut message, 0);
            }
        }
        let at = clock::now();
        let send = || self.listener.socket().send_to(&message, &self.destination.into());
        let result = send().or_else(|error| {
            // An ICMP error that has come meanwhile fails the next call once; the error queue keeps
            // it.
            let taken = self.listener.socket().take_error().ok().flatten();
            if matches!(
                error.raw_os_error(),
                Some(libc::EHOSTUNREACH | libc::ECONNREFUSED | libc::EPROTO | libc::ENETUNREACH)
            ) || taken.is_some()
            {
                send()
            } else {
                Err(error)
            }
        });
        (at, result.map(drop))
    }

    /// The next thing heard; `None` when nothing was until `until`, or when a signal came.
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn hear(&mut self, until: u64) -> io::Result<Option<Heard>> {
        if let Some(heard) = self.listener.hear(&mut self.buffer)? {
            return Ok(Some(heard));
        }
        let left = until.saturating_sub(clock::now()).div_ceil(1_000_000);
        if left > 0 {
            poll::readable(
                &[self.listener.socket().as_fd()],
                i32::try_from(left).unwrap_or(i32::MAX),
            )?;
        }
        self.listener.hear(&mut self.buffer)
    }
}
