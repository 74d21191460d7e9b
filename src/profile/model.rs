//! The profile after parsing and validation: every name resolved, every unit converted, nothing
//! that is not legal.

mod value;

pub use value::{FieldName, FieldValue, Real, Weighted};

use std::net::{Ipv4Addr, Ipv6Addr};

pub use crate::profile::piece::{Datagram, Needed, Piece};

use crate::packet::prbs::PrbsOrder;
use crate::profile::benchmark::Benchmark;
use crate::profile::origin::Origin;
pub use crate::profile::pattern::{Pattern, Spacing, Step};
use crate::profile::replay::Replay;
use crate::profile::study::{Criterion, Study};
use crate::units::{BitLayer, FrameSize, Nanos, PacketRate, Ratio};
use crate::wire::field::{FieldDef, FieldDefault, OptionalPart, Protocol};

/// A whole test.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The profile's `name`, else the file's stem.
    pub name: String,
    /// The YAML as it was read (after `--set`), for the report.
    pub source: String,
    /// The kind of test.
    pub test: TestKind,
    /// Seed of every random value. The same seed gives the same packets.
    pub seed: u64,
    /// How long streams send that set neither `duration` nor `count`.
    pub duration: Nanos,
    /// How long the receiver waits for residual frames after the last was sent (RFC 2544 §23 d).
    pub drain: Nanos,
    /// How long before the first frame the links and neighbours settle.
    pub settle: Nanos,
    /// The lab that the profile runs in when the command line names none.
    pub lab: Option<LabSpec>,
    /// Ports by position; streams refer to them by index.
    pub ports: Vec<Port>,
    /// Streams by position; the position is the stream's number in the probe tag.
    pub streams: Vec<Stream>,
    /// What is measured, and how.
    pub measure: Measure,
    /// When a valid run has passed.
    pub pass: PassCriteria,
    /// When a run says something about the device and not about this machine.
    pub validity: Validity,
    /// What the user should know although nothing is wrong: streams that are counted by flow.
    pub warnings: Vec<String>,
    /// Where each part was written, for problems that show only later.
    pub origin: Origin,
}

/// The kind of test (`test:`).
#[derive(Clone, Debug, PartialEq)]
pub enum TestKind {
    /// One trial of the streams as they stand.
    Traffic,
    /// Many trials of the streams, scaled to loads and frame sizes.
    Benchmark(Box<Benchmark>),
    /// A fragmentation study, which makes its packets itself.
    Study(Box<Study>),
}

/// A place where packets leave or arrive.
#[derive(Clone, Debug)]
pub struct Port {
    /// Its key under `ports:`.
    pub name: String,
    /// The interface, or the lab's.
    pub attachment: Attachment,
    /// Transmit queues to use; one worker each. Empty: queue 0 alone, or, with `workers`, 0..workers.
    pub queues: Vec<u32>,
    /// Cores that the workers are pinned to, one each. Empty: chosen by the plan.
    pub cores: Vec<usize>,
    /// Line rate in bit/s for percentages where the link tells none.
    pub speed_bps: Option<u64>,
    /// The next hop: resolved by ARP or neighbour discovery, or given.
    pub next_hop: NextHop,
    /// Source addresses for headers that name none; the interface's own when absent.
    pub ipv4: Option<Ipv4Addr>,
    /// As `ipv4`.
    pub ipv6: Option<Ipv6Addr>,
}

/// What a port stands on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attachment {
    /// An interface of this machine.
    Interface(String),
    /// The lab's device of that role: `tx` or `rx`.
    Lab(String),
}

/// How a port learns the destination MAC.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct NextHop {
    /// A MAC given by hand; nothing is resolved then.
    pub mac: Option<[u8; 6]>,
    /// The IPv4 next hop; absent: the route's gateway, or the destination itself.
    pub ipv4: Option<Ipv4Addr>,
    /// The IPv6 next hop; absent: the route's gateway, the router that advertises itself, or the
    /// destination itself.
    pub ipv6: Option<Ipv6Addr>,
}

/// A flow of packets of one shape.
#[derive(Clone, Debug)]
pub struct Stream {
    /// Unique in the profile.
    pub name: String,
    /// Index of the sending port.
    pub from: usize,
    /// Index of the port where the packets should arrive. None: they are sent and not measured.
    pub to: Option<usize>,
    /// The header stack, outermost (Ethernet) first. Empty where the stream replays a capture.
    pub headers: Vec<Header>,
    /// Bytes after the last header and the probe tag.
    pub payload: Payload,
    /// Frame size, FCS included.
    pub size: Size,
    /// How fast, and in which pattern.
    pub pattern: Pattern,
    /// How long.
    pub limit: Limit,
    /// Delay of the first packet after the start of the trial, or after the stream that it follows
    /// has ended.
    pub start: Nanos,
    /// The name of the stream that it follows.
    pub after: Option<String>,
    /// How often it is sent, and all that follow it with it. 1 where it follows another.
    pub repeat: u64,
    /// Packets carry the probe tag (default). Off: they are counted by nothing but interfaces.
    pub tag: bool,
    /// Frames may be shorter than Ethernet's 64 bytes, on purpose.
    pub runts: bool,
    /// The order in which packets of each block are sent, duplicates and omissions on purpose
    /// included: slot k carries packet `(k / len) * (max + 1) + order[k % len]`. Empty: 0, 1, 2 …
    pub order: Vec<u64>,
    /// The stream is one of the fragments of a datagram.
    pub piece: Option<Piece>,
    /// The stream sends the packets of a capture again: packet i is packet i mod n of the file, and
    /// belongs to slot i of the schedule.
    pub replay: Option<Replay>,
}

