//! Addresses that a header asks of the IP header before it, and the MACs of groups.

use super::layout::{Layout, wants_hold};
use crate::packet::Addressing;
use crate::profile::model::{FieldValue, Header};
use crate::wire::field::{FieldDefault, ProtocolKind, WantedAddress};

/// ff02::1:ff00:0/104, the solicited-node groups (RFC 4291 §2.7.1).
const SOLICITED_NODE: u128 = 0xff02 << 112 | 0x1_ff00_0000;
/// Bits of an address that its solicited-node group has.
const SOLICITED_NODE_BITS: u32 = 24;
/// Bits of an IPv4 group that its MAC has (RFC 1112 §6.4).
const IPV4_GROUP_BITS: u32 = 23;
/// Bits of an IPv6 group that its MAC has (RFC 2464 §7).
const IPV6_GROUP_BITS: u32 = 32;

/// What the headers behind IP header number `n` ask of its field `name`, up to the next IP header.
pub(super) fn wanted(
    layout: &Layout<'_>,
    n: usize,
    name: &str,
    addressing: &Addressing,
) -> Option<FieldValue> {
    let ip = layout.headers[n].kind();
    let is_ip = |kind| matches!(kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6);
    let behind = layout.headers[n + 1..].iter().map(|placed| placed.header);
    let mut near = behind.take_while(|header| !is_ip(header.protocol.kind));
    if !is_ip(ip) {
        return None;
    }
    near.find_map(|header| {
        let mut wants = header.protocol.wants_address.iter().filter(|_| wants_hold(header));
        wants.find_map(|want| match (want, name) {
            (WantedAddress::LinkLocalSource, "src") if ip == ProtocolKind::Ipv6 => {
                Some(FieldValue::Fixed(link_local(addressing.source_mac)))
            }
            (WantedAddress::DestinationFrom(field), "dst") => {
                told(header, field, addressing).filter(|value| *value != FieldValue::Fixed(0))
            }
            (WantedAddress::SolicitedNode(field), "dst") => {
                let target = told(header, field, addressing)?;
                below(SOLICITED_NODE, SOLICITED_NODE_BITS, &target)
            }
            _ => None,
        })
    })
}

/// What an address of a header is, where it can be told beforehand.
fn told(header: &Header, name: &str, addressing: &Addressing) -> Option<FieldValue> {
    if let Some(value) = header.setting(name) {
        let follows = matches!(
            value,
            FieldValue::Fixed(_) | FieldValue::List(_) | FieldValue::Counter { .. }
        );
        return follows.then(|| value.clone());
    }
    let address = match header.protocol.field(name)?.default {
        FieldDefault::Constant(value) => value,
        FieldDefault::DestinationAddress => addressing.destination_ipv6?.to_bits(),
        _ => return None,
    };
    Some(FieldValue::Fixed(address))
}

