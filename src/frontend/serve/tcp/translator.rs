//! The translator: what comes from clients goes to the server, what comes from the server goes to
//! clients, in fragments. No input and no output of its own, and it is told the time.
//!
//! Sequence numbers, windows, options and data pass as they are, so both ends keep their own TCP:
//! their retransmissions, their congestion control, their time-outs. What changes is ports,
//! addresses, the maximum segment size of SYNs, and where data is cut.

mod admit;
mod hear;
mod icmp;

use std::net::SocketAddr;

use self::admit::full_allowance;
use self::hear::{heard_from_client, heard_from_server};
use super::compose::{Ends, Part, reset, translate};
use super::cut::{Fragmenting, WHOLE_UP_TO, segments};
use super::evidence::Way;
use super::flow::{End, Key, Stage, Times};
use super::record::{Record, Totals};
use super::segment::{ACK, SYN, Segment};
use super::settings::{Settings, mss_of, room};
use super::table::{Place, Table};
use crate::frontend::serve::fragment::{Made, Pieces};
use crate::frontend::serve::identification::Identifications;
use crate::frontend::serve::service::time_of_day;
use crate::units::Nanos;
use crate::wire::tcp;

/// Bytes that the time stamps of every segment take of what a maximum segment size counts.
const TIMESTAMPS: u16 = 12;

/// TTL or hop limit towards the server.
const HOP_LIMIT: u8 = 64;

/// Places that one tick looks at, as a share of the table: 1 in so many.
const SWEEP_SHARE: usize = 10;

/// Where translated packets go.
pub trait Link {
    /// The packets of one segment, to a client.
    fn to_client(&mut self, pieces: &Pieces, gap: Nanos);
    /// A packet to the server that it names.
    fn to_server(&mut self, packet: &[u8], server: SocketAddr);
}

/// Whose packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The clients'.
    Clients,
    /// The servers'.
    Servers,
}

/// The translator.
#[derive(Debug)]
pub struct Translator {
    settings: Settings,
    fragmenting: Fragmenting,
    table: Table,
    ids: Identifications,
    /// Unfinished handshakes, the oldest first, with their serial numbers.
    half_open: std::collections::VecDeque<(Place, u64)>,
    half_open_count: usize,
    serial: u64,
    /// SYNs that may still come, in billionths, and when that was so.
    allowance: (u64, u64),
    totals: Totals,
    /// When this host was last too slow.
    lagged_at: Option<u64>,
    over: Vec<Record>,
    packet: Vec<u8>,
    pieces: Pieces,
}

impl Translator {
    /// A translator without connections.
    pub fn new(settings: Settings, fragmenting: Fragmenting) -> Self {
        let table = Table::new(&settings);
        let allowance = (full_allowance(&settings), 0);
        Self {
            settings,
            fragmenting,
            table,
            ids: Identifications::default(),
            half_open: std::collections::VecDeque::new(),
            half_open_count: 0,
            serial: 0,
            allowance,
            totals: Totals::default(),
            lagged_at: None,
            over: Vec::new(),
            packet: Vec::new(),
            pieces: Pieces::default(),
        }
    }

