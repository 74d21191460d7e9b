//! What the reader must know that no rule of the verdict says: above all, the cause of a zero.

use crate::host::facts::LinkCounters;
use crate::report::model::{Counter, Reason, RunResult, code};

/// A port's interface and what it counted during the run.
pub struct LinkWitness<'a> {
    /// Its interface.
    pub interface: &'a str,
    /// What it counted.
    pub counters: Option<LinkCounters>,
}

/// The cause of a zero at the receiver, as far as the interfaces' own counters tell it.
pub fn nothing_received(
    result: &RunResult,
    senders: &[LinkWitness],
    receivers: &[LinkWitness],
) -> Option<Reason> {
    let totals = &result.totals;
    if totals.sent == 0 || totals.unique != Some(0) {
        return None;
    }
    let cause = if let Some(link) =
        senders.iter().find(|link| counted(link, |c| c.tx_packets) == Some(0))
    {
        format!(
            "{} counted no frame sent: the driver dropped them; see tx_dropped and wirestorm doctor {}",
            link.interface, link.interface
        )
    } else if let Some(link) =
        receivers.iter().find(|link| counted(link, |c| c.rx_packets) == Some(0))
    {
        let why = in_the_router(result).unwrap_or_else(|| {
            "the device under test forwards nothing; check its routes, its neighbours, and that \
             the next hop's MAC is right"
                .into()
        });
        format!("{} counted no frame received: {why}", link.interface)
    } else {
        let frames: u64 = receivers.iter().filter_map(|link| counted(link, |c| c.rx_packets)).sum();
        format!(
            "the receiving interfaces counted {frames} frames, none of them a probe of this run: \
             the device changes or answers the packets instead of forwarding them"
        )
    };
    Some(Reason {
        code: "nothing_received".into(),
        message: format!("none of {} packets sent arrived: {cause}", totals.sent),
    })
}

/// What the counters of a lab's router say about packets that it did not pass on. Each cause is
/// taken where it explains at least half of what was sent.
fn in_the_router(result: &RunResult) -> Option<String> {
    let most = |value: u64| value > 0 && value >= result.totals.sent.div_ceil(2);
    let sum = |names: &[&str]| -> u64 {
        let named = result.witnesses.iter().filter(|c| names.contains(&c.name.as_str()));
        named.map(|counter| counter.value).sum()
    };
    let mut rules = result
        .witnesses
        .iter()
        .filter(|c| c.name.starts_with("nft ") && c.name.ends_with(" packets") && most(c.value));
    if let Some(Counter { name, value }) = rules.next() {
        return Some(format!("{name} counted {value}: look at what that rule does (lab.nft)"));
    }
    for (names, why) in ROUTER_CAUSES {
        let value = sum(names);
        if most(value) {
            let moved: Vec<&str> = names.iter().copied().filter(|name| sum(&[name]) > 0).collect();
            return Some(format!("{} counted {value}: {why}", moved.join(" and ")));
        }
    }
    let took: u64 = result
        .witnesses
        .iter()
        .filter(|c| c.name.starts_with("r-") && c.name.ends_with(" rx_packets"))
        .map(|counter| counter.value)
        .sum();
    (most(took) && !most(sum(&["router Ip.InReceives", "router Ip6.InReceives"]))).then(|| {
        format!(
            "the router's interface took {took} frames, but they were not for it: check the next \
             hop's MAC (ports.*.next_hop.mac) and the Ethernet type"
        )
    })
}

/// Counters of the router's IP layer, and what it means when the packets sent are found there.
const ROUTER_CAUSES: &[(&[&str], &str)] = &[
    (
        &["router Ip.InAddrErrors", "router Ip6.InAddrErrors"],
        "forwarding is off (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding), or the destination \
         is an address that is not forwarded to",
    ),
    (
        &["router Ip.OutNoRoutes", "router Ip6.InNoRoutes", "router Ip6.OutNoRoutes"],
        "the router has no route to the destination",
    ),
    (
        &["router Ip.InHdrErrors", "router Ip6.InHdrErrors"],
        "the router found fault with the IP headers: time to live, checksum or length",
    ),
    (
        &["router Ip.InDelivers", "router Ip6.InDelivers"],
        "the router kept the packets: the destination is an address of its own",
    ),
];

fn counted(link: &LinkWitness, of: fn(&LinkCounters) -> u64) -> Option<u64> {
    link.counters.as_ref().map(of)
}

/// Somebody changed the rates in mid-run: these are not the rates of the profile.
pub fn rate_changed(result: &RunResult) -> Option<Reason> {
    let changes: Vec<String> = result
        .rate_changes
        .iter()
        .map(|change| match change.factor > 0.0 {
            true => format!("to {:.0} % at {:.3} s", change.factor * 100.0, change.at_s),
            false => format!("to a pause at {:.3} s", change.at_s),
        })
        .collect();
    (!changes.is_empty()).then(|| Reason {
        code: code::RATE_CHANGED.into(),
        message: format!(
            "the rates were changed by hand, {}: what was intended is counted with the changes; \
             gaps are not reported",
            changes.join(", ")
        ),
    })
}

/// Streams that are sent and cannot be measured.
pub fn unmeasured(result: &RunResult) -> Vec<Reason> {
    let message = |name: &str| {
        format!(
            "stream {name} is not measured: its frames carry no probe tag, or have no room for its \
             18 bytes, or it has no receiving port"
        )
    };
    let of = |name: &str| Reason { code: "not_measured".into(), message: message(name) };
    result.streams.iter().filter(|s| s.counts.received.is_none()).map(|s| of(&s.name)).collect()
}

/// The hypervisor took the CPU away.
pub fn steal(share: f64) -> Option<Reason> {
    const WORTH_SAYING: f64 = 0.01;
    (share > WORTH_SAYING).then(|| Reason {
        code: "cpu_steal".into(),
        message: format!(
            "the hypervisor took {:.1} % of the CPU time during the run: latencies above the \
             median may be this machine's",
            share * 100.0
        ),
    })
}