impl Stream {
    /// Whether what is true of its headers is true of no stream before it: the pieces of a datagram
    /// have the same.
    pub fn has_own_headers(&self) -> bool {
        self.piece.as_ref().is_none_or(Piece::is_first)
    }

    /// Its name as the profile has it: the pieces of a datagram share it.
    pub fn written_name(&self) -> &str {
        match (&self.piece, self.name.rsplit_once('.')) {
            (Some(_), Some((name, _))) => name,
            _ => &self.name,
        }
    }
}

/// One header of a stack, or one option of a header, with what the profile sets.
#[derive(Clone, Debug)]
pub struct Header {
    /// Which header.
    pub protocol: &'static Protocol,
    /// Fields that the profile sets; all others have their default or are computed.
    pub fields: Vec<FieldSetting>,
    /// The bytes of [`Protocol::data`]; None: its default.
    pub data: Option<Vec<u8>>,
    /// Its options, in order.
    pub options: Vec<Header>,
    /// Fields that the profile itself lays over the header's bytes, entries of its list included.
    pub custom: Vec<CustomField>,
}

impl Header {
    /// A header with its defaults.
    pub fn new(protocol: &'static Protocol) -> Self {
        let options = protocol.default_options.iter().copied().map(Self::new).collect();
        Self { protocol, fields: Vec::new(), data: None, options, custom: Vec::new() }
    }

    /// What the profile says of a field; the last word where it says it twice.
    pub fn setting(&self, field: &str) -> Option<&FieldValue> {
        let set = self.fields.iter().rev().find(|setting| setting.field.name == field);
        set.map(|setting| &setting.value)
    }

    /// The optional parts that are there.
    pub fn parts(&self) -> impl Iterator<Item = &'static OptionalPart> {
        self.protocol.optional.iter().filter(|part| {
            part.flag == OptionalPart::ALWAYS
                || part.fields.iter().any(|field| self.is_told(field))
                || matches!(self.setting(part.flag), Some(FieldValue::Fixed(flag)) if *flag != 0)
        })
    }

    /// The profile sets the field, or that which it counts or names.
    pub fn is_told(&self, field: &FieldDef) -> bool {
        self.setting(field.name).is_some()
            || match field.default {
                FieldDefault::AddressCount { .. } | FieldDefault::AddressesLeft { .. } => {
                    !self.data().is_empty()
                }
                FieldDefault::NextOption(_) => !self.options.is_empty(),
                _ => false,
            }
    }

    /// The bytes of its data.
    pub fn data(&self) -> &[u8] {
        let default = self.protocol.data.map_or(&[][..], |data| data.default);
        self.data.as_deref().unwrap_or(default)
    }

    /// Bytes of the header with its optional parts, data and tail, without options.
    pub fn len_without_options(&self) -> usize {
        let parts: usize = self.parts().map(|part| part.len).sum();
        self.protocol.len + parts + self.data().len() + self.protocol.tail_len()
    }

    /// Bytes of the header with all that belongs to it, the padding behind its options included.
    pub fn len(&self) -> usize {
        let own = self.len_without_options();
        let Some(options) = &self.protocol.options else { return own };
        let each = |option: &Self| option.len().next_multiple_of(options.align_each);
        (own + self.options.iter().map(each).sum::<usize>()).next_multiple_of(options.align)
    }

    /// Whether the header has no bytes at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A field and the values that it takes.
#[derive(Clone, Debug)]
pub struct FieldSetting {
    /// Which field.
    pub field: &'static FieldDef,
    /// Its values.
    pub value: FieldValue,
}

/// A field that the profile lays over a header's bytes, or an entry of its list that changes.
#[derive(Clone, Debug)]
pub struct CustomField {
    /// Its name in the profile: `tenant`, or `segments[0]`.
    pub name: String,
    /// First bit, counted from the header's first bit, most significant first.
    pub bit_offset: u16,
    /// Width in bits, 1 to 128.
    pub bits: u8,
    /// Its values.
    pub value: FieldValue,
}