    /// A segment from a client.
    pub fn from_client(&mut self, segment: &Segment<'_>, now: u64, link: &mut impl Link) {
        let key = Key { client: segment.src, front: segment.dst };
        let Some(listener) = self.settings.listener(key.front) else { return };
        self.totals.from_clients += 1;
        let opens = segment.has(SYN) && !segment.has(ACK);
        let place = match self.place_of(&key, segment, opens, now) {
            Some(place) => place,
            None if opens => match self.open(key, listener, segment, now, link) {
                Some(place) => place,
                None => return,
            },
            None => {
                self.totals.refused_from_clients.unmatched += 1;
                return;
            }
        };
        let Some(flow) = self.table.get(place) else { return };
        let was_half_open = flow.is_half_open();
        heard_from_client(flow, segment, now);
        if was_half_open && !flow.is_half_open() {
            self.half_open_count -= 1;
        }
        let listener = &self.settings.listeners[flow.listener];
        let ends = Ends {
            src: SocketAddr::new(listener.source, flow.port),
            dst: listener.backend,
            hop_limit: HOP_LIMIT,
            flow_label: flow.label,
        };
        let options = segment.options();
        let mss = options.mss.filter(|_| opens).map(|(mss, at)| {
            let extra = if options.timestamps.is_some() { TIMESTAMPS } else { 0 };
            (mss.min(self.settings.segment as u16 + extra), at)
        });
        let most = room(flow.server_mtu, ends.dst.ip(), segment.header.len());
        for range in segments(segment.data.len(), most) {
            let part = Part { start: range.start, end: range.end };
            self.packet.clear();
            translate(&mut self.packet, segment, &ends, part, mss);
            if !range.is_empty() {
                flow.counts.to_server.add(range.len());
            }
            link.to_server(&self.packet, listener.backend);
        }
    }

    /// A segment from a server.
    pub fn from_server(&mut self, segment: &Segment<'_>, now: u64, link: &mut impl Link) {
        self.totals.from_servers += 1;
        let place = self.table.by_server(segment.src, segment.dst);
        let Some(flow) = place.and_then(|place| self.table.get(place)) else {
            self.totals.refused_from_servers.unmatched += 1;
            return;
        };
        let was_half_open = flow.is_half_open();
        heard_from_server(flow, segment, now);
        if was_half_open && !flow.is_half_open() {
            self.half_open_count -= 1;
        }
        let ends = Ends {
            src: flow.key.front,
            dst: flow.key.client,
            hop_limit: self.settings.hop_limit,
            flow_label: flow.label,
        };
        let header = segment.header.len();
        let options = segment.options();
        let mss = options.mss.filter(|_| segment.has(SYN)).map(|(mss, at)| {
            let server = mss_of(flow.server_mtu, self.settings.listeners[flow.listener].source);
            (mss.min(server).min(mss_of(self.settings.mtu, ends.dst.ip())), at)
        });
        let by_client = usize::from(flow.client_mss).saturating_sub(header - tcp::LEN);
        let most = self.settings.segment.min(by_client.max(Settings::LEAST_SEGMENT)).min(room(
            flow.mtu,
            ends.dst.ip(),
            header,
        ));
        let stamp = options.timestamps.map(|(value, _)| value);
        for range in segments(segment.data.len(), most) {
            let part = Part { start: range.start, end: range.end };
            self.packet.clear();
            translate(&mut self.packet, segment, &ends, part, mss);
            let start = segment.seq().wrapping_add(range.start as u32);
            let end = segment.seq().wrapping_add(range.end as u32);
            let way = match flow.evidence.way(start, end) {
                Way::Fragments if range.len() > WHOLE_UP_TO && !segment.has(SYN) => Way::Fragments,
                _ => Way::Whole,
            };
            let shape = match way {
                Way::Fragments => self.fragmenting.shape(header),
                Way::Whole => Fragmenting::none(),
            };
            let made = shape.cut(&self.packet, flow.mtu, &mut self.ids, &mut self.pieces);
            let way = match made {
                Ok(Made::Whole) | Err(_) => Way::Whole,
                Ok(Made::Atomic | Made::Pieces) => Way::Fragments,
            };
            if !range.is_empty() {
                flow.evidence.sent(start, end, way, stamp, now);
                match way {
                    Way::Fragments => flow.counts.fragmented.add(range.len()),
                    Way::Whole => flow.counts.whole.add(range.len()),
                }
            }
            link.to_client(&self.pieces, shape.gap);
        }
    }

    /// A packet that was not understood.
    pub fn refused(&mut self, side: Side, refusal: super::segment::Refusal) {
        match side {
            Side::Clients => self.totals.refused_from_clients.add(refusal),
            Side::Servers => self.totals.refused_from_servers.add(refusal),
        }
    }

