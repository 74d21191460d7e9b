//! Counters of the kernel that have nothing to do with wirestorm's own: what the router forwarded,
//! what its rules matched, what the interfaces saw. A ledger that agrees with them is right.
//!
//! Names are stable. By namespace: `router Ip.ForwDatagrams`, `rx Ip6.ReasmOKs` (the counters of
//! /proc/net/snmp and snmp6; RFC 4293). By device: `r-rx tx_packets`. By queueing discipline:
//! `r-rx tbf drops`. By rule: `nft inet filter forward rule 1 packets`, with the rule's comment in
//! the place of its number where it has one; named counters: `nft inet filter counter NAME packets`.

use std::fs;
use std::process::Command;

use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage, Stats64};
use serde_json::Value;

use super::{Lab, impair};
use crate::error::{Error, Result};
use crate::host::netlink::Netlink;
use crate::sys::errno::words;
use crate::sys::netns::Netns;

/// Packets that the router passed on, IPv4 and IPv6.
pub const FORWARDED: [&str; 2] = ["router Ip.ForwDatagrams", "router Ip6.OutForwDatagrams"];

/// The counters taken of a namespace. Those of /proc/net/snmp that are no counters
/// (`Ip.Forwarding`, `Ip.DefaultTTL`) and those of protocols that a router does not touch stay out.
const SNMP: &[(&str, &[&str])] = &[
    (
        "Ip",
        &[
            "InReceives",
            "InHdrErrors",
            "InAddrErrors",
            "InUnknownProtos",
            "InDiscards",
            "InDelivers",
            "ForwDatagrams",
            "OutRequests",
            "OutDiscards",
            "OutNoRoutes",
            "ReasmTimeout",
            "ReasmReqds",
            "ReasmOKs",
            "ReasmFails",
            "FragOKs",
            "FragFails",
            "FragCreates",
        ],
    ),
    ("Icmp", &["OutDestUnreachs", "OutTimeExcds", "OutParmProbs", "OutRedirects"]),
    ("Udp", &["InDatagrams", "NoPorts", "InErrors", "RcvbufErrors", "InCsumErrors"]),
    (
        "Ip6",
        &[
            "InReceives",
            "InHdrErrors",
            "InTooBigErrors",
            "InNoRoutes",
            "InAddrErrors",
            "InUnknownProtos",
            "InTruncatedPkts",
            "InDiscards",
            "InDelivers",
            "OutForwDatagrams",
            "OutRequests",
            "OutDiscards",
            "OutNoRoutes",
            "ReasmTimeout",
            "ReasmReqds",
            "ReasmOKs",
            "ReasmFails",
            "FragOKs",
            "FragFails",
            "FragCreates",
        ],
    ),
    ("Icmp6", &["OutDestUnreachs", "OutPktTooBigs", "OutTimeExcds", "OutParmProblems"]),
    ("Udp6", &["InDatagrams", "NoPorts", "InErrors", "RcvbufErrors", "InCsumErrors"]),
];

pub(super) fn read(lab: &Lab) -> Result<Vec<(String, u64)>> {
    let mut all = Vec::new();
    for role in lab.roles() {
        let Some(netns) = lab.netns(role) else { continue };
        let seen = netns.run(look).and_then(|seen| seen).map_err(|error| {
            Error::new("read the kernel's counters of the lab's", *role, words(&error))
        })?;
        for (group, names) in SNMP {
            for name in *names {
                if let Some(value) = find(&seen.snmp, &seen.snmp6, group, name) {
                    all.push((format!("{role} {group}.{name}"), value));
                }
            }
        }
        for (device, stats) in seen.links {
            for (name, value) in [
                ("rx_packets", stats.rx_packets),
                ("tx_packets", stats.tx_packets),
                ("rx_dropped", stats.rx_dropped),
                ("tx_dropped", stats.tx_dropped),
                ("rx_errors", stats.rx_errors),
                ("tx_errors", stats.tx_errors),
            ] {
                all.push((format!("{device} {name}"), value));
            }
        }
    }
    if let Some(router) = lab.netns("router") {
        for tbf in &lab.spec().tbf {
            if let Some(device) = impair::device_towards(&tbf.towards) {
                let json = json_of(router, &["tc", "-s", "-j", "qdisc", "show", "dev", device])?;
                all.extend(tbf_counters(device, &json));
            }
        }
        if lab.spec().nft.is_some() {
            all.extend(nft_counters(&json_of(router, &["nft", "-j", "list", "ruleset"])?));
        }
    }
    Ok(all)
}

