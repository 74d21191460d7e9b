//! What routers and hosts say of translated packets.

use std::net::SocketAddr;

use super::{Side, Translator};
use crate::frontend::ip::Family;
use crate::frontend::ip::error::{IcmpError, Meaning};
use crate::frontend::ip::quote::{Quote, Transport};
use crate::frontend::serve::tcp::flow::Key;

/// Least MTUs that are believed of an ICMP error: what RFC 8200 §5 asks of every IPv6 link, and
/// what Linux takes for IPv4 (`net.ipv4.route.min_pmtu`).
const LEAST_MTU: [usize; 2] = [552, 1280];

impl Translator {
    /// An ICMP or ICMPv6 message that reached this host from the network of that side.
    pub fn icmp(&mut self, side: Side, family: Family, message: &[u8]) {
        let Some(error) = IcmpError::parse(family, message) else { return };
        let quote = message.get(crate::wire::icmp::LEN..).and_then(|at| Quote::parse(family, at));
        let Some(Quote {
            src,
            dst,
            transport: Some(Transport::Tcp { src: from, dst: to, seq }),
            ..
        }) = quote
        else {
            self.totals.icmp_unmatched += 1;
            return;
        };
        let (own, other) = (SocketAddr::new(src, from), SocketAddr::new(dst, to));
        let place = match side {
            Side::Clients => self.table.by_client(&Key { client: other, front: own }),
            Side::Servers => self.table.by_server(other, own),
        };
        let Some(flow) = place.and_then(|place| self.table.get(place)) else {
            self.totals.icmp_unmatched += 1;
            return;
        };
        let least = LEAST_MTU[usize::from(family == Family::V6)];
        match (error.meaning(), side) {
            // Who quotes a sequence number that is out has seen the packet.
            (Meaning::TooBig(mtu), Side::Clients) if flow.evidence.is_out(seq) => {
                flow.counts.too_big += 1;
                flow.mtu = flow.mtu.min((mtu as usize).max(least));
            }
            (Meaning::TooBig(mtu), Side::Servers) if near(flow.client_next, seq) => {
                flow.counts.too_big += 1;
                flow.server_mtu = flow.server_mtu.min((mtu as usize).max(least));
            }
            (Meaning::TooBig(_), _) => self.totals.icmp_unmatched += 1,
            (Meaning::Reassembly, Side::Clients) => flow.counts.reassembly_timeouts += 1,
            _ => flow.counts.icmp_errors += 1,
        }
    }
}

/// Within a window's reach before `next`.
fn near(next: u32, seq: u32) -> bool {
    const REACH: u32 = 1 << 24;
    next.wrapping_sub(seq) < REACH
}
