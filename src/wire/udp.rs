//! UDP (RFC 768).

use super::field::{
    ChecksumRule, FieldDefault, Protocol, Space, WITH_PSEUDO_HEADER, computed, number,
};
use super::{ParseError, bits, check_len, checksum};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "udp",
    "UDP (RFC 768)",
    &[
        number("src", 0, 16, 49152, "Source port; unset, the first dynamic one (RFC 6335)"),
        computed(
            "dst",
            16,
            16,
            FieldDefault::NextPort(9),
            "Destination port; unset, that of the header that follows, else discard (RFC 863)",
        ),
        computed(
            "length",
            32,
            16,
            FieldDefault::Length { skip: 0 },
            "Bytes of the datagram with its header",
        ),
        computed(
            "checksum",
            48,
            16,
            FieldDefault::Checksum,
            "Checksum; 0 stands for none, which IPv6 forbids",
        ),
    ],
)
.numbers(&[(Space::IpProtocol, 17)])
.next(Space::UdpPort)
.checksum(ChecksumRule { zero_as_ffff: true, ..WITH_PSEUDO_HEADER })
.examples(&["[ipv4, udp: {src: {increment: 50000, count: 1000}}]", "[ipv6, udp]"]);

/// Bytes of the header.
pub const LEN: usize = 8;

mod field_at {
    pub const SRC: usize = 0;
    pub const DST: usize = 2;
    pub const LENGTH: usize = 4;
    pub const CHECKSUM: usize = 6;
}

/// A datagram.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of the bytes of a datagram.
    ///
    /// # Errors
    /// When they are too few for a header. The length field is not judged.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("udp", bytes.as_ref(), LEN)?;
        Ok(Self { bytes })
    }

    /// Source port.
    pub fn src(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::SRC)
    }

    /// Destination port.
    pub fn dst(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::DST)
    }

    /// Bytes of the datagram, as the header says.
    pub fn length(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::LENGTH)
    }

    /// Checksum as written; 0: none.
    pub fn checksum(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::CHECKSUM)
    }

    /// The checksum is right, given the sum of the pseudo-header.
    pub fn verify_checksum(&self, pseudo: u64) -> bool {
        self.checksum() != 0
            && checksum::fold(pseudo + checksum::sum(self.bytes.as_ref())) == 0xffff
    }

    /// What follows the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[LEN..]
    }
}

/// The header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
    /// Bytes of the payload; at most 65527.
    pub payload_len: u16,
}

impl Repr {
    /// Reads a header.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            src: packet.src(),
            dst: packet.dst(),
            payload_len: packet.length().saturating_sub(LEN as u16),
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the header to the start of `datagram`, which holds the payload already; the checksum
    /// covers it all and `pseudo`, the sum of the pseudo-header.
    ///
    /// # Panics
    /// If `datagram` is shorter than [`buffer_len`](Self::buffer_len).
    pub fn emit(&self, datagram: &mut [u8], pseudo: u64) {
        let length = self.payload_len.saturating_add(LEN as u16);
        datagram[field_at::SRC..field_at::DST].copy_from_slice(&self.src.to_be_bytes());
        datagram[field_at::DST..field_at::LENGTH].copy_from_slice(&self.dst.to_be_bytes());
        datagram[field_at::LENGTH..field_at::CHECKSUM].copy_from_slice(&length.to_be_bytes());
        datagram[field_at::CHECKSUM..LEN].fill(0);
        let sum = !checksum::fold(pseudo + checksum::sum(datagram));
        datagram[field_at::CHECKSUM..LEN].copy_from_slice(&checksum::never_zero(sum).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parses_what_it_emits(src: u16, dst: u16, payload: Vec<u8>, pseudo: u32) {
            let repr = Repr { src, dst, payload_len: payload.len() as u16 };
            let mut buffer = [&[0xa5; LEN][..], &payload].concat();
            repr.emit(&mut buffer, pseudo.into());
            let packet = Packet::new_checked(&buffer).unwrap();
            prop_assert_eq!(Repr::parse(&packet), repr);
            prop_assert!(packet.verify_checksum(pseudo.into()));
            prop_assert_eq!(packet.payload(), payload);
        }
    }

    #[test]
    fn a_checksum_of_zero_is_sent_as_ffff() {
        let mut buffer = [0xa5; LEN];
        Repr { src: 0xffff, dst: 0, payload_len: 0 }.emit(&mut buffer, 0xfff7);
        assert_eq!(Packet::new_checked(buffer).unwrap().checksum(), 0xffff);
    }
}
