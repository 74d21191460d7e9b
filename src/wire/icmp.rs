//! ICMPv4 echo (RFC 792). The checksum has no pseudo-header.

use super::field::{FieldDefault, INTERNET, Protocol, ProtocolKind, Space, computed, number};
use super::{ParseError, bits, check_len, checksum};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "icmp",
    "ICMPv4 echo (RFC 792)",
    &[
        number("type", 0, 8, ECHO_REQUEST as u128, "Type: 8 echo request, 0 echo reply"),
        number("code", 8, 8, 0, "Code"),
        computed("checksum", 16, 16, FieldDefault::Checksum, "Checksum"),
        number("id", 32, 16, 1, "Echo identifier"),
        number("seq", 48, 16, 0, "Echo sequence number"),
    ],
)
.numbers(&[(Space::IpProtocol, 1)])
.checksum(INTERNET)
.only_in(ProtocolKind::Ipv4)
.select(&[("type", &[ECHO_REQUEST as u128, ECHO_REPLY as u128])])
.examples(&["[ipv4, icmp: {id: 7, seq: {increment: 0}}]", "[ipv4, icmp: {type: 0}]"]);

/// Type of an echo request.
pub const ECHO_REQUEST: u8 = 8;
/// Type of an echo reply.
pub const ECHO_REPLY: u8 = 0;

/// Bytes of the header.
pub const LEN: usize = 8;

mod field_at {
    pub const TYPE: usize = 0;
    pub const CODE: usize = 1;
    pub const CHECKSUM: usize = 2;
    pub const ID: usize = 4;
    pub const SEQ: usize = 6;
}

/// A message.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of the bytes of a message.
    ///
    /// # Errors
    /// When they are too few for a header.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("icmp", bytes.as_ref(), LEN)?;
        Ok(Self { bytes })
    }

    /// Type of the message.
    pub fn message_type(&self) -> u8 {
        self.bytes.as_ref()[field_at::TYPE]
    }

    /// Code within the type.
    pub fn code(&self) -> u8 {
        self.bytes.as_ref()[field_at::CODE]
    }

    /// Checksum as written.
    pub fn checksum(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::CHECKSUM)
    }

    /// Identifier of an echo.
    pub fn id(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::ID)
    }

    /// Sequence number of an echo.
    pub fn seq(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::SEQ)
    }

    /// The checksum is right.
    pub fn verify_checksum(&self) -> bool {
        checksum::fold(checksum::sum(self.bytes.as_ref())) == 0xffff
    }

    /// What follows the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[LEN..]
    }
}

/// The header as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Type of the message.
    pub message_type: u8,
    /// Code within the type.
    pub code: u8,
    /// Identifier of an echo.
    pub id: u16,
    /// Sequence number of an echo.
    pub seq: u16,
}

impl Repr {
    /// Reads a header.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            message_type: packet.message_type(),
            code: packet.code(),
            id: packet.id(),
            seq: packet.seq(),
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the header to the start of `message`, which holds the payload already; the checksum
    /// covers it all.
    ///
    /// # Panics
    /// If `message` is shorter than [`buffer_len`](Self::buffer_len).
    pub fn emit(&self, message: &mut [u8]) {
        message[field_at::TYPE] = self.message_type;
        message[field_at::CODE] = self.code;
        message[field_at::CHECKSUM..field_at::ID].fill(0);
        message[field_at::ID..field_at::SEQ].copy_from_slice(&self.id.to_be_bytes());
        message[field_at::SEQ..LEN].copy_from_slice(&self.seq.to_be_bytes());
        let sum = !checksum::fold(checksum::sum(message));
        message[field_at::CHECKSUM..field_at::ID].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parses_what_it_emits(
            message_type in 1u8.., code: u8, id: u16, seq: u16, payload: Vec<u8>,
        ) {
            let repr = Repr { message_type, code, id, seq };
            let mut buffer = [&[0xa5; LEN][..], &payload].concat();
            repr.emit(&mut buffer);
            let packet = Packet::new_checked(&buffer).unwrap();
            prop_assert_eq!(Repr::parse(&packet), repr);
            prop_assert!(packet.verify_checksum());
            prop_assert_eq!(packet.payload(), payload);
        }
    }

    #[test]
    fn a_short_message_is_refused() {
        assert!(Packet::new_checked([0; LEN - 1]).is_err());
    }
}
