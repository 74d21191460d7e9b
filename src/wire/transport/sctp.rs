//! SCTP (RFC 9260): the common header (§3.1), and the DATA (§3.3.1) and INIT chunk (§3.3.2).

use crate::wire::field::{
    Algorithm, ChecksumRule, FieldDef, FieldDefault, INTERNET, Protocol, Space, Want, computed,
    number,
};
use crate::wire::ip_protocol;

/// The common header.
pub static PROTOCOL: Protocol = Protocol::new(
    "sctp",
    "SCTP's common header (RFC 9260 §3.1); a chunk follows",
    &[
        number("src", 0, 16, 49152, "Source port; unset, the first dynamic one (RFC 6335)"),
        number("dst", 16, 16, 9, "Destination port; unset, discard (RFC 863)"),
        number("verification_tag", 32, 32, 1, "Verification tag; unset, 0 before an INIT, else 1"),
        computed("checksum", 64, 32, FieldDefault::Checksum, "CRC32c (RFC 9260 §6.8)"),
    ],
)
.numbers(&[(Space::IpProtocol, ip_protocol::SCTP as u32)])
.next(Space::SctpChunk)
.checksum(ChecksumRule { algorithm: Algorithm::Crc32c, ..INTERNET })
.aligned(4)
.examples(&["[ipv4, sctp: {src: 5000, dst: 5001}, sctp_data]"]);

const fn kind(default: u128) -> FieldDef {
    number("type", 0, 8, default, "Chunk type")
}

const LENGTH: FieldDef = computed(
    "length",
    16,
    16,
    FieldDefault::Length { skip: 0 },
    "Bytes of the chunk with this header, to the packet's end",
);

/// Type of a DATA chunk.
const DATA_TYPE: u32 = 0;
/// Type of an INIT chunk.
const INIT_TYPE: u32 = 1;

/// A DATA chunk that takes the rest of the packet.
pub static DATA: Protocol = Protocol::new(
    "sctp_data",
    "SCTP's DATA chunk (RFC 9260 §3.3.1), which takes the rest of the packet",
    &[
        kind(DATA_TYPE as u128),
        number("reserved", 8, 4, 0, "Reserved"),
        number("i", 12, 1, 0, "Acknowledge immediately (RFC 7053)"),
        number("u", 13, 1, 0, "Unordered: the stream sequence number says nothing"),
        number("b", 14, 1, 1, "First fragment of a message"),
        number("e", 15, 1, 1, "Last fragment of a message"),
        LENGTH,
        number("tsn", 32, 32, 1, "Transmission sequence number"),
        number("stream", 64, 16, 0, "Stream identifier"),
        number("ssn", 80, 16, 0, "Stream sequence number"),
        number("ppid", 96, 32, 0, "Payload protocol identifier; 0 none"),
    ],
)
.numbers(&[(Space::SctpChunk, DATA_TYPE)])
.select(&[("type", &[DATA_TYPE as u128])])
.examples(&[
    "[ipv4, sctp, sctp_data]",
    "[ipv6, sctp: {verification_tag: 0x01020304}, sctp_data: {tsn: {increment: 1}, u: 1}]",
]);

/// An INIT chunk without parameters, a whole packet.
pub static INIT: Protocol = Protocol::new(
    "sctp_init",
    "SCTP's INIT chunk (RFC 9260 §3.3.2) without parameters, a whole packet",
    &[
        kind(INIT_TYPE as u128),
        number("flags", 8, 8, 0, "Reserved"),
        LENGTH,
        number("initiate_tag", 32, 32, 1, "Verification tag that the other side is to use"),
        number("a_rwnd", 64, 32, 65536, "Advertised receiver window credit in bytes"),
        number("outbound_streams", 96, 16, 10, "Streams that the sender wants"),
        number("inbound_streams", 112, 16, 65535, "Streams that the sender allows"),
        number("initial_tsn", 128, 32, 1, "First transmission sequence number"),
    ],
)
.numbers(&[(Space::SctpChunk, INIT_TYPE)])
.select(&[("type", &[INIT_TYPE as u128])])
.wants(&[Want { header: "sctp", field: "verification_tag", value: 0 }])
.whole_message()
.examples(&["[ipv4, sctp, sctp_init: {initiate_tag: {increment: 1}}]"]);
