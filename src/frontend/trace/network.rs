//! Sends probes and hears what answers them: with raw sockets, or by what the kernel lets everybody
//! use.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::compose;
use super::matching::{Matched, matching};
use super::probe::{Flow, Probe, Protocol};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::frontend::ip::address::{self, From};
use crate::frontend::ip::socket::{Kind, Listener};
use crate::sys::errno::words;
use crate::sys::raw_socket::{IP_NODEFRAG, set_option};
use crate::sys::{clock, poll};
use crate::wire::udp;

/// What a network has to be able to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Plain packets: unprivileged sockets will do where they are of the protocol.
    Plain,
    /// Fragments and extension headers: raw sockets.
    Shapes,
}

/// How probes are sent.
#[derive(Debug)]
enum Sender {
    /// Whole IP packets, ours to the last byte.
    Raw(Socket),
    /// The first listener: a UDP or a ping socket.
    Unprivileged,
}

/// The sockets of a trace.
#[derive(Debug)]
pub struct Network {
    sender: Sender,
    listeners: Vec<Listener>,
    /// Holds the source port of TCP.
    _port: Option<Socket>,
    flow: Flow,
    destination: SocketAddr,
    buffer: Vec<u8>,
}

impl Network {
    /// Opens what `protocol` and `need` take. `key` is random: identifiers and the flow label come
    /// of it.
    ///
    /// # Errors
    /// Without CAP_NET_RAW, where that is needed; without a route; when there is no such interface
    /// or address.
    pub fn open(
        destination: SocketAddr,
        protocol: Protocol,
        port: u16,
        from: &From,
        need: Need,
        key: u64,
    ) -> Result<Self> {
        let family = Family::of(destination.ip());
        let src = address::source(destination, from)?;
        let mut flow = Flow {
            protocol,
            src,
            dst: destination.ip(),
            // Not 0, which a ping socket's kernel and some middleboxes take for none.
            src_port: (key as u16).max(1),
            dst_port: port,
            flow_label: (key >> 16) as u32 & 0xf_ffff,
            base: (key >> 32) as u32,
        };
        let opened = Listener::open(family, Kind::RawIcmp, from);
        let unprivileged =
            matches!(&opened, Err(error) if error.kind() == io::ErrorKind::PermissionDenied);
        if unprivileged && need == Need::Plain && protocol != Protocol::Tcp {
            let listener = unprivileged_socket(&flow, from)?;
            flow.src_port = listener.local_port();
            return Ok(Self {
                sender: Sender::Unprivileged,
                listeners: vec![listener],
                _port: None,
                flow,
                destination,
                buffer: vec![0; 1 << 16],
            });
        }
        let failed = |error: io::Error| {
            let failed =
                Error::new("open raw sockets to", destination.ip().to_string(), words(&error));
            match error.kind() {
                io::ErrorKind::PermissionDenied => failed.remedy(
                    "run it as root or with CAP_NET_RAW; plain --protocol udp needs neither",
                ),
                _ => failed.remedy("look at -I"),
            }
        };
        let mut listeners = vec![opened.map_err(failed)?];
        let mut held = None;
        match protocol {
            Protocol::Udp => {
                let udp = Listener::open(family, Kind::Udp, from).map_err(failed)?;
                flow.src_port = udp.bind_any(src).map_err(failed)?;
                listeners.push(udp);
            }
            Protocol::Tcp => {
                let (tcp, port) = hold_port(src).map_err(failed)?;
                (held, flow.src_port) = (Some(tcp), port);
                let answers = Listener::open(family, Kind::RawTcp, from).map_err(failed)?;
                // The kernel then gives it nobody else's segments.
                answers.socket().connect(&destination.into()).map_err(failed)?;
                listeners.push(answers);
            }
            Protocol::Icmp => {}
        }
        let sender = raw_sender(family, from).map_err(failed)?;
        let buffer = vec![0; 1 << 16];
        Ok(Self { sender: Sender::Raw(sender), listeners, _port: held, flow, destination, buffer })
    }

    /// What its probes have in common.
    pub fn flow(&self) -> &Flow {
        &self.flow
    }

