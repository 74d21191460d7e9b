//! Messages inside UDP, and headers of raw bytes.

mod dhcp;
mod dhcp_options;
mod dhcpv6;
mod dns;
mod ntp;
pub mod raw;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] =
    &[&dns::PROTOCOL, &dhcp::PROTOCOL, &dhcpv6::PROTOCOL, &ntp::PROTOCOL, &raw::PROTOCOL];
