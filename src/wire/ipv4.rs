//! IPv4 (RFC 791). The typed views read past options; the table's are in
//! [`ipv4_options`](super::extension::ipv4_options).

use std::net::Ipv4Addr;

use super::field::names::{DSCP, ECN};
use super::field::{
    ChecksumRule, Covers, FieldDefault, FieldKind, INTERNET, Protocol, ProtocolKind, Space,
    computed, field, number,
};
use super::{ParseError, bits, check_len, checksum, extension::ipv4_options};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "ipv4",
    "IPv4 (RFC 791)",
    &[
        number("version", 0, 4, 4, "Version"),
        computed(
            "ihl",
            4,
            4,
            FieldDefault::HeaderLength { unit: 4, less: 0 },
            "Header length in words",
        ),
        number("dscp", 8, 6, 0, "Differentiated services code point (RFC 2474)").names(DSCP),
        number("ecn", 14, 2, 0, "Explicit congestion notification (RFC 3168)").names(ECN),
        computed(
            "length",
            16,
            16,
            FieldDefault::Length { skip: 0 },
            "Bytes of the datagram with its header",
        ),
        computed(
            "id",
            32,
            16,
            FieldDefault::Identification,
            "Identification; unset, it is 0 with df 1 and counts with df 0 (RFC 6864)",
        ),
        number("reserved", 48, 1, 0, "Reserved flag"),
        number("df", 49, 1, 1, "Don't fragment"),
        number("mf", 50, 1, 0, "More fragments"),
        number("fragment_offset", 51, 13, 0, "Fragment offset in units of 8 bytes"),
        number("ttl", 64, 8, 64, "Time to live"),
        computed("protocol", 72, 8, FieldDefault::NextProtocol, "Protocol number of what follows"),
        computed("checksum", 80, 16, FieldDefault::Checksum, "Header checksum"),
        field("src", 96, 32, FieldKind::Ipv4, FieldDefault::SourceAddress, "Source address"),
        field(
            "dst",
            128,
            32,
            FieldKind::Ipv4,
            FieldDefault::DestinationAddress,
            "Destination address",
        ),
    ],
)
.kind(ProtocolKind::Ipv4)
.numbers(&[
    (Space::EtherType, 0x0800),
    (Space::IpProtocol, 4),
    (Space::Ppp, 0x0021),
    (Space::Llc, 6),
    (Space::Mpls, 4),
    (Space::Quoted, 4),
    (Space::IpPacket, 4),
])
.next(Space::IpProtocol)
.checksum(ChecksumRule { covers: Covers::Header, ..INTERNET })
.options(ipv4_options::OPTIONS)
.examples(&[
    "[ipv4: {dscp: ef, ttl: 9}, udp]",
    "[ipv4: {dst: 198.18.0.0/24, df: 0}, tcp]",
    "[ipv4: {options: [nop, record_route]}, udp]",
    "[ipv4: {options: [timestamp: {times: 00000000 00000000}]}, udp]",
    "[ipv4: {options: [timestamp_addresses]}, udp]",
    "[ipv4: {options: [timestamp_prespecified: {addresses: [198.18.2.1, 198.18.3.1]}]}, udp]",
    "[ipv4: {options: [nop, loose_source_route: {route: [198.18.2.1, {increment: 198.18.3.1, \
     count: 9}]}]}, udp]",
    "[ipv4: {options: [strict_source_route: {route: [198.18.2.1]}, eol]}, tcp]",
    "[ipv4: {options: [nop, security: {security: 0xd788}]}, udp]",
    "[ipv4: {options: [basic_security: {level: 0x5a, authorities: 80}]}, udp]",
    "[ipv4: {options: [router_alert]}, udp]",
    "[ipv4: {options: [stream_id: {id: {increment: 0}}]}, udp]",
    "[ipv4: {options: [raw: {type: 0x5e, data: 0102}]}, udp]",
]);

/// Bytes of the header without options.
pub const LEN: usize = 20;