struct Seen {
    snmp: String,
    snmp6: String,
    links: Vec<(String, Stats64)>,
}

/// Reads what the calling thread's namespace tells.
fn look() -> std::io::Result<Seen> {
    // /proc/net is the namespace of the process's first thread, not of this one.
    let snmp = fs::read_to_string("/proc/thread-self/net/snmp")?;
    // Absent where the kernel has no IPv6.
    let snmp6 = fs::read_to_string("/proc/thread-self/net/snmp6").unwrap_or_default();
    let messages =
        Netlink::open_here()?.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()))?;
    let mut links = Vec::new();
    for message in messages {
        let RouteNetlinkMessage::NewLink(link) = message else { continue };
        let (mut name, mut counters) = (None, None);
        for attribute in link.attributes {
            match attribute {
                LinkAttribute::IfName(is) => name = Some(is),
                LinkAttribute::Stats64(is) => counters = Some(is),
                _ => {}
            }
        }
        // Loopback and the devices that the kernel puts into every namespace carry no test.
        if let (Some(name), Some(counters)) = (name, counters)
            && ["tx", "r-tx", "r-rx", "rx"].contains(&name.as_str())
        {
            links.push((name, counters));
        }
    }
    Ok(Seen { snmp, snmp6, links })
}

fn find(snmp: &str, snmp6: &str, group: &str, name: &str) -> Option<u64> {
    if group.ends_with('6') {
        // One `Ip6InReceives   12` a line.
        return snmp6.lines().find_map(|line| {
            let (key, value) = line.split_once(char::is_whitespace)?;
            (key.strip_prefix(group) == Some(name)).then(|| value.trim().parse().ok())?
        });
    }
    // Two lines a group: `Ip: names…`, `Ip: values…`.
    let mut lines = snmp.lines().filter_map(|line| line.split_once(": "));
    let mut of_group = lines.by_ref().filter(|(key, _)| *key == group);
    let (_, names) = of_group.next()?;
    let (_, values) = of_group.next()?;
    let at = names.split_whitespace().position(|is| is == name)?;
    values.split_whitespace().nth(at)?.parse().ok()
}

fn json_of(netns: &Netns, command: &[&str]) -> Result<Value> {
    let failed = |cause: String| Error::new("run", command.join(" "), cause);
    let output = netns
        .run(|| Command::new(command[0]).args(&command[1..]).output())
        .and_then(|output| output)
        .map_err(|error| failed(words(&error)))?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr).trim().to_owned()));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| failed(error.to_string()))
}

fn tbf_counters(device: &str, json: &Value) -> Vec<(String, u64)> {
    let discs = json.as_array().map(Vec::as_slice).unwrap_or_default();
    discs
        .iter()
        .filter(|disc| disc["kind"] == "tbf")
        .flat_map(|disc| {
            ["packets", "bytes", "drops", "overlimits"].into_iter().filter_map(move |name| {
                Some((format!("{device} tbf {name}"), disc[name].as_u64()?))
            })
        })
        .collect()
}

