//! The lab as pure data: namespaces, pairs of devices, addresses and routes of each topology.
//!
//! ```text
//!  ns tx            ns router                        ns rx
//! ┌──────┐        ┌───────────────┐                ┌──────┐
//! │   tx ├────────┤ r-tx     r-rx ├────────────────┤ rx   │
//! └──────┘        └───────────────┘                └──────┘
//!  198.18.0.2/24   198.18.0.1  198.19.0.1           198.19.0.2/24
//!  2001:2::2/64    2001:2::1   2001:2:0:8000::1     2001:2:0:8000::2/64
//! ```
//!
//! The router's addresses stand alone (/32, /128) and its routes to a side go all through that
//! side's end: with a connected /24 the router would look for neighbours that do not exist when a
//! test sends to other addresses than the interfaces' own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::profile::model::Topology;

/// IPv6 wants at least this MTU (RFC 8200 §5); below it the lab has IPv4 alone.
const IPV6_MIN_MTU: u32 = 1280;

/// The router's device towards the receiver.
pub(super) const EGRESS: &str = "r-rx";

/// One end of a veth pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// The namespace that it is in: `tx`, `router`, `rx`.
    pub role: &'static str,
    /// Its name.
    pub device: &'static str,
    /// Its MAC: the same in every lab, so that the same profile gives the same bytes.
    pub mac: [u8; 6],
    /// Its IPv4 address and prefix length.
    pub ipv4: (Ipv4Addr, u8),
    /// Its IPv6 address and prefix length.
    pub ipv6: (Ipv6Addr, u8),
}

/// A route of a namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The namespace.
    pub role: &'static str,
    /// The device that it leaves by.
    pub device: &'static str,
    /// Where to.
    pub to: (IpAddr, u8),
    /// The next hop; none when the destination is on the link.
    pub via: Option<IpAddr>,
}

/// A whole topology.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Namespaces, from `tx` to `rx`.
    pub roles: Vec<&'static str>,
    /// The veth pairs.
    pub pairs: Vec<[End; 2]>,
    /// Routes beside those that the addresses bring, in the order in which they can be added.
    pub routes: Vec<Route>,
    /// Whether the MTU leaves room for IPv6.
    pub ipv6: bool,
}

impl Layout {
    /// The layout of a topology whose devices have this MTU.
    pub fn new(topology: Topology, mtu: u32) -> Self {
        let mut layout = match topology {
            Topology::Router => router(),
            Topology::BackToBack => back_to_back(),
        };
        layout.ipv6 = mtu >= IPV6_MIN_MTU;
        if !layout.ipv6 {
            layout.routes.retain(|route| route.to.0.is_ipv4());
        }
        layout
    }

    /// All devices, from `tx` to `rx`.
    pub fn ends(&self) -> impl Iterator<Item = &End> {
        self.pairs.iter().flatten()
    }

    /// The device at the other end of the cable.
    pub fn peer(&self, device: &str) -> Option<&End> {
        self.pairs.iter().find_map(|[one, other]| match device {
            name if name == one.device => Some(other),
            name if name == other.device => Some(one),
            _ => None,
        })
    }
}

fn router() -> Layout {
    let tx = tx((Ipv4Addr::new(198, 18, 0, 2), 24), (v6([0x2001, 2, 0, 0], 2), 64));
    let r_tx = End {
        role: "router",
        device: "r-tx",
        mac: mac(1, 1),
        ipv4: (Ipv4Addr::new(198, 18, 0, 1), 32),
        ipv6: (v6([0x2001, 2, 0, 0], 1), 128),
    };
    let r_rx = End {
        role: "router",
        device: EGRESS,
        mac: mac(2, 1),
        ipv4: (Ipv4Addr::new(198, 19, 0, 1), 32),
        ipv6: (v6([0x2001, 2, 0, 0x8000], 1), 128),
    };
    let rx = rx((Ipv4Addr::new(198, 19, 0, 2), 24), (v6([0x2001, 2, 0, 0x8000], 2), 64));
    let mut routes = Vec::new();
    let halves = [
        (&tx, &r_tx, Ipv4Addr::new(198, 18, 0, 0), v6([0x2001, 2, 0, 0], 0)),
        (&rx, &r_rx, Ipv4Addr::new(198, 19, 0, 0), v6([0x2001, 2, 0, 0x8000], 0)),
    ];
    for (host, gateway, ipv4_half, ipv6_half) in halves {
        let families = [
            (IpAddr::V4(host.ipv4.0), IpAddr::V4(gateway.ipv4.0), IpAddr::V4(ipv4_half), 16),
            (IpAddr::V6(host.ipv6.0), IpAddr::V6(gateway.ipv6.0), IpAddr::V6(ipv6_half), 49),
        ];
        for (host_address, gateway_address, half, half_prefix) in families {
            let full = if host_address.is_ipv4() { 32 } else { 128 };
            let any = match host_address {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            };
            let on_router = |to, via| Route { role: "router", device: gateway.device, to, via };
            routes.push(on_router((host_address, full), None));
            routes.push(on_router((half, half_prefix), Some(host_address)));
            routes.push(Route {
                role: host.role,
                device: host.device,
                to: (any, 0),
                via: Some(gateway_address),
            });
        }
    }
    Layout {
        roles: vec!["tx", "router", "rx"],
        pairs: vec![[tx, r_tx], [r_rx, rx]],
        routes,
        ipv6: true,
    }
}

