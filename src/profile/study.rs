//! A fragmentation study (`test: fragments`): which arms of which cells, how often, to whom.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::fragments::{Cut, Fragments, Order, PieceSpec};
use crate::frontend::ip::Family;
use crate::units::{Nanos, Ratio};

/// Fragments of a datagram at most: the receiver tells one bit each, and an anomaly may add some.
pub const MAX_FRAGMENTS: usize = 60;
/// The port of `wirestorm serve sink`, for UDP and TCP.
pub const SINK_PORT: u16 = 8900;

/// What the profile asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// What is compared, each in blocks of its arms.
    pub cells: Vec<Cell>,
    /// How the cells came about: `main`, `pairwise`, `full`, `cells`.
    pub design: Design,
    /// Combinations that cannot be made, and why.
    pub left_out: Vec<String>,
    /// The arms, each where it applies.
    pub arms: Vec<ArmKind>,
    /// Blocks of each cell: tries of each arm.
    pub tries: u64,
    /// The effect that the tries were proposed from.
    pub effect: Option<Effect>,
    /// From one try to the next.
    pub spacing: Nanos,
    /// How long answers may take.
    pub wait: Nanos,
    /// Who receives.
    pub receiver: Receiver,
    /// Destination port of UDP, DNS and TCP.
    pub port: u16,
    /// The destination, where it is not the lab's.
    pub target: Target,
    /// The longest IP packet of the path: no packet of the study is longer.
    pub mtu: usize,
    /// Datagrams of each arm that are sent alone, between two readings of the counters, to name the
    /// stage that loses them. 0: none.
    pub attribution: u64,
    /// When the attribution of an arm waits for time-outs: the receiver's reassembly time, IPv4's and
    /// IPv6's.
    pub reassembly_time: [Nanos; 2],
}

/// How cells are made of the lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// The first entry of each list, and each other entry in its place, one at a time.
    Main,
    /// Every pair of entries of two lists in some cell.
    Pairwise,
    /// Every combination.
    Full,
    /// The profile spells them out.
    Cells,
}

/// Designs by their names; [`Design::Cells`] has none.
pub const DESIGNS: [(&str, Design); 3] =
    [("main", Design::Main), ("pairwise", Design::Pairwise), ("full", Design::Full)];

impl Design {
    /// Its name.
    pub fn name(self) -> &'static str {
        DESIGNS.iter().find(|(_, design)| *design == self).map_or("cells", |(name, _)| *name)
    }
}

/// What is sent in a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ArmKind {
    /// 0: a small whole packet.
    Small,
    /// 1: a whole packet as long as the fragmented datagram: the control of the others.
    Whole,
    /// 2: n small whole packets of the fragments' sizes, back to back.
    Burst,
    /// 3: the datagram in one fragment (RFC 6946). IPv6 alone.
    Atomic,
    /// 4: a whole packet with 8 bytes of destination options. IPv6 alone.
    DestinationOptions,
    /// A whole packet with the cell's extension header.
    Extension,
    /// 5: n real fragments.
    Fragments,
    /// 6 and above: fragments with the cell's anomaly.
    Anomaly,
}

/// The arms by their names, in the order of reports.
pub const ARMS: [(&str, ArmKind); 8] = [
    ("small", ArmKind::Small),
    ("whole", ArmKind::Whole),
    ("burst", ArmKind::Burst),
    ("atomic", ArmKind::Atomic),
    ("destination-options", ArmKind::DestinationOptions),
    ("extension", ArmKind::Extension),
    ("fragments", ArmKind::Fragments),
    ("anomaly", ArmKind::Anomaly),
];

impl ArmKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        ARMS.iter().find(|(_, arm)| *arm == self).map_or("", |(name, _)| *name)
    }

    /// Whether a cell has it.
    pub fn applies(self, cell: &Cell) -> bool {
        match self {
            Self::Small | Self::Whole | Self::Burst | Self::Fragments => true,
            Self::Atomic | Self::DestinationOptions => cell.family == Family::V6,
            Self::Extension => cell.extension.is_some(),
            Self::Anomaly => cell.anomaly != Anomaly::None,
        }
    }

    /// Whether its packets are fragments, an atomic one included.
    pub fn is_fragmented(self) -> bool {
        matches!(self, Self::Atomic | Self::Fragments | Self::Anomaly)
    }
}

/// What carries the datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// UDP, to a sink.
    Udp,
    /// TCP: a SYN with data.
    Tcp,
    /// ICMP or ICMPv6 echo.
    Icmp,
    /// A DNS query over UDP, filled by its padding option (RFC 7830).
    Dns,
}

/// Protocols by their names.
pub const PROTOCOLS: [(&str, Protocol); 4] = [
    ("udp", Protocol::Udp),
    ("tcp", Protocol::Tcp),
    ("icmp", Protocol::Icmp),
    ("dns", Protocol::Dns),
];

impl Protocol {
    /// Its name.
    pub fn name(self) -> &'static str {
        PROTOCOLS.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| *name)
    }
}

/// Families by their names.
pub const FAMILIES: [(&str, Family); 2] = [("ipv6", Family::V6), ("ipv4", Family::V4)];

