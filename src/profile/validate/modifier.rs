//! What a benchmark's modifiers, directions and resets need of the profile.

use super::benchmark::benchmark;
use crate::profile::benchmark::{Kind, Modifier, ResetBy};
use crate::profile::model::{Attachment, Profile, Stream, Topology};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::profile::units::Unit;
use crate::units::Ratio;
use crate::wire::field::ProtocolKind;

pub(super) fn modifiers_can_be_applied(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(test) = benchmark(profile) else { return };
    for (number, modifier) in test.modifiers.iter().enumerate() {
        let at = path::index("test.modifiers", number);
        let mut refuse = |key: &str, found: String, expected: &str| {
            let at = if key.is_empty() { at.clone() } else { path::key(&at, key) };
            problems.push(profile.origin.problem(at, found, expected));
        };
        if test.modifiers[..number].contains(modifier) {
            refuse("", "a modifier twice".to_owned(), "each modifier once");
        }
        values(modifier, &mut refuse);
        needs(profile, modifier, &mut refuse);
    }
    if test.bidirectional {
        both_ways(profile, problems);
    }
    let lab_resets =
        |reset: &crate::profile::benchmark::Reset| matches!(reset.by, ResetBy::Lab { .. });
    if test.reset.as_ref().is_some_and(lab_resets) && !may_have_router(profile) {
        let expected =
            "hand or command: without a lab's router there is nothing that the lab resets";
        problems.push(profile.origin.problem("test.reset.by", "lab", expected));
    }
    if test.reset.is_some() && ![Kind::Reset, Kind::Rfc2544].contains(&test.kind) {
        let expected = "it only with kind: reset or rfc2544";
        problems.push(profile.origin.problem("test.reset", "a reset", expected));
    }
}

type Refuse<'a> = dyn FnMut(&str, String, &str) + 'a;

fn values(modifier: &Modifier, refuse: &mut Refuse<'_>) {
    let shares = [("broadcast", modifier.broadcast), ("hop_by_hop", modifier.hop_by_hop)];
    for (key, share) in shares {
        let Some(share) = share else { continue };
        let whole = share >= Ratio::ONE && key == "broadcast";
        if share.0 == 0 || share > Ratio::ONE || whole {
            refuse(key, share.text(), "a share above 0%, and for broadcast below 100%");
        }
    }
    let spans =
        [("management", modifier.management), ("routing_updates", modifier.routing_updates)];
    for (key, every) in spans {
        if let Some(every) = every.filter(|every| every.0 == 0) {
            refuse(key, every.text(), "a time above 0");
        }
    }
}

fn needs(profile: &Profile, modifier: &Modifier, refuse: &mut Refuse<'_>) {
    if modifier.filters.is_some() && !may_have_router(profile) {
        let expected = "filters only where the lab's router can have them; on a device of your own \
                        set them there, and run the profile with and without";
        refuse("filters", "filters".to_owned(), expected);
    }
    let over = |ipv6: bool| move |stream: &&Stream| is_ipv6(stream) == Some(ipv6);
    if modifier.ipv6_share.is_some() {
        for port in 0..profile.ports.len() {
            let here = || profile.streams.iter().filter(|stream| stream.from == port);
            if here().count() > 0
                && (here().all(|s| over(true)(&s)) || here().all(|s| over(false)(&s)))
            {
                let expected = "streams over IPv4 and over IPv6 from every sending port";
                refuse(
                    "mix",
                    format!("streams of one family from {}", profile.ports[port].name),
                    expected,
                );
            }
        }
    }
    let keys = [
        ("extension_headers", !modifier.extension_headers.is_empty()),
        ("hop_by_hop", modifier.hop_by_hop.is_some()),
    ];
    for (key, _) in keys.iter().filter(|(_, asked)| *asked) {
        let mut of = profile.streams.iter().filter(over(true));
        if of.next().is_none() {
            refuse(key, "no stream over IPv6".to_owned(), "a stream that can have the header");
        }
        if profile.streams.iter().any(|stream| stream.piece.is_some()) {
            refuse(key, "streams in fragments".to_owned(), "streams of whole datagrams");
        }
    }
    if modifier.management.is_some() {
        let sending = profile.streams.iter().map(|stream| stream.from).min();
        let port = sending.and_then(|port| profile.ports.get(port));
        let known = port.is_some_and(|port| {
            matches!(port.attachment, Attachment::Lab(_)) || port.next_hop.ipv4.is_some()
        });
        if !known {
            let expected = "the port's next_hop as an IPv4 address: the device that is asked";
            refuse("management", "a device whose address nobody tells".to_owned(), expected);
        }
    }
}

/// Whether a lab with a router stands between the ports, or may by `--lab`.
fn may_have_router(profile: &Profile) -> bool {
    let back_to_back = profile.lab.as_ref().is_some_and(|lab| lab.topology == Topology::BackToBack);
    profile.stands_in_lab() && !back_to_back
}

fn is_ipv6(stream: &Stream) -> Option<bool> {
    stream.headers.iter().find_map(|header| match header.protocol.kind {
        ProtocolKind::Ipv4 => Some(false),
        ProtocolKind::Ipv6 => Some(true),
        _ => None,
    })
}

/// A stream that names MACs cannot be sent back by exchanging them.
fn both_ways(profile: &Profile, problems: &mut Vec<Problem>) {
    let first = profile.streams.first().map(|stream| stream.from);
    for (n, stream) in profile.streams.iter().enumerate() {
        let at = profile.stream_path(n);
        let mut refuse = |key: &str, found: &str, expected: &str| {
            problems.push(profile.origin.problem(path::key(&at, key), found, expected));
        };
        if Some(stream.from) != first {
            let expected = "streams from one port: bidirectional adds those of the other direction";
            refuse("from", "a second sending port", expected);
        }
        let macs = stream.headers.iter().any(|header| {
            header.protocol.kind == ProtocolKind::Ethernet && !header.fields.is_empty()
        });
        if macs {
            let expected = "the ports' own MACs: bidirectional sends the stream back, or write both \
                            directions yourself";
            refuse("packet", "MACs", expected);
        }
        if stream.piece.is_some() {
            refuse("fragments", "fragments", "whole datagrams, or both directions written out");
        }
    }
}
