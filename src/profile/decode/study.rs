//! A fragmentation study: `test: {kind: fragments, …}`.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::fragments::{self, ORDERS};
use super::{At, Decoder, Record};
use crate::frontend::ip::Family;
use crate::profile::fragments::{Fragments, Order};
use crate::profile::study::{
    ANOMALIES, ARMS, Anomaly, Cell, Criterion, DESIGNS, Design, EXTENSION_BYTES, EXTENSION_SIZES,
    EXTENSIONS, Effect, Extension, ExtensionKind, FAMILIES, MAX_FRAGMENTS, PROTOCOLS, Protocol,
    RECEIVERS, Receiver, SINK_PORT, Study, Target, cut, family_name, lawful,
};
use crate::profile::units::{Unit, parse_range};
use crate::profile::yaml::Node;
use crate::study::design;
use crate::study::statistics::{ALPHA, sample_size};
use crate::units::{Nanos, Ratio};

/// Entries of a list at most.
const MAX_LIST: usize = 64;
/// Cells at most.
pub const MAX_CELLS: usize = 4096;
/// Tries of an arm at most.
pub const MAX_TRIES: u64 = 10_000_000;
/// Datagrams that are interleaved at most.
pub const MAX_INTERLEAVE: u64 = 4096;
/// Bytes of a transport message: enough for every header and a tag, no longer than a datagram.
const SIZES: (u64, u64) = (64, 65_000);

/// A gap between fragments: a time, or a share of the receiver's reassembly time.
#[derive(Clone, Copy, Debug)]
enum Gap {
    Time(Nanos),
    Share(Ratio),
}

/// The lists of the matrix.
struct Lists {
    families: Vec<Family>,
    protocols: Vec<Protocol>,
    first: Vec<Option<usize>>,
    count: Vec<usize>,
    order: Vec<Order>,
    gap: Vec<Gap>,
    anomaly: Vec<Anomaly>,
    extension: Vec<Option<Extension>>,
    df: Vec<bool>,
    interleave: Vec<usize>,
}

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

/// Reads the lists; without a record, their defaults.
fn lists(record: &mut Option<&mut Record<'_, '_>>) -> Lists {
    let mut lists = Lists {
        families: vec![Family::V6, Family::V4],
        protocols: vec![Protocol::Udp],
        first: vec![None],
        count: vec![2],
        order: vec![Order::In],
        gap: vec![Gap::Time(Nanos(0))],
        anomaly: vec![Anomaly::None],
        extension: vec![None],
        df: vec![false],
        interleave: vec![1],
    };
    let Some(record) = record else { return lists };
    list(record, "families", &mut lists.families, |d, at| d.choice(at, &FAMILIES));
    list(record, "protocols", &mut lists.protocols, |d, at| d.choice(at, &PROTOCOLS));
    list(record, "first", &mut lists.first, first);
    list(record, "count", &mut lists.count, |d, at| {
        d.integer(at, 2, MAX_FRAGMENTS as u64).map(|count| count as usize)
    });
    list(record, "order", &mut lists.order, |d, at| d.choice(at, &ORDERS));
    list(record, "gap", &mut lists.gap, gap);
    list(record, "anomaly", &mut lists.anomaly, |d, at| d.choice(at, &ANOMALIES));
    if let Some(at) = record.get("extension") {
        if at.node.scalar() == Some("all") {
            lists.extension = std::iter::once(None).chain(all_extensions().map(Some)).collect();
        } else {
            read_list(record.decoder, &at, &mut lists.extension, extension);
        }
    }
    list(record, "df", &mut lists.df, Decoder::boolean);
    list(record, "interleave", &mut lists.interleave, |d, at| {
        d.integer(at, 1, MAX_INTERLEAVE).map(|count| count as usize)
    });
    lists
}

/// Every extension header at every size.
fn all_extensions() -> impl Iterator<Item = Extension> {
    EXTENSIONS.iter().flat_map(|(_, kind)| {
        let sizes = EXTENSION_SIZES.iter().filter(|size| **size >= kind.least());
        sizes.map(|&len| Extension { kind: *kind, len, after: false })
    })
}

