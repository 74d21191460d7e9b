//! What a benchmark's tests are made with beside their own frames, and how the device is reset.

use super::benchmark::{MAX_LIST, bounded, whole};
use super::{Decoder, Record};
use crate::profile::benchmark::{ExtensionHeader, Modifier, Reset, ResetBy};
use crate::profile::yaml::Data;
use crate::units::{Nanos, Ratio};

/// Networks that destinations may be in.
pub const NETWORKS: [(&str, u32); 9] = [
    ("1", 1),
    ("2", 2),
    ("4", 4),
    ("8", 8),
    ("16", 16),
    ("32", 32),
    ("64", 64),
    ("128", 128),
    ("256", 256),
];
/// Filters at most.
pub const MAX_FILTERS: u64 = 10_000;
/// Arguments of a command at most.
const MAX_ARGUMENTS: usize = 100;

/// What is asked for together.
pub(super) fn modifier(record: &mut Record<'_, '_>) -> Option<Modifier> {
    let mut read = Modifier {
        broadcast: record.unit("broadcast"),
        management: record.unit("management"),
        routing_updates: record.unit("routing_updates"),
        filters: record.integer("filters", 1, MAX_FILTERS).map(|count| count as u32),
        ..Modifier::default()
    };
    if let Some(at) = record.get("networks") {
        read.networks = record.decoder.choice(&at, &NETWORKS);
    }
    if let Some(at) = record.get("mix") {
        read.ipv6_share = record
            .decoder
            .record(&at, "mix", "{ipv4: 90%, ipv6: 10%}", |record| {
                let ipv4: Option<Ratio> = record.unit("ipv4");
                let ipv6: Option<Ratio> = record.unit("ipv6");
                let sum = ipv4?.0.checked_add(ipv6?.0);
                if sum != Some(Ratio::ONE.0) {
                    let at = record.at().clone();
                    record.decoder.refuse(&at, "shares", "shares that add up to 100%");
                    return None;
                }
                ipv6
            })
            .flatten();
    }
    if let Some(at) = record.get("extension_headers") {
        let names = ExtensionHeader::NAMES.map(|(name, _, header)| (name, header));
        let expected = "extension headers such as [routing, destination_options, fragment]";
        let list =
            record.decoder.list_of(&at, expected, |decoder, item| decoder.choice(item, &names));
        bounded(record.decoder, &at, list.as_deref(), MAX_LIST);
        read.extension_headers = list.unwrap_or_default();
    }
    read.hop_by_hop = record.unit("hop_by_hop");
    let at = record.at().clone();
    if matches!(&at.node.data, Data::Mapping(entries) if entries.is_empty()) {
        record.decoder.refuse(&at, "nothing", "at least one of the keys of a modifier");
    }
    (read != Modifier::default()).then_some(read)
}

/// Who resets the device, and when.
pub(super) fn reset(record: &mut Record<'_, '_>) -> Option<Reset> {
    let standard = Reset::new(ResetBy::Hand);
    let (command, down) = (record.get("command"), record.get("down"));
    let words = [("hand", 0), ("command", 1), ("lab", 2)];
    let by = record.require("by", "hand, command or lab");
    let by = by.and_then(|at| record.decoder.choice(&at, &words));
    if by != Some(1) {
        record.only_with(&command, "command", "by: command");
    }
    if by != Some(2) {
        record.only_with(&down, "down", "by: lab");
    }
    let read = Reset {
        by: ResetBy::Hand,
        after: record.unit("after").unwrap_or(standard.after),
        watch: record.unit("watch").unwrap_or(standard.watch),
        load: record.unit("load").unwrap_or(standard.load),
        repeats: whole(record, "repeats", 1, standard.repeats),
    };
    let by = match by? {
        1 => {
            let Some(at) = command else {
                record.missing("command", "a program with its arguments: [ssh, router, reboot]");
                return None;
            };
            let expected = "a program with its arguments: [ssh, router, reboot]";
            let words = record.decoder.list_of(&at, expected, Decoder::text)?;
            bounded(record.decoder, &at, Some(&words), MAX_ARGUMENTS);
            ResetBy::Command(words)
        }
        2 => {
            let down: Option<Nanos> = down.and_then(|at| record.decoder.unit(&at));
            ResetBy::Lab { down: down.unwrap_or(Nanos::SECOND) }
        }
        _ => ResetBy::Hand,
    };
    Some(Reset { by, ..read })
}
