//! Routing headers: type 0 (RFC 2460 §4.4, deprecated by RFC 5095), type 2 (RFC 6275 §6.4) and
//! segment routing, type 4 (RFC 8754 §2).
//!
//! While segments are left, the packet's final destination stands here and not in `ipv6.dst`, and
//! the pseudo-header takes it from here (RFC 8200 §8.1): [`Route`] says where.

use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, OptionsDef, Padding, Protocol, ProtocolKind,
    Route, Space, computed, field, number,
};
use crate::wire::ip_protocol;

const NUMBERS: &[(Space, u32)] = &[(Space::IpProtocol, ip_protocol::ROUTING as u32)];

const NEXT_HEADER: FieldDef =
    computed("next_header", 0, 8, FieldDefault::NextProtocol, "Protocol number of what follows");

const LENGTH: FieldDef = computed(
    "length",
    8,
    8,
    FieldDefault::HeaderLength { unit: 8, less: 1 },
    "Length in units of 8 bytes, the first not counted",
);

const fn kind(default: u128) -> FieldDef {
    number("type", 16, 8, default, "Routing type (IANA ipv6-parameters)")
}

/// A route of addresses, the final destination last.
pub static TYPE_0: Protocol = Protocol::new(
    "routing_type0",
    "IPv6 routing header of type 0 (RFC 2460 §4.4), which nodes must refuse (RFC 5095)",
    &[
        NEXT_HEADER,
        LENGTH,
        kind(0),
        computed(
            "segments_left",
            24,
            8,
            FieldDefault::AddressesLeft { less: 0 },
            "Addresses still to be visited",
        ),
        number("reserved", 32, 32, 0, "Reserved"),
    ],
)
.data(
    "addresses",
    DataKind::Ipv6List,
    "Where the packet goes after ipv6.dst; the last is the final destination",
)
.kind(ProtocolKind::Extension)
.only_in(ProtocolKind::Ipv6)
.numbers(NUMBERS)
.next(Space::IpProtocol)
.select(&[("type", &[0])])
.route(Route::LastIpv6)
.examples(&[
    "[ipv6, routing_type0: {addresses: [\"2001:2:0:2::1\", \"2001:2:0:3::1\"]}, udp]",
    "[ipv6, routing_type0: {addresses: [\"2001:2:0:2::1\"], segments_left: 0}, udp]",
]);

/// Mobile IPv6's: the packet goes to the care-of address, and is meant for the home address.
pub static TYPE_2: Protocol = Protocol::new(
    "routing_type2",
    "IPv6 routing header of type 2 (RFC 6275 §6.4), of Mobile IPv6",
    &[
        NEXT_HEADER,
        LENGTH,
        kind(2),
        number("segments_left", 24, 8, 1, "1: the home address is still to be visited"),
        number("reserved", 32, 32, 0, "Reserved"),
        field(
            "home_address",
            64,
            128,
            FieldKind::Ipv6,
            FieldDefault::DestinationAddress,
            "Home address, the final destination",
        ),
    ],
)
.kind(ProtocolKind::Extension)
.only_in(ProtocolKind::Ipv6)
.numbers(NUMBERS)
.next(Space::IpProtocol)
.select(&[("type", &[2])])
.route(Route::FirstIpv6)
.examples(&["[ipv6, routing_type2: {home_address: \"2001:2:0:2::1\"}, udp]"]);

/// SRv6's list of segments, the final destination first.
pub static SEGMENT_ROUTING: Protocol = Protocol::new(
    "srh",
    "SRv6 segment routing header (RFC 8754 §2)",
    &[
        NEXT_HEADER,
        LENGTH,
        kind(4),
        computed(
            "segments_left",
            24,
            8,
            FieldDefault::AddressesLeft { less: 1 },
            "Index of the segment that ipv6.dst holds",
        ),
        computed(
            "last_entry",
            32,
            8,
            FieldDefault::AddressCount { less: 1 },
            "Index of the last entry of the list",
        ),
        number("flags", 40, 8, 0, "Flags, all reserved"),
        number("tag", 48, 16, 0, "Tag of a class of packets"),
    ],
)
.data(
    "segments",
    DataKind::Ipv6List,
    "Segments from the last to the first: the first entry is the final destination, the last one \
     stands in ipv6.dst",
)
.options(OptionsDef {
    name: "tlvs",
    kinds: &[&TLV_PAD1, &TLV_PAD_N, &TLV_HMAC, &TLV_RAW],
    align: 8,
    padding: Padding::PadN { kind: TLV_PAD_N_TYPE },
    align_each: 1,
})
.kind(ProtocolKind::Extension)
.only_in(ProtocolKind::Ipv6)
.numbers(NUMBERS)
.next(Space::IpProtocol)
.select(&[("type", &[4])])
.route(Route::FirstIpv6)
.examples(&[
    "[ipv6, srh: {segments: [\"2001:2:0:3::1\", \"2001:2:0:2::1\"], tag: 7}, udp]",
    "[ipv6, srh: {segments: [{increment: \"2001:2:0:3::1\", count: 9}, \"2001:2:0:2::1\"]}, udp]",
    "[ipv6, srh: {segments: [\"2001:2:0:3::1\"], tlvs: [raw: {type: 0x7c, data: 0102}]}, udp]",
    "[ipv6, srh: {segments: [\"2001:2:0:3::1\"], tlvs: [hmac: {key_id: 1}]}, udp]",
    "[ipv6, srh: {segments: [\"2001:2:0:3::1\"], tlvs: [pad1, pad_n: {data: 00}, raw]}, udp]",
]);

/// Type of the segment routing header's own PadN (RFC 8754 §2.1.1.2).
const TLV_PAD_N_TYPE: u8 = 4;

const fn tlv_kind(default: u128) -> FieldDef {
    number("type", 0, 8, default, "TLV type (IANA segment-routing)")
}

const TLV_LENGTH: FieldDef = computed(
    "length",
    8,
    8,
    FieldDefault::HeaderLength { unit: 1, less: 2 },
    "Bytes after this field",
);

static TLV_PAD1: Protocol =
    Protocol::new("pad1", "One byte of padding (RFC 8754 §2.1.1.1)", &[tlv_kind(0)])
        .select(&[("type", &[0])]);

static TLV_PAD_N: Protocol = Protocol::new(
    "pad_n",
    "Two or more bytes of padding (RFC 8754 §2.1.1.2)",
    &[tlv_kind(TLV_PAD_N_TYPE as u128), TLV_LENGTH],
)
.data("data", DataKind::Bytes, "The padding behind the length")
.select(&[("type", &[TLV_PAD_N_TYPE as u128])]);

static TLV_HMAC: Protocol = Protocol::new(
    "hmac",
    "Keyed hash (RFC 8754 §2.1.2); none is computed",
    &[
        tlv_kind(5),
        TLV_LENGTH,
        number("d", 16, 1, 0, "1: the destination address was not verified"),
        number("reserved", 17, 15, 0, "Reserved"),
        number("key_id", 32, 32, 0, "Key and algorithm"),
    ],
)
.data_or("hmac", DataKind::Bytes, &[0; 32], "The hash, 32 bytes at most in multiples of 8")
.select(&[("type", &[5])]);

static TLV_RAW: Protocol = Protocol::new(
    "raw",
    "A TLV of any type (RFC 8754 §2.1)",
    &[tlv_kind(0x7c), TLV_LENGTH],
)
.data("data", DataKind::Bytes, "At most 255 bytes");
