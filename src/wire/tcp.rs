//! TCP (RFC 9293 §3.1). The typed views read past options; the table's are in
//! [`tcp_options`](super::transport::tcp_options).

use super::field::names::TCP_FLAGS;
use super::field::{FieldDefault, Protocol, Space, WITH_PSEUDO_HEADER, computed, number};
use super::{ParseError, bits, check_len, checksum, transport::tcp_options};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "tcp",
    "TCP (RFC 9293 §3.1)",
    &[
        number("src", 0, 16, 49152, "Source port; unset, the first dynamic one (RFC 6335)"),
        computed(
            "dst",
            16,
            16,
            FieldDefault::NextPort(9),
            "Destination port; unset, that of the header that follows, else discard (RFC 863)",
        ),
        number("seq", 32, 32, 0, "Sequence number"),
        number("ack", 64, 32, 0, "Acknowledgment number"),
        computed(
            "data_offset",
            96,
            4,
            FieldDefault::HeaderLength { unit: 4, less: 0 },
            "Header length in words",
        ),
        number("reserved", 100, 4, 0, "Reserved bits"),
        number(
            "flags",
            104,
            8,
            0x10,
            "Control bits: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128; several as syn+ack",
        )
        .names(TCP_FLAGS),
        number("window", 112, 16, 65535, "Receive window, unscaled"),
        computed("checksum", 128, 16, FieldDefault::Checksum, "Checksum"),
        number("urgent", 144, 16, 0, "Urgent pointer"),
    ],
)
.numbers(&[(Space::IpProtocol, 6)])
.next(Space::TcpPort)
.checksum(WITH_PSEUDO_HEADER)
.options(tcp_options::OPTIONS)
.examples(&[
    "[ipv4, tcp: {flags: psh+ack, seq: 7}]",
    "[ipv6, tcp]",
    "[ipv4, tcp: {flags: syn, options: [mss, sack_permitted, timestamps, nop, window_scale]}]",
    "[ipv6, tcp: {options: [nop, nop, timestamps: {value: {increment: 0}, echo: 7}]}]",
    "[ipv4, tcp: {options: [nop, nop, sack: {left: 10, right: 20, left2: 30, right2: 40}]}]",
    "[ipv4, tcp: {options: [nop, nop, md5: {digest: 00112233445566778899aabbccddeeff}]}]",
    "[ipv4, tcp: {options: [raw: {kind: 253, data: f00d}, eol]}]",
]);

/// Bytes of the header without options.
pub const LEN: usize = 20;

mod field_at {
    pub const SRC: usize = 0;
    pub const DST: usize = 2;
    pub const SEQ: usize = 4;
    pub const ACK: usize = 8;
    pub const DATA_OFFSET: usize = 12;
    pub const FLAGS: usize = 13;
    pub const WINDOW: usize = 14;
    pub const CHECKSUM: usize = 16;
    pub const URGENT: usize = 18;
}

/// A segment.
#[derive(Clone, Copy, Debug)]
pub struct Packet<T> {
    bytes: T,
}

impl<T: AsRef<[u8]>> Packet<T> {
    /// A view of the bytes of a segment, which hold all of its header, options included.
    ///
    /// # Errors
    /// When the data offset is below 5 or the bytes are too few.
    pub fn new_checked(bytes: T) -> Result<Self, ParseError> {
        check_len("tcp", bytes.as_ref(), LEN)?;
        let words = bytes.as_ref()[field_at::DATA_OFFSET] >> 4;
        if words < 5 {
            let value = u32::from(words);
            return Err(ParseError::Illegal { protocol: "tcp", field: "data_offset", value });
        }
        check_len("tcp", bytes.as_ref(), usize::from(words) * 4)?;
        Ok(Self { bytes })
    }

    /// Bytes of the header, options included.
    pub fn header_len(&self) -> usize {
        usize::from(self.bytes.as_ref()[field_at::DATA_OFFSET] >> 4) * 4
    }

