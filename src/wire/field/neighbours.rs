//! What headers of a stack have to do with each other: how one names the next, what one asks of
//! those before it.

/// A space of numbers by which one header names the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// IEEE 802 EtherTypes.
    EtherType,
    /// IANA protocol numbers.
    IpProtocol,
    /// UDP destination ports.
    UdpPort,
    /// TCP destination ports.
    TcpPort,
    /// PPP DLL protocol numbers.
    Ppp,
    /// IEEE 802.2 service access points.
    Llc,
    /// What follows an MPLS label stack: nothing on the wire names it.
    Mpls,
    /// What an ICMP error quotes: nothing on the wire names it.
    Quoted,
    /// An Ethernet frame follows (VXLAN): nothing on the wire names it.
    Frame,
    /// A PPP frame follows (L2TP): nothing on the wire names it.
    PppFrame,
    /// An IP packet follows (GTP-U): nothing on the wire names it.
    IpPacket,
    /// SCTP chunk types, which the chunk itself begins with.
    SctpChunk,
    /// GTP-U extension headers: they are options, each names the next.
    GtpExtension,
}

impl Space {
    /// The number that says that payload follows: one for experiments where the space has such.
    pub fn payload(self) -> u32 {
        match self {
            Self::EtherType => crate::wire::ethertype::EXPERIMENTAL.into(),
            Self::IpProtocol => crate::wire::ip_protocol::EXPERIMENTAL.into(),
            _ => 0,
        }
    }
}

/// Where a routing header or source route holds the packet's final destination (RFC 8200 §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// IPv6: in the 16 bytes after the first 8, while `segments_left` is above 0.
    FirstIpv6,
    /// IPv6: in the last 16 bytes, while `segments_left` is above 0.
    LastIpv6,
    /// IPv4: in the last 4 bytes, while `pointer` is not above the length (RFC 791 §3.1).
    LastIpv4,
}

/// A default that a header imposes on the nearest header of a name before it. Nothing is asked of
/// an Ethernet header through an IP header: there the MAC follows from the address.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// Name of the header before.
    pub header: &'static str,
    /// Its field.
    pub field: &'static str,
    /// The value that it takes unless the profile sets it.
    pub value: u128,
}

/// An address that a header asks of the IP header right before it, where the profile does not set
/// it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedAddress {
    /// The destination is what this field of the header says, unless that is 0 or random. It
    /// follows lists and counters.
    DestinationFrom(&'static str),
    /// The destination is the solicited-node group (RFC 4291 §2.7.1) of the address in this field.
    /// It follows lists, and counters that do not carry out of the lower 24 bits.
    SolicitedNode(&'static str),
    /// The source is the link-local address that the sending port's MAC makes (RFC 4291 §2.5.6,
    /// appendix A): receivers discard the message from any other.
    LinkLocalSource,
}
