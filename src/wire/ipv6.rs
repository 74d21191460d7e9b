//! IPv6's fixed header (RFC 8200 §3).

use std::net::Ipv6Addr;

use super::field::names::{DSCP, ECN};
use super::field::{
    FieldDefault, FieldKind, Protocol, ProtocolKind, Space, computed, field, number,
};
use super::{ParseError, bits, check_len};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "ipv6",
    "IPv6 fixed header (RFC 8200 §3)",
    &[
        number("version", 0, 4, 6, "Version"),
        number("dscp", 4, 6, 0, "Differentiated services code point (RFC 2474)").names(DSCP),
        number("ecn", 10, 2, 0, "Explicit congestion notification (RFC 3168)").names(ECN),
        number("flow_label", 12, 20, 0, "Flow label (RFC 6437)"),
        computed(
            "length",
            32,
            16,
            FieldDefault::Length { skip: LEN as u8 },
            "Bytes after this header, extension headers included",
        ),
        computed(
            "next_header",
            48,
            8,
            FieldDefault::NextProtocol,
            "Protocol number of what follows",
        ),
        number("hop_limit", 56, 8, 64, "Hop limit"),
        field("src", 64, 128, FieldKind::Ipv6, FieldDefault::SourceAddress, "Source address"),
        field(
            "dst",
            192,
            128,
            FieldKind::Ipv6,
            FieldDefault::DestinationAddress,
            "Destination address",
        ),
    ],
)
.kind(ProtocolKind::Ipv6)
.numbers(&[
    (Space::EtherType, 0x86dd),
    (Space::IpProtocol, 41),
    (Space::Ppp, 0x0057),
    (Space::Mpls, 6),
    (Space::Quoted, 6),
    (Space::IpPacket, 6),
])
.next(Space::IpProtocol)
.examples(&[
    "[ipv6: {flow_label: 0xbeef, hop_limit: 9}, udp]",
    "[ipv6, ipv6, udp]",
    "[ipv6, ipv4, udp]",
    "[ipv4, ipv6, udp]",
    "[ipv4, ipv4, udp]",
]);

/// Bytes of the fixed header.
pub const LEN: usize = 40;

mod field_at {
    pub const VERSION_CLASS_LABEL: usize = 0;
    pub const LENGTH: usize = 4;
    pub const NEXT_HEADER: usize = 6;
    pub const HOP_LIMIT: usize = 7;
    pub const SRC: usize = 8;
    pub const DST: usize = 24;
}

/// A packet, maybe with bytes after its end.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that begin with the header.
    ///
    /// # Errors
    /// When the version is not 6 or the bytes are too few. The payload length is not judged: a
    /// capture may have cut the packet.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("ipv6", bytes.as_ref(), LEN)?;
        let version = u32::from(bytes.as_ref()[field_at::VERSION_CLASS_LABEL] >> 4);
        if version != 6 {
            return Err(ParseError::Illegal { protocol: "ipv6", field: "version", value: version });
        }
        Ok(Self { bytes })
    }

    fn first_word(&self) -> u32 {
        bits::u32_at(self.bytes.as_ref(), field_at::VERSION_CLASS_LABEL)
    }

    /// Differentiated services code point.
    pub fn dscp(&self) -> u8 {
        (self.first_word() >> 22) as u8 & 63
    }

    /// Explicit congestion notification.
    pub fn ecn(&self) -> u8 {
        (self.first_word() >> 20) as u8 & 3
    }

    /// Flow label.
    pub fn flow_label(&self) -> u32 {
        self.first_word() & 0xf_ffff
    }

    /// Bytes after this header, as it says.
    pub fn payload_len(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::LENGTH)
    }

    /// Protocol number of the payload.
    pub fn next_header(&self) -> u8 {
        self.bytes.as_ref()[field_at::NEXT_HEADER]
    }

    /// Hop limit.
    pub fn hop_limit(&self) -> u8 {
        self.bytes.as_ref()[field_at::HOP_LIMIT]
    }

    /// Source address.
    pub fn src(&self) -> Ipv6Addr {
        bits::array_at::<16>(self.bytes.as_ref(), field_at::SRC).into()
    }

    /// Destination address.
    pub fn dst(&self) -> Ipv6Addr {
        bits::array_at::<16>(self.bytes.as_ref(), field_at::DST).into()
    }

    /// What follows the header, as far as its length and the bytes go.
    pub fn payload(&self) -> &[u8] {
        let bytes = self.bytes.as_ref();
        &bytes[LEN..(LEN + usize::from(self.payload_len())).min(bytes.len())]
    }
}