    /// Source port.
    pub fn src(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::SRC)
    }

    /// Destination port.
    pub fn dst(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::DST)
    }

    /// Sequence number.
    pub fn seq(&self) -> u32 {
        bits::u32_at(self.bytes.as_ref(), field_at::SEQ)
    }

    /// Acknowledgment number.
    pub fn ack(&self) -> u32 {
        bits::u32_at(self.bytes.as_ref(), field_at::ACK)
    }

    /// Control bits, CWR the highest, FIN the lowest.
    pub fn flags(&self) -> u8 {
        self.bytes.as_ref()[field_at::FLAGS]
    }

    /// Receive window, unscaled.
    pub fn window(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::WINDOW)
    }

    /// Checksum as written.
    pub fn checksum(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::CHECKSUM)
    }

    /// Urgent pointer.
    pub fn urgent(&self) -> u16 {
        bits::u16_at(self.bytes.as_ref(), field_at::URGENT)
    }

    /// The checksum is right, given the sum of the pseudo-header.
    pub fn verify_checksum(&self, pseudo: u64) -> bool {
        checksum::fold(pseudo + checksum::sum(self.bytes.as_ref())) == 0xffff
    }

    /// What follows the header.
    pub fn payload(&self) -> &[u8] {
        &self.bytes.as_ref()[self.header_len()..]
    }
}

/// The header, without options, as a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repr {
    /// Source port.
    pub src: u16,
    /// Destination port.
    pub dst: u16,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Control bits, CWR the highest, FIN the lowest.
    pub flags: u8,
    /// Receive window, unscaled.
    pub window: u16,
    /// Urgent pointer.
    pub urgent: u16,
}

impl Repr {
    /// Reads a header; options are left out.
    pub fn parse<T: AsRef<[u8]>>(packet: &Packet<T>) -> Self {
        Self {
            src: packet.src(),
            dst: packet.dst(),
            seq: packet.seq(),
            ack: packet.ack(),
            flags: packet.flags(),
            window: packet.window(),
            urgent: packet.urgent(),
        }
    }

    /// Bytes that [`emit`](Self::emit) writes.
    pub const fn buffer_len(&self) -> usize {
        LEN
    }

    /// Writes the header to the start of `segment`, which holds the payload already; the checksum
    /// covers it all and `pseudo`, the sum of the pseudo-header.
    ///
    /// # Panics
    /// If `segment` is shorter than [`buffer_len`](Self::buffer_len).
    pub fn emit(&self, segment: &mut [u8], pseudo: u64) {
        segment[field_at::SRC..field_at::DST].copy_from_slice(&self.src.to_be_bytes());
        segment[field_at::DST..field_at::SEQ].copy_from_slice(&self.dst.to_be_bytes());
        segment[field_at::SEQ..field_at::ACK].copy_from_slice(&self.seq.to_be_bytes());
        segment[field_at::ACK..field_at::DATA_OFFSET].copy_from_slice(&self.ack.to_be_bytes());
        segment[field_at::DATA_OFFSET] = 5 << 4;
        segment[field_at::FLAGS] = self.flags;
        segment[field_at::WINDOW..field_at::CHECKSUM].copy_from_slice(&self.window.to_be_bytes());
        segment[field_at::CHECKSUM..field_at::URGENT].fill(0);
        segment[field_at::URGENT..LEN].copy_from_slice(&self.urgent.to_be_bytes());
        let sum = !checksum::fold(pseudo + checksum::sum(segment));
        segment[field_at::CHECKSUM..field_at::URGENT].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn parses_what_it_emits(
            src: u16, dst: u16, seq: u32, ack: u32, flags: u8, window: u16, urgent: u16,
            payload: Vec<u8>, pseudo: u32,
        ) {
            let repr = Repr { src, dst, seq, ack, flags, window, urgent };
            let mut buffer = [&[0xa5; LEN][..], &payload].concat();
            repr.emit(&mut buffer, pseudo.into());
            let packet = Packet::new_checked(&buffer).unwrap();
            prop_assert_eq!(Repr::parse(&packet), repr);
            prop_assert!(packet.verify_checksum(pseudo.into()));
            prop_assert_eq!(packet.payload(), payload);
        }
    }

    #[test]
    fn refuses_an_impossible_data_offset() {
        let mut buffer = [0; LEN];
        buffer[12] = 4 << 4;
        assert!(Packet::new_checked(buffer).is_err());
        buffer[12] = 6 << 4;
        assert!(Packet::new_checked(buffer).is_err());
    }
}
