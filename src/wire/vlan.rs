//! VLAN tag (IEEE 802.1Q §9.6): the four bytes after the TPID, which the EtherType before holds.

use super::field::{FieldDefault, Protocol, ProtocolKind, Space, computed, number};
use super::{ParseError, bits, check_len};

/// The tag as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "vlan",
    "VLAN tag (IEEE 802.1Q); the outer one of two is a service tag (802.1ad)",
    &[
        number("pcp", 0, 3, 0, "Priority code point"),
        number("dei", 3, 1, 0, "Drop eligible"),
        number("id", 4, 12, 1, "VLAN identifier"),
        computed("ethertype", 16, 16, FieldDefault::NextProtocol, "EtherType of what follows"),
    ],
)
.kind(ProtocolKind::Vlan)
.numbers(&[(Space::EtherType, 0x8100)])
.next(Space::EtherType)
.examples(&[
    "[vlan: {id: 100, pcp: 5}, ipv4, udp]",
    "[vlan: {id: 7}, vlan: {id: 100}, ipv6, udp]",
    "[ethernet: {ethertype: 0x9100}, vlan: {id: 7}, vlan: {id: 100}, ipv4, udp]",
    "[ethernet: {ethertype: 0x8100}, vlan: {id: 7}, vlan: {id: 100}, ipv4, udp]",
]);

/// Bytes of the tag after its TPID, and so bytes that a tag adds to a frame.
pub const LEN: usize = 4;

mod field_at {
    pub const CONTROL: usize = 0;
    pub const ETHERTYPE: usize = 2;
}

/// A tag and what follows it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that begin right after the TPID.
    ///
    /// # Errors
    /// When they are too few.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("vlan", bytes.as_ref(), LEN)?;
        Ok(Self { bytes })
    }

    fn control(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::CONTROL)
    }

    /// Priority code point, 0 to 7.
    pub fn pcp(&self) -> u8 {
        (self.control() >> 13) as u8
    }

    /// Drop eligible indicator.
    pub fn dei(&self) -> bool {
        self.control() & 0x1000 != 0
    }

    /// VLAN identifier, 0 to 4095.
    pub fn id(&self) -> u16 {
        self.control() & 0x0fff
    }

    /// EtherType of what follows.
    pub fn ethertype(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::ETHERTYPE)
    }

    /// What follows the tag.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[LEN..]
    }
}

/// The tag as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Priority code point; its low 3 bits are written.
    pub pcp: u8,
    /// Drop eligible indicator.
    pub dei: bool,
    /// VLAN identifier; its low 12 bits are written.
    pub id: u16,
    /// EtherType of the payload.
    pub ethertype: u16,
}

impl Repr {
    /// Reads a tag.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            pcp: packet.pcp(),
            dei: packet.dei(),
            id: packet.id(),
            ethertype: packet.ethertype(),
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the tag to the start of `buffer`.
    ///
    /// # Panics
    /// If `buffer` is shorter than [`buffer_len`](Self::buffer_len).
    pub fn emit(&self, buffer: &mut [u8]) {
        let control =
            u16::from(self.pcp & 7) << 13 | u16::from(self.dei) << 12 | (self.id & 0x0fff);
        buffer[field_at::CONTROL..field_at::ETHERTYPE].copy_from_slice(&control.to_be_bytes());
        buffer[field_at::ETHERTYPE..LEN].copy_from_slice(&self.ethertype.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parses_what_it_emits(pcp in 0u8..8, dei: bool, id in 0u16..4096, ethertype: u16) {
            let repr = Repr { pcp, dei, id, ethertype };
            let mut buffer = [0xa5; LEN];
            repr.emit(&mut buffer);
            prop_assert_eq!(Repr::parse(&Packet::new_checked(&buffer).unwrap()), repr);
        }
    }

    #[test]
    fn bytes_of_a_tag() {
        let mut buffer = [0xa5; LEN];
        Repr { pcp: 5, dei: true, id: 0x123, ethertype: 0x0800 }.emit(&mut buffer);
        assert_eq!(buffer, [0xb1, 0x23, 0x08, 0x00]);
    }
}
