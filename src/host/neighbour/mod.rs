//! The MAC of the next hop: from the kernel's table, by ARP, by neighbour discovery, from a
//! router's advertisement.

mod frames;
mod table;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, Instant};

use super::facts::LinkFacts;
use super::link;
use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::frame_socket::FrameSocket;
use crate::sys::netns::Netns;
use frames::Asker;

pub use table::{Entry, entries, interface_towards, next_hop, output_hop};

/// Questions per call, evenly over its time.
const TRIES: u32 = 4;

/// No frame of address resolution is longer than a full Ethernet frame.
const FRAME_BYTES: usize = 1600;

const BY_HAND: &str = "set the port's next_hop.mac in the profile (ports.tx.next_hop.mac)";

/// A router that advertises itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Router {
    /// Its link-local address.
    pub address: Ipv6Addr,
    /// Its MAC.
    pub mac: [u8; 6],
}

/// The MAC of `target` on the link of `interface`: from the kernel's table where the kernel is sure
/// of it, else by ARP or neighbour solicitation, asked up to four times within `timeout`.
/// Multicast and broadcast addresses have theirs by rule (RFC 1112 §6.4, RFC 2464 §7).
///
/// # Errors
/// When the interface is missing or down, CAP_NET_RAW is, or nobody answers.
pub fn resolve(
    netns: &Netns,
    interface: &str,
    target: IpAddr,
    timeout: Duration,
) -> Result<[u8; 6]> {
    if let Some(mac) = by_rule(target) {
        return Ok(mac);
    }
    let facts = ready(netns, interface)?;
    let operation = "resolve the MAC of";
    let subject = format!("{target} on {interface}");
    let known = table::look_up(netns, facts.index, target)
        .map_err(|error| Error::new(operation, &subject, words(&error)))?;
    if let Some(mac) = known {
        return Ok(mac);
    }
    let (question, kind, name) = match target {
        IpAddr::V4(target) => {
            let asker = Asker { mac: facts.mac, address: source_v4(&facts, target) };
            (frames::arp_request(asker, target), frames::ARP, "ARP requests")
        }
        IpAddr::V6(target) => {
            let asker = Asker { mac: facts.mac, address: source_v6(&facts, target) };
            let question = frames::neighbour_solicitation(asker, target);
            (question, frames::IPV6, "neighbour solicitations")
        }
    };
    let answer = ask(netns, &facts, kind, &question, timeout, |frame| match target {
        IpAddr::V4(target) => frames::arp_answer(frame, target),
        IpAddr::V6(target) => frames::neighbour_answer(frame, target),
    });
    match answer {
        Ok(Some(mac)) => Ok(mac),
        Ok(None) => Err(Error::new(
            operation,
            subject,
            format!("no answer to {TRIES} {name} in {}", seconds(timeout)),
        )
        .remedy(format!("is it there and up? Else {BY_HAND}"))),
        Err(error) => Err(socket_error(operation, subject, &error)),
    }
}

/// The router that answers a router solicitation, or advertises itself unasked, within `timeout`.
///
/// # Errors
/// When the interface is missing or down, CAP_NET_RAW is, or no router advertises itself.
pub fn router_by_advertisement(
    netns: &Netns,
    interface: &str,
    timeout: Duration,
) -> Result<Router> {
    let facts = ready(netns, interface)?;
    let operation = "find an IPv6 router on";
    let asker = Asker { mac: facts.mac, address: link_local(&facts) };
    let question = frames::router_solicitation(asker);
    match ask(netns, &facts, frames::IPV6, &question, timeout, frames::router_answer) {
        Ok(Some((address, mac))) => Ok(Router { address, mac }),
        Ok(None) => Err(Error::new(
            operation,
            interface,
            format!("no advertisement after {TRIES} router solicitations in {}", seconds(timeout)),
        )
        .remedy(format!("set the port's next_hop.ipv6, or {BY_HAND}"))),
        Err(error) => Err(socket_error(operation, interface.to_owned(), &error)),
    }
}

