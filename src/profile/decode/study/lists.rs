//! The lists of a study's matrix, and the values that stand in them.

use super::super::fragments::ORDERS;
use super::super::{At, Decoder, Record};
use super::MAX_INTERLEAVE;
use super::cell::Wish;
use crate::frontend::ip::Family;
use crate::profile::fragments::Order;
use crate::profile::study::{
    ANOMALIES, Anomaly, EXTENSION_BYTES, EXTENSION_SIZES, EXTENSIONS, Extension, ExtensionKind,
    FAMILIES, MAX_FRAGMENTS, PROTOCOLS, Protocol,
};
use crate::profile::units::Unit;
use crate::units::{Nanos, Ratio};

/// Entries of a list at most.
const MAX_LIST: usize = 64;

/// A gap between fragments: a time, or a share of the receiver's reassembly time.
#[derive(Clone, Copy, Debug)]
pub(super) enum Gap {
    Time(Nanos),
    Share(Ratio),
}

/// The lists of the matrix.
pub(super) struct Lists {
    pub(super) families: Vec<Family>,
    pub(super) protocols: Vec<Protocol>,
    pub(super) first: Vec<Option<usize>>,
    pub(super) count: Vec<usize>,
    pub(super) order: Vec<Order>,
    pub(super) gap: Vec<Gap>,
    pub(super) anomaly: Vec<Anomaly>,
    pub(super) extension: Vec<Option<Extension>>,
    pub(super) df: Vec<bool>,
    pub(super) interleave: Vec<usize>,
}

/// Reads the lists; without a record, their defaults.
pub(super) fn lists(record: &mut Option<&mut Record<'_, '_>>) -> Lists {
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

pub(super) fn first(decoder: &mut Decoder, at: &At<'_>) -> Option<Option<usize>> {
    if at.node.scalar() == Some("auto") {
        return Some(None);
    }
    decoder.integer(at, 8, 65_528).map(|first| Some(first as usize))
}

pub(super) fn gap(decoder: &mut Decoder, at: &At<'_>) -> Option<Gap> {
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

pub(super) fn extension(decoder: &mut Decoder, at: &At<'_>) -> Option<Option<Extension>> {
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
    pub(super) fn levels(&self) -> Vec<usize> {
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

    pub(super) fn wish(&self, row: &[usize]) -> Wish {
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
