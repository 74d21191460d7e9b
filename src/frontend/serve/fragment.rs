//! Cuts IP packets that are in memory into legal fragments (RFC 791 §2.3, RFC 8200 §4.5): multiples
//! of 8 bytes but for the last, the whole transport header in the first (RFC 7112), nothing lost.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::identification::Identifications;
use crate::profile::fragments::cut::{self, Whole};
use crate::profile::fragments::{Cut, Fragments, MAX_PIECES, Order};
use crate::units::Nanos;
use crate::wire::{ParseError, bits, ip_protocol, ipv4, ipv6, tcp, udp};

/// Bytes of IPv6's fragment header.
const FRAGMENT_HEADER: usize = 8;

/// How packets are cut and their pieces sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Where the cuts are.
    pub cutting: Cutting,
    /// In which order the pieces are sent.
    pub order: Order,
    /// Time between two pieces.
    pub gap: Nanos,
}

/// Where packets are cut. Sizes are bytes of the fragmentable part: transport header and data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cutting {
    /// Not at all.
    None,
    /// As the profile language's `fragments` have it, fitted to packets that are shorter. One piece
    /// is an atomic fragment (RFC 6946), which IPv4 has not.
    Cut(Cut),
}

impl Cutting {
    /// Pieces of these sizes; the last repeats until the packet ends.
    pub fn sizes(sizes: impl Into<Vec<usize>>) -> Self {
        Self::Cut(Cut::Sizes(sizes.into()))
    }
}

/// `none`, `atomic`, sizes (`136,512`), a number of pieces (`pieces=3`) or `mtu=1280`.
impl FromStr for Cutting {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str, least: usize, what: &str| match text.parse::<usize>() {
            Ok(number) if (least..=usize::from(u16::MAX)).contains(&number) => Ok(number),
            _ => Err(format!("{text} is no {what}: expected a number from {least} to 65535")),
        };
        let cut = match (text, text.split_once('=')) {
            ("none", _) => return Ok(Self::None),
            ("atomic", _) => Cut::Count(1),
            (_, Some(("pieces", count))) => {
                let count = number(count, 2, "number of pieces")?;
                if count > MAX_PIECES {
                    return Err(format!("expected at most {MAX_PIECES} pieces"));
                }
                Cut::Count(count)
            }
            (_, Some(("mtu", mtu))) => Cut::Mtu(number(mtu, 68, "MTU")?),
            (_, Some(_)) => return Err("expected pieces=N or mtu=BYTES".into()),
            _ => {
                let sizes: Vec<usize> = text
                    .split(',')
                    .map(|size| number(size.trim(), 8, "size"))
                    .collect::<Result<_, _>>()
                    .map_err(|error| {
                        if text.starts_with(|c: char| c.is_ascii_digit()) {
                            error
                        } else {
                            "expected none, atomic, sizes such as 136,512, pieces=N or mtu=BYTES"
                                .into()
                        }
                    })?;
                if let Some(odd) = sizes.iter().find(|size| *size % 8 != 0) {
                    return Err(format!(
                        "{odd} is no multiple of 8: a receiver throws such fragments away \
                         (RFC 8200 §4.5)"
                    ));
                }
                Cut::Sizes(sizes)
            }
        };
        Ok(Self::Cut(cut))
    }
}

impl fmt::Display for Cutting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Cut(Cut::Count(1)) => f.write_str("atomic"),
            Self::Cut(Cut::Count(count)) => write!(f, "pieces={count}"),
            Self::Cut(Cut::Mtu(mtu)) => write!(f, "mtu={mtu}"),
            Self::Cut(Cut::Sizes(sizes)) => {
                let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
                f.write_str(&sizes.join(","))
            }
            Self::Cut(Cut::Pieces(pieces)) => write!(f, "{} pieces by hand", pieces.len()),
        }
    }
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Made {
    /// It is whole: it was not to be cut, or cannot be.
    Whole,
    /// One fragment that is all of it.
    Atomic,
    /// Cut.
    Pieces,
}

/// The IP packets that a packet became, in the order of sending. One is used again and again.
#[derive(Clone, Debug, Default)]
pub struct Pieces {
    bytes: Vec<u8>,
    /// Where in `bytes` each packet begins and ends, and bytes of the fragmentable part in it.
    packets: Vec<(usize, usize, usize)>,
}

impl Pieces {
    /// The packets, IP header first.
    pub fn packets(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.packets.iter().map(|&(start, end, _)| &self.bytes[start..end])
    }

    /// Bytes of the fragmentable part in each, as they are sent.
    pub fn sizes(&self) -> impl ExactSizeIterator<Item = usize> {
        self.packets.iter().map(|&(.., size)| size)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.packets.clear();
    }