fn list<T>(
    record: &mut Record<'_, '_>,
    key: &'static str,
    into: &mut Vec<T>,
    read: impl FnMut(&mut Decoder, &At<'_>) -> Option<T>,
) {
    if let Some(at) = record.get(key) {
        read_list(record.decoder, &at, into, read);
    }
}

/// A list, or one value for a list of one.
fn read_list<T>(
    decoder: &mut Decoder,
    at: &At<'_>,
    into: &mut Vec<T>,
    mut read: impl FnMut(&mut Decoder, &At<'_>) -> Option<T>,
) {
    if at.node.scalar().is_some() {
        // A value that is no good leaves the default, so that the rest is judged.
        if let Some(value) = read(decoder, at) {
            *into = vec![value];
        }
        return;
    }
    let values = decoder.list_of(at, "a list of values", read);
    if let Some(values) = values {
        if values.is_empty() || values.len() > MAX_LIST {
            let found = format!("{} entries", values.len());
            decoder.refuse(at, found, format!("1 to {MAX_LIST}"));
        } else {
            *into = values;
        }
    }
}

fn first(decoder: &mut Decoder, at: &At<'_>) -> Option<Option<usize>> {
    if at.node.scalar() == Some("auto") {
        return Some(None);
    }
    decoder.integer(at, 8, 65_528).map(|first| Some(first as usize))
}

fn gap(decoder: &mut Decoder, at: &At<'_>) -> Option<Gap> {
    let expected = "a time such as 1ms, or a share of the reassembly time such as 0.9T";
    decoder.scalar(at, expected, |text| {
        let read = match text.strip_suffix('T') {
            Some(share) => share
                .trim()
                .parse::<f64>()
                .ok()
                .filter(|share| (0.0..=10.0).contains(share))
                .map(|share| Gap::Share(Ratio((share * 1e9).round() as u64))),
            None => Nanos::parse(text).ok().map(Gap::Time),
        };
        read.ok_or_else(|| expected.to_owned())
    })
}

fn extension(decoder: &mut Decoder, at: &At<'_>) -> Option<Option<Extension>> {
    let (low, high) = EXTENSION_BYTES;
    let expected = format!(
        "none, or a header, its bytes (a multiple of 8 from {low} to {high}; authentication from \
         16), and after where it stands behind the fragment header: hop-by-hop 8, \
         destination-options 64 after"
    );
    decoder.scalar(at, &expected, |text| {
        if text == "none" {
            return Ok(None);
        }
        let words: Vec<&str> = text.split_whitespace().collect();
        let kind = EXTENSIONS.iter().find(|(name, _)| Some(name) == words.first());
        let len = words.get(1).and_then(|word| word.parse::<usize>().ok());
        let after = words.get(2) == Some(&"after");
        match (kind, len) {
            (Some((_, kind)), Some(len))
                if len % 8 == 0
                    && (kind.least()..=high).contains(&len)
                    && (words.len() == 2 || words.len() == 3 && after)
                    && !(after && *kind == ExtensionKind::HopByHop) =>
            {
                Ok(Some(Extension { kind: *kind, len, after }))
            }
            _ => Err(expected.clone()),
        }
    })
}

impl Lists {
    fn levels(&self) -> Vec<usize> {
        vec![
            self.families.len(),
            self.protocols.len(),
            self.first.len(),
            self.count.len(),
            self.order.len(),
            self.gap.len(),
            self.anomaly.len(),
            self.extension.len(),
            self.df.len(),
            self.interleave.len(),
        ]
    }

    fn wish(&self, row: &[usize]) -> Wish {
        Wish {
            family: self.families[row[0]],
            protocol: self.protocols[row[1]],
            first: self.first[row[2]],
            count: self.count[row[3]],
            order: self.order[row[4]].clone(),
            gap: self.gap[row[5]],
            anomaly: self.anomaly[row[6]],
            extension: self.extension[row[7]],
            df: self.df[row[8]],
            interleave: self.interleave[row[9]],
            fragments: None,
        }
    }
}

/// What a cell should be.
struct Wish {
    family: Family,
    protocol: Protocol,
    first: Option<usize>,
    count: usize,
    order: Order,
    gap: Gap,
    anomaly: Anomaly,
    extension: Option<Extension>,
    df: bool,
    interleave: usize,
    fragments: Option<Fragments>,
}

impl Wish {
    fn name(&self) -> String {
        let mut name = format!("{} {}", family_name(self.family), self.protocol.name());
        let mut add = |word: String| name.extend([" ", &word]);
        if let Some(first) = self.first {
            add(format!("first {first}"));
        }
        if self.fragments.is_none() && self.count != 2 {
            add(format!("n {}", self.count));
        }
        if let Some((order, _)) = ORDERS.iter().find(|(_, order)| *order == self.order)
            && self.order != Order::In
        {
            add((*order).to_owned());
        }
        match self.gap {
            Gap::Time(Nanos(0)) => {}
            Gap::Time(gap) => add(format!("gap {}", gap.text())),
            Gap::Share(share) => add(format!("gap {}T", share.as_f64())),
        }
        if self.anomaly != Anomaly::None {
            add(self.anomaly.name().to_owned());
        }
        if let Some(extension) = self.extension {
            add(extension.to_string());
        }
        if self.df {
            add("DF".to_owned());
        }
        if self.interleave > 1 {
            add(format!("interleaved {}", self.interleave));
        }
        name
    }

    /// Without what its family does not have: the row of a design still covers its other pairs.
    fn where_it_applies(mut self) -> Self {
        match self.family {
            Family::V4 => {
                self.extension = None;
                if self.anomaly == Anomaly::Nested {
                    self.anomaly = Anomaly::None;
                }
            }
            Family::V6 => self.df = false,
        }
        self
    }

    /// Makes the cell; why it cannot be made.
    fn cell(self, name: Option<String>, common: &Common, exact: bool) -> Result<Cell, String> {
        let name = name.unwrap_or_else(|| self.name());
        let v4 = self.family == Family::V4;
        if v4 && (self.extension.is_some() || self.anomaly == Anomaly::Nested) {
            return Err(format!("{name}: IPv4 has no such header"));
        }
        if !v4 && self.df {
            return Err(format!("{name}: IPv6 has no DF, no router fragments it"));
        }
        let headers = match self.family {
            Family::V4 => 20,
            Family::V6 => 40 + 8 + self.extension.map_or(0, |extension| extension.len),
        };
        let room = common.mtu.saturating_sub(headers);
        let needed = self.first.map_or(0, |first| first + 8 * (self.count - 1));
        let mut len = common.size.max(needed);
        if !exact && self.extension.is_some() {
            len = len.min(room / 8 * 8).max(needed);
        }
        if let Some(fragments) = &self.fragments
            && let crate::profile::fragments::Cut::Pieces(pieces) = &fragments.cut
        {
            // The pieces say how long the datagram is.
            len = pieces.iter().map(|p| p.offset + p.length).max().unwrap_or(len).min(room);
        }
        if len > room {
            return Err(format!(
                "{name}: a whole packet of {} bytes, and the path takes {}",
                len + headers,
                common.mtu
            ));
        }
        let time = common.reassembly_time[usize::from(!v4)];
        let gap = match self.gap {
            Gap::Time(gap) => gap,
            Gap::Share(share) => {
                Nanos((u128::from(time.0) * u128::from(share.0) / 1_000_000_000) as u64)
            }
        };
        let fragments = match self.fragments {
            Some(fragments) => fragments,
            None => {
                // An extension header behind the fragment header is part of what is cut.
                let after = self.extension.filter(|e| e.after).map_or(0, |e| e.len);
                let cut = cut(len + after, self.first, self.count)
                    .map_err(|why| format!("{name}: {why}"))?;
                lawful(cut, self.order, gap)
            }
        };
        Ok(Cell {
            name,
            family: self.family,
            protocol: self.protocol,
            len,
            tcp_header: common.tcp_header,
            fragments,
            anomaly: self.anomaly,
            extension: self.extension,
            df: self.df,
            interleave: self.interleave,
        })
    }
}

fn matrix(lists: &Lists, design: Design, common: &Common) -> (Vec<Cell>, Vec<String>) {
    let (mut cells, mut left_out): (Vec<Cell>, Vec<String>) = Default::default();
    for row in design::rows(design, &lists.levels()) {
        match lists.wish(&row).where_it_applies().cell(None, common, false) {
            // What does not apply makes no second cell.
            Ok(cell) if cells.iter().all(|known| known.name != cell.name) => cells.push(cell),
            Ok(_) => {}
            Err(why) => left_out.push(why),
        }
    }
    (cells, left_out)
}

fn spelled(decoder: &mut Decoder, at: &At<'_>, lists: &Lists, common: &Common) -> Vec<Cell> {
    let items = decoder.list(at, "a list of cells").unwrap_or_default();
    if items.is_empty() || items.len() > MAX_CELLS {
        decoder.refuse(at, format!("{} cells", items.len()), format!("1 to {MAX_CELLS}"));
        return Vec::new();
    }
    let mut cells: Vec<Cell> = Vec::new();
    for item in &items {
        let expected = "a cell: {family: ipv6, protocol: udp, count: 3}";
        let read = decoder.record(item, "cell", expected, |record| cell(record, lists, common));
        let Some(cell) = read.flatten() else { continue };
        if cells.iter().any(|known| known.name == cell.name) {
            let found = format!("a second cell \"{}\"", cell.name);
            decoder.refuse(item, found, "cells that differ, or a name");
            continue;
        }
        cells.push(cell);
    }
    cells
}

/// One cell; where it says nothing, the first entry of the list holds.
#[cfg(test)]
pub(super) fn cell_record(record: &mut Record<'_, '_>, root: &Node) {
    let (lists, common) = (lists(&mut None), common(&plain(root)));
    cell(record, &lists, &common);
}

fn cell(record: &mut Record<'_, '_>, lists: &Lists, common: &Common) -> Option<Cell> {
    let at = record.at();
    let name = record.get("name").and_then(|at| record.decoder.text(&at));
    let mut wish = lists.wish(&[0; 10]);
    let mut common = Common { ..*common };
    if let Some(at) = record.get("family") {
        wish.family = record.decoder.choice(&at, &FAMILIES)?;
    }
    if let Some(at) = record.get("protocol") {
        wish.protocol = record.decoder.choice(&at, &PROTOCOLS)?;
    }
    let size = record.integer("size", SIZES.0, SIZES.1);
    common.size = size.map_or(common.size, |size| size as usize);
    common.tcp_header = tcp_header(record).unwrap_or(common.tcp_header);
    let cut = [record.get("first"), record.get("count"), record.get("order"), record.get("gap")];
    let [first_at, count_at, order_at, gap_at] = &cut;
    if let Some(at) = first_at {
        wish.first = first(record.decoder, at)?;
    }
    if let Some(at) = count_at {
        wish.count = record.decoder.integer(at, 2, MAX_FRAGMENTS as u64)? as usize;
    }
    if let Some(at) = order_at {
        wish.order = record.decoder.choice(at, &ORDERS)?;
    }
    if let Some(at) = gap_at {
        wish.gap = gap(record.decoder, at)?;
    }
    if let Some(at) = record.get("fragments") {
        for (key, value) in ["first", "count", "order", "gap"].iter().zip(&cut) {
            record.only_with(value, key, "no fragments: they say how the datagram is cut");
        }
        let fragments = fragments::fragments(record.decoder, &at)?;
        if fragments.header.is_some() {
            record.decoder.refuse(&at, "a header", "none: a study's packets have one IP header");
        }
        wish.fragments = Some(fragments);
    }
    if let Some(at) = record.get("anomaly") {
        wish.anomaly = record.decoder.choice(&at, &ANOMALIES)?;
    }
    if let Some(at) = record.get("extension") {
        wish.extension = extension(record.decoder, &at)?;
    }
    wish.df = record.boolean("df").unwrap_or(wish.df);
    let interleave = record.integer("interleave", 1, MAX_INTERLEAVE);
    wish.interleave = interleave.map_or(wish.interleave, |count| count as usize);
    match wish.cell(name, &common, size.is_some()) {
        Ok(cell) => Some(cell),
        Err(why) => {
            record.decoder.refuse(at, why, "a cell whose packets can be made");
            None
        }
    }
}

/// `pass.arms`: what arms are held to.
pub(super) fn criterion(record: &mut Record<'_, '_>) -> Criterion {
    let mut criterion = Criterion::default();
    let arm = record.require("arm", "the arm that is held to it: fragments");
    criterion.arm = arm.and_then(|at| record.decoder.choice(&at, &ARMS));
    criterion.cell = record.get("cell").and_then(|at| record.decoder.text(&at));
    criterion.delivered = shares(record, "delivered");
    criterion.arrived = shares(record, "arrived");
    criterion.covers_loss = record.unit("covers_loss");
    if let Some(at) = record.get("stage") {
        criterion.stage = record.decoder.choice(&at, &STAGES).map(str::to_owned);
    }
    criterion.largest_fragment = record.integer("largest_fragment", 0, 65_535);
    if let Some(at) = record.get("counters") {
        criterion.counters = numbers(record.decoder, &at, "counters: {rx Ip6.ReasmReqds: 60}");
    }
    if let Some(at) = record.get("icmp") {
        criterion.icmp = numbers(record.decoder, &at, "errors that come back: {3/1: 20}");
    }
    criterion
}

/// The stages by their names.
pub const STAGES: [(&str, &str); 9] = [
    ("none", "none"),
    ("tester", "tester"),
    ("device", "device"),
    ("path", "path"),
    ("router", "router"),
    ("link", "link"),
    ("reassembly", "reassembly"),
    ("receiver", "receiver"),
    ("reply", "reply"),
];

fn numbers(decoder: &mut Decoder, at: &At<'_>, expected: &str) -> Vec<(String, u64)> {
    let entries = decoder.names(at, expected).unwrap_or_default();
    let read = |(entry, key): &(At<'_>, &str)| {
        Some(((*key).to_owned(), decoder.integer(entry, 0, u64::MAX)?))
    };
    entries.iter().filter_map(read).collect()
}

/// One share, or a range of them.
fn shares(record: &mut Record<'_, '_>, key: &'static str) -> Option<(Ratio, Ratio)> {
    let at = record.get(key)?;
    let expected = "a share such as 100%, or a range such as 85%..95%";
    let (low, high) = record.decoder.scalar(&at, expected, |text| {
        let range = match text.contains("..") {
            true => parse_range(text),
            false => Ratio::parse(text).map(|share| (share, share)),
        };
        range.map_err(|_| expected.to_owned())
    })?;
    if low > high {
        record.decoder.refuse(&at, format!("{}..{}", low.text(), high.text()), expected);
        return None;
    }
    Some((low, high))
}