/// The header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Differentiated services code point; its low 6 bits are written.
    pub dscp: u8,
    /// Explicit congestion notification; its low 2 bits are written.
    pub ecn: u8,
    /// Flow label; its low 20 bits are written.
    pub flow_label: u32,
    /// Bytes of the payload.
    pub payload_len: u16,
    /// Protocol number of the payload.
    pub next_header: u8,
    /// Hop limit.
    pub hop_limit: u8,
    /// Source address.
    pub src: Ipv6Addr,
    /// Destination address.
    pub dst: Ipv6Addr,
}

impl Repr {
    /// Reads a header.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            dscp: packet.dscp(),
            ecn: packet.ecn(),
            flow_label: packet.flow_label(),
            payload_len: packet.payload_len(),
            next_header: packet.next_header(),
            hop_limit: packet.hop_limit(),
            src: packet.src(),
            dst: packet.dst(),
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the header to the start of `buffer`.
    ///
    /// # Panics
    /// If `buffer` is shorter than [`buffer_len`](Self::buffer_len).
    pub fn emit(&self, buffer: &mut [u8]) {
        let header = &mut buffer[..LEN];
        let class = u32::from(self.dscp & 63) << 2 | u32::from(self.ecn & 3);
        let first = 6 << 28 | class << 20 | self.flow_label & 0xf_ffff;
        header[..field_at::LENGTH].copy_from_slice(&first.to_be_bytes());
        header[field_at::LENGTH..field_at::NEXT_HEADER]
            .copy_from_slice(&self.payload_len.to_be_bytes());
        header[field_at::NEXT_HEADER] = self.next_header;
        header[field_at::HOP_LIMIT] = self.hop_limit;
        header[field_at::SRC..field_at::DST].copy_from_slice(&self.src.octets());
        header[field_at::DST..LEN].copy_from_slice(&self.dst.octets());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parses_what_it_emits(
            dscp in 0u8..64, ecn in 0u8..4, flow_label in 0u32..1 << 20, payload_len: u16,
            next_header: u8, hop_limit: u8, src: u128, dst: u128,
        ) {
            let (src, dst) = (src.into(), dst.into());
            let repr = Repr {
                dscp, ecn, flow_label, payload_len, next_header, hop_limit, src, dst,
            };
            let mut buffer = [0xa5; LEN];
            repr.emit(&mut buffer);
            prop_assert_eq!(Repr::parse(&Packet::new_checked(&buffer).unwrap()), repr);
        }
    }

    #[test]
    fn refuses_another_version() {
        assert!(Packet::new_checked([0x45; LEN]).is_err());
        assert!(Packet::new_checked([0x60; LEN - 1]).is_err());
    }

    #[test]
    fn the_payload_ends_where_the_length_says() {
        let mut buffer = [0x60; LEN + 8];
        buffer[4..6].copy_from_slice(&3u16.to_be_bytes());
        assert_eq!(Packet::new_checked(buffer).unwrap().payload().len(), 3);
        buffer[4..6].copy_from_slice(&300u16.to_be_bytes());
        assert_eq!(Packet::new_checked(buffer).unwrap().payload().len(), 8);
    }
}
