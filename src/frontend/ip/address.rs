//! From what was typed to an address, and from which address the kernel sends there.

use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::os::fd::AsFd;

use socket2::Socket;

use super::Family;
use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::raw_socket::number_option;

/// The first address of `host` (a name or an address, `fe80::1%eth0` too) of the family asked for,
/// in the order in which the system's resolver gives them (RFC 6724).
///
/// # Errors
/// When the name is unknown or has no address of that family.
pub fn resolve(host: &str, family: Option<Family>) -> Result<SocketAddr> {
    let failed = |cause: String| Error::new("find the address of", host, cause);
    // An address alone is never looked up.
    let mut addresses = (host, 0)
        .to_socket_addrs()
        .map_err(|error| failed(words(&error)).remedy("check the name"))?;
    addresses
        .find(|address| family.is_none_or(|family| Family::of(address.ip()) == family))
        .ok_or_else(|| {
            let version = if family == Some(Family::V6) { "6" } else { "4" };
            failed(format!("it has no IPv{version} address"))
        })
}

/// From where to send: of `-I`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum From {
    /// As the routes say.
    #[default]
    Any,
    /// An address of this host.
    Address(IpAddr),
    /// An interface.
    Interface(String),
}

impl std::str::FromStr for From {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Interface(text.to_owned()), Self::Address))
    }
}

/// The address from which the kernel sends to `destination`. Sends nothing.
///
/// # Errors
/// When there is no route, or no such interface or address.
pub fn source(destination: SocketAddr, from: &From) -> Result<IpAddr> {
    let local = |socket: &Socket| Ok(socket.local_addr()?.as_socket().map(|local| local.ip()));
    by_route(destination, from, local)
}

/// The MTU that the kernel has for the way to `destination`: the link's, or what it has learned of
/// the path. Sends nothing.
///
/// # Errors
/// As [`source`].
pub fn route_mtu(destination: SocketAddr, from: &From) -> Result<usize> {
    let (level, name) = match destination {
        SocketAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU),
        SocketAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU),
    };
    by_route(destination, from, |socket| {
        Ok(usize::try_from(number_option(socket.as_fd(), level, name)?).ok())
    })
}

/// What `ask` learns from a UDP socket that is connected to `destination`.
fn by_route<T>(
    destination: SocketAddr,
    from: &From,
    ask: impl Fn(&Socket) -> io::Result<Option<T>>,
) -> Result<T> {
    let find = || -> io::Result<T> {
        let any: SocketAddr = match (from, destination) {
            (From::Address(address), _) => (*address, 0).into(),
            (_, SocketAddr::V4(_)) => ([0; 4], 0).into(),
            (_, SocketAddr::V6(_)) => ([0u16; 8], 0).into(),
        };
        let socket = Socket::from(UdpSocket::bind(any)?);
        if let From::Interface(name) = from {
            socket.bind_device(Some(name.as_bytes()))?;
        }
        let mut destination = destination;
        // Port 0 cannot be connected to everywhere; 9 is discard, and nothing is sent to it.
        destination.set_port(9);
        socket.connect(&destination.into())?;
        ask(&socket)?.ok_or_else(|| io::ErrorKind::Unsupported.into())
    };
    find().map_err(|error| {
        let failed = Error::new("send to", destination.ip().to_string(), words(&error));
        match (error.kind(), from) {
            (_, From::Interface(name)) => failed.remedy(format!("look at ip route, and at {name}")),
            (io::ErrorKind::AddrNotAvailable, _) => failed.remedy("name an address of this host"),
            _ => failed.remedy("look at ip route"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_not_looked_up() {
        assert_eq!(resolve("127.0.0.1", None).unwrap(), "127.0.0.1:0".parse().unwrap());
        assert_eq!(resolve("::1", Some(Family::V6)).unwrap(), "[::1]:0".parse().unwrap());
        let error = resolve("::1", Some(Family::V4)).unwrap_err().to_string();
        assert_eq!(error, "cannot find the address of ::1: it has no IPv4 address");
    }

    #[test]
    fn an_interface_or_an_address() {
        assert_eq!("eth0".parse(), Ok(From::Interface("eth0".into())));
        assert_eq!("::1".parse(), Ok(From::Address("::1".parse().unwrap())));
    }

    #[test]
    fn loopback_is_reached_from_itself() {
        let to = "127.0.0.1:0".parse().unwrap();
        assert_eq!(source(to, &From::Any).unwrap(), to.ip());
        assert!(route_mtu(to, &From::Any).unwrap() >= 1280);
        assert!(source(to, &From::Interface("nosuch0".into())).is_err());
    }
}
