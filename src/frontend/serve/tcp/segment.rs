//! A TCP segment as it came from the network: any bytes in, a view of a sound one out.

use std::net::SocketAddr;

use super::options::Options;
use crate::frontend::ip::Family;
use crate::wire::{checksum, ip_protocol, ipv4, ipv6, tcp};

/// FIN.
pub const FIN: u8 = 0x01;
/// SYN.
pub const SYN: u8 = 0x02;
/// RST.
pub const RST: u8 = 0x04;
/// PSH.
pub const PSH: u8 = 0x08;
/// ACK.
pub const ACK: u8 = 0x10;
/// URG.
pub const URG: u8 = 0x20;
/// CWR.
pub const CWR: u8 = 0x80;

/// What the kernel says of the checksum of a packet that it hands over (packet(7),
/// `PACKET_AUXDATA`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nothing: it is to be verified.
    Verify,
    /// It was verified, by the device or the kernel.
    Verified,
    /// It was not computed: the packet was to leave by a device that does, and never did.
    Unfinished,
}

/// Why a packet is no segment to translate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another protocol, or an extension header before TCP.
    #[error("not TCP")]
    NotTcp,
    /// A fragment.
    #[error("a fragment")]
    Fragment,
    /// Cut short, or lengths that contradict each other.
    #[error("malformed")]
    Malformed,
    /// A wrong checksum.
    #[error("wrong checksum")]
    Checksum,
}

/// A segment: its ends, its header, its data.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Where it is from.
    pub src: SocketAddr,
    /// Where it goes to.
    pub dst: SocketAddr,
    /// DSCP and ECN, as in the IP header.
    pub traffic_class: u8,
    /// TCP header and options.
    pub header: &'a [u8],
    /// Data.
    pub data: &'a [u8],
    /// The checksum in the header is right; else it is unfinished.
    pub sealed: bool,
}

impl<'a> Segment<'a> {
    /// Reads an IP packet, which may have padding behind its end.
    ///
    /// # Errors
    /// Why it is no sound segment.
    pub fn parse(packet: &'a [u8], trust: Trust) -> Result<Self, Refusal> {
        let (src, dst, traffic_class, behind) = match packet.first().map(|byte| byte >> 4) {
            Some(4) => {
                let ip = ipv4::Packet::new_checked(packet).map_err(|_| Refusal::Malformed)?;
                if ip.protocol() != ip_protocol::TCP {
                    return Err(Refusal::NotTcp);
                }
                if ip.mf() || ip.fragment_offset() != 0 {
                    return Err(Refusal::Fragment);
                }
                let total = usize::from(ip.total_len());
                let behind = packet.get(ip.header_len()..total).ok_or(Refusal::Malformed)?;
                if !ip.verify_checksum() {
                    return Err(Refusal::Checksum);
                }
                (ip.src().into(), ip.dst().into(), packet[1], behind)
            }
            Some(6) => {
                let ip = ipv6::Packet::new_checked(packet).map_err(|_| Refusal::Malformed)?;
                match ip.next_header() {
                    ip_protocol::TCP => {}
                    ip_protocol::FRAGMENT => return Err(Refusal::Fragment),
                    _ => return Err(Refusal::NotTcp),
                }
                let end = ipv6::LEN + usize::from(ip.payload_len());
                let behind = packet.get(ipv6::LEN..end).ok_or(Refusal::Malformed)?;
                let class = ip.dscp() << 2 | ip.ecn();
                (std::net::IpAddr::from(ip.src()), ip.dst().into(), class, behind)
            }
            _ => return Err(Refusal::Malformed),
        };
        let view = tcp::Packet::new_checked(behind).map_err(|_| Refusal::Malformed)?;
        if trust == Trust::Verify && !view.verify_checksum(pseudo(src, dst, behind.len())) {
            return Err(Refusal::Checksum);
        }
        let (header, data) = behind.split_at(view.header_len());
        let (src, dst) = (SocketAddr::new(src, view.src()), SocketAddr::new(dst, view.dst()));
        // Combinations that no stack sends, and that mean nothing: a SYN that ends or resets.
        let flags = view.flags();
        if flags & SYN != 0 && flags & (FIN | RST) != 0 {
            return Err(Refusal::Malformed);
        }
        Ok(Self { src, dst, traffic_class, header, data, sealed: trust != Trust::Unfinished })
    }

    fn view(&self) -> Option<tcp::Packet<&'a [u8]>> {
        tcp::Packet::new_checked(self.header).ok()
    }

    /// Sequence number.
    pub fn seq(&self) -> u32 {
        self.view().map_or(0, |view| view.seq())
    }

    /// Acknowledgment number, of a segment that has ACK set.
    pub fn ack(&self) -> Option<u32> {
        self.view().filter(|view| view.flags() & ACK != 0).map(|view| view.ack())
    }

    /// Control bits.
    pub fn flags(&self) -> u8 {
        self.view().map_or(0, |view| view.flags())
    }

    /// Whether any of these control bits is set.
    pub fn has(&self, flags: u8) -> bool {
        self.flags() & flags != 0
    }

    /// Sequence numbers that it takes: data, SYN, FIN.
    pub fn len(&self) -> u32 {
        self.data.len() as u32 + u32::from(self.has(SYN)) + u32::from(self.has(FIN))
    }

    /// It takes none: an acknowledgment alone.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its options.
    pub fn options(&self) -> Options {
        Options::parse(&self.header[tcp::LEN..])
    }

    /// The family that it came in.
    pub fn family(&self) -> Family {
        Family::of(self.src.ip())
    }
}

/// The sum of the pseudo-header of a segment of `len` bytes. Addresses of two families have none in
/// common: 0.
pub fn pseudo(src: std::net::IpAddr, dst: std::net::IpAddr, len: usize) -> u64 {
    use std::net::IpAddr::{V4, V6};
    match (src, dst) {
        (V4(src), V4(dst)) => checksum::pseudo_ipv4(src, dst, ip_protocol::TCP, len as u32),
        (V6(src), V6(dst)) => checksum::pseudo_ipv6(src, dst, ip_protocol::TCP, len as u32),
        _ => 0,
    }
}
