//! Which connections are let in, and which of them have to go when there are too many.

use super::{Link, Translator};
use crate::frontend::serve::tcp::evidence::Evidence;
use crate::frontend::serve::tcp::flow::{End, Flow, Key, Stage};
use crate::frontend::serve::tcp::record::Counts;
use crate::frontend::serve::tcp::segment::Segment;
use crate::frontend::serve::tcp::settings::Settings;
use crate::frontend::serve::tcp::table::{Full, Place};
use crate::packet::random;

/// The maximum segment size where none is said (RFC 9293 §3.7.1).
const DEFAULT_MSS: u16 = 536;

/// The share of the table that unfinished handshakes may fill: 1 in so many.
const HALF_OPEN_SHARE: usize = 2;

impl Translator {
    /// The connection of a client's segment. One that has ended, or that the client has forgotten,
    /// makes room for the SYN of a new one.
    pub(super) fn place_of(
        &mut self,
        key: &Key,
        segment: &Segment<'_>,
        opens: bool,
        now: u64,
    ) -> Option<Place> {
        let place = self.table.by_client(key)?;
        let flow = self.table.get(place)?;
        let anew = opens && flow.client_first != segment.seq();
        match flow.stage {
            Stage::Ended(end, _) if anew => {
                self.forget(place, end, now);
                None
            }
            // The server has another connection on that port: it answers the SYN of this one as RFC
            // 9293 §3.10.7.4 says, which is the client's to deal with.
            _ => Some(place),
        }
    }

    pub(super) fn open(
        &mut self,
        key: Key,
        listener: usize,
        segment: &Segment<'_>,
        now: u64,
        link: &mut impl Link,
    ) -> Option<Place> {
        if !self.allowed(now) {
            self.totals.syns_above_rate += 1;
            return None;
        }
        if self.half_open_count >= (self.settings.max_flows / HALF_OPEN_SHARE).max(1)
            || self.table.len() >= self.settings.max_flows
        {
            self.evict(now, link);
        }
        self.serial += 1;
        let (serial, settings) = (self.serial, &self.settings);
        let label = random::mix(self.ids.draw()) as u32 & 0xf_ffff;
        let made = self.table.insert(listener, |port| {
            new_flow(Opening { key, listener, port, serial, label, now }, segment, settings)
        });
        match made {
            Ok(place) => {
                self.half_open.push_back((place, serial));
                self.half_open_count += 1;
                self.totals.opened += 1;
                self.totals.open_most = self.totals.open_most.max(self.table.len() as u64);
                Some(place)
            }
            Err(Full::Flows | Full::Ports) => {
                self.totals.syns_without_room += 1;
                None
            }
        }
    }

    /// Whether the rate allows a SYN more.
    fn allowed(&mut self, now: u64) -> bool {
        const ONE: u64 = 1_000_000_000;
        let (left, at) = self.allowance;
        let gained = now.saturating_sub(at).saturating_mul(u64::from(self.settings.syn_rate));
        let left = left.saturating_add(gained).min(full_allowance(&self.settings));
        self.allowance = (left.saturating_sub(ONE), now);
        if left < ONE {
            self.allowance.0 = left;
        }
        left >= ONE
    }

    /// Ends the oldest unfinished handshake.
    fn evict(&mut self, now: u64, link: &mut impl Link) {
        while let Some((place, serial)) = self.half_open.pop_front() {
            let is = self
                .table
                .get(place)
                .is_some_and(|flow| flow.serial == serial && flow.is_half_open());
            if is {
                self.finish(place, End::Evicted, now, link);
                return;
            }
        }
    }
}

/// What a new connection is made of, beside its first segment.
struct Opening {
    key: Key,
    listener: usize,
    port: u16,
    serial: u64,
    label: u32,
    now: u64,
}

fn new_flow(opening: Opening, segment: &Segment<'_>, settings: &Settings) -> Flow {
    let Opening { key, listener, port, serial, label, now } = opening;
    let options = segment.options();
    Flow {
        key,
        listener,
        port,
        stage: Stage::Asked,
        serial,
        opened: now,
        client_at: now,
        server_at: now,
        client_first: segment.seq(),
        client_next: segment.seq().wrapping_add(segment.len()),
        server_next: 0,
        client_fin: None,
        server_fin: None,
        answered_at: None,
        client_mss: options.mss.map_or(DEFAULT_MSS, |(mss, _)| mss),
        timestamps: options.timestamps.is_some(),
        sack: options.sack_permitted,
        mtu: settings.mtu,
        server_mtu: settings.listeners[listener].mtu,
        label,
        evidence: Evidence::new(settings.whole_after),
        counts: Counts::default(),
    }
}

/// As many SYNs at once as a second allows.
pub(super) fn full_allowance(settings: &Settings) -> u64 {
    u64::from(settings.syn_rate).max(1).saturating_mul(1_000_000_000)
}