/// fe80:: with the interface identifier that a MAC makes (RFC 4291 appendix A).
fn link_local([a, b, c, d, e, f]: [u8; 6]) -> u128 {
    let identifier = u64::from_be_bytes([a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    0xfe80 << 112 | u128::from(identifier)
}

/// The MAC of the group that an IP destination is, whatever its values; None where it is none, or
/// the MAC cannot follow it.
pub(super) fn group_mac(ip: ProtocolKind, destination: &FieldValue) -> Option<FieldValue> {
    let of_ipv6 = ip == ProtocolKind::Ipv6;
    let is_group =
        |address: u128| if of_ipv6 { address >> 120 == 0xff } else { address >> 28 == 0xe };
    let groups = match destination {
        FieldValue::Fixed(address) => is_group(*address),
        FieldValue::List(addresses) => addresses.iter().all(|address| is_group(*address)),
        // It does not carry out of the bits that the MAC has, so that the first tells of all.
        FieldValue::Counter { start, .. } => is_group(*start),
        _ => false,
    };
    if !groups {
        return None;
    }
    let (prefix, bits) = if of_ipv6 {
        (0x3333_0000_0000, IPV6_GROUP_BITS)
    } else {
        (0x0100_5e00_0000, IPV4_GROUP_BITS)
    };
    below(prefix, bits, destination)
}

/// The same values with `prefix` above their lower `bits`. None where they are random, or a counter
/// carries out of those bits.
fn below(prefix: u128, bits: u32, value: &FieldValue) -> Option<FieldValue> {
    let mask = (1u128 << bits) - 1;
    let low = |value: u128| prefix | value & mask;
    Some(match value {
        FieldValue::Fixed(value) => FieldValue::Fixed(low(*value)),
        FieldValue::List(values) => FieldValue::List(values.iter().map(|v| low(*v)).collect()),
        FieldValue::Counter { start, step, count } => {
            let first = i128::try_from(start & mask).ok()?;
            // A decrement is a step in two's complement.
            let span = (*step as i128).checked_mul(i128::from(count - 1))?;
            let last = u128::try_from(first.checked_add(span)?).ok()?;
            if last > mask {
                return None;
            }
            FieldValue::Counter { start: low(*start), step: *step, count: *count }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(start: u128, step: i128, count: u64) -> FieldValue {
        FieldValue::Counter { start, step: step as u128, count }
    }

    /// RFC 4291 appendix A: 34-56-78-9A-BC-DE becomes 36-56-78-FF-FE-9A-BC-DE.
    #[test]
    fn a_mac_makes_a_link_local_address() {
        let address = link_local([0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde]);
        assert_eq!(
            address,
            "fe80::3656:78ff:fe9a:bcde".parse::<std::net::Ipv6Addr>().unwrap().to_bits()
        );
    }

    #[test]
    fn macs_of_groups_follow_lists_and_counters() {
        let ipv4 = |value: FieldValue| group_mac(ProtocolKind::Ipv4, &value);
        // 233.252.0.1 and 233.252.0.2.
        assert_eq!(ipv4(FieldValue::Fixed(0xe9fc_0001)), Some(FieldValue::Fixed(0x0100_5e7c_0001)));
        assert_eq!(ipv4(counter(0xe9fc_0001, 1, 9)), Some(counter(0x0100_5e7c_0001, 1, 9)));
        assert_eq!(ipv4(counter(0xe9fc_0009, -1, 9)), Some(counter(0x0100_5e7c_0009, -1, 9)));
        assert_eq!(
            ipv4(FieldValue::List(vec![0xe9fc_0001, 0xe0ff_ff02])),
            Some(FieldValue::List(vec![0x0100_5e7c_0001, 0x0100_5e7f_ff02]))
        );
        // One of them is no group; the counter leaves the 23 bits, upwards and downwards.
        assert_eq!(ipv4(FieldValue::List(vec![0xe9fc_0001, 0xc612_0001])), None);
        assert_eq!(ipv4(counter(0xe97f_ffff, 1, 2)), None);
        assert_eq!(ipv4(counter(0xe980_0000, -1, 2)), None);
        assert_eq!(ipv4(FieldValue::Random { low: 0xe9fc_0001, high: 0xe9fc_0002 }), None);
        assert_eq!(ipv4(FieldValue::Fixed(0xc612_0001)), None);
        let ipv6 = FieldValue::Fixed(0xff02 << 112 | 0x1_ff28_9c5a);
        assert_eq!(group_mac(ProtocolKind::Ipv6, &ipv6), Some(FieldValue::Fixed(0x3333_ff28_9c5a)));
    }

    /// RFC 4291 §2.7.1: 4037::01:800:200e:8c6c asks ff02::1:ff0e:8c6c.
    #[test]
    fn a_target_has_its_solicited_node_group() {
        let target = 0x4037 << 112 | 0x0001_0800_200e_8c6c_u128;
        let group = below(SOLICITED_NODE, SOLICITED_NODE_BITS, &FieldValue::Fixed(target));
        assert_eq!(group, Some(FieldValue::Fixed(0xff02 << 112 | 0x1_ff0e_8c6c)));
    }
}
