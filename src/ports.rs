//! A profile's ports, found on this machine or in the lab, and the addresses that headers take from
//! them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::host::facts::LinkFacts;
use crate::host::{link, neighbour};
use crate::lab::layout::Layout;
use crate::lab::{Lab, LabPort};
use crate::packet::Addressing;
use crate::packet::captured::{Captured, To, masked};
use crate::plan::PortFacts;
use crate::profile::model::{Attachment, Port, Profile, Stream};
use crate::profile::replay::{Replay, Rewritten};
use crate::sys::netns::Netns;
use crate::wire::field::ProtocolKind;

/// How long a neighbour may take to answer.
const NEIGHBOUR_TIMEOUT: Duration = Duration::from_secs(3);

/// A port of the profile, found.
#[derive(Clone, Debug)]
pub struct AttachedPort {
    /// Where its interface is.
    pub netns: Netns,
    /// What the interface is.
    pub facts: LinkFacts,
    /// Its place in the lab, if it is the lab's.
    pub lab: Option<LabPort>,
}

/// Finds every port of the profile.
///
/// # Errors
/// A port of the lab without a lab; an interface that is missing or down.
pub fn attach(profile: &Profile, lab: Option<&Lab>) -> Result<Vec<AttachedPort>> {
    profile.ports.iter().map(|port| attach_one(port, lab)).collect()
}

fn attach_one(port: &Port, lab: Option<&Lab>) -> Result<AttachedPort> {
    match &port.attachment {
        Attachment::Lab(role) => {
            let lab = lab.ok_or_else(|| no_lab(port))?;
            let place = lab.port(role).ok_or_else(|| no_role(port, role))?;
            let facts = link::facts(&place.netns, &place.interface)?;
            Ok(AttachedPort { netns: place.netns.clone(), facts, lab: Some(place) })
        }
        Attachment::Interface(name) => {
            let netns = Netns::current().map_err(|error| {
                Error::new("find the network namespace of", "this process", error)
            })?;
            let facts = link::facts(&netns, name)?;
            if !facts.up {
                return Err(Error::new("use", format!("interface {name}"), "the link is down")
                    .remedy(format!("ip link set {name} up, and check the cable")));
            }
            Ok(AttachedPort { netns, facts, lab: None })
        }
    }
}

fn no_lab(port: &Port) -> Error {
    Error::new("find", format!("ports.{}", port.name), "it is a port of a lab, and there is none")
        .remedy("add --lab router, or give the port an interface")
}

fn no_role(port: &Port, role: &str) -> Error {
    Error::new("find", format!("ports.{}.lab", port.name), format!("the lab has no port {role:?}"))
        .remedy("the lab's ports are tx and rx")
}

impl AttachedPort {
    /// What the plan has to know.
    pub fn plan_facts(&self, port: &Port) -> PortFacts {
        PortFacts {
            line_rate_bps: port.speed_bps.or(self.facts.speed_bps),
            tx_queues: self.facts.tx_queues,
        }
    }
}

/// The addresses for the headers of a stream, neighbours resolved.
///
/// # Errors
/// A next hop that does not answer; a route that does not exist.
pub fn addressing(
    profile: &Profile,
    stream: &Stream,
    ports: &[AttachedPort],
) -> Result<Addressing> {
    let settings = &profile.ports[stream.from];
    let from = &ports[stream.from];
    let to = stream.to.map(|to| &ports[to]);
    let mut addressing = Addressing {
        source_mac: from.facts.mac,
        source_ipv4: settings.ipv4.or_else(|| first(&from.facts.ipv4)),
        source_ipv6: settings.ipv6.or_else(|| first(&from.facts.ipv6)),
        ..Addressing::default()
    };
    if let (Some(port), Some(to)) = (stream.to, to) {
        addressing.destination_ipv4 = profile.ports[port].ipv4.or_else(|| first(&to.facts.ipv4));
        addressing.destination_ipv6 = profile.ports[port].ipv6.or_else(|| first(&to.facts.ipv6));
    }
    if let Some(mac) = settings.next_hop.mac {
        addressing.next_hop_mac_ipv4 = mac;
        addressing.next_hop_mac_ipv6 = mac;
        return Ok(addressing);
    }
    if let Some(mac) = from.lab.as_ref().and_then(|port| port.next_hop_mac) {
        addressing.next_hop_mac_ipv4 = mac;
        addressing.next_hop_mac_ipv6 = mac;
        return Ok(addressing);
    }
    if let Some(replay) = &stream.replay {
        let (ipv4, ipv6) = next_hops(replay, &addressing);
        if let Some(destination) = ipv4 {
            let hop = settings.next_hop.ipv4.map(IpAddr::V4);
            addressing.next_hop_mac_ipv4 = resolve(from, hop, destination)?;
        }
        if let Some(destination) = ipv6 {
            let hop = settings.next_hop.ipv6.map(IpAddr::V6);
            addressing.next_hop_mac_ipv6 = resolve(from, hop, destination)?;
        }
        return Ok(addressing);
    }
    match outer_destination(stream, &addressing) {
        Some(IpAddr::V4(destination)) => {
            let hop = settings.next_hop.ipv4.map(IpAddr::V4);
            addressing.next_hop_mac_ipv4 = resolve(from, hop, IpAddr::V4(destination))?;
        }
        Some(IpAddr::V6(destination)) => {
            let hop = settings.next_hop.ipv6.map(IpAddr::V6);
            addressing.next_hop_mac_ipv6 = resolve(from, hop, IpAddr::V6(destination))?;
        }
        None => {}
    }
    Ok(addressing)
}

