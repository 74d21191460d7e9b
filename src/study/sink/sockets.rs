//! What a sink listens on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;

use socket2::{Domain, Protocol, Socket, Type};

use super::{BUFFER, Options};
use crate::error::{Error, Result};
use crate::frontend::ip::Family;
use crate::sys::errno::words;
use crate::sys::raw_socket::{IP_RECVFRAGSIZE, IPV6_RECVFRAGSIZE, set_option};

/// A socket that gives whole datagrams.
#[derive(Debug)]
pub(super) struct Listening {
    pub(super) socket: Socket,
    pub(super) kind: Kind,
    pub(super) family: Family,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Udp,
    RawTcp,
    RawIcmp,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::RawTcp => "tcp",
            Self::RawIcmp => "icmp",
        }
    }
}

/// All of them.
pub(super) struct Sockets {
    /// What gives whole datagrams.
    pub(super) listening: Vec<Listening>,
    /// What accepts TCP connections.
    pub(super) accepting: Vec<Socket>,
    /// Why the raw ones among them are not there.
    pub(super) missing: Option<String>,
}

impl Sockets {
    /// Opens them in the network namespace of the calling thread.
    pub(super) fn open(options: &Options) -> Result<Self> {
        let families: &[Family] = match options.address {
            Some(IpAddr::V4(_)) => &[Family::V4],
            Some(IpAddr::V6(_)) => &[Family::V6],
            None => &[Family::V6, Family::V4],
        };
        let mut listening = Vec::new();
        let mut accepting = Vec::new();
        let mut missing = None;
        for &family in families {
            let udp = match Listening::open(family, Kind::Udp, options) {
                Ok(udp) => udp,
                // A host without IPv6 still has IPv4.
                Err(error)
                    if options.address.is_none()
                        && error.raw_os_error() == Some(libc::EAFNOSUPPORT) =>
                {
                    continue;
                }
                Err(error) => return Err(cannot_listen("UDP", options, &error)),
            };
            listening.push(udp);
            let tcp = accept_on(family, options)
                .map_err(|error| cannot_listen("TCP", options, &error))?;
            accepting.push(tcp);
            for kind in [Kind::RawTcp, Kind::RawIcmp] {
                match Listening::open(family, kind, options) {
                    Ok(socket) => listening.push(socket),
                    Err(error) => missing = Some(words(&error)),
                }
            }
        }
        if listening.is_empty() {
            let error = io::Error::from_raw_os_error(libc::EAFNOSUPPORT);
            return Err(cannot_listen("UDP", options, &error));
        }
        Ok(Self { listening, accepting, missing })
    }
}

impl Listening {
    fn open(family: Family, kind: Kind, options: &Options) -> io::Result<Self> {
        let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
        let (socket_type, protocol) = match (kind, family) {
            (Kind::Udp, _) => (Type::DGRAM, Protocol::UDP),
            (Kind::RawTcp, _) => (Type::RAW, Protocol::TCP),
            (Kind::RawIcmp, Family::V4) => (Type::RAW, Protocol::ICMPV4),
            (Kind::RawIcmp, Family::V6) => (Type::RAW, Protocol::ICMPV6),
        };
        let socket = Socket::new(domain, socket_type, Some(protocol))?;
        socket.set_nonblocking(true)?;
        let fd = socket.as_fd();
        match family {
            Family::V4 => set_option(fd, libc::IPPROTO_IP, IP_RECVFRAGSIZE, 1_u32)?,
            Family::V6 => {
                // A raw socket has one family anyway, and refuses the option.
                if kind == Kind::Udp {
                    socket.set_only_v6(true)?;
                }
                set_option(fd, libc::IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1_u32)?;
                set_option(fd, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1_u32)?;
            }
        }
        set_option(fd, libc::SOL_SOCKET, libc::SO_RXQ_OVFL, 1_u32)?;
        let set = |name| set_option(fd, libc::SOL_SOCKET, name, BUFFER);
        set(libc::SO_RCVBUFFORCE).or_else(|_| set(libc::SO_RCVBUF))?;
        let port = if kind == Kind::Udp { options.port } else { 0 };
        socket.bind(&SocketAddr::new(address(family, options), port).into())?;
        Ok(Self { socket, kind, family })
    }
}

fn address(family: Family, options: &Options) -> IpAddr {
    options.address.unwrap_or(match family {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    })
}

fn accept_on(family: Family, options: &Options) -> io::Result<Socket> {
    let domain = if family == Family::V4 { Domain::IPV4 } else { Domain::IPV6 };
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if family == Family::V6 {
        socket.set_only_v6(true)?;
    }
    socket.bind(&SocketAddr::new(address(family, options), options.port).into())?;
    socket.listen(4096)?;
    Ok(socket)
}

fn cannot_listen(what: &str, options: &Options, error: &io::Error) -> Error {
    let subject = match options.address {
        Some(address) => format!("{what} port {} of {address}", options.port),
        None => format!("{what} port {}", options.port),
    };
    let failed = Error::new("listen on", subject, words(error));
    match error.raw_os_error() {
        Some(libc::EADDRINUSE) => failed.remedy("name another with --port"),
        Some(libc::EACCES | libc::EPERM) => {
            failed.remedy("ports below 1024 need CAP_NET_BIND_SERVICE; name another with --port")
        }
        Some(libc::EADDRNOTAVAIL) => failed.remedy("this host does not have that address"),
        _ => failed,
    }
}
