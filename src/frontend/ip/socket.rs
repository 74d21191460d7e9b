//! The sockets of ping and trace, and one way to listen to all of them.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, Socket, Type};

use super::Family;
use super::address::From;
use super::control::Control;
use super::error::IcmpError;
use super::heard::{self, Heard, Says};
use super::quote::{Quote, Transport, token};
use crate::sys::raw_socket::{self, ICMP_FILTER, ICMPV6_FILTER, SOL_RAW, set_option};
use crate::sys::{clock, pod};
use crate::wire::ip_protocol;

/// What a socket gives, so how its bytes are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Raw ICMP or ICMPv6: all of this host's messages of the types that were asked for. Needs
    /// CAP_NET_RAW.
    RawIcmp,
    /// Raw TCP. Needs CAP_NET_RAW.
    RawTcp,
    /// A ping socket (`SOCK_DGRAM` with ICMP): its own echoes and their errors. Needs the group to
    /// be in `net.ipv4.ping_group_range`.
    Ping,
    /// UDP with its error queue. Needs nothing.
    Udp,
}

/// A socket that listens.
#[derive(Debug)]
pub struct Listener {
    socket: Socket,
    family: Family,
    kind: Kind,
}

impl Listener {
    /// Opens a socket, bound as `from` says and not blocking.
    ///
    /// # Errors
    /// `EPERM` or `EACCES` where the right is missing; `ENODEV`, `EADDRNOTAVAIL` for `from`.
    pub fn open(family: Family, kind: Kind, from: &From) -> io::Result<Self> {
        let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
        let icmp = if family == Family::V4 { Protocol::ICMPV4 } else { Protocol::ICMPV6 };
        let (socket_type, protocol) = match kind {
            Kind::RawIcmp => (Type::RAW, icmp),
            Kind::RawTcp => (Type::RAW, Protocol::TCP),
            Kind::Ping => (Type::DGRAM, icmp),
            Kind::Udp => (Type::DGRAM, Protocol::UDP),
        };
        let socket = Socket::new(domain, socket_type, Some(protocol))?;
        socket.set_nonblocking(true)?;
        let listener = Self { socket, family, kind };
        listener.prepare()?;
        match from {
            From::Interface(name) => listener.socket.bind_device(Some(name.as_bytes()))?,
            From::Address(address) => {
                listener.socket.bind(&SocketAddr::new(*address, 0).into())?;
            }
            From::Any => {}
        }
        Ok(listener)
    }

    fn prepare(&self) -> io::Result<()> {
        const ON: u32 = 1;
        self.set(libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, ON)?;
        match (self.family, self.kind) {
            (Family::V4, Kind::RawIcmp) => {
                self.set(SOL_RAW, ICMP_FILTER, self.filter()[0])?;
            }
            (Family::V6, Kind::RawIcmp) => {
                self.set(libc::IPPROTO_ICMPV6, ICMPV6_FILTER, self.filter())?;
            }
            _ => {}
        }
        if self.has_error_queue() {
            match self.family {
                Family::V4 => {
                    self.set(libc::IPPROTO_IP, libc::IP_RECVERR, ON)?;
                    self.set(libc::IPPROTO_IP, libc::IP_RECVTTL, ON)?;
                }
                Family::V6 => self.set(libc::IPPROTO_IPV6, libc::IPV6_RECVERR, ON)?,
            }
        }
        if self.family == Family::V6 {
            self.socket.set_recv_hoplimit_v6(true)?;
        }
        Ok(())
    }

