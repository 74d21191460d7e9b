//! Other transports than UDP and TCP, and the options of TCP.

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] = &[];
