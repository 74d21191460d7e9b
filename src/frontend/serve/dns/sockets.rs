//! The sockets of a front end: where clients come, and to the servers behind.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::AsFd;

use mio::net::{TcpListener, UdpSocket};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};

use crate::error::{Error, Result};
use crate::host::facts::LinkFacts;
use crate::sys::errno::words;
use crate::sys::raw_socket::set_option;

/// Bytes that wait in a UDP socket, as far as the kernel allows.
const BUFFER: u32 = 4 << 20;
/// Connections that wait to be accepted.
const BACKLOG: i32 = 1024;

/// The addresses of an interface that queries are taken on: those asked for, else all but the
/// link-local ones.
///
/// # Errors
/// When there is none.
pub fn addresses(facts: &LinkFacts, wanted: &[IpAddr], port: u16) -> Result<Vec<SocketAddr>> {
    let with_scope = |address: Ipv6Addr| {
        let scope = if address.is_unicast_link_local() { facts.index } else { 0 };
        SocketAddr::V6(SocketAddrV6::new(address, port, 0, scope))
    };
    if !wanted.is_empty() {
        let listen = wanted.iter().map(|address| match address {
            IpAddr::V4(address) => SocketAddr::from((*address, port)),
            IpAddr::V6(address) => with_scope(*address),
        });
        return Ok(listen.collect());
    }
    let v4 = facts.ipv4.iter().map(|(address, _)| SocketAddr::from((*address, port)));
    let v6 = facts.ipv6.iter().map(|(address, _)| *address);
    let v6 = v6.filter(|address| !address.is_unicast_link_local()).map(with_scope);
    let all: Vec<_> = v6.chain(v4).collect();
    if all.is_empty() {
        return Err(Error::new("serve on", &facts.name, "it has no address")
            .remedy(format!("ip addr add …/64 dev {}", facts.name)));
    }
    Ok(all)
}

fn open(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// As large as the kernel allows (beyond its limit with CAP_NET_ADMIN); a smaller buffer is no error.
fn enlarge(socket: &Socket) {
    for (forced, asked) in
        [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
    {
        let set = |name| set_option(socket.as_fd(), libc::SOL_SOCKET, name, BUFFER);
        let _ = set(forced).or_else(|_| set(asked));
    }
}

/// A UDP socket that queries come on.
///
/// # Errors
/// When the port is taken or not allowed, or the address is not this host's.
pub fn listen_udp(address: SocketAddr) -> Result<UdpSocket> {
    let listen = || -> io::Result<UdpSocket> {
        let socket = open(address, Type::DGRAM, Protocol::UDP)?;
        enlarge(&socket);
        socket.bind(&SockAddr::from(address))?;
        Ok(UdpSocket::from_std(socket.into()))
    };
    listen().map_err(|error| refused("UDP", address, &error))
}

/// A TCP socket that connections come on.
///
/// # Errors
/// As [`listen_udp`].
pub fn listen_tcp(address: SocketAddr) -> Result<TcpListener> {
    let listen = || -> io::Result<TcpListener> {
        let socket = open(address, Type::STREAM, Protocol::TCP)?;
        socket.set_reuse_address(true)?;
        socket.bind(&SockAddr::from(address))?;
        socket.listen(BACKLOG)?;
        Ok(TcpListener::from_std(socket.into()))
    };
    listen().map_err(|error| refused("TCP", address, &error))
}

fn refused(protocol: &str, address: SocketAddr, error: &io::Error) -> Error {
    let failed = Error::new(format!("listen by {protocol} on"), address.to_string(), words(error));
    match error.kind() {
        io::ErrorKind::PermissionDenied => failed.remedy(
            "run as root (sudo), with CAP_NET_BIND_SERVICE (systemd: AmbientCapabilities=), or with \
             a --port above 1023",
        ),
        io::ErrorKind::AddrInUse => failed.remedy(
            "another server has it (ss -lnp): give that another address or port, or use --listen",
        ),
        io::ErrorKind::AddrNotAvailable => {
            failed.remedy("it is no address of this host: look at ip addr")
        }
        _ => failed,
    }
}

/// A UDP socket to a server, from a port that the kernel draws.
///
/// # Errors
/// When there is no route.
pub fn connect_udp(server: SocketAddr) -> Result<UdpSocket> {
    let connect = || -> io::Result<UdpSocket> {
        let socket = open(server, Type::DGRAM, Protocol::UDP)?;
        enlarge(&socket);
        socket.connect(&SockAddr::from(server))?;
        Ok(UdpSocket::from_std(socket.into()))
    };
    connect().map_err(|error| {
        Error::new("reach the server", server.to_string(), words(&error)).remedy("look at ip route")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_addresses_are_those_of_the_interface() {
        let facts = LinkFacts {
            name: "eth1".into(),
            index: 7,
            ipv4: vec![("198.18.0.2".parse().unwrap(), 15)],
            ipv6: vec![("2001:2::2".parse().unwrap(), 64), ("fe80::2".parse().unwrap(), 64)],
            ..LinkFacts::default()
        };
        let texts = |wanted: &[IpAddr]| -> Vec<String> {
            let found = addresses(&facts, wanted, 53).unwrap();
            found.iter().map(SocketAddr::to_string).collect()
        };
        assert_eq!(texts(&[]), ["[2001:2::2]:53", "198.18.0.2:53"]);
        assert_eq!(texts(&["fe80::2".parse().unwrap()]), ["[fe80::2%7]:53"]);
        let none = addresses(&LinkFacts { name: "eth2".into(), ..LinkFacts::default() }, &[], 53);
        assert!(none.unwrap_err().to_string().contains("it has no address"));
    }
}
