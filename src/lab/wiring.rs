//! Devices, addresses, routes and neighbours of the lab, by rtnetlink.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, AsRawFd};
use std::thread;
use std::time::{Duration, Instant};

use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE};
use netlink_packet_route::address::{
    AddressAttribute, AddressFlags, AddressHeaderFlags, AddressMessage, AddressScope,
};
use netlink_packet_route::link::{
    InfoData, InfoKind, InfoVeth, LinkAttribute, LinkFlags, LinkInfo, LinkMessage, State,
};
use netlink_packet_route::neighbour::{
    NeighbourAddress, NeighbourAttribute, NeighbourMessage, NeighbourState,
};
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteScope, RouteType,
};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};

use super::layout::{End, Route};
use crate::host::netlink::Netlink;
use crate::sys::netns::Netns;

/// How long the carrier of a new pair may take; it takes a millisecond.
const CARRIER_TIMEOUT: Duration = Duration::from_secs(5);

/// The reports of a group follow each other within 8 ms.
const QUIET: Duration = Duration::from_millis(40);

/// A lab that is never quiet has other reasons than its set-up.
const QUIET_TIMEOUT: Duration = Duration::from_millis(400);

const ADD: u16 = NLM_F_CREATE | NLM_F_EXCL;

/// Creates a pair whose ends are in two namespaces; `here` is the socket of the first.
pub(super) fn create_pair(
    here: &Netlink,
    ends: &[End; 2],
    spaces: [&Netns; 2],
    queues: u32,
    mtu: impl Fn(&End) -> u32,
) -> io::Result<()> {
    let describe = |end: &End, space: &Netns| {
        let mut link = LinkMessage::default();
        link.attributes = vec![
            LinkAttribute::IfName(end.device.to_owned()),
            LinkAttribute::Address(end.mac.to_vec()),
            LinkAttribute::Mtu(mtu(end)),
            LinkAttribute::NumTxQueues(queues),
            LinkAttribute::NumRxQueues(queues),
            // No two segments fit into one byte: GRO then only switches NAPI on, see `offloads`.
            LinkAttribute::GroMaxSize(1),
            LinkAttribute::GroIpv4MaxSize(1),
            LinkAttribute::NetNsFd(space.as_fd().as_raw_fd()),
        ];
        link
    };
    let peer = describe(&ends[1], spaces[1]);
    let mut link = describe(&ends[0], spaces[0]);
    link.attributes.push(LinkAttribute::LinkInfo(vec![
        LinkInfo::Kind(InfoKind::Veth),
        LinkInfo::Data(InfoData::Veth(InfoVeth::Peer(peer))),
    ]));
    here.change(RouteNetlinkMessage::NewLink(link), ADD)
}

/// Brings a device up and returns its index.
pub(super) fn set_up(netlink: &Netlink, device: &str) -> io::Result<u32> {
    let index = get(netlink, device)?.header.index;
    let mut link = LinkMessage::default();
    link.header.index = index;
    link.header.flags = LinkFlags::Up;
    link.header.change_mask = LinkFlags::Up;
    netlink.change(RouteNetlinkMessage::SetLink(link), 0)?;
    Ok(index)
}

/// Waits until a device carries packets: before that its queueing discipline drops them all.
pub(super) fn wait_for_carrier(netlink: &Netlink, device: &str) -> io::Result<()> {
    let deadline = Instant::now() + CARRIER_TIMEOUT;
    loop {
        let up = LinkAttribute::OperState(State::Up);
        if get(netlink, device)?.attributes.contains(&up) {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "no carrier after 5 s"));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until the multicast reports that every new IPv6 address brings are out; within a run they
/// would be frames of nobody.
pub(super) fn wait_for_quiet(devices: &[(&Netlink, &str)]) -> io::Result<()> {
    let deadline = Instant::now() + QUIET_TIMEOUT;
    let mut before = Vec::new();
    let mut since = Instant::now();
    loop {
        let mut sent = Vec::new();
        for (netlink, device) in devices {
            for attribute in get(netlink, device)?.attributes {
                if let LinkAttribute::Stats64(stats) = attribute {
                    sent.push(stats.tx_packets);
                }
            }
        }
        let now = Instant::now();
        if sent != before {
            (before, since) = (sent, now);
        }
        if now - since >= QUIET || now > deadline {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn get(netlink: &Netlink, device: &str) -> io::Result<LinkMessage> {
    let mut ask = LinkMessage::default();
    ask.attributes.push(LinkAttribute::IfName(device.to_owned()));
    netlink
        .get(RouteNetlinkMessage::GetLink(ask))?
        .into_iter()
        .find_map(|message| match message {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        })
        .ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))
}

/// Gives a device an address that is usable at once.
pub(super) fn add_address(
    netlink: &Netlink,
    index: u32,
    (address, prefix): (IpAddr, u8),
) -> io::Result<()> {
    let mut message = AddressMessage::default();
    message.header.family = family(address);
    message.header.index = index;
    message.header.prefix_len = prefix;
    message.header.scope = match address {
        IpAddr::V6(address) if address.is_unicast_link_local() => AddressScope::Link,
        _ => AddressScope::Universe,
    };
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    if address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
        message.attributes.push(AddressAttribute::Flags(AddressFlags::Nodad));
    }
    netlink.change(RouteNetlinkMessage::NewAddress(message), ADD)
}

/// Adds a route.
pub(super) fn add_route(netlink: &Netlink, index: u32, route: &Route) -> io::Result<()> {
    let mut message = RouteMessage::default();
    let (to, prefix) = route.to;
    message.header = RouteHeader {
        address_family: family(to),
        destination_prefix_length: prefix,
        table: RouteHeader::RT_TABLE_MAIN,
        protocol: RouteProtocol::Static,
        scope: if route.via.is_some() { RouteScope::Universe } else { RouteScope::Link },
        kind: RouteType::Unicast,
        ..RouteHeader::default()
    };
    if prefix > 0 {
        message.attributes.push(RouteAttribute::Destination(route_address(to)));
    }
    if let Some(via) = route.via {
        message.attributes.push(RouteAttribute::Gateway(route_address(via)));
    }
    message.attributes.push(RouteAttribute::Oif(index));
    netlink.change(RouteNetlinkMessage::NewRoute(message), ADD)
}

/// Enters a neighbour that never expires.
pub(super) fn add_neighbour(
    netlink: &Netlink,
    index: u32,
    address: IpAddr,
    mac: [u8; 6],
) -> io::Result<()> {
    let mut message = NeighbourMessage::default();
    message.header.family = family(address);
    message.header.ifindex = index;
    message.header.state = NeighbourState::Permanent;
    message.header.kind = RouteType::Unicast;
    message.attributes = vec![
        NeighbourAttribute::Destination(match address {
            IpAddr::V4(address) => NeighbourAddress::Inet(address),
            IpAddr::V6(address) => NeighbourAddress::Inet6(address),
        }),
        NeighbourAttribute::LinkLayerAddress(mac.to_vec()),
    ];
    netlink.change(RouteNetlinkMessage::NewNeighbour(message), NLM_F_CREATE | NLM_F_REPLACE)
}

fn family(address: IpAddr) -> AddressFamily {
    if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 }
}

fn route_address(address: IpAddr) -> RouteAddress {
    match address {
        IpAddr::V4(address) => RouteAddress::Inet(address),
        IpAddr::V6(address) => RouteAddress::Inet6(address),
    }
}
