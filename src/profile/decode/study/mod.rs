//! A fragmentation study: `test: {kind: fragments, …}`.

mod cell;
mod criterion;
mod lists;

use std::net::{Ipv4Addr, Ipv6Addr};

use self::cell::{matrix, spelled};
pub use self::criterion::STAGES;
pub(super) use self::criterion::criterion;
use self::lists::lists;
use super::{At, Record};
use crate::profile::study::{
    ARMS, DESIGNS, Design, Effect, Protocol, RECEIVERS, Receiver, SINK_PORT, Study, Target,
};
use crate::profile::units::Unit;
use crate::profile::yaml::Node;
use crate::study::design;
use crate::study::statistics::{ALPHA, sample_size};
use crate::units::{Nanos, Ratio};

/// Cells at most.
pub const MAX_CELLS: usize = 4096;
/// Tries of an arm at most.
pub const MAX_TRIES: u64 = 10_000_000;
/// Datagrams that are interleaved at most.
pub const MAX_INTERLEAVE: u64 = 4096;
/// Bytes of a transport message: enough for every header and a tag, no longer than a datagram.
const SIZES: (u64, u64) = (64, 65_000);

/// What cells have in common, where they say nothing else.
struct Common {
    size: usize,
    tcp_header: usize,
    mtu: usize,
    reassembly_time: [Nanos; 2],
}

/// The study that says nothing but its kind. `root` is the whole profile: its lab may set the
/// reassembly times.
pub(super) fn plain(root: &Node) -> Study {
    let in_lab = root.entry("ports").is_none();
    let time = |name: &str, default: u64| {
        let set = root
            .entry("lab")
            .and_then(|lab| lab.value.entry("sysctl"))
            .and_then(|sysctl| sysctl.value.entry(name))
            .and_then(|entry| entry.value.scalar()?.parse::<u64>().ok());
        Nanos(set.unwrap_or(default).min(3_600) * Nanos::SECOND.0)
    };
    let ms = |ms: u64| Nanos(ms * Nanos::MILLISECOND.0);
    Study {
        cells: Vec::new(),
        design: Design::Main,
        left_out: Vec::new(),
        arms: ARMS.iter().map(|(_, arm)| *arm).collect(),
        tries: 20,
        effect: None,
        spacing: if in_lab { ms(2) } else { ms(1000) },
        wait: if in_lab { ms(250) } else { ms(3000) },
        receiver: Receiver::Sink,
        port: SINK_PORT,
        target: Target::default(),
        mtu: 1500,
        attribution: if in_lab { 20 } else { 0 },
        // net/ipv4/ip_fragment.c, include/net/ipv6_frag.h. A lab's host is told to be quicker.
        reassembly_time: [
            time("net.ipv4.ipfrag_time", if in_lab { 1 } else { 30 }),
            time("net.ipv6.ip6frag_time", if in_lab { 1 } else { 60 }),
        ],
    }
}

/// `test: fragments`: everything at its default.
pub(super) fn scalar(root: &Node) -> Study {
    let mut study = plain(root);
    let lists = lists(&mut None);
    let common = common(&study);
    study.cells = matrix(&lists, Design::Main, &common).0;
    study
}

fn common(study: &Study) -> Common {
    Common { size: 1232, tcp_header: 20, mtu: study.mtu, reassembly_time: study.reassembly_time }
}

