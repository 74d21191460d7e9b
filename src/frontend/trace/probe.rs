//! What is sent to find a hop.

use std::fmt;
use std::net::IpAddr;

use crate::frontend::ip::Family;

/// The transport of the probes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// UDP to a port on which nobody should listen
    #[default]
    Udp,
    /// ICMP or ICMPv6 echo requests
    Icmp,
    /// TCP SYN; needs CAP_NET_RAW
    Tcp,
}

/// The shape of a probe's packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arm {
    /// One plain packet.
    Whole,
    /// The plain packet cut into two fragments; the first holds all headers.
    Fragments,
    /// One packet with a fragment header that says that it is all there is (RFC 6946). IPv6.
    Atomic,
    /// A hop-by-hop options header of so many bytes. IPv6.
    HopByHop(u16),
    /// A destination options header of so many bytes. IPv6.
    DestinationOptions(u16),
}

impl Arm {
    /// Bytes of the extension header between IPv6's header and the transport's. Of fragments it is
    /// in every piece, and so not part of the datagram that was cut.
    pub fn header_len(self) -> usize {
        match self {
            Self::Whole | Self::Fragments => 0,
            Self::Atomic => 8,
            Self::HopByHop(len) | Self::DestinationOptions(len) => usize::from(len),
        }
    }
}

impl fmt::Display for Arm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("whole"),
            Self::Fragments => f.write_str("fragments"),
            Self::Atomic => f.write_str("atomic"),
            Self::HopByHop(len) => write!(f, "hbh{len}"),
            Self::DestinationOptions(len) => write!(f, "do{len}"),
        }
    }
}

/// One probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Tells it from all others of the run; from 1.
    pub token: u16,
    /// TTL or hop limit.
    pub hop: u8,
    /// Its shape.
    pub arm: Arm,
    /// Bytes of the datagram with its IP header, before it is cut.
    pub size: usize,
}

/// What all probes of a run have in common: whatever routers may choose a path by (Paris
/// traceroute).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Transport.
    pub protocol: Protocol,
    /// Source address.
    pub src: IpAddr,
    /// Destination address.
    pub dst: IpAddr,
    /// Source port; the identifier of echoes.
    pub src_port: u16,
    /// Destination port; not used by echoes.
    pub dst_port: u16,
    /// IPv6 flow label.
    pub flow_label: u32,
    /// Where TCP's sequence numbers and IPv6's fragment identifications begin: unpredictable (RFC
    /// 7739).
    pub base: u32,
}

impl Flow {
    /// IPv4 or IPv6.
    pub fn family(&self) -> Family {
        Family::of(self.dst)
    }

    /// The smallest probe of an arm: IP header, extension header, transport header, and 4 bytes for
    /// the token. Fragments need 8 bytes more in the second piece.
    pub fn min_size(&self, arm: Arm) -> usize {
        let transport = match self.protocol {
            Protocol::Tcp => crate::wire::tcp::LEN,
            Protocol::Udp | Protocol::Icmp => 8 + 4,
        };
        let second = if arm == Arm::Fragments { 16 } else { 0 };
        self.family().header_len() + arm.header_len() + transport + second
    }
}
