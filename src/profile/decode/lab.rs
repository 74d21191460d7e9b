//! The lab.

use super::port::PORT_ROLES;
use super::{At, Decoder, Record};
use crate::profile::model::{LabSpec, Neighbours, Tbf, Topology};
use crate::profile::units::{BitRate, Bytes};

/// The topologies by their names.
pub const TOPOLOGIES: [(&str, Topology); 2] =
    [("router", Topology::Router), ("b2b", Topology::BackToBack)];

const EXPECTED: &str = "router, b2b, or a mapping with `topology:`";

/// Settings at most.
const MAX_SETTINGS: usize = 1000;

/// A lab with nothing said but its shape.
pub(in crate::profile) fn plain(topology: Topology) -> LabSpec {
    LabSpec {
        topology,
        neighbours: Neighbours::Permanent,
        queues: None,
        mtu: 1500,
        egress_mtu: None,
        nft: None,
        tbf: Vec::new(),
        sysctl: Vec::new(),
    }
}

pub(super) fn lab(decoder: &mut Decoder, at: &At<'_>) -> Option<LabSpec> {
    if at.node.scalar().is_some() {
        return decoder.choice(at, &TOPOLOGIES).map(plain);
    }
    decoder.record(at, "lab", EXPECTED, record)
}

fn record(record: &mut Record<'_, '_>) -> LabSpec {
    let mut lab = plain(Topology::Router);
    if let Some(at) = record.require("topology", "router or b2b") {
        lab.topology = record.decoder.choice(&at, &TOPOLOGIES).unwrap_or(lab.topology);
    }
    if let Some(at) = record.get("neighbours") {
        let choices = [("permanent", Neighbours::Permanent), ("resolved", Neighbours::Resolved)];
        lab.neighbours = record.decoder.choice(&at, &choices).unwrap_or(lab.neighbours);
    }
    lab.queues = record.integer("queues", 1, 64).map(|queues| queues as u32);
    // IPv6 needs 1280 (RFC 8200 §5).
    lab.mtu = record.integer("mtu", 1280, 65_535).map_or(lab.mtu, |mtu| mtu as u32);
    lab.egress_mtu = record.integer("egress_mtu", 1280, 65_535).map(|mtu| mtu as u32);
    if let Some(at) = record.get("nft") {
        lab.nft = record.decoder.text(&at);
    }
    if let Some(at) = record.get("tbf") {
        let items = record.decoder.list(&at, "a list of token bucket filters");
        for item in items.unwrap_or_default().iter().take(MAX_SETTINGS) {
            let expected = "{towards: rx, rate: 100Mbps, burst: 1600B, limit: 62500B}";
            let read = record.decoder.record(item, "tbf", expected, tbf);
            lab.tbf.extend(read.flatten());
        }
    }
    if let Some(at) = record.get("sysctl") {
        lab.sysctl = sysctl(record.decoder, &at);
    }
    lab
}

fn tbf(record: &mut Record<'_, '_>) -> Option<Tbf> {
    let choices = PORT_ROLES.map(|role| (role, role.to_owned()));
    let towards = record.require("towards", "tx or rx");
    let towards = towards.and_then(|at| record.decoder.choice(&at, &choices));
    let rate = record.require("rate", "bits per second such as 100Mbps");
    let rate = rate.and_then(|at| record.decoder.unit::<BitRate>(&at));
    let burst = record.require("burst", "the bucket's bytes such as 1600B");
    let burst = burst.and_then(|at| record.decoder.unit::<Bytes>(&at));
    let limit = record.require("limit", "the queue's bytes such as 62500B");
    let limit = limit.and_then(|at| record.decoder.unit::<Bytes>(&at));
    Some(Tbf { towards: towards?, rate_bps: rate?.0, burst_bytes: burst?.0, limit_bytes: limit?.0 })
}

fn sysctl(decoder: &mut Decoder, at: &At<'_>) -> Vec<(String, String)> {
    let expected = "settings: {net.ipv4.ip_forward: 1}";
    let entries = decoder.names(at, expected).unwrap_or_default();
    if entries.len() > MAX_SETTINGS {
        let found = format!("{} settings", entries.len());
        decoder.refuse(at, found, format!("at most {MAX_SETTINGS}"));
        return Vec::new();
    }
    let read = |(entry, key): &(At<'_>, &str)| {
        let value = decoder.scalar(entry, "a value", |text| Ok(text.to_owned()))?;
        Some(((*key).to_owned(), value))
    };
    entries.iter().filter_map(read).collect()
}