    /// What is sent on it goes out whole, or the kernel says that it is too big for the link; what
    /// the kernel has learned about the path does not matter (ip(7), `IP_PMTUDISC_PROBE`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn never_fragment(&self) -> io::Result<()> {
        let probe = libc::IP_PMTUDISC_PROBE as u32;
        match self.family {
            Family::V4 => self.set(libc::IPPROTO_IP, libc::IP_MTU_DISCOVER, probe),
            Family::V6 => self.set(libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER, probe),
        }
    }

    /// A bit a type that is not wanted.
    fn filter(&self) -> [u32; 8] {
        let mut blocked = [u32::MAX; 8];
        let wanted = IcmpError::types(self.family).iter().copied();
        for wanted in wanted.chain([IcmpError::echo_reply(self.family)]) {
            blocked[usize::from(wanted >> 5)] &= !(1 << (wanted & 31));
        }
        blocked
    }

    fn set<T: pod::Pod>(&self, level: libc::c_int, name: libc::c_int, value: T) -> io::Result<()> {
        set_option(self.socket.as_fd(), level, name, value)
    }

    fn has_error_queue(&self) -> bool {
        matches!(self.kind, Kind::Ping | Kind::Udp)
    }

    /// The socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// What it was opened as.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Its local port; of a ping socket the echo identifier. 0 before it is bound.
    pub fn local_port(&self) -> u16 {
        let local = self.socket.local_addr().ok().and_then(|local| local.as_socket());
        local.map_or(0, |local| local.port())
    }

    /// Gives it a port (a ping socket: an identifier) where it has none yet.
    ///
    /// # Errors
    /// When the address cannot be had.
    pub fn bind_any(&self, address: IpAddr) -> io::Result<u16> {
        if self.local_port() == 0 {
            self.socket.bind(&SocketAddr::new(address, 0).into())?;
        }
        Ok(self.local_port())
    }

    /// TTL or hop limit of what is sent on it.
    ///
    /// # Errors
    /// The kernel's, for 0.
    pub fn set_hop_limit(&self, hops: u8) -> io::Result<()> {
        match self.family {
            Family::V4 => self.socket.set_ttl_v4(u32::from(hops)),
            Family::V6 => self.socket.set_unicast_hops_v6(u32::from(hops)),
        }
    }

    /// The next packet that says something; `None` when nothing is there now. Packets that say
    /// nothing to us are passed over.
    ///
    /// # Errors
    /// When the socket is broken.
    pub fn hear(&self, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        let mut control = [0; 512];
        for errors in [true, false] {
            if errors && !self.has_error_queue() {
                continue;
            }
            loop {
                match raw_socket::receive(&self.socket, buffer, &mut control, errors) {
                    Ok(received) => {
                        let control = Control::parse(&control[..received.control_len]);
                        let bytes = &buffer[..received.len];
                        if let Some(heard) = self.read(bytes, &control, received.from, errors) {
                            return Ok(Some(heard));
                        }
                    }
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // The error of a packet of ours, which the error queue tells in full.
                    Err(_) if self.has_error_queue() && !errors => return self.hear_errors(buffer),
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(None)
    }

    fn hear_errors(&self, buffer: &mut [u8]) -> io::Result<Option<Heard>> {
        let mut control = [0; 512];
        match raw_socket::receive(&self.socket, buffer, &mut control, true) {
            Ok(received) => {
                let control = Control::parse(&control[..received.control_len]);
                Ok(self.read(&buffer[..received.len], &control, received.from, true))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(
        &self,
        bytes: &[u8],
        control: &Control,
        peer: Option<SocketAddr>,
        errors: bool,
    ) -> Option<Heard> {
        let at = match control.realtime {
            Some(realtime) => realtime.wrapping_add(clock::realtime_to_monotonic()),
            None => clock::now(),
        };
        let peer = peer?;
        if errors {
            let (error, from) = control.error?;
            let quote = self.quote_of_error_queue(bytes, peer);
            return Some(Heard {
                at,
                from: from?,
                ttl: control.ttl,
                says: Says::Error(error, quote),
            });
        }
        let (ttl, says) = match (self.family, self.kind) {
            (Family::V4, Kind::RawIcmp | Kind::RawTcp) => {
                let (ttl, says) = heard::raw_v4(bytes)?;
                (Some(ttl), says)
            }
            (family, Kind::RawIcmp | Kind::Ping) => (control.ttl, heard::icmp(family, bytes)?),
            (_, Kind::RawTcp) => (control.ttl, heard::tcp_answer(bytes)?),
            (_, Kind::Udp) => (control.ttl, Says::Udp(token(bytes))),
        };
        Some(Heard { at, from: peer.ip(), ttl, says })
    }

    /// The error queue gives the payload of the socket's packet, not its headers; but the packet
    /// is this socket's, and was sent to `dst`.
    fn quote_of_error_queue(&self, bytes: &[u8], dst: SocketAddr) -> Quote {
        let (protocol, transport) = match (self.kind, self.family) {
            (Kind::Udp, _) => {
                let (src, dst) = (self.local_port(), dst.port());
                (ip_protocol::UDP, Some(Transport::Udp { src, dst, token: token(bytes) }))
            }
            (_, Family::V4) => (ip_protocol::ICMP, Transport::parse(ip_protocol::ICMP, bytes)),
            (_, Family::V6) => (ip_protocol::ICMPV6, Transport::parse(ip_protocol::ICMPV6, bytes)),
        };
        let src = match dst.ip() {
            IpAddr::V4(_) => IpAddr::from([0; 4]),
            IpAddr::V6(_) => IpAddr::from([0u16; 8]),
        };
        Quote { dst: dst.ip(), src, protocol, id: None, offset: 0, transport }
    }
}