/// Counters of all rules that have one, and all named counters.
fn nft_counters(json: &Value) -> Vec<(String, u64)> {
    let mut counters = Vec::new();
    let mut chain_before = String::new();
    let mut number = 0;
    let objects = json["nftables"].as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |object: &Value, key: &str| object[key].as_str().unwrap_or_default().to_owned();
    for object in objects {
        if let Some(named) = object.get("counter") {
            let name = format!(
                "nft {} {} counter {}",
                text(named, "family"),
                text(named, "table"),
                text(named, "name")
            );
            push(&mut counters, &name, named);
        }
        let Some(rule) = object.get("rule") else { continue };
        let chain =
            format!("nft {} {} {}", text(rule, "family"), text(rule, "table"), text(rule, "chain"));
        number = if chain == chain_before { number + 1 } else { 1 };
        chain_before.clone_from(&chain);
        let numbered = format!("{chain} rule {number}");
        let name = match rule["comment"].as_str().map(|comment| format!("{chain} {comment}")) {
            Some(name) if !has(&counters, &name) => name,
            _ => numbered,
        };
        for expression in rule["expr"].as_array().map(Vec::as_slice).unwrap_or_default() {
            // A rule that refers to a named counter has a string here; the counter is listed above.
            if let Some(counter) = expression.get("counter").filter(|is| is.is_object()) {
                push(&mut counters, &name, counter);
            }
        }
    }
    counters
}

fn has(counters: &[(String, u64)], name: &str) -> bool {
    counters.iter().any(|(known, _)| known.strip_suffix(" packets") == Some(name))
}

fn push(counters: &mut Vec<(String, u64)>, name: &str, counter: &Value) {
    for unit in ["packets", "bytes"] {
        if let Some(value) = counter[unit].as_u64() {
            counters.push((format!("{name} {unit}"), value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_kernels_tables_are_read() {
        let snmp = "Ip: Forwarding InReceives\nIp: 1 42\nUdp: InDatagrams\nUdp: 7\n";
        let snmp6 = "Ip6InReceives                   \t9\nUdp6InDatagrams \t3\n";
        assert_eq!(find(snmp, snmp6, "Ip", "InReceives"), Some(42));
        assert_eq!(find(snmp, snmp6, "Udp", "InDatagrams"), Some(7));
        assert_eq!(find(snmp, snmp6, "Ip6", "InReceives"), Some(9));
        assert_eq!(find(snmp, snmp6, "Udp6", "InDatagrams"), Some(3));
        assert_eq!(find(snmp, snmp6, "Ip", "InDatagrams"), None);
        assert_eq!(find(snmp, "", "Ip6", "InReceives"), None);
    }

    #[test]
    fn rules_are_named_by_comment_or_number() {
        let counter = |packets: u64| serde_json::json!({"counter": {"packets": packets, "bytes": packets * 100}});
        let rule = |chain: &str, comment: Option<&str>, expr: Value| {
            let mut rule =
                serde_json::json!({"family": "ip", "table": "t", "chain": chain, "expr": expr});
            if let Some(comment) = comment {
                rule["comment"] = comment.into();
            }
            serde_json::json!({"rule": rule})
        };
        let json = serde_json::json!({"nftables": [
            {"metainfo": {}},
            {"counter": {"family": "ip", "table": "t", "name": "n", "packets": 5, "bytes": 6}},
            rule("a", None, serde_json::json!([{"drop": null}])),
            rule("a", None, serde_json::json!([counter(1), {"drop": null}])),
            rule("b", Some("every tenth"), serde_json::json!([counter(2)])),
            rule("b", None, serde_json::json!([{"counter": "n"}])),
            rule("b", Some("every tenth"), serde_json::json!([counter(3)])),
        ]});
        assert_eq!(
            nft_counters(&json),
            [
                ("nft ip t counter n packets".to_owned(), 5),
                ("nft ip t counter n bytes".to_owned(), 6),
                ("nft ip t a rule 2 packets".to_owned(), 1),
                ("nft ip t a rule 2 bytes".to_owned(), 100),
                ("nft ip t b every tenth packets".to_owned(), 2),
                ("nft ip t b every tenth bytes".to_owned(), 200),
                ("nft ip t b rule 3 packets".to_owned(), 3),
                ("nft ip t b rule 3 bytes".to_owned(), 300),
            ]
        );
    }
}
