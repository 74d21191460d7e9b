//! What ping and trace share: names to addresses, sockets, and what comes back on them.

pub mod address;
pub mod control;
pub mod error;
pub mod heard;
pub mod quote;
pub mod socket;

/// Which IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// The family of an address.
    pub fn of(address: std::net::IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// Bytes of the IP header without options or extension headers.
    pub const fn header_len(self) -> usize {
        match self {
            Self::V4 => crate::wire::ipv4::LEN,
            Self::V6 => crate::wire::ipv6::LEN,
        }
    }
}