    /// This host was too slow just now: what is not acknowledged on connections that are open may
    /// have been acknowledged too late.
    pub fn lagged(&mut self, now: u64) {
        self.lagged_at = Some(now);
    }

    /// Ends what has expired: about every tenth of a second.
    pub fn tick(&mut self, now: u64, link: &mut impl Link) {
        let times = Times {
            handshake: self.settings.handshake,
            idle: self.settings.idle,
            vanished: self.settings.vanished,
            linger: self.settings.linger,
        };
        let count = self.table.places().len().div_ceil(SWEEP_SHARE);
        for place in self.table.sweep(count) {
            let end = self.table.get(place).and_then(|flow| flow.expired(now, &times));
            if let Some(end) = end {
                self.finish(place, end, now, link);
            }
        }
    }

    /// Ends all that is open.
    pub fn shut_down(&mut self, now: u64, link: &mut impl Link) {
        for place in self.table.places() {
            let end = self.table.get(place).map(|flow| match flow.stage {
                Stage::Ended(end, _) => end,
                _ => End::Shutdown,
            });
            if let Some(end) = end {
                self.finish(place, end, now, link);
            }
        }
    }

    /// What is over since the last call.
    pub fn take_over(&mut self) -> impl Iterator<Item = Record> + '_ {
        self.over.drain(..)
    }

    /// All connections together.
    pub fn totals(&self) -> Totals {
        Totals { open: self.table.len() as u64, ..self.totals.clone() }
    }

    /// The connections.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Ends a connection, and has those who still believe in it told.
    fn finish(&mut self, place: Place, end: End, now: u64, link: &mut impl Link) {
        let Some(flow) = self.table.get(place) else { return };
        if !flow.has_ended() {
            let listener = &self.settings.listeners[flow.listener];
            let to_server = Ends {
                src: SocketAddr::new(listener.source, flow.port),
                dst: listener.backend,
                hop_limit: HOP_LIMIT,
                flow_label: flow.label,
            };
            self.packet.clear();
            reset(&mut self.packet, &to_server, flow.client_next, None);
            link.to_server(&self.packet, listener.backend);
            if flow.stage == Stage::Established {
                let to_client = Ends {
                    src: flow.key.front,
                    dst: flow.key.client,
                    hop_limit: self.settings.hop_limit,
                    flow_label: flow.label,
                };
                self.packet.clear();
                reset(&mut self.packet, &to_client, flow.server_next, Some(flow.client_next));
                let whole = Fragmenting::none();
                if whole
                    .cut(&self.packet, self.settings.mtu, &mut self.ids, &mut self.pieces)
                    .is_ok()
                {
                    link.to_client(&self.pieces, whole.gap);
                }
            }
        }
        self.forget(place, end, now);
    }

    /// Takes a connection out of the table and tells what it says.
    fn forget(&mut self, place: Place, end: End, now: u64) {
        let Some(flow) = self.table.remove(place) else { return };
        if flow.is_half_open() {
            self.half_open_count -= 1;
        }
        // Serial numbers of what is gone fill the queue otherwise, when nothing is ever evicted.
        if self.half_open.len() > 2 * self.settings.max_flows {
            let table = &mut self.table;
            self.half_open.retain(|(place, serial)| {
                table.get(*place).is_some_and(|flow| flow.serial == *serial && flow.is_half_open())
            });
        }
        let backend = self.settings.listeners[flow.listener].backend;
        let lagged = self.lagged_at.is_some_and(|at| at >= flow.opened);
        let record = Record::new(&flow, backend, end, lagged, time_of_day(), now);
        *self.totals.outcomes.entry(record.outcome).or_default() += 1;
        *self.totals.ends.entry(end).or_default() += 1;
        self.totals.counts.add(&flow.counts);
        self.over.push(record);
    }
}
