//! A link's facts, counters and state.

use std::io;
use std::net::IpAddr;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressMessage, AddressScope};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage, Stats64};

use super::facts::{LinkCounters, LinkFacts};
use super::netlink::Netlink;
use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::ethtool::Ethtool;
use crate::sys::netns::Netns;

/// What `interface` of `netns` is and can do.
///
/// # Errors
/// When there is no such interface: the nearest name and all that exist.
pub fn facts(netns: &Netns, interface: &str) -> Result<LinkFacts> {
    let (netlink, ethtool) = open(netns, interface)?;
    let link = find(&netlink, interface)?;
    let mut facts = LinkFacts {
        name: interface.to_owned(),
        index: link.header.index,
        up: up(&link),
        ..LinkFacts::default()
    };
    for attribute in &link.attributes {
        match attribute {
            LinkAttribute::Address(mac) => {
                if let Ok(mac) = <[u8; 6]>::try_from(mac.as_slice()) {
                    facts.mac = mac;
                }
            }
            LinkAttribute::Mtu(mtu) => facts.mtu = *mtu,
            LinkAttribute::NumTxQueues(count) => facts.tx_queues = *count,
            LinkAttribute::NumRxQueues(count) => facts.rx_queues = *count,
            _ => {}
        }
    }
    // Where the driver tells, the queues in use instead of the ones that were allocated.
    if let Ok(channels) = ethtool.channels(interface) {
        facts.tx_queues = channels.tx;
        facts.rx_queues = channels.rx;
    }
    facts.driver = ethtool.driver(interface).unwrap_or_default();
    facts.speed_bps = ethtool.speed_bps(interface).ok().flatten();
    addresses(&netlink, &mut facts)
        .map_err(|error| Error::new("read the addresses of", interface, words(&error)))?;
    Ok(facts)
}

/// The interface's own counters.
///
/// # Errors
/// As [`facts`].
pub fn counters(netns: &Netns, interface: &str) -> Result<LinkCounters> {
    let netlink = Netlink::open(netns)
        .map_err(|error| Error::new("read the counters of", interface, words(&error)))?;
    let link = find(&netlink, interface)?;
    let stats = link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Stats64(stats) => Some(*stats),
        _ => None,
    });
    stats.map(|stats| from_stats(&stats)).ok_or_else(|| {
        Error::new("read the counters of", interface, "the kernel sent no IFLA_STATS64")
    })
}

/// Whether the interface is administratively up and has a carrier: cheap enough to ask often.
///
/// # Errors
/// When the interface is gone.
pub fn is_up(netns: &Netns, interface: &str) -> Result<bool> {
    let netlink = Netlink::open(netns)
        .map_err(|error| Error::new("read the state of", interface, words(&error)))?;
    find(&netlink, interface).map(|link| up(&link))
}

/// The names of all interfaces of `netns`, in the kernel's order.
///
/// # Errors
/// When the namespace can't be entered.
pub fn names(netns: &Netns) -> Result<Vec<String>> {
    let failed = |error: io::Error| Error::new("list the interfaces", "", words(&error));
    let netlink = Netlink::open(netns).map_err(failed)?;
    all_names(&netlink).map_err(failed)
}

/// The kernel's message about `interface`.
pub(crate) fn find(netlink: &Netlink, interface: &str) -> Result<LinkMessage> {
    let mut ask = LinkMessage::default();
    ask.attributes.push(LinkAttribute::IfName(interface.to_owned()));
    let answer = if interface.is_empty() || interface.len() > 15 {
        // The kernel calls such a name a bad range; for the user there is no such interface.
        Err(io::Error::from_raw_os_error(libc::ENODEV))
    } else {
        netlink.get(RouteNetlinkMessage::GetLink(ask))
    };
    match answer {
        Ok(messages) => messages
            .into_iter()
            .find_map(|message| match message {
                RouteNetlinkMessage::NewLink(link) => Some(link),
                _ => None,
            })
            .ok_or_else(|| Error::new("find the interface", interface, "no answer")),
        Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {
            let existing = all_names(netlink).unwrap_or_default();
            Err(Error::new("find the interface", interface, "no such interface")
                .remedy(suggestion(interface, &existing)))
        }
        Err(error) => Err(Error::new("find the interface", interface, words(&error))),
    }
}