    fn add(&mut self, size: usize, write: impl FnOnce(&mut Vec<u8>)) {
        let start = self.bytes.len();
        write(&mut self.bytes);
        self.packets.push((start, self.bytes.len(), size));
    }
}

/// An IP packet, read as far as cutting it takes.
struct Packet<'a> {
    /// What every piece repeats.
    prefix: &'a [u8],
    /// Where in the prefix the protocol of the fragmentable part stands.
    next_header_at: usize,
    part: &'a [u8],
    src: IpAddr,
    dst: IpAddr,
    protocol: u8,
    /// No piece can be made of it: it is one already, or has IPv4 options.
    whole: bool,
}

impl<'a> Packet<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, ParseError> {
        if bytes.first().is_some_and(|first| first >> 4 == 6) {
            let header = ipv6::Packet::new_checked(bytes)?;
            let end = (ipv6::LEN + usize::from(header.payload_len())).min(bytes.len());
            let (at, prefix) = unfragmentable(&bytes[..end]);
            return Ok(Self {
                prefix: &bytes[..prefix],
                next_header_at: at,
                part: &bytes[prefix..end],
                src: header.src().into(),
                dst: header.dst().into(),
                protocol: bytes[at],
                whole: bytes[at] == ip_protocol::FRAGMENT,
            });
        }
        let header = ipv4::Packet::new_checked(bytes)?;
        let end = usize::from(header.total_len()).clamp(header.header_len(), bytes.len());
        Ok(Self {
            prefix: &bytes[..header.header_len()],
            next_header_at: 9,
            part: &bytes[header.header_len()..end],
            src: header.src().into(),
            dst: header.dst().into(),
            protocol: header.protocol(),
            whole: header.mf() || header.fragment_offset() != 0 || header.header_len() > ipv4::LEN,
        })
    }

    /// Bytes of the transport header.
    fn headers(&self) -> usize {
        match self.protocol {
            ip_protocol::UDP => udp::LEN,
            ip_protocol::TCP => {
                tcp::Packet::new_checked(self.part).map_or(tcp::LEN, |segment| segment.header_len())
            }
            _ => 8,
        }
    }

    fn piece(&self, out: &mut Vec<u8>, id: u32, offset: usize, len: usize, more: bool) {
        let start = out.len();
        out.extend(self.prefix);
        if self.dst.is_ipv6() {
            out[start + self.next_header_at] = ip_protocol::FRAGMENT;
            out.extend([self.protocol, 0]);
            out.extend((offset as u16 | u16::from(more)).to_be_bytes());
            out.extend(id.to_be_bytes());
            let payload = self.prefix.len() - ipv6::LEN + FRAGMENT_HEADER + len;
            out[start + 4..start + 6].copy_from_slice(&(payload as u16).to_be_bytes());
        } else if let Ok(header) = ipv4::Packet::new_checked(&self.prefix) {
            let repr = ipv4::Repr {
                id: id as u16,
                df: false,
                mf: more,
                fragment_offset: (offset / 8) as u16,
                payload_len: len as u16,
                ..ipv4::Repr::parse(&header)
            };
            repr.emit(&mut out[start..]);
        }
        out.extend(&self.part[offset..offset + len]);
    }
}

/// Where the next header of IPv6's unfragmentable part stands, and where that part ends: behind the
/// last routing header, else behind the hop-by-hop options, else behind the fixed header (RFC 8200
/// §4.5).
fn unfragmentable(bytes: &[u8]) -> (usize, usize) {
    let (mut at, mut end) = (6, ipv6::LEN);
    let mut ends_at = (at, end);
    loop {
        let kind = bytes[at];
        let ours = matches!(
            kind,
            ip_protocol::HOP_BY_HOP | ip_protocol::ROUTING | ip_protocol::DESTINATION_OPTIONS
        );
        let Some(units) = bytes.get(end + 1).filter(|_| ours) else { return ends_at };
        let next = end + (usize::from(*units) + 1) * 8;
        if next > bytes.len() {
            return ends_at;
        }
        (at, end) = (end, next);
        if kind != ip_protocol::DESTINATION_OPTIONS {
            ends_at = (at, end);
        }
    }
}

impl Shape {
    /// Cuts as told: [`Cutting::cut`].
    ///
    /// # Errors
    /// When `packet` is no IP packet.
    pub fn cut(
        &self,
        packet: &[u8],
        mtu: usize,
        ids: &mut Identifications,
        pieces: &mut Pieces,
    ) -> Result<Made, ParseError> {
        self.cutting.cut(&self.order, packet, mtu, ids, pieces)
    }
}