/// What follows the headers (and the probe tag).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Every byte the same.
    Fill(u8),
    /// 0, 1, 2 … 255, 0 … from the first byte after the last header.
    Increment,
    /// These bytes, repeated to fill the frame.
    Bytes(Vec<u8>),
    /// A pseudorandom bit sequence ([`crate::packet::prbs`]) from the first payload byte.
    Prbs(PrbsOrder),
    /// Random bytes of (seed, stream), the same in every packet.
    Random,
}

/// Frame sizes of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Size {
    /// Every frame the same.
    Fixed(FrameSize),
    /// Packet i has `sizes[i % len]`.
    List(Vec<FrameSize>),
    /// Sizes with weights, dealt evenly over a cycle of the weights' sum (RFC 6985).
    Imix(Vec<(FrameSize, u32)>),
    /// `start, start + step, …`, `count` values, then again.
    Counter {
        /// First size.
        start: FrameSize,
        /// Added per packet.
        step: u32,
        /// Values before it begins again.
        count: u64,
    },
    /// Uniform over both ends and all between.
    Random {
        /// Smallest size.
        low: FrameSize,
        /// Largest size.
        high: FrameSize,
    },
    /// Drawn by weights; the sizes of a share are equally likely.
    Weighted(Vec<Weighted<FrameSize>>),
}

/// How fast a stream sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// As fast as the engine goes.
    Unlimited,
    /// Packets per time.
    Packets(PacketRate),
    /// Bits per second at a layer; turned into packets by the mean frame size.
    Bits {
        /// Bits per second.
        bps: u64,
        /// What counts as a bit.
        layer: BitLayer,
    },
    /// Share of the port's line rate (L1).
    LineShare(Ratio),
}

/// When a stream ends: at whichever comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Limit {
    /// After so many packets.
    pub count: Option<u64>,
    /// After that time.
    pub duration: Option<Nanos>,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Latency histograms.
    pub latency: bool,
    /// How packets are received.
    pub receive: ReceiveMode,
    /// Probes go on to the kernel after they were counted, instead of ending there.
    pub pass_on: bool,
}

/// How packets are received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveMode {
    /// Native XDP, else generic XDP, else `packet-mmap`; the report says which.
    Auto,
    /// XDP in the driver, counted in the kernel.
    XdpNative,
    /// XDP after the skb was made, counted in the kernel.
    XdpGeneric,
    /// XDP steers every probe to an XSK; user space counts.
    XdpSteer,
    /// TPACKET_V3 receive ring; user space counts.
    PacketMmap,
}

/// When a valid run has passed. Absent criteria are not asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PassCriteria {
    /// Largest lost / sent, of the totals and of every stream.
    pub max_loss: Option<Ratio>,
    /// Largest duplicated / unique.
    pub max_duplicated: Option<Ratio>,
    /// Largest reordered / unique.
    pub max_reordered: Option<Ratio>,
    /// Largest latency at a percentile (in parts per million: 990_000 is p99), of every stream.
    pub latency: Vec<(u32, Nanos)>,
    /// Largest latency of all packets.
    pub max_latency: Option<Nanos>,
    /// Smallest rate received, in packets per second, of the totals.
    pub min_rx_pps: Option<u64>,
    /// What the arms of a fragmentation study are held to.
    pub arms: Vec<Criterion>,
}

/// What makes a run INVALID: it then says more about this machine than about the device.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// Largest unsent / intended.
    pub max_unsent: Ratio,
    /// A packet that is later than this is not sent any more, and counts as unsent.
    pub max_lag: Nanos,
    /// Largest number of packets that this machine's own receive side may drop.
    pub max_receiver_overload: u64,
}

/// A lab in namespaces of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabSpec {
    /// What stands between `tx` and `rx`.
    pub topology: Topology,
    /// Whether the neighbours are entered by hand or resolved.
    pub neighbours: Neighbours,
    /// Queues of every device; absent: as many as the plan has workers on a port.
    pub queues: Option<u32>,
    /// MTU of every device.
    pub mtu: u32,
    /// MTU of the router's device towards rx, where it is narrower.
    pub egress_mtu: Option<u32>,
    /// nftables ruleset of the router, as for `nft -f`.
    pub nft: Option<String>,
    /// Token bucket filters on the router's devices.
    pub tbf: Vec<Tbf>,
    /// Settings under /proc/sys in the router and in the receiver's namespace.
    pub sysctl: Vec<(String, String)>,
}

/// The lab's shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topology {
    /// tx – Linux router – rx.
    Router,
    /// tx – rx, back to back.
    BackToBack,
}

/// How the lab's neighbours are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Neighbours {
    /// Entered as permanent.
    Permanent,
    /// Resolved by ARP and neighbour discovery.
    Resolved,
}

/// tc-tbf(8) on a router's device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tbf {
    /// The router's device towards: `tx` or `rx`.
    pub towards: String,
    /// Rate in bit/s.
    pub rate_bps: u64,
    /// Bucket in bytes.
    pub burst_bytes: u32,
    /// Queue limit in bytes.
    pub limit_bytes: u32,
}