/// The whole of 198.18.0.0/15 and 2001:2::/48 is on the link.
fn back_to_back() -> Layout {
    let tx = tx((Ipv4Addr::new(198, 18, 0, 2), 15), (v6([0x2001, 2, 0, 0], 2), 48));
    let rx = rx((Ipv4Addr::new(198, 18, 0, 3), 15), (v6([0x2001, 2, 0, 0], 3), 48));
    Layout { roles: vec!["tx", "rx"], pairs: vec![[tx, rx]], routes: Vec::new(), ipv6: true }
}

fn tx(ipv4: (Ipv4Addr, u8), ipv6: (Ipv6Addr, u8)) -> End {
    End { role: "tx", device: "tx", mac: mac(1, 2), ipv4, ipv6 }
}

fn rx(ipv4: (Ipv4Addr, u8), ipv6: (Ipv6Addr, u8)) -> End {
    End { role: "rx", device: "rx", mac: mac(2, 2), ipv4, ipv6 }
}

/// Locally administered, unicast: 02 and `WS` in ASCII.
fn mac(link: u8, host: u8) -> [u8; 6] {
    [0x02, 0x57, 0x53, 0, link, host]
}

fn v6(prefix: [u16; 4], host: u16) -> Ipv6Addr {
    let [a, b, c, d] = prefix;
    Ipv6Addr::new(a, b, c, d, 0, 0, 0, host)
}

/// The link-local address that goes with a MAC (RFC 4291, appendix A).
pub fn link_local(mac: [u8; 6]) -> Ipv6Addr {
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(
        0xfe80,
        0,
        0,
        0,
        word(mac[0] ^ 2, mac[1]),
        word(mac[2], 0xff),
        word(0xfe, mac[3]),
        word(mac[4], mac[5]),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lie_in_the_benchmarking_ranges() {
        for topology in [Topology::Router, Topology::BackToBack] {
            for end in Layout::new(topology, 1500).ends() {
                assert_eq!(end.ipv4.0.octets()[0], 198);
                assert_eq!(end.ipv4.0.octets()[1] & 0xfe, 18, "198.18.0.0/15 (RFC 2544)");
                assert_eq!(end.ipv6.0.segments()[..3], [0x2001, 2, 0], "2001:2::/48 (RFC 5180)");
            }
        }
    }

    #[test]
    fn macs_differ_and_are_unicast() {
        let layout = Layout::new(Topology::Router, 1500);
        let mut macs: Vec<_> = layout.ends().map(|end| end.mac).collect();
        assert!(macs.iter().all(|mac| mac[0] & 1 == 0 && mac[0] & 2 == 2));
        macs.sort_unstable();
        macs.dedup();
        assert_eq!(macs.len(), 4);
    }

    #[test]
    fn peers_are_each_others() {
        let layout = Layout::new(Topology::Router, 1500);
        for end in layout.ends() {
            let peer = layout.peer(end.device).unwrap();
            assert_eq!(layout.peer(peer.device).unwrap(), end);
        }
        assert_eq!(layout.peer("eth0"), None);
    }

    #[test]
    fn a_small_mtu_leaves_ipv4_alone() {
        let layout = Layout::new(Topology::Router, 1279);
        assert!(!layout.ipv6);
        assert_eq!(layout.routes.len(), 6);
        assert!(layout.routes.iter().all(|route| route.to.0.is_ipv4()));
    }

    #[test]
    fn the_link_local_address_holds_the_mac() {
        let address = link_local([0x02, 0x57, 0x53, 0, 1, 2]);
        assert_eq!(address.to_string(), "fe80::57:53ff:fe00:102");
    }
}
