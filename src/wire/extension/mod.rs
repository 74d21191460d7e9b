//! IPv6 extension headers, and the options of IPv4 and IPv6.

pub mod fragment;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] = &[&fragment::PROTOCOL];
