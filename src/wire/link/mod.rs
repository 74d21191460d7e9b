//! What stands directly on Ethernet.

pub mod arp;
pub mod lacp;
pub mod llc;
pub mod lldp;
mod lldp_tlvs;
pub mod mac_control;
pub mod mpls;
pub mod pppoe;
mod pppoe_tags;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] = &[
    &mpls::PROTOCOL,
    &mpls::CONTROL_WORD,
    &arp::PROTOCOL,
    &llc::LLC,
    &llc::SNAP,
    &pppoe::SESSION,
    &pppoe::DISCOVERY,
    &lacp::PROTOCOL,
    &lldp::PROTOCOL,
    &mac_control::PAUSE,
    &mac_control::PFC,
];
