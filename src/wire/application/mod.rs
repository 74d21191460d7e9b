//! Messages inside UDP, and headers of raw bytes.

pub mod raw;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] = &[&raw::PROTOCOL];
