//! A segment translated: another IP header, other ports, the same sequence numbers, options and
//! data. What is sent as it came keeps its checksum but for what changed (RFC 1624); what is cut
//! anew, or was handed over without one, gets one.

use std::net::{IpAddr, SocketAddr};

use super::segment::{CWR, FIN, PSH, Segment, URG, pseudo};
use crate::wire::{checksum, ip_protocol, ipv4, ipv6, tcp};

/// Places in the TCP header.
mod at {
    pub const SRC: usize = 0;
    pub const DST: usize = 2;
    pub const SEQ: usize = 4;
    pub const FLAGS: usize = 13;
    pub const CHECKSUM: usize = 16;
    pub const URGENT: usize = 18;
}

/// The new ends of a segment, and what its IP header says otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// Source.
    pub src: SocketAddr,
    /// Destination.
    pub dst: SocketAddr,
    /// TTL or hop limit.
    pub hop_limit: u8,
    /// IPv6's flow label: one for all packets of a flow, so that fragments and whole packets take
    /// one path.
    pub flow_label: u32,
}

/// The part of a segment's data that goes into one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
}

impl Part {
    /// All of it.
    pub fn all(segment: &Segment<'_>) -> Self {
        Self { start: 0, end: segment.data.len() }
    }
}

/// Appends the IP packet of `part` of `segment` with its new ends to `out`. `mss` replaces the
/// maximum segment size at that place of the options.
///
/// FIN and PSH are on the last part alone, CWR on the first (as segmentation in hardware does it).
pub fn translate(
    out: &mut Vec<u8>,
    segment: &Segment<'_>,
    ends: &Ends,
    part: Part,
    mss: Option<(u16, usize)>,
) {
    let data = &segment.data[part.start..part.end];
    let len = segment.header.len() + data.len();
    ip_header(out, ends, segment.traffic_class, len);
    let start = out.len();
    out.extend_from_slice(segment.header);
    out.extend_from_slice(data);
    let tcp = &mut out[start..];
    tcp[at::SRC..at::DST].copy_from_slice(&ends.src.port().to_be_bytes());
    tcp[at::DST..at::SEQ].copy_from_slice(&ends.dst.port().to_be_bytes());
    let new = pseudo(ends.src.ip(), ends.dst.ip(), len);
    let whole = part == Part::all(segment);
    if whole && segment.sealed && mss.is_none() {
        // The words that changed: both ports, and the pseudo-header.
        let old = pseudo(segment.src.ip(), segment.dst.ip(), len);
        let ports = |segment: &[u8]| checksum::sum(&segment[..at::SEQ]);
        let before = checksum::fold(old + ports(segment.header));
        let after = new + ports(tcp);
        let was = u16::from_be_bytes([tcp[at::CHECKSUM], tcp[at::CHECKSUM + 1]]);
        let sum = checksum::update(was, before, checksum::fold(after));
        tcp[at::CHECKSUM..at::URGENT].copy_from_slice(&sum.to_be_bytes());
        return;
    }
    if let Some((mss, place)) = mss {
        let place = tcp::LEN + place;
        if let Some(bytes) = tcp.get_mut(place..place + 2) {
            bytes.copy_from_slice(&mss.to_be_bytes());
        }
    }
    if !whole {
        cut_header(tcp, segment, part);
    }
    seal(tcp, new);
}

/// The header of a part: its sequence number, and the control bits that belong there.
fn cut_header(tcp: &mut [u8], segment: &Segment<'_>, part: Part) {
    let seq = segment.seq().wrapping_add(part.start as u32);
    tcp[at::SEQ..at::SEQ + 4].copy_from_slice(&seq.to_be_bytes());
    if part.end < segment.data.len() {
        tcp[at::FLAGS] &= !(FIN | PSH);
    }
    if part.start > 0 {
        tcp[at::FLAGS] &= !CWR;
    }
    if tcp[at::FLAGS] & URG != 0 {
        let urgent = u16::from_be_bytes([tcp[at::URGENT], tcp[at::URGENT + 1]]);
        match usize::from(urgent).checked_sub(part.start) {
            Some(left) if left > 0 => {
                tcp[at::URGENT..].first_chunk_mut().into_iter().for_each(|bytes: &mut [u8; 2]| {
                    *bytes = (left as u16).to_be_bytes();
                });
            }
            _ => tcp[at::FLAGS] &= !URG,
        }
    }
}

/// Writes the checksum of a segment.
fn seal(tcp: &mut [u8], pseudo: u64) {
    tcp[at::CHECKSUM..at::URGENT].fill(0);
    let sum = !checksum::fold(pseudo + checksum::sum(tcp));
    tcp[at::CHECKSUM..at::URGENT].copy_from_slice(&sum.to_be_bytes());
}

/// Appends a reset to `out`.
pub fn reset(out: &mut Vec<u8>, ends: &Ends, seq: u32, ack: Option<u32>) {
    use super::segment::{ACK, RST};
    ip_header(out, ends, 0, tcp::LEN);
    let start = out.len();
    out.resize(start + tcp::LEN, 0);
    tcp::Repr {
        src: ends.src.port(),
        dst: ends.dst.port(),
        seq,
        ack: ack.unwrap_or(0),
        flags: if ack.is_some() { RST | ACK } else { RST },
        window: 0,
        urgent: 0,
    }
    .emit(&mut out[start..], pseudo(ends.src.ip(), ends.dst.ip(), tcp::LEN));
}

/// Appends the header of an IP packet that holds a segment of `len` bytes and goes out whole.
fn ip_header(out: &mut Vec<u8>, ends: &Ends, traffic_class: u8, len: usize) {
    let start = out.len();
    let (dscp, ecn) = (traffic_class >> 2, traffic_class & 3);
    match (ends.src.ip(), ends.dst.ip()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            out.resize(start + ipv4::LEN, 0);
            ipv4::Repr {
                dscp,
                ecn,
                // What is never cut needs none (RFC 6864 §4.1).
                id: 0,
                df: true,
                mf: false,
                fragment_offset: 0,
                ttl: ends.hop_limit,
                protocol: ip_protocol::TCP,
                src,
                dst,
                payload_len: len as u16,
            }
            .emit(&mut out[start..]);
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            out.resize(start + ipv6::LEN, 0);
            ipv6::Repr {
                dscp,
                ecn,
                flow_label: ends.flow_label,
                payload_len: len as u16,
                next_header: ip_protocol::TCP,
                hop_limit: ends.hop_limit,
                src,
                dst,
            }
            .emit(&mut out[start..]);
        }
        // The flow table has both ends of a leg in one family.
        _ => {}
    }
}

#[cfg(test)]
#[path = "compose_tests.rs"]
mod tests;
