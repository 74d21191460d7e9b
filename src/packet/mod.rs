//! Templates and patch operations: the bytes of packet i of a stream, as a pure function of
//! (profile, seed, stream, i).

pub mod captured;
pub mod compile;
pub mod dissect;
pub mod dry_run;
pub mod explain;
pub mod frames;
pub mod ir;
pub mod permutation;
pub mod prbs;
pub mod program;
pub mod random;
pub mod shares;
pub mod tag;

/// Addresses that headers take when the profile names none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addressing {
    /// The sending port's MAC.
    pub source_mac: [u8; 6],
    /// The IPv4 next hop's MAC.
    pub next_hop_mac_ipv4: [u8; 6],
    /// The IPv6 next hop's MAC.
    pub next_hop_mac_ipv6: [u8; 6],
    /// The sending port's IPv4 address.
    pub source_ipv4: Option<std::net::Ipv4Addr>,
    /// The sending port's IPv6 address.
    pub source_ipv6: Option<std::net::Ipv6Addr>,
    /// The receiving port's IPv4 address.
    pub destination_ipv4: Option<std::net::Ipv4Addr>,
    /// The receiving port's IPv6 address.
    pub destination_ipv6: Option<std::net::Ipv6Addr>,
}