fn all_names(netlink: &Netlink) -> io::Result<Vec<String>> {
    let links = netlink.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    Ok(links
        .into_iter()
        .filter_map(|message| match message {
            RouteNetlinkMessage::NewLink(link) => Some(link),
            _ => None,
        })
        .flat_map(|link| link.attributes)
        .filter_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name),
            _ => None,
        })
        .collect())
}

fn suggestion(wanted: &str, existing: &[String]) -> String {
    let nearest = existing
        .iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name), name))
        .min()
        .filter(|(distance, name)| *distance <= 2.max(name.len() / 2));
    let all = if existing.is_empty() { "none".to_owned() } else { existing.join(", ") };
    match nearest {
        Some((_, name)) => format!("did you mean {name}? There are: {all}"),
        None => format!("there are: {all}"),
    }
}

fn open(netns: &Netns, interface: &str) -> Result<(Netlink, Ethtool)> {
    netns
        .run(|| Ok((Netlink::open_here()?, Ethtool::open_here()?)))
        .and_then(|opened: io::Result<_>| opened)
        .map_err(|error| Error::new("look at the interface", interface, words(&error)))
}

fn up(link: &LinkMessage) -> bool {
    // IFF_LOWER_UP is the carrier; IFF_RUNNING follows it later, from a work queue.
    link.header.flags.contains(LinkFlags::Up | LinkFlags::LowerUp)
}

fn addresses(netlink: &Netlink, facts: &mut LinkFacts) -> io::Result<()> {
    let mut scoped = Vec::new();
    for message in netlink.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()))? {
        let RouteNetlinkMessage::NewAddress(message) = message else { continue };
        if message.header.index != facts.index {
            continue;
        }
        // On a point-to-point link IFA_ADDRESS is the other end, and IFA_LOCAL this one.
        let mut address = None;
        for attribute in &message.attributes {
            match attribute {
                AddressAttribute::Local(local) => address = Some(*local),
                AddressAttribute::Address(any) => address = address.or(Some(*any)),
                _ => {}
            }
        }
        match address {
            Some(IpAddr::V4(address)) => facts.ipv4.push((address, message.header.prefix_len)),
            Some(IpAddr::V6(address)) => {
                let global = message.header.scope == AddressScope::Universe;
                scoped.push((!global, address, message.header.prefix_len));
            }
            None => {}
        }
    }
    scoped.sort_by_key(|(not_global, _, _)| *not_global);
    facts.ipv6.extend(scoped.into_iter().map(|(_, address, prefix)| (address, prefix)));
    Ok(())
}

fn from_stats(stats: &Stats64) -> LinkCounters {
    LinkCounters {
        rx_packets: stats.rx_packets,
        tx_packets: stats.tx_packets,
        rx_bytes: stats.rx_bytes,
        tx_bytes: stats.tx_bytes,
        rx_dropped: stats.rx_dropped,
        tx_dropped: stats.tx_dropped,
        rx_missed: stats.rx_missed_errors,
        rx_errors: stats.rx_errors,
        tx_errors: stats.tx_errors,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_known() {
        let netns = Netns::current().unwrap();
        let lo = facts(&netns, "lo").unwrap();
        assert_eq!((lo.name.as_str(), lo.index), ("lo", 1));
        assert_eq!(lo.mac, [0; 6]);
        assert!(lo.mtu >= 1280);
        let counters = counters(&netns, "lo").unwrap();
        assert_eq!(counters.rx_packets, counters.tx_packets, "what lo sends it receives");
    }

    #[test]
    fn a_missing_interface_is_named_with_the_nearest_one() {
        let names = ["lo", "eth0", "wlan0"].map(String::from);
        assert_eq!(suggestion("eht0", &names), "did you mean eth0? There are: lo, eth0, wlan0");
        assert_eq!(suggestion("enp65s0f1np1", &names), "there are: lo, eth0, wlan0");
        let error = facts(&Netns::current().unwrap(), "l0").unwrap_err().to_string();
        assert!(
            error.starts_with(
                "cannot find the interface l0: no such interface; did you mean lo? There are: "
            ),
            "{error}"
        );
    }

    #[test]
    fn a_name_longer_than_the_kernel_takes_is_no_such_interface() {
        let error = facts(&Netns::current().unwrap(), "an-interface-with-a-long-name").unwrap_err();
        assert_eq!(error.cause, "no such interface");
    }
}