mod field_at {
    pub const VERSION_IHL: usize = 0;
    pub const TRAFFIC_CLASS: usize = 1;
    pub const LENGTH: usize = 2;
    pub const ID: usize = 4;
    pub const FLAGS_OFFSET: usize = 6;
    pub const TTL: usize = 8;
    pub const PROTOCOL: usize = 9;
    pub const CHECKSUM: usize = 10;
    pub const SRC: usize = 12;
    pub const DST: usize = 16;
}

/// A datagram, maybe with bytes after its end.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that begin with the header and hold all of it, options included.
    ///
    /// # Errors
    /// When the version is not 4, the header length below 5, or the bytes too few. The total length
    /// is not judged: a capture may have cut the datagram.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("ipv4", bytes.as_ref(), LEN)?;
        let first = bytes.as_ref()[field_at::VERSION_IHL];
        let illegal = |field, value| Err(ParseError::Illegal { protocol: "ipv4", field, value });
        if first >> 4 != 4 {
            return illegal("version", u32::from(first >> 4));
        }
        if first & 15 < 5 {
            return illegal("ihl", u32::from(first & 15));
        }
        check_len("ipv4", bytes.as_ref(), usize::from(first & 15) * 4)?;
        Ok(Self { bytes })
    }

    /// Bytes of the header, options included.
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes.as_ref()[field_at::VERSION_IHL] & 15) * 4
    }

    /// Differentiated services code point.
    pub fn dscp(&self) -> u8 {
        self.bytes.as_ref()[field_at::TRAFFIC_CLASS] >> 2
    }

    /// Explicit congestion notification.
    pub fn ecn(&self) -> u8 {
        self.bytes.as_ref()[field_at::TRAFFIC_CLASS] & 3
    }

    /// Bytes of the datagram, as the header says.
    pub fn total_len(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::LENGTH)
    }

    /// Identification.
    pub fn id(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::ID)
    }

    fn flags_offset(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::FLAGS_OFFSET)
    }

    /// Don't fragment.
    pub fn df(&self) -> bool {
        self.flags_offset() & 0x4000 != 0
    }

    /// More fragments.
    pub fn mf(&self) -> bool {
        self.flags_offset() & 0x2000 != 0
    }

    /// Fragment offset in units of 8 bytes.
    pub fn fragment_offset(&self) -> u16 {
        self.flags_offset() & 0x1fff
    }

    /// Time to live.
    pub fn ttl(&self) -> u8 {
        self.bytes.as_ref()[field_at::TTL]
    }

    /// Protocol number of the payload.
    pub fn protocol(&self) -> u8 {
        self.bytes.as_ref()[field_at::PROTOCOL]
    }

    /// Header checksum as written.
    pub fn checksum(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::CHECKSUM)
    }

    /// Source address.
    pub fn src(&self) -> Ipv4Addr {
        bits::array_at::<4>(self.bytes.as_ref(), field_at::SRC).into()
    }

    /// Destination address.
    pub fn dst(&self) -> Ipv4Addr {
        bits::array_at::<4>(self.bytes.as_ref(), field_at::DST).into()
    }

    /// The header checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum::checksum(&self.bytes.as_ref()[..self.header_len()]) == 0
    }

    /// What follows the header, as far as the total length and the bytes go.
    pub fn payload(&self) -> &[u8] {
        let bytes = self.bytes.as_ref();
        let end = usize::from(self.total_len()).clamp(self.header_len(), bytes.len());
        &bytes[self.header_len()..end]
    }
}

/// The header, without options, as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Differentiated services code point; its low 6 bits are written.
    pub dscp: u8,
    /// Explicit congestion notification; its low 2 bits are written.
    pub ecn: u8,
    /// Identification.
    pub id: u16,
    /// Don't fragment.
    pub df: bool,
    /// More fragments.
    pub mf: bool,
    /// Fragment offset in units of 8 bytes; its low 13 bits are written.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// Protocol number of the payload.
    pub protocol: u8,
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// Bytes of the payload; at most 65515.
    pub payload_len: u16,
}

