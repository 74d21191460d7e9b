//! What carries other packets. (IP in IP needs no header of its own.)

pub mod geneve;
pub mod gre;
pub mod gtpu;
pub mod l2tp;
pub mod l2tpv3;
pub mod vxlan;

use super::field::Protocol;

/// The headers of this area, in the order of the documentation.
pub(super) static PROTOCOLS: &[&Protocol] = &[
    &gre::PROTOCOL,
    &vxlan::PROTOCOL,
    &geneve::PROTOCOL,
    &gtpu::PROTOCOL,
    &l2tp::PROTOCOL,
    &l2tp::PPP,
    &l2tpv3::OVER_IP,
    &l2tpv3::OVER_UDP,
];
