//! The way out of a raw socket: an address to send to such that the kernel puts the very MAC on the
//! frame that the packet was built with.
//!
//! The kernel looks up route and neighbour by the address that the socket is told, not by the packet's
//! destination, and for whole packets it takes a destination on the link for the next hop itself
//! (`FLOWI_FLAG_KNOWN_NH`, net/ipv4/raw.c and net/ipv6/raw.c). So one address serves all packets that
//! go to one MAC, whatever their destinations.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use super::programs::ETHERNET;
use crate::error::{Error, Result};
use crate::host::neighbour::{self, Entry};
use crate::sys::errno::words;
use crate::sys::netns::Netns;
use crate::sys::raw_socket::{SO_BINDTOIFINDEX, set_option};

/// How long a neighbour may take to answer the kernel.
const ANSWER: Duration = Duration::from_secs(3);
/// Between two looks at the kernel's table.
const LOOK: Duration = Duration::from_millis(20);
/// The discard port (RFC 863).
const DISCARD: u16 = 9;

/// Where a way has to lead.
pub(super) struct Wanted<'a> {
    /// The interface's namespace.
    pub netns: &'a Netns,
    /// The interface.
    pub interface: &'a str,
    /// Its index.
    pub index: u32,
    /// Its MAC.
    pub mac: [u8; 6],
    /// The Ethernet header of the packets.
    pub header: [u8; ETHERNET],
    /// The destination of one of them.
    pub destination: IpAddr,
    /// Whose they are, in messages: `streams[0]`.
    pub subject: String,
}

impl Wanted<'_> {
    /// Finds the address.
    ///
    /// # Errors
    /// MACs that the kernel would not write; no route; a neighbour that does not answer.
    pub fn find(&self) -> Result<SocketAddr> {
        let [to, from] = [&self.header[..6], &self.header[6..12]];
        if from != self.mac {
            let cause = format!(
                "the kernel would write the interface's MAC {} as source, not {}",
                shown(&self.mac),
                shown(from)
            );
            return Err(self
                .refused(cause)
                .remedy("leave ethernet.src out, or use another --engine"));
        }
        let is_group = to[0] & 1 == 1;
        if is_group {
            return self.group(to).map(|address| self.socket_address(address));
        }
        let entries = self.entries()?;
        if let Some(address) = self.known(&entries, to) {
            return Ok(self.socket_address(address));
        }
        let hop = self.hop(self.destination).map_err(|error| self.no_route(&error))?;
        let mac = match entries.iter().find(|entry| entry.address == hop) {
            Some(entry) => Some(entry.mac),
            // The kernel has not spoken with it lately.
            None => self.wake(hop).map_err(|error| self.no_route(&error))?,
        };
        match mac {
            Some(mac) if mac == *to => Ok(self.socket_address(self.destination)),
            Some(mac) => Err(self.other_mac(hop, &mac, to)),
            None => {
                let cause = format!(
                    "the next hop {hop} has no entry in the kernel's neighbour table, and does not \
                     answer"
                );
                Err(self.refused(cause).remedy(format!(
                    "is it there and up? Else ip neigh add {hop} lladdr {} dev {}, or use another \
                     --engine",
                    shown(to),
                    self.interface
                )))
            }
        }
    }

    fn group(&self, to: &[u8]) -> Result<IpAddr> {
        if neighbour::by_rule(self.destination).is_some_and(|mac| mac == *to) {
            return Ok(self.destination);
        }
        if to == [0xff; 6] && self.destination.is_ipv4() {
            return Ok(IpAddr::V4(Ipv4Addr::BROADCAST));
        }
        let cause = format!(
            "the kernel would not write the destination MAC {} for {}",
            shown(to),
            self.destination
        );
        Err(self.refused(cause).remedy("use another --engine"))
    }

    /// The kernel's neighbours on the interface.
    fn entries(&self) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        // The next hop of an IPv4 route may be an IPv6 neighbour (RFC 8950).
        for ipv6 in [false, true] {
            let found = neighbour::entries(self.netns, self.index, ipv6);
            entries.extend(found.map_err(|error| self.no_route(&error))?);
        }
        Ok(entries)
    }

    /// An address that leads to the MAC by what the kernel knows already.
    fn known(&self, entries: &[Entry], to: &[u8]) -> Option<IpAddr> {
        // The destination itself, where its next hop is the right one: the route by a gateway is kept,
        // and one to an address on the link made for each packet.
        if let Ok(hop) = self.hop(self.destination)
            && entries.iter().any(|entry| entry.address == hop && entry.mac == *to)
        {
            return Some(self.destination);
        }
        let same = entries.iter().filter(|entry| {
            entry.mac == *to && entry.address.is_ipv6() == self.destination.is_ipv6()
        });
        let mut usable = same.map(|entry| entry.address);
        usable.find(|&address| self.hop(address).is_ok_and(|hop| hop == address))
    }

    fn hop(&self, destination: IpAddr) -> io::Result<IpAddr> {
        neighbour::output_hop(self.netns, self.index, destination)
    }

    /// Has the kernel ask for a neighbour's MAC, by an empty datagram to its discard port.
    fn wake(&self, hop: IpAddr) -> io::Result<Option<[u8; 6]>> {
        let any: IpAddr = match hop {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let sent = self.netns.run(|| {
            let socket = UdpSocket::bind((any, 0))?;
            set_option(socket.as_fd(), libc::SOL_SOCKET, SO_BINDTOIFINDEX, self.index)?;
            let mut to = self.socket_address(hop);
            to.set_port(DISCARD);
            socket.send_to(&[], to)
        })?;
        sent?;
        let deadline = Instant::now() + ANSWER;
        loop {
            let entries = neighbour::entries(self.netns, self.index, hop.is_ipv6())?;
            if let Some(entry) = entries.iter().find(|entry| entry.address == hop) {
                return Ok(Some(entry.mac));
            }
            if Instant::now() >= deadline {
                return Ok(None);
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Port 0: IPv6's raw sockets take it for a protocol number.
    fn socket_address(&self, address: IpAddr) -> SocketAddr {
        match address {
            IpAddr::V4(address) => SocketAddr::from((address, 0)),
            IpAddr::V6(address) => {
                let local = address.is_unicast_link_local() || address.is_multicast();
                let scope = if local { self.index } else { 0 };
                SocketAddr::V6(SocketAddrV6::new(address, 0, 0, scope))
            }
        }
    }

    fn other_mac(&self, hop: IpAddr, mac: &[u8], to: &[u8]) -> Error {
        let cause = format!(
            "the kernel would write the destination MAC {} of its next hop {hop}, not {}",
            shown(mac),
            shown(to)
        );
        self.refused(cause).remedy(format!(
            "leave ethernet.dst and next_hop.mac out, enter the MAC (ip neigh replace {hop} lladdr {} \
             dev {}), or use another --engine",
            shown(to),
            self.interface
        ))
    }

    fn no_route(&self, error: &io::Error) -> Error {
        let cause = match error.raw_os_error() {
            Some(libc::EADDRINUSE) => {
                format!(
                    "{} is an address of this machine: the kernel would keep it",
                    self.destination
                )
            }
            _ => format!("the kernel has no way to {}: {}", self.destination, words(error)),
        };
        self.refused(cause).remedy(format!(
            "add a route by {} (ip route), or use another --engine",
            self.interface
        ))
    }

    fn refused(&self, cause: String) -> Error {
        let cause = format!("{}: {cause}", self.subject);
        Error::new("send by raw sockets on", self.interface, cause)
    }
}

fn shown(mac: &[u8]) -> String {
    mac.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":")
}