/// The name of a family.
pub fn family_name(family: Family) -> &'static str {
    if family == Family::V4 { "ipv4" } else { "ipv6" }
}

/// Who receives, and how the tester learns of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// `wirestorm serve sink`: it tells what its tap and its socket saw. In a lab it is started.
    Sink,
    /// Any host: an answer is all that can be known.
    Host,
}

/// Receivers by their names.
pub const RECEIVERS: [(&str, Receiver); 2] = [("sink", Receiver::Sink), ("host", Receiver::Host)];

/// Where the packets go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its IPv4 address.
    pub ipv4: Option<Ipv4Addr>,
    /// Its IPv6 address.
    pub ipv6: Option<Ipv6Addr>,
    /// The name that DNS queries ask for.
    pub name: Option<String>,
}

/// The effect that is to be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effect {
    /// Loss of the control.
    pub from: Ratio,
    /// Loss of the arm.
    pub to: Ratio,
    /// The probability that it is found.
    pub power: Ratio,
}

/// What a study compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What tells it from the others.
    pub name: String,
    /// Which IP.
    pub family: Family,
    /// What carries the datagram.
    pub protocol: Protocol,
    /// Bytes of the transport message: header and data.
    pub len: usize,
    /// Bytes of TCP's header: 20 to 60.
    pub tcp_header: usize,
    /// How the datagram is cut and sent.
    pub fragments: Fragments,
    /// How the anomalous arm differs.
    pub anomaly: Anomaly,
    /// An extension header.
    pub extension: Option<Extension>,
    /// Don't fragment, in all packets. IPv4 alone.
    pub df: bool,
    /// Datagrams whose fragments are sent interleaved: the first of each, then the second of each.
    pub interleave: usize,
}

/// Where the fragments differ from lawful ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anomaly {
    /// Nowhere.
    None,
    /// The first is not sent.
    MissingFirst,
    /// One between the first and the last is not sent; of two, the second.
    MissingMiddle,
    /// The last is not sent.
    MissingLast,
    /// The first is sent twice before the last.
    Duplicate,
    /// The first is sent again after the last.
    DuplicateAfter,
    /// The second begins 8 bytes early: its head overlaps the first.
    OverlapHead,
    /// The second comes first, and the first is 8 bytes longer: its tail overlaps the second.
    OverlapTail,
    /// A further one with other bytes lies inside the first.
    OverlapContained,
    /// A further one, after the first, holds the first and 8 bytes more.
    OverlapSuperset,
    /// The first has a length that is no multiple of 8.
    OddLength,
    /// A further one ends beyond 65,535.
    TooLong,
    /// The first says that it is no ECN transport, the others that they met congestion (RFC 3168 §5.3).
    EcnMix,
    /// Two fragment headers in each. IPv6 alone.
    Nested,
    /// All datagrams have the same identification.
    IdReuse,
}

/// Anomalies by their names.
pub const ANOMALIES: [(&str, Anomaly); 15] = [
    ("none", Anomaly::None),
    ("missing-first", Anomaly::MissingFirst),
    ("missing-middle", Anomaly::MissingMiddle),
    ("missing-last", Anomaly::MissingLast),
    ("duplicate", Anomaly::Duplicate),
    ("duplicate-after", Anomaly::DuplicateAfter),
    ("overlap-head", Anomaly::OverlapHead),
    ("overlap-tail", Anomaly::OverlapTail),
    ("overlap-contained", Anomaly::OverlapContained),
    ("overlap-superset", Anomaly::OverlapSuperset),
    ("odd-length", Anomaly::OddLength),
    ("too-long", Anomaly::TooLong),
    ("ecn-mix", Anomaly::EcnMix),
    ("nested", Anomaly::Nested),
    ("id-reuse", Anomaly::IdReuse),
];

impl Anomaly {
    /// Its name.
    pub fn name(self) -> &'static str {
        ANOMALIES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| *name)
    }
}

/// An extension header that asks for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Which.
    pub kind: ExtensionKind,
    /// Its bytes, a multiple of 8.
    pub len: usize,
    /// Fragments have it in the fragmentable part, behind the fragment header.
    pub after: bool,
}

/// Extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExtensionKind {
    /// Hop-by-hop options (RFC 8200 §4.3).
    HopByHop,
    /// Destination options (RFC 8200 §4.6).
    DestinationOptions,
    /// A routing header of experimental type 253 (RFC 4727) with no segments left.
    Routing,
    /// An authentication header (RFC 4302) of no security association.
    Authentication,
}

/// Extension headers by their names.
pub const EXTENSIONS: [(&str, ExtensionKind); 4] = [
    ("hop-by-hop", ExtensionKind::HopByHop),
    ("destination-options", ExtensionKind::DestinationOptions),
    ("routing", ExtensionKind::Routing),
    ("authentication", ExtensionKind::Authentication),
];

/// Bytes of an extension header: from, to.
pub const EXTENSION_BYTES: (usize, usize) = (8, 512);
/// The sizes that `extensions: all` stands for.
pub const EXTENSION_SIZES: [usize; 7] = [8, 16, 32, 64, 128, 256, 512];

