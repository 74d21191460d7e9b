//! What the kernel knows: its neighbour table and its routes.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteMessage, RouteType, RouteVia,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use crate::error::{Error, Result};
use crate::host::link;
use crate::host::netlink::Netlink;
use crate::sys::errno::words;
use crate::sys::netns::Netns;

/// An entry of the kernel's table that has a MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub address: IpAddr,
    /// The MAC.
    pub mac: [u8; 6],
    /// The kernel is sure of it: it was made by hand, or it answered lately.
    pub sure: bool,
}

/// The neighbours that the kernel would send to on the interface of that index: it does so by a stale
/// entry too, and asks anew meanwhile.
///
/// # Errors
/// The kernel's error number.
pub fn entries(netns: &Netns, index: u32, ipv6: bool) -> io::Result<Vec<Entry>> {
    let mut ask = NeighbourMessage::default();
    ask.header.family = if ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let answers = Netlink::open(netns)?.dump(RouteNetlinkMessage::GetNeighbour(ask))?;
    let here = answers.into_iter().filter_map(|message| match message {
        RouteNetlinkMessage::NewNeighbour(entry) if entry.header.ifindex == index => Some(entry),
        _ => None,
    });
    Ok(here.filter_map(|entry| read(&entry)).collect())
}

fn read(entry: &NeighbourMessage) -> Option<Entry> {
    let sure = match entry.header.state {
        NeighbourState::Permanent | NeighbourState::Reachable | NeighbourState::Noarp => true,
        NeighbourState::Stale | NeighbourState::Delay | NeighbourState::Probe => false,
        _ => return None,
    };
    let (mut address, mut mac) = (None, None);
    for attribute in &entry.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(own)) => {
                address = Some(IpAddr::V4(*own));
            }
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(own)) => {
                address = Some(IpAddr::V6(*own));
            }
            NeighbourAttribute::LinkLayerAddress(own) => mac = own.as_slice().try_into().ok(),
            _ => {}
        }
    }
    Some(Entry { address: address?, mac: mac?, sure })
}

/// The MAC that the kernel's table has for `target` and is sure of. A stale entry may be of a router
/// that is long gone, so it is asked anew.
pub(super) fn look_up(netns: &Netns, index: u32, target: IpAddr) -> io::Result<Option<[u8; 6]>> {
    let entries = entries(netns, index, target.is_ipv6())?;
    let known = entries.iter().find(|entry| entry.sure && entry.address == target);
    Ok(known.map(|entry| entry.mac))
}

/// Who gets a packet for `destination` that leaves by `interface`: the gateway of the kernel's
/// route, else the destination itself, which is on the link then.
///
/// # Errors
/// When the interface is missing, there is no route, or the destination is this machine's own.
pub fn next_hop(netns: &Netns, interface: &str, destination: IpAddr) -> Result<IpAddr> {
    let operation = "find the next hop of";
    let subject = format!("{destination} on {interface}");
    let netlink =
        Netlink::open(netns).map_err(|error| Error::new(operation, &subject, words(&error)))?;
    let index = link::find(&netlink, interface)?.header.index;
    let failed = |cause: &str| {
        Error::new(operation, &subject, cause)
            .remedy("add a route, or set the port's next_hop in the profile (ports.tx.next_hop)")
    };
    if destination.is_multicast() || destination == IpAddr::V4(Ipv4Addr::BROADCAST) {
        return Ok(destination);
    }
    let mut ask = question(destination);
    ask.attributes.push(RouteAttribute::Oif(index));
    // Where no route leaves by the interface, the kernel takes IPv4 destinations to be on its link;
    // asked for the matching entry of its table, it says that there is none.
    let mut entry = ask.clone();
    entry.header.flags = RouteFlags::FibMatch;
    let get = |ask| {
        netlink.get(RouteNetlinkMessage::GetRoute(ask)).map_err(|error| failed(&words(&error)))
    };
    get(entry)?;
    let answer = get(ask)?;
    let route = answer.into_iter().find_map(|message| match message {
        RouteNetlinkMessage::NewRoute(route) => Some(route),
        _ => None,
    });
    let route = route.ok_or_else(|| failed("no route"))?;
    match route.header.kind {
        RouteType::Unicast | RouteType::Broadcast | RouteType::Anycast => {}
        RouteType::Local => return Err(failed("it is an address of this machine")),
        _ => return Err(failed("the route says unreachable")),
    }
    Ok(gateway(&route).unwrap_or(destination))
}

/// Whom the kernel would send a packet to that leaves by the interface of that index: as [`next_hop`],
/// but where no route leaves by it too, for there IPv4 takes the destination to be on the link.
///
/// # Errors
/// The kernel's error number; where the destination is this machine's own, `EADDRINUSE`.
pub fn output_hop(netns: &Netns, index: u32, destination: IpAddr) -> io::Result<IpAddr> {
    let mut ask = question(destination);
    ask.attributes.push(RouteAttribute::Oif(index));
    let answers = Netlink::open(netns)?.get(RouteNetlinkMessage::GetRoute(ask))?;
    let route = answers.iter().find_map(|message| match message {
        RouteNetlinkMessage::NewRoute(route) => Some(route),
        _ => None,
    });
    let route = route.ok_or_else(|| io::Error::from_raw_os_error(libc::ENETUNREACH))?;
    match route.header.kind {
        RouteType::Local => Err(io::Error::from_raw_os_error(libc::EADDRINUSE)),
        RouteType::Unicast | RouteType::Broadcast | RouteType::Anycast | RouteType::Multicast => {
            Ok(gateway(route).unwrap_or(destination))
        }
        _ => Err(io::Error::from_raw_os_error(libc::EHOSTUNREACH)),
    }
}

/// Asks for the route of a destination.
fn question(destination: IpAddr) -> RouteMessage {
    let mut ask = RouteMessage::default();
    ask.header.address_family = family(destination);
    ask.header.destination_prefix_length = if destination.is_ipv4() { 32 } else { 128 };
    ask.attributes = vec![RouteAttribute::Destination(match destination {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    })];
    ask
}

/// The index of the interface by which the kernel sends to `destination`: loopback's where that is
/// an address of this machine.
///
/// # Errors
/// When there is no route.
pub fn interface_towards(netns: &Netns, destination: IpAddr) -> Result<u32> {
    let failed = |cause: String| {
        let failed = Error::new("find the way to", destination.to_string(), cause);
        failed.remedy("look at ip route")
    };
    let netlink = Netlink::open(netns).map_err(|error| failed(words(&error)))?;
    let answer = netlink.get(RouteNetlinkMessage::GetRoute(question(destination)));
    let answer = answer.map_err(|error| failed(words(&error)))?;
    let interface = |attribute: &RouteAttribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    };
    answer
        .iter()
        .find_map(|message| match message {
            RouteNetlinkMessage::NewRoute(route) => route.attributes.iter().find_map(interface),
            _ => None,
        })
        .ok_or_else(|| failed("no route".into()))
}

fn gateway(route: &RouteMessage) -> Option<IpAddr> {
    route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Gateway(RouteAddress::Inet6(address)) => Some(IpAddr::V6(*address)),
        // An IPv4 route whose next hop is an IPv6 address (RFC 8950).
        RouteAttribute::Via(RouteVia::Inet(address)) => Some(IpAddr::V4(*address)),
        RouteAttribute::Via(RouteVia::Inet6(address)) => Some(IpAddr::V6(*address)),
        _ => None,
    })
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}