impl Repr {
    /// Reads a header; options are left out.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            dscp: packet.dscp(),
            ecn: packet.ecn(),
            id: packet.id(),
            df: packet.df(),
            mf: packet.mf(),
            fragment_offset: packet.fragment_offset(),
            ttl: packet.ttl(),
            protocol: packet.protocol(),
            src: packet.src(),
            dst: packet.dst(),
            payload_len: packet.total_len().saturating_sub(packet.header_len() as u16),
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the header, its checksum included, to the start of `buffer`.
    ///
    /// # Panics
    /// If `buffer` is shorter than [`buffer_len`](Self::buffer_len).
    pub fn emit(&self, buffer: &mut [u8]) {
        let header = &mut buffer[..LEN];
        let mut put =
            |at: usize, word: u16| header[at..at + 2].copy_from_slice(&word.to_be_bytes());
        let flags = u16::from(self.df) << 14 | u16::from(self.mf) << 13;
        put(
            field_at::VERSION_IHL,
            0x4500 | u16::from(self.dscp & 63) << 2 | u16::from(self.ecn & 3),
        );
        put(field_at::LENGTH, self.payload_len.saturating_add(LEN as u16));
        put(field_at::ID, self.id);
        put(field_at::FLAGS_OFFSET, flags | self.fragment_offset & 0x1fff);
        put(field_at::TTL, u16::from(self.ttl) << 8 | u16::from(self.protocol));
        put(field_at::CHECKSUM, 0);
        header[field_at::SRC..field_at::DST].copy_from_slice(&self.src.octets());
        header[field_at::DST..LEN].copy_from_slice(&self.dst.octets());
        let checksum = checksum::checksum(header);
        header[field_at::CHECKSUM..field_at::SRC].copy_from_slice(&checksum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_repr()(
            dscp in 0u8..64, ecn in 0u8..4, id: u16, df: bool, mf: bool,
            fragment_offset in 0u16..0x2000, ttl: u8, protocol: u8, src: u32, dst: u32,
            payload_len in 0u16..=65515,
        ) -> Repr {
            let (src, dst) = (src.into(), dst.into());
            Repr {
                dscp, ecn, id, df, mf, fragment_offset, ttl, protocol, src, dst, payload_len,
            }
        }
    }

    proptest! {
        #[test]
        fn parses_what_it_emits(repr in any_repr()) {
            let mut buffer = [0xa5; LEN];
            repr.emit(&mut buffer);
            let packet = Packet::new_checked(&buffer).unwrap();
            prop_assert_eq!(Repr::parse(&packet), repr);
            prop_assert!(packet.verify_checksum());
        }
    }

    #[test]
    fn refuses_what_is_no_ipv4_header() {
        let mut buffer = [0; 24];
        buffer[0] = 0x65;
        assert!(Packet::new_checked(buffer).is_err());
        buffer[0] = 0x44;
        assert!(Packet::new_checked(buffer).is_err());
        buffer[0] = 0x46;
        assert_eq!(Packet::new_checked(buffer).unwrap().header_len(), 24);
        buffer[0] = 0x47;
        assert!(Packet::new_checked(buffer).is_err());
    }

    #[test]
    fn the_payload_ends_where_the_length_says() {
        let mut buffer = [0xa5; 40];
        let repr = Repr::parse(&Packet::new_checked([0x45; 20]).unwrap());
        Repr { payload_len: 3, ..repr }.emit(&mut buffer);
        assert_eq!(Packet::new_checked(buffer).unwrap().payload(), [0xa5; 3]);
        buffer[2..4].copy_from_slice(&9u16.to_be_bytes());
        assert!(Packet::new_checked(buffer).unwrap().payload().is_empty());
        buffer[2..4].copy_from_slice(&999u16.to_be_bytes());
        assert_eq!(Packet::new_checked(buffer).unwrap().payload(), [0xa5; 20]);
    }
}