impl ExtensionKind {
    /// Its name.
    pub fn name(self) -> &'static str {
        EXTENSIONS.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| *name)
    }

    /// The fewest bytes that one can have.
    pub fn least(self) -> usize {
        // 12 bytes and a check value, in units of 8 over IPv6 (RFC 4302 §2.2).
        if self == Self::Authentication { 16 } else { 8 }
    }
}

impl fmt::Display for Extension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = if self.after { " after" } else { "" };
        write!(f, "{} {}{place}", self.kind.name(), self.len)
    }
}

/// A pass criterion: what an arm is held to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Criterion {
    /// The arm.
    pub arm: Option<ArmKind>,
    /// The cell, by its name; None: every one that has the arm.
    pub cell: Option<String>,
    /// Datagrams that have to arrive: a share from, to.
    pub delivered: Option<(Ratio, Ratio)>,
    /// Fragments (packets) that have to reach the receiver's tap.
    pub arrived: Option<(Ratio, Ratio)>,
    /// The share that the 95 % interval of the datagram loss has to cover.
    pub covers_loss: Option<Ratio>,
    /// The stage that has to be named as the one that loses.
    pub stage: Option<String>,
    /// What counters have to say of the attribution of the arm.
    pub counters: Vec<(String, u64)>,
    /// The largest fragment that a reassembled datagram was made of has to be this.
    pub largest_fragment: Option<u64>,
    /// Datagrams of which an ICMP error of that type and code has to come back: `3/1`.
    pub icmp: Vec<(String, u64)>,
}

/// How the fragments of a cell are cut: the first of `first` bytes, `count` in all, as equal as
/// multiples of 8 allow, the last with the rest.
///
/// # Errors
/// Why that cannot be.
pub fn cut(len: usize, first: Option<usize>, count: usize) -> Result<Cut, String> {
    if count < 2 {
        return Err("one fragment: it is the atomic arm's".to_owned());
    }
    let others = count - 1;
    let (first, each) = match first {
        Some(first) if first % 8 != 0 => {
            return Err(format!("a first fragment of {first} bytes, no multiple of 8"));
        }
        Some(first) if others == 1 => (first, 0),
        Some(first) => {
            let rest = len.saturating_sub(first);
            let even = rest / others / 8 * 8;
            // As equal as can be; else so long that something is left for the last.
            let least = rest.saturating_sub(1) / (others - 1) / 8 * 8;
            (first, if even > 0 { even } else { least.min(8) })
        }
        None => {
            let each = len.saturating_sub(1) / others / 8 * 8;
            // As equal as can be, but never so long that nothing is left for the last.
            let even = len.div_ceil(count).next_multiple_of(8);
            let each = if even * others < len { even } else { each };
            (each, each)
        }
    };
    if first == 0 || first >= len || (others > 1 && each == 0) {
        return Err(format!("{count} fragments of {len} bytes, the first of {first}"));
    }
    let mut pieces = vec![PieceSpec { offset: 0, length: first, more: None, other: false }];
    for number in 1..count {
        let offset = first + (number - 1) * each;
        let length = if number == others { len - offset } else { each };
        pieces.push(PieceSpec { offset, length, more: None, other: false });
    }
    Ok(Cut::Pieces(pieces))
}

/// Lawful fragments in an order with a gap.
pub fn lawful(cut: Cut, order: Order, gap: Nanos) -> Fragments {
    Fragments { order, gap, ..Fragments::new(cut) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lens(len: usize, first: Option<usize>, count: usize) -> Vec<usize> {
        let Ok(Cut::Pieces(pieces)) = cut(len, first, count) else { return Vec::new() };
        pieces.iter().map(|piece| piece.length).collect()
    }

    #[test]
    fn cuts_are_lawful() {
        assert_eq!(lens(1232, None, 2), [616, 616]);
        assert_eq!(lens(1232, None, 3), [416, 416, 400]);
        assert_eq!(lens(1232, Some(8), 2), [8, 1224]);
        assert_eq!(lens(1232, Some(8), 3), [8, 608, 616]);
        assert_eq!(lens(1232, None, 45).len(), 45);
        assert!(lens(16, None, 3).is_empty());
        assert!(lens(1232, Some(1232), 2).is_empty());
        assert!(lens(1232, Some(12), 2).is_empty());
        assert!(lens(1232, None, 1).is_empty());
    }

    proptest! {
        #[test]
        fn pieces_join(len in 16usize..1500, first in 0usize..180, count in 2usize..60) {
            for first in [None, Some(first * 8)] {
                let Ok(Cut::Pieces(pieces)) = cut(len, first, count) else { continue };
                prop_assert_eq!(pieces.len(), count);
                let mut end = 0;
                for (n, piece) in pieces.iter().enumerate() {
                    prop_assert_eq!(piece.offset, end);
                    prop_assert!(piece.length > 0);
                    prop_assert!(n + 1 == count || piece.length % 8 == 0);
                    end += piece.length;
                }
                prop_assert_eq!(end, len);
            }
        }
    }
}