/// The addresses that the headers of a stream take in the lab, without one: for dry runs. Ports on
/// interfaces have the addresses and the next hop that the profile gives them, or none.
pub fn dry_addressing(profile: &Profile, stream: &Stream) -> Addressing {
    let layout = profile.lab.as_ref().map(|lab| Layout::new(lab.topology, lab.mtu));
    let end_of = |port: usize| match &profile.ports[port].attachment {
        Attachment::Lab(role) => layout.as_ref()?.ends().find(|end| end.device == role).cloned(),
        Attachment::Interface(_) => None,
    };
    let settings = &profile.ports[stream.from];
    let end = end_of(stream.from);
    let peer = end.as_ref().and_then(|end| layout.as_ref()?.peer(end.device).map(|peer| peer.mac));
    let next_hop = settings.next_hop.mac.or(peer).unwrap_or_default();
    let mut addressing = Addressing {
        source_mac: end.as_ref().map_or([0; 6], |end| end.mac),
        next_hop_mac_ipv4: next_hop,
        next_hop_mac_ipv6: next_hop,
        source_ipv4: settings.ipv4.or(end.as_ref().map(|end| end.ipv4.0)),
        source_ipv6: settings.ipv6.or(end.as_ref().map(|end| end.ipv6.0)),
        ..Addressing::default()
    };
    if let Some(port) = stream.to {
        let end = end_of(port);
        addressing.destination_ipv4 = profile.ports[port].ipv4.or(end.as_ref().map(|e| e.ipv4.0));
        addressing.destination_ipv6 = profile.ports[port].ipv6.or(end.as_ref().map(|e| e.ipv6.0));
    }
    addressing
}

fn first<A: Copy>(addresses: &[(A, u8)]) -> Option<A> {
    addresses.first().map(|(address, _)| *address)
}

/// The MAC of the next hop to a destination.
///
/// # Errors
/// A next hop that does not answer; a route that does not exist.
pub fn resolve(port: &AttachedPort, hop: Option<IpAddr>, destination: IpAddr) -> Result<[u8; 6]> {
    let hop = match hop {
        Some(hop) => hop,
        None => match neighbour::next_hop(&port.netns, &port.facts.name, destination) {
            Ok(hop) => hop,
            // Without a route there may still be a router that advertises itself.
            Err(error) => {
                if destination.is_ipv4() {
                    return Err(error);
                }
                return neighbour::router_by_advertisement(
                    &port.netns,
                    &port.facts.name,
                    NEIGHBOUR_TIMEOUT,
                )
                .map(|router| router.mac);
            }
        },
    };
    neighbour::resolve(&port.netns, &port.facts.name, hop, NEIGHBOUR_TIMEOUT)
}

/// Where the first packets of each version of IP go whose destination MAC becomes the next hop's.
fn next_hops(replay: &Replay, addressing: &Addressing) -> (Option<IpAddr>, Option<IpAddr>) {
    let mut hops = (None, None);
    if !replay.rewrite.iter().any(|rewrite| matches!(rewrite.to, Rewritten::NextHop)) {
        return hops;
    }
    for frame in replay.frames.iter().filter(|frame| frame[0] & 1 == 0) {
        // Most packets need no closer look.
        let known = match frame[12..14] {
            [0x08, 0x00] => hops.0.is_some(),
            [0x86, 0xdd] => hops.1.is_some(),
            _ => hops.0.is_some() && hops.1.is_some(),
        };
        if known {
            continue;
        }
        let found = Captured::of(frame);
        let Some(first) = found.destinations(replay).next() else { continue };
        let address = match first.to {
            To::Address(address) => Some(address),
            To::Rule { value, kept, .. } => {
                Some(masked(value, kept.is_some(), kept.unwrap_or(0), value.rule().example()))
            }
            To::Port => None,
        };
        if first.is_ipv4 {
            let own = address.map(|address| Ipv4Addr::from_bits(address as u32));
            let address = own.or(addressing.destination_ipv4).map(IpAddr::V4);
            hops.0 = hops.0.or(address);
        } else {
            let own = address.map(Ipv6Addr::from_bits);
            hops.1 = hops.1.or(own.or(addressing.destination_ipv6).map(IpAddr::V6));
        }
    }
    hops
}

/// The first destination of the outermost IP header.
fn outer_destination(stream: &Stream, addressing: &Addressing) -> Option<IpAddr> {
    let header = stream
        .headers
        .iter()
        .find(|h| matches!(h.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6))?;
    let value = header.setting("dst").and_then(|value| value.example_in(stream));
    match header.protocol.kind {
        ProtocolKind::Ipv4 => value
            .map(|value| Ipv4Addr::from_bits(value as u32))
            .or(addressing.destination_ipv4)
            .map(IpAddr::V4),
        _ => value.map(Ipv6Addr::from_bits).or(addressing.destination_ipv6).map(IpAddr::V6),
    }
}
