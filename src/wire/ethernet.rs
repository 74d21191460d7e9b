//! Ethernet II (IEEE 802.3 §3.2.6 with a length/type above 1535).

use super::field::{FieldDefault, FieldKind, Protocol, ProtocolKind, Space, computed, field};
use super::{ParseError, bits, check_len};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "ethernet",
    "Ethernet II (IEEE 802.3)",
    &[
        field("dst", 0, 48, FieldKind::Mac, FieldDefault::NextHopMac, "Destination MAC"),
        field("src", 48, 48, FieldKind::Mac, FieldDefault::SourceMac, "Source MAC"),
        computed(
            "ethertype",
            96,
            16,
            FieldDefault::NextProtocol,
            "EtherType of what follows: 0x8100 for a VLAN tag, 0x88a8 for the outer of two",
        ),
    ],
)
.kind(ProtocolKind::Ethernet)
.numbers(&[
    (Space::EtherType, 0x6558),
    (Space::IpProtocol, 143),
    (Space::Mpls, 0),
    (Space::Frame, 0),
])
.next(Space::EtherType)
.examples(&[r#"[ethernet: {src: "02:00:00:00:00:01"}, ipv4, udp]"#, "[ethernet]"]);

/// Bytes of the header.
pub const LEN: usize = 14;

mod field_at {
    pub const DST: usize = 0;
    pub const SRC: usize = 6;
    pub const ETHERTYPE: usize = 12;
}

/// A frame, without FCS.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of bytes that begin with the header.
    ///
    /// # Errors
    /// When they are too few.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("ethernet", bytes.as_ref(), LEN)?;
        Ok(Self { bytes })
    }

    /// Destination MAC.
    pub fn dst(&self) -> [u8; 6] {
        bits::array_at(self.bytes.as_ref(), field_at::DST)
    }

    /// Source MAC.
    pub fn src(&self) -> [u8; 6] {
        bits::array_at(self.bytes.as_ref(), field_at::SRC)
    }

    /// EtherType.
    pub fn ethertype(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::ETHERTYPE)
    }

    /// What follows the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[LEN..]
    }
}

/// The header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Destination MAC.
    pub dst: [u8; 6],
    /// Source MAC.
    pub src: [u8; 6],
    /// EtherType of the payload.
    pub ethertype: u16,
}

impl Repr {
    /// Reads a header.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self { dst: packet.dst(), src: packet.src(), ethertype: packet.ethertype() }
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
        buffer[field_at::DST..field_at::SRC].copy_from_slice(&self.dst);
        buffer[field_at::SRC..field_at::ETHERTYPE].copy_from_slice(&self.src);
        buffer[field_at::ETHERTYPE..LEN].copy_from_slice(&self.ethertype.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parses_what_it_emits(dst: [u8; 6], src: [u8; 6], ethertype: u16) {
            let repr = Repr { dst, src, ethertype };
            let mut buffer = [0xa5; LEN + 4];
            repr.emit(&mut buffer);
            let packet = Packet::new_checked(&buffer).unwrap();
            prop_assert_eq!(Repr::parse(&packet), repr);
            prop_assert_eq!(packet.payload(), [0xa5; 4]);
        }
    }

    #[test]
    fn a_short_frame_is_told_by_how_much() {
        let error = Packet::new_checked([0; 13]).unwrap_err();
        assert_eq!(error.to_string(), "ethernet needs 14 bytes, there are 13");
    }
}
