//! IPv6 extension headers, and the options of IPv4 and IPv6.
//!
//! | file | what |
//! |---|---|
//! | [`options`] | hop-by-hop and destination options headers |
//! | [`routing`] | routing headers of types 0 and 2, segment routing |
//! | [`fragment`] | the fragment header |
//! | [`authentication`] | the authentication header, of IPv4 too |
//! | [`ipv4_options`] | options of the IPv4 header |
//! | [`ipv6_options`] | options of the two options headers |

pub mod authentication;
pub mod fragment;
pub mod ipv4_options;
pub mod ipv6_options;
pub mod options;
pub mod routing;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] = &[
    &options::HOP_BY_HOP,
    &options::DESTINATION_OPTIONS,
    &routing::TYPE_0,
    &routing::TYPE_2,
    &routing::SEGMENT_ROUTING,
    &fragment::PROTOCOL,
    &authentication::PROTOCOL,
];