/// Asks up to [`TRIES`] times for the first frame that `parse` takes.
fn ask<T>(
    netns: &Netns,
    facts: &LinkFacts,
    ether_type: u16,
    question: &[u8],
    timeout: Duration,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> io::Result<Option<T>> {
    let socket = FrameSocket::open(netns, facts.index, ether_type)?;
    let started = Instant::now();
    let mut buffer = [0; FRAME_BYTES];
    for round in 1..=TRIES {
        socket.send(question)?;
        let deadline = started + timeout * round / TRIES;
        while let Some(frame) = socket.receive(&mut buffer, deadline)? {
            if let Some(answer) = parse(frame) {
                return Ok(Some(answer));
            }
        }
    }
    Ok(None)
}

/// The facts of an interface that can be asked on.
fn ready(netns: &Netns, interface: &str) -> Result<LinkFacts> {
    let facts = link::facts(netns, interface)?;
    if !facts.up {
        return Err(Error::new("resolve the next hop on", interface, "the link is down")
            .remedy(format!("ip link set dev {interface} up, and look for the cable")));
    }
    Ok(facts)
}

/// The MAC of a group or of broadcasts, which nobody has to be asked for (RFC 1112 §6.4, RFC 2464 §7).
pub fn by_rule(target: IpAddr) -> Option<[u8; 6]> {
    match target {
        IpAddr::V4(Ipv4Addr::BROADCAST) => Some([0xff; 6]),
        IpAddr::V4(group) if group.is_multicast() => {
            let [_, b, c, d] = group.octets();
            Some([0x01, 0x00, 0x5e, b & 0x7f, c, d])
        }
        IpAddr::V6(group) if group.is_multicast() => {
            let [.., a, b, c, d] = group.octets();
            Some([0x33, 0x33, a, b, c, d])
        }
        _ => None,
    }
}

/// The interface's address in the target's network, else its first.
fn source_v4(facts: &LinkFacts, target: Ipv4Addr) -> Option<Ipv4Addr> {
    let same = |(own, prefix): &&(Ipv4Addr, u8)| {
        let mask = u32::MAX.checked_shl(32 - u32::from(*prefix)).unwrap_or(0);
        own.to_bits() & mask == target.to_bits() & mask
    };
    facts.ipv4.iter().find(same).or(facts.ipv4.first()).map(|(own, _)| *own)
}

/// As [`source_v4`]; a link-local target is asked from a link-local address.
fn source_v6(facts: &LinkFacts, target: Ipv6Addr) -> Option<Ipv6Addr> {
    let same = |(own, prefix): &&(Ipv6Addr, u8)| {
        let mask = u128::MAX.checked_shl(128 - u32::from(*prefix)).unwrap_or(0);
        own.to_bits() & mask == target.to_bits() & mask
    };
    let on_link = facts.ipv6.iter().find(same).map(|(own, _)| *own);
    on_link.or_else(|| link_local(facts)).or_else(|| facts.ipv6.first().map(|(own, _)| *own))
}

fn link_local(facts: &LinkFacts) -> Option<Ipv6Addr> {
    facts.ipv6.iter().map(|(own, _)| *own).find(Ipv6Addr::is_unicast_link_local)
}

fn socket_error(operation: &str, subject: String, error: &io::Error) -> Error {
    let remedy = match error.raw_os_error() {
        Some(libc::EPERM) => format!("run as root (sudo) or with CAP_NET_RAW, or {BY_HAND}"),
        _ => BY_HAND.to_owned(),
    };
    Error::new(operation, subject, words(error)).remedy(remedy)
}

fn seconds(span: Duration) -> String {
    format!("{} s", span.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_have_their_mac_by_rule() {
        let mac = |address: &str| by_rule(address.parse().unwrap());
        assert_eq!(mac("255.255.255.255"), Some([0xff; 6]));
        assert_eq!(mac("239.129.2.3"), Some([1, 0, 0x5e, 1, 2, 3]));
        assert_eq!(mac("ff02::1:ff12:3456"), Some([0x33, 0x33, 0xff, 0x12, 0x34, 0x56]));
        assert_eq!(mac("198.18.0.1"), None);
        assert_eq!(mac("2001:2::1"), None);
    }

    #[test]
    fn the_source_is_in_the_targets_network() {
        let facts = LinkFacts {
            ipv4: vec![("10.0.0.1".parse().unwrap(), 8), ("198.18.0.2".parse().unwrap(), 15)],
            ipv6: vec![("2001:2::2".parse().unwrap(), 64), ("fe80::2".parse().unwrap(), 64)],
            ..LinkFacts::default()
        };
        let v4 = |target: &str| source_v4(&facts, target.parse().unwrap()).unwrap().to_string();
        assert_eq!(v4("198.19.1.1"), "198.18.0.2");
        assert_eq!(v4("192.0.2.1"), "10.0.0.1");
        let v6 = |target: &str| source_v6(&facts, target.parse().unwrap()).unwrap().to_string();
        assert_eq!(v6("2001:2::1"), "2001:2::2");
        assert_eq!(v6("fe80::1"), "fe80::2");
        assert_eq!(v6("2001:db8::1"), "fe80::2");
        assert_eq!(source_v6(&LinkFacts::default(), Ipv6Addr::LOCALHOST), None);
    }
}