impl Cutting {
    /// Cuts `packet`, an IPv4 or IPv6 packet with its checksums done, into `pieces`, none of them
    /// longer than `mtu` with its IP header. What is too short for the sizes is cut all the same
    /// where a legal cut is left.
    ///
    /// # Errors
    /// When it is no IP packet.
    pub fn cut(
        &self,
        order: &Order,
        packet: &[u8],
        mtu: usize,
        ids: &mut Identifications,
        pieces: &mut Pieces,
    ) -> Result<Made, ParseError> {
        pieces.clear();
        let packet = Packet::parse(packet)?;
        let parts = match self {
            Self::Cut(cut) if !packet.whole => fitted(cut, &packet, mtu),
            _ => None,
        };
        let Some(parts) = parts else {
            pieces.add(packet.part.len(), |out| {
                out.extend(packet.prefix);
                out.extend(packet.part);
            });
            return Ok(Made::Whole);
        };
        let id = ids.next(packet.src, packet.dst, packet.protocol);
        let mut sequence = order.sequence(parts.len());
        if *order == Order::Shuffled {
            shuffle(&mut sequence, ids);
        }
        // A list of an order may name more pieces than a short packet has.
        for part in sequence.into_iter().filter_map(|n| parts.get(n)) {
            pieces.add(part.len, |out| packet.piece(out, id, part.offset, part.len, part.more));
        }
        Ok(if parts.len() == 1 { Made::Atomic } else { Made::Pieces })
    }
}

/// The pieces of a packet as near to `cut` as it and the MTU allow; None where it can only be sent
/// whole.
fn fitted(cut: &Cut, packet: &Packet<'_>, mtu: usize) -> Option<Vec<cut::Part>> {
    let headers = packet.headers();
    let v6 = packet.dst.is_ipv6();
    let ip_header = packet.prefix.len() + if v6 { FRAGMENT_HEADER } else { 0 };
    let whole = Whole { len: packet.part.len(), headers, ip_header };
    let least = headers.next_multiple_of(8);
    // The longest first piece that leaves something, and what a piece may have.
    let longest = whole.len.saturating_sub(1) / 8 * 8;
    let room = mtu.saturating_sub(ip_header);
    let made = |cut| cut::parts(&Fragments::new(cut), whole).ok();
    let by_mtu = || if room / 8 * 8 < least { None } else { made(Cut::Mtu(mtu)) };
    match cut {
        Cut::Count(1) if !v6 => None,
        Cut::Count(1) if whole.len <= room => made(Cut::Count(1)),
        _ if longest < least => None,
        Cut::Count(1) => by_mtu(),
        Cut::Count(count) => {
            let legal = |parts: &Vec<cut::Part>| {
                parts.len() > 1
                    && parts[0].len >= least
                    && parts.iter().all(|part| part.len <= room)
            };
            (2..=(*count).min(whole.len.div_ceil(8)))
                .rev()
                .find_map(|count| made(Cut::Count(count)).filter(legal))
                .or_else(by_mtu)
        }
        Cut::Mtu(at) => {
            let at = (*at).min(mtu);
            let fits = packet.prefix.len() + whole.len <= at;
            let room = at.saturating_sub(ip_header) / 8 * 8;
            if fits || room < least { None } else { made(Cut::Mtu(at)) }
        }
        Cut::Sizes(sizes) => {
            let room = room / 8 * 8;
            if room < least {
                return None;
            }
            let mut sizes: Vec<usize> = sizes.iter().map(|size| (*size).min(room)).collect();
            let first = sizes.first_mut()?;
            *first = (*first).max(least).min(longest);
            let mut left = whole.len;
            // Those that the packet reaches; what the last of them takes is the last piece.
            sizes.retain(|size| {
                let reached = left > 0;
                left = left.saturating_sub(*size);
                reached
            });
            made(Cut::Sizes(sizes))
        }
        Cut::Pieces(_) => made(cut.clone()).filter(|parts| {
            let end = |part: &cut::Part| part.offset + part.len;
            !parts.is_empty() && parts.iter().all(|part| end(part) <= whole.len)
        }),
    }
}

/// Fisher and Yates.
fn shuffle(sequence: &mut [usize], ids: &mut Identifications) {
    for n in (1..sequence.len()).rev() {
        let other = crate::packet::random::scale(ids.draw(), n as u64 + 1) as usize;
        sequence.swap(n, other);
    }
}

/// The destination of an IP packet.
pub fn destination(packet: &[u8]) -> Option<IpAddr> {
    match packet.first()? >> 4 {
        4 => Some(IpAddr::from(bits::array_at::<4>(packet.get(..ipv4::LEN)?, 16))),
        6 => Some(IpAddr::from(bits::array_at::<16>(packet.get(..ipv6::LEN)?, 24))),
        _ => None,
    }
}

#[cfg(test)]
#[path = "fragment_tests.rs"]
mod tests;