/// A mapping with `kind: fragments`.
pub(super) fn study(record: &mut Record<'_, '_>, root: &Node) -> Study {
    let mut study = plain(root);
    // Its value was read already, else nobody would ask for a study.
    record.get("kind");
    if let Some(mtu) = record.integer("mtu", 576, 65_535) {
        study.mtu = mtu as usize;
    }
    let mut common = common(&study);
    if let Some(size) = record.integer("size", SIZES.0, SIZES.1) {
        common.size = size as usize;
    }
    common.tcp_header = tcp_header(record).unwrap_or(common.tcp_header);
    if let Some(at) = record.get("reassembly_time")
        && let Some(time) = record.decoder.unit(&at)
    {
        study.reassembly_time = [time, time];
        common.reassembly_time = study.reassembly_time;
    }
    let design = record.get("design");
    if let Some(at) = &design {
        study.design = record.decoder.choice(at, &DESIGNS).unwrap_or(study.design);
    }
    let lists = lists(&mut Some(&mut *record));
    let cells = record.get("cells");
    if let Some(at) = cells {
        record.only_with(&design, "design", "lists, and not beside cells");
        study.design = Design::Cells;
        study.cells = spelled(record.decoder, &at, &lists, &common);
    } else {
        let at = record.at();
        let levels = lists.levels();
        if study.design == Design::Full && design::full_count(&levels) > MAX_CELLS {
            let found = format!("{} combinations", design::full_count(&levels));
            let expected = format!("at most {MAX_CELLS}, or design: pairwise");
            record.decoder.refuse(at, found, expected);
        } else {
            (study.cells, study.left_out) = matrix(&lists, study.design, &common);
            if study.cells.is_empty() && !study.left_out.is_empty() {
                let found = format!("no cell: {}", study.left_out.join("; "));
                record.decoder.refuse(at, found, "lists of which at least one cell can be made");
            }
        }
    }
    if let Some(at) = record.get("arms") {
        let arms = record
            .decoder
            .list_of(&at, "arms: [whole, fragments]", |decoder, item| decoder.choice(item, &ARMS));
        study.arms = arms.filter(|arms| !arms.is_empty()).unwrap_or(study.arms);
        study.arms.sort_unstable();
        study.arms.dedup();
    }
    let (tries, effect) = (record.get("tries"), record.get("effect"));
    if let Some(at) = effect {
        study.effect = record.decoder.record(&at, "effect", EFFECT, self::effect).flatten();
        if let Some(effect) = study.effect {
            let [from, to, power] = [effect.from, effect.to, effect.power].map(Ratio::as_f64);
            match sample_size::per_arm(from, to, ALPHA, power).filter(|n| *n <= MAX_TRIES) {
                Some(proposed) => study.tries = proposed,
                None => {
                    let expected = format!("an effect that at most {MAX_TRIES} tries find");
                    record.decoder.refuse(&at, "an effect too small", expected);
                }
            }
        }
    }
    if let Some(at) = tries {
        study.tries = record.decoder.integer(&at, 1, MAX_TRIES).unwrap_or(study.tries);
    }
    study.spacing = record.unit("spacing").unwrap_or(study.spacing);
    study.wait = record.unit("wait").unwrap_or(study.wait);
    if let Some(at) = record.get("receiver") {
        study.receiver = record.decoder.choice(&at, &RECEIVERS).unwrap_or(study.receiver);
    }
    let dns_alone = study.cells.iter().all(|cell| cell.protocol == Protocol::Dns);
    if dns_alone && !study.cells.is_empty() {
        study.port = 53;
    }
    study.port = record.integer("port", 1, 65_535).map_or(study.port, |port| port as u16);
    if let Some(at) = record.get("target") {
        let expected = "where the packets go: {ipv6: 2001:db8::1}";
        study.target = record.decoder.record(&at, "target", expected, target).unwrap_or_default();
    }
    study.attribution = record.integer("attribution", 0, MAX_TRIES).unwrap_or(study.attribution);
    study
}

const EFFECT: &str = "losses to tell apart: {from: 1%, to: 2%}";

fn effect(record: &mut Record<'_, '_>) -> Option<Effect> {
    let from = record.require("from", "the loss of the control");
    let to = record.require("to", "the loss to tell from it");
    let power = record.get("power");
    let mut share = |at: At<'_>, what: &str| {
        let ratio: Ratio = record.decoder.unit(&at)?;
        if ratio.0 == 0 || ratio >= Ratio::ONE {
            record.decoder.refuse(&at, ratio.text(), format!("{what} above 0% and below 100%"));
            return None;
        }
        Some(ratio)
    };
    let power = match power {
        Some(at) => share(at, "a power")?,
        None => Ratio(Ratio::ONE.0 / 10 * 9),
    };
    Some(Effect { from: share(from?, "a loss")?, to: share(to?, "a loss")?, power })
}

fn target(record: &mut Record<'_, '_>) -> Target {
    let ipv4: Option<Ipv4Addr> = record.unit("ipv4");
    let ipv6: Option<Ipv6Addr> = record.unit("ipv6");
    let name = record.get("name").and_then(|at| {
        record.decoder.scalar(&at, "a domain name", |text| {
            let label = |label: &str| !label.is_empty() && label.len() <= 63;
            let sound = text.is_ascii() && text.len() <= 200 && text.split('.').all(label);
            if sound { Ok(text.to_owned()) } else { Err("a domain name".to_owned()) }
        })
    });
    Target { ipv4, ipv6, name }
}

fn tcp_header(record: &mut Record<'_, '_>) -> Option<usize> {
    let at = record.get("tcp_header")?;
    let len = record.decoder.integer(&at, 20, 60)? as usize;
    if !len.is_multiple_of(4) {
        record.decoder.refuse(&at, len.to_string(), "a multiple of 4: TCP counts in words");
        return None;
    }
    Some(len)
}

#[cfg(test)]
pub(super) fn cell_record(record: &mut Record<'_, '_>, root: &Node) {
    let (lists, common) = (lists(&mut None), common(&plain(root)));
    cell::cell(record, &lists, &common);
}
