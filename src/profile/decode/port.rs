//! Ports.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::profile::lab_port;
use super::{At, Decoder, Record};
use crate::profile::model::{Attachment, NextHop, Port};
use crate::profile::units::{BitRate, Mac, Unit};

/// The roles of the lab's devices, which are also the ports of a profile that names none.
pub const PORT_ROLES: [&str; 2] = ["tx", "rx"];

/// Queues and workers of a port at most.
const MAX_QUEUES: u64 = 256;
/// Ports at most.
const MAX_PORTS: usize = 256;
/// Core numbers below this.
const MAX_CORES: u64 = 4096;

pub(super) fn ports(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<Port>> {
    let entries = decoder.names(at, "a mapping of ports: tx: {interface: eth1}")?;
    if entries.is_empty() || entries.len() > MAX_PORTS {
        decoder.refuse(at, format!("{} ports", entries.len()), format!("1 to {MAX_PORTS}"));
        return None;
    }
    let mut ports = Vec::new();
    for (entry, name) in &entries {
        if !super::is_name(name) {
            decoder.refuse(
                entry,
                format!("the port name \"{}\"", crate::profile::problem::shorten(name)),
                "at most 64 letters, digits, '-', '_' or '.', a letter or digit first",
            );
        }
        let expected = "a port: {interface: eth1} or {lab: tx}";
        let read = decoder.record(entry, "port", expected, |record| port(record, name));
        ports.push(read.unwrap_or_else(|| lab_port(name)));
    }
    Some(ports)
}

fn port(record: &mut Record<'_, '_>, name: &str) -> Port {
    let mut port = lab_port(name);
    let (interface, lab) = (record.get("interface"), record.get("lab"));
    if record.one_of(&[("interface", &interface), ("lab", &lab)]) {
        port.attachment = attachment(record.decoder, port.attachment, interface, lab);
    }
    let (queues, workers) = (record.get("queues"), record.get("workers"));
    if queues.is_some() && workers.is_some() {
        record.one_of(&[("queues", &queues), ("workers", &workers)]);
    }
    if let Some(at) = queues
        && let Some(queues) = numbers(record.decoder, &at, "a list of queues", MAX_QUEUES - 1)
    {
        port.queues = queues.into_iter().map(|queue| queue as u32).collect();
    }
    if let Some(at) = workers
        && let Some(workers) = record.decoder.integer(&at, 1, MAX_QUEUES)
    {
        port.queues = (0..workers as u32).collect();
    }
    if let Some(at) = record.get("cores")
        && let Some(cores) = numbers(record.decoder, &at, "a list of cores", MAX_CORES - 1)
    {
        port.cores = cores.into_iter().map(|core| core as usize).collect();
    }
    port.speed_bps = record.unit("speed").map(|BitRate(bps)| bps);
    if let Some(at) = record.get("next_hop") {
        port.next_hop = next_hop(record.decoder, &at);
    }
    port.ipv4 = record.unit("ipv4");
    port.ipv6 = record.unit("ipv6");
    port
}

fn attachment(
    decoder: &mut Decoder,
    none: Attachment,
    interface: Option<At<'_>>,
    lab: Option<At<'_>>,
) -> Attachment {
    if let Some(at) = interface {
        // IFNAMSIZ is 16 with the closing zero; dev_valid_name refuses '/', ':' and blanks.
        const EXPECTED: &str = "the name of an interface: at most 15 bytes without / : or blanks";
        let sound = |text: &str| {
            let bad = |c: char| c == '/' || c == ':' || c.is_whitespace() || c.is_control();
            !text.is_empty()
                && text.len() <= 15
                && ![".", ".."].contains(&text)
                && !text.contains(bad)
        };
        let name = decoder.scalar(&at, EXPECTED, |text| {
            if sound(text) { Ok(text.to_owned()) } else { Err(EXPECTED.to_owned()) }
        });
        return name.map_or(none, Attachment::Interface);
    }
    let choices = PORT_ROLES.map(|role| (role, role.to_owned()));
    let role = lab.and_then(|at| decoder.choice(&at, &choices));
    role.map_or(none, Attachment::Lab)
}

/// A list of different numbers.
fn numbers(decoder: &mut Decoder, at: &At<'_>, expected: &str, high: u64) -> Option<Vec<u64>> {
    let numbers = decoder.list_of(at, expected, |d, item| d.integer(item, 0, high))?;
    for (n, number) in numbers.iter().enumerate() {
        if numbers[..n].contains(number) {
            decoder.refuse(at, format!("{number} twice"), "every number once");
            return None;
        }
    }
    if numbers.is_empty() {
        decoder.unexpected(at, expected);
        return None;
    }
    Some(numbers)
}

fn next_hop(decoder: &mut Decoder, at: &At<'_>) -> NextHop {
    const EXPECTED: &str =
        "an address such as 192.0.2.1, a MAC, or a mapping of mac, ipv4 and ipv6";
    if at.node.scalar().is_some() {
        let next_hop = decoder.scalar(at, EXPECTED, |text| {
            if let Ok(Mac(mac)) = Mac::parse(text) {
                return Ok(NextHop { mac: Some(mac), ..NextHop::default() });
            }
            match text.parse() {
                Ok(IpAddr::V4(address)) => {
                    Ok(NextHop { ipv4: Some(address), ..NextHop::default() })
                }
                Ok(IpAddr::V6(address)) => {
                    Ok(NextHop { ipv6: Some(address), ..NextHop::default() })
                }
                Err(_) => Err(EXPECTED.to_owned()),
            }
        });
        return next_hop.unwrap_or_default();
    }
    let next_hop = decoder.record(at, "next_hop", EXPECTED, |record| NextHop {
        mac: record.unit("mac").map(|Mac(mac)| mac),
        ipv4: record.unit::<Ipv4Addr>("ipv4"),
        ipv6: record.unit::<Ipv6Addr>("ipv6"),
    });
    next_hop.unwrap_or_default()
}