    /// How it sends, in words.
    pub fn socket(&self) -> &'static str {
        match (&self.sender, self.flow.protocol) {
            (Sender::Raw(_), _) => "raw sockets",
            (_, Protocol::Icmp) => "ping socket (unprivileged)",
            _ => "UDP socket (unprivileged)",
        }
    }

    /// Sends a probe; the time just before.
    ///
    /// # Errors
    /// The kernel's: `EMSGSIZE` for a packet bigger than the link's MTU, `EPERM` where a local
    /// filter drops it.
    pub fn send(&self, probe: &Probe) -> (u64, io::Result<()>) {
        match &self.sender {
            Sender::Raw(socket) => {
                let packets = compose::packets(&self.flow, probe);
                let to = self.raw_destination();
                let at = clock::now();
                let send = |packet: &Vec<u8>| patiently(|| socket.send_to(packet, &to)).map(drop);
                (at, packets.iter().try_for_each(send))
            }
            Sender::Unprivileged => {
                let listener = &self.listeners[0];
                let size = probe.size.max(self.flow.min_size(probe.arm));
                let len = size - self.flow.family().header_len();
                let (message, port) = match self.flow.protocol {
                    Protocol::Udp => {
                        let payload = compose::udp_payload(probe.token, len - udp::LEN);
                        (payload, self.flow.dst_port)
                    }
                    _ => (compose::message(&self.flow, probe.token, len), 0),
                };
                let mut to = self.destination;
                to.set_port(port);
                let at = clock::now();
                let result = listener
                    .set_hop_limit(probe.hop)
                    .and_then(|()| patiently(|| listener.socket().send_to(&message, &to.into())));
                (at, result.map(drop))
            }
        }
    }

    /// A raw socket's address has no port: IPv6 takes it for a protocol.
    fn raw_destination(&self) -> socket2::SockAddr {
        let mut to = self.destination;
        to.set_port(0);
        to.into()
    }

    /// The next answer to one of our probes; `None` when there was none until `until`, or when
    /// something else was heard or a signal came.
    ///
    /// # Errors
    /// When a socket is broken.
    pub fn hear(&mut self, until: u64) -> io::Result<Option<Matched>> {
        if let Some(matched) = self.hear_now()? {
            return Ok(Some(matched));
        }
        let left = until.saturating_sub(clock::now()).div_ceil(1_000_000);
        if left == 0 {
            return Ok(None);
        }
        let fds: Vec<_> = self.listeners.iter().map(|listener| listener.socket().as_fd()).collect();
        poll::readable(&fds, i32::try_from(left).unwrap_or(i32::MAX))?;
        self.hear_now()
    }

    fn hear_now(&mut self) -> io::Result<Option<Matched>> {
        for listener in &self.listeners {
            while let Some(heard) = listener.hear(&mut self.buffer)? {
                if let Some(matched) = matching(&self.flow, &heard) {
                    return Ok(Some(matched));
                }
            }
        }
        Ok(None)
    }
}

/// Sends again where an ICMP error about an earlier packet failed the call, or where the device's
/// queue is full for a moment.
fn patiently(send: impl Fn() -> io::Result<usize>) -> io::Result<usize> {
    let mut tries = 0;
    loop {
        match send() {
            Err(error) if tries < 5 => match error.raw_os_error() {
                Some(libc::ENOBUFS | libc::EAGAIN) => std::thread::sleep(Duration::from_millis(1)),
                // What ICMP errors become (net/ipv4/icmp.c, icmp_err_convert; net/ipv6/icmp.c).
                Some(
                    libc::EHOSTUNREACH
                    | libc::ENETUNREACH
                    | libc::ECONNREFUSED
                    | libc::EPROTO
                    | libc::ENOPROTOOPT
                    | libc::EACCES
                    | libc::EHOSTDOWN
                    | libc::EOPNOTSUPP,
                ) => {}
                _ => return Err(error),
            },
            other => return other,
        }
        tries += 1;
    }
}

fn unprivileged_socket(flow: &Flow, from: &From) -> Result<Listener> {
    let kind = if flow.protocol == Protocol::Udp { Kind::Udp } else { Kind::Ping };
    let open = || {
        let listener = Listener::open(flow.family(), kind, from)?;
        listener.never_fragment()?;
        listener.bind_any(flow.src)?;
        Ok(listener)
    };
    open().map_err(|error: io::Error| {
        let failed = Error::new("open a socket to", flow.dst.to_string(), words(&error));
        match error.kind() {
            io::ErrorKind::PermissionDenied => failed.remedy(
                "use --protocol udp, run it as root or with CAP_NET_RAW, or put your group into \
                 net.ipv4.ping_group_range",
            ),
            _ => failed,
        }
    })
}

/// A TCP port that nobody else gets while the socket lives. It does not listen: the kernel resets
/// what answers our SYNs, so that no connection stays half open.
fn hold_port(src: std::net::IpAddr) -> io::Result<(Socket, u16)> {
    let domain = if src.is_ipv4() { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.bind(&SocketAddr::new(src, 0).into())?;
    let port = socket.local_addr()?.as_socket().map_or(0, |local| local.port());
    Ok((socket, port))
}

/// A raw socket that takes whole packets (raw(7), `IPPROTO_RAW`). IPv6's does so too, which RFC 3542
/// does not have.
fn raw_sender(family: Family, from: &From) -> io::Result<Socket> {
    let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::RAW, Some(libc::IPPROTO_RAW.into()))?;
    if family == Family::V4 {
        set_option(socket.as_fd(), libc::IPPROTO_IP, IP_NODEFRAG, 1u32)?;
    }
    if let From::Interface(name) = from {
        socket.bind_device(Some(name.as_bytes()))?;
    }
    Ok(socket)
}
