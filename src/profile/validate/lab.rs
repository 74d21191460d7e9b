//! The lab.

use super::{bounds, streams};
use crate::engine::port::LongestFrame;
use crate::profile::model::{Attachment, Profile, Topology};
use crate::profile::path;
use crate::profile::problem::{Problem, shorten};
use crate::units::{FCS_BYTES, FrameSize};
use crate::wire::field::ProtocolKind;

/// Rules that also hold when the command line chooses the lab.
pub(in crate::profile) const RULES: [super::Rule; 3] =
    [ports_stand_in_it, impairments_need_the_router, frames_fit_its_mtu];

pub(in crate::profile) fn ports_stand_in_it(profile: &Profile, problems: &mut Vec<Problem>) {
    if profile.lab.is_none() {
        return;
    }
    for port in &profile.ports {
        if let Attachment::Interface(name) = &port.attachment {
            let at = path::key(&path::key("ports", &port.name), "interface");
            let expected = "{lab: tx} or {lab: rx}: in a lab all ports are the lab's";
            let found = format!("\"{}\"", shorten(name));
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}

pub(in crate::profile) fn impairments_need_the_router(
    profile: &Profile,
    problems: &mut Vec<Problem>,
) {
    let Some(lab) = profile.lab.as_ref().filter(|lab| lab.topology != Topology::Router) else {
        return;
    };
    let expected = "topology: router, since it is the router that impairs";
    if lab.nft.is_some() {
        problems.push(profile.origin.problem("lab.nft", "an nft ruleset", expected));
    }
    if !lab.tbf.is_empty() {
        problems.push(profile.origin.problem("lab.tbf", "a token bucket filter", expected));
    }
    if let Some(mtu) = lab.egress_mtu {
        problems.push(profile.origin.problem("lab.egress_mtu", mtu.to_string(), expected));
    }
}

/// The link beyond the router's device carries no longer packets than its other end takes.
pub(super) fn egress_is_no_wider(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(lab) = &profile.lab else { return };
    if let Some(mtu) = lab.egress_mtu.filter(|mtu| *mtu > lab.mtu) {
        let expected = format!("at most {}, the MTU of the other devices", lab.mtu);
        problems.push(profile.origin.problem("lab.egress_mtu", mtu.to_string(), expected));
    }
}

/// Bytes of the headers that an MTU does not count.
fn link_len(profile: &Profile, stream: usize) -> u32 {
    let link = |kind| matches!(kind, ProtocolKind::Ethernet | ProtocolKind::Vlan);
    let headers = profile.streams[stream].headers.iter();
    headers.take_while(|h| link(h.protocol.kind)).map(|h| h.len() as u32).sum()
}

/// A packet device forwards frames up to its MTU, an Ethernet header and one VLAN tag
/// (is_skb_forwardable, net/core/dev.c); what IP carries is held to the MTU itself.
pub(in crate::profile) fn frames_fit_its_mtu(profile: &Profile, problems: &mut Vec<Problem>) {
    const ETHERNET: u32 = 14;
    const VLAN: u32 = 4;
    let Some(lab) = &profile.lab else { return };
    for (n, (at, stream)) in streams(profile).enumerate() {
        if let Some(replay) = &stream.replay {
            let need = LongestFrame::of_frames(replay.frames.iter());
            // What is longer than any frame is told by another rule.
            let is_a_frame = bounds(&stream.size).1 <= FrameSize(16_000);
            if need.mtu > lab.mtu as usize && is_a_frame {
                let found = format!("a frame of {}B", need.bytes + FCS_BYTES as usize);
                let expected = format!("lab.mtu of {} at least; it is {}", need.mtu, lab.mtu);
                problems.push(profile.origin.problem(path::key(&at, "replay"), found, expected));
            }
            continue;
        }
        if stream.headers.is_empty() {
            continue;
        }
        let largest = bounds(&stream.size).1;
        let link = link_len(profile, n).min(ETHERNET + VLAN);
        let most = lab.mtu + link + FCS_BYTES;
        if largest > FrameSize(most) {
            let (key, found) = match &stream.piece {
                None => ("size", format!("{}B", largest.0)),
                Some(_) => ("fragments", format!("a piece in a frame of {}B", largest.0)),
            };
            let expected =
                format!("at most {most}B, since lab.mtu is {}; set lab.mtu for more", lab.mtu);
            problems.push(profile.origin.problem(path::key(&at, key), found, expected));
        }
    }
}

/// A frame that is longer than the bucket is dropped by tbf, always (tc-tbf(8), `burst`).
pub(super) fn buckets_hold_a_frame(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(lab) = &profile.lab else { return };
    let largest = profile.streams.iter().map(|stream| bounds(&stream.size).1.buffer_len()).max();
    let largest = largest.unwrap_or(0);
    for (n, tbf) in lab.tbf.iter().enumerate() {
        let at = path::index("lab.tbf", n);
        if tbf.rate_bps == 0 {
            let expected = "a rate above 0";
            problems.push(profile.origin.problem(path::key(&at, "rate"), "0bps", expected));
        }
        for (key, bytes) in [("burst", tbf.burst_bytes), ("limit", tbf.limit_bytes)] {
            if bytes < largest {
                let found = format!("{bytes}B");
                let expected =
                    format!("at least {largest}B, the longest frame without FCS: tbf drops others");
                problems.push(profile.origin.problem(path::key(&at, key), found, expected));
            }
        }
    }
}

/// Only network settings belong to a namespace; all others are the machine's.
pub(super) fn settings_are_of_the_network(profile: &Profile, problems: &mut Vec<Problem>) {
    let Some(lab) = &profile.lab else { return };
    for (key, value) in &lab.sysctl {
        let at = path::key("lab.sysctl", key);
        let word = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
        };
        if !key.starts_with("net.") || !key.split(['.', '/']).all(word) {
            let found = format!("the setting \"{}\"", shorten(key));
            let expected = "one below net. such as net.ipv4.ip_forward: others are the machine's";
            problems.push(profile.origin.problem(at, found, expected));
        } else if value.chars().any(char::is_control) {
            let found = format!("\"{}\"", shorten(value));
            problems.push(profile.origin.problem(at, found, "a value on one line"));
        }
    }
}
