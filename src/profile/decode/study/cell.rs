//! Cells: what one should be, whether its packets can be made, and where they come from.

use super::super::fragments::{self, ORDERS};
use super::super::{At, Decoder, Record};
use super::lists::{Gap, Lists, extension, first, gap};
use super::{Common, MAX_CELLS, MAX_INTERLEAVE, SIZES, tcp_header};
use crate::frontend::ip::Family;
use crate::profile::fragments::{Fragments, Order};
use crate::profile::study::{
    ANOMALIES, Anomaly, Cell, Design, Extension, FAMILIES, MAX_FRAGMENTS, PROTOCOLS, Protocol, cut,
    family_name, lawful,
};
use crate::profile::units::Unit;
use crate::study::design;
use crate::units::Nanos;

/// What a cell should be.
pub(super) struct Wish {
    pub(super) family: Family,
    pub(super) protocol: Protocol,
    pub(super) first: Option<usize>,
    pub(super) count: usize,
    pub(super) order: Order,
    pub(super) gap: Gap,
    pub(super) anomaly: Anomaly,
    pub(super) extension: Option<Extension>,
    pub(super) df: bool,
    pub(super) interleave: usize,
    pub(super) fragments: Option<Fragments>,
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

pub(super) fn matrix(lists: &Lists, design: Design, common: &Common) -> (Vec<Cell>, Vec<String>) {
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

pub(super) fn spelled(
    decoder: &mut Decoder,
    at: &At<'_>,
    lists: &Lists,
    common: &Common,
) -> Vec<Cell> {
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
pub(super) fn cell(record: &mut Record<'_, '_>, lists: &Lists, common: &Common) -> Option<Cell> {
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
