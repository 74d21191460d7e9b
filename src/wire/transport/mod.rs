//! Other transports than UDP and TCP, and the options of TCP.
//!
//! | file | what |
//! |---|---|
//! | [`udp_lite`] | UDP-Lite |
//! | [`sctp`] | SCTP's common header and its DATA and INIT chunks |
//! | [`tcp_options`] | options of the TCP header |

pub mod sctp;
pub mod tcp_options;
pub mod udp_lite;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] =
    &[&udp_lite::PROTOCOL, &sctp::PROTOCOL, &sctp::DATA, &sctp::INIT];
