//! DHCP for IPv6 (RFC 8415).

use crate::wire::field::names::DHCPV6_MESSAGE;
use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, OptionsDef, Padding, Protocol, ProtocolKind,
    Space, Want, WantedAddress, computed, field, number,
};

/// The message as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "dhcpv6",
    "DHCPv6 (RFC 8415); unset, a solicit of the sending port, to all servers of the link",
    &[
        number(
            "type",
            0,
            8,
            1,
            "Type: 1 solicit, 2 advertise, 3 request, 5 renew, 7 reply, 8 release, \
             11 information request",
        )
        .names(DHCPV6_MESSAGE),
        number("transaction", 8, 24, 1, "Transaction, the same in all its messages"),
    ],
)
.options(OptionsDef {
    name: "options",
    kinds: &[&CLIENT_ID, &IA_NA, &ORO, &ELAPSED_TIME, &RAPID_COMMIT, &OPTION],
    align: 1,
    padding: Padding::Zeros,
    align_each: 1,
})
.default_options(&[&CLIENT_ID, &ELAPSED_TIME, &IA_NA, &ORO])
.numbers(&[(Space::UdpPort, 547), (Space::UdpPort, 546)])
.wants(&[
    Want { header: "udp", field: "src", value: 546 },
    // ff02::1:2 (RFC 8415 §7.1).
    Want { header: "ipv6", field: "dst", value: 0xff02 << 112 | 0x1_0002 },
])
.wants_address(&[WantedAddress::LinkLocalSource])
.only_in(ProtocolKind::Ipv6)
.whole_message()
.examples(&[
    "[ipv6, udp, dhcpv6]",
    "[ipv6, udp, dhcpv6: {transaction: {increment: 7}, options: [client_id: {mac: \
     '02:00:00:00:10:00'}, ia_na: {iaid: 9, t1: 60, t2: 90}, oro: {codes: 0017}, elapsed_time: \
     {hundredths: 100}, rapid_commit, option: {type: 16, data: 00000000 0001 61}]}]",
]);

const fn kind(kind: u128) -> FieldDef {
    number("type", 0, 16, kind, "Code")
}
const LENGTH: FieldDef = computed(
    "length",
    16,
    16,
    FieldDefault::HeaderLength { unit: 1, less: 4 },
    "Bytes of the value",
);

static CLIENT_ID: Protocol = Protocol::new(
    "client_id",
    "Who the client is: a DUID of its MAC (RFC 8415 §21.2, §11.4)",
    &[
        kind(1),
        LENGTH,
        number("duid_type", 32, 16, 3, "Type of DUID: 3 link-layer address"),
        number("hardware_type", 48, 16, 1, "Hardware address space: 1 Ethernet"),
        field("mac", 64, 48, FieldKind::Mac, FieldDefault::SourceMac, "MAC"),
    ],
)
.select(&[("type", &[1]), ("length", &[10]), ("duid_type", &[3])]);
static IA_NA: Protocol = Protocol::new(
    "ia_na",
    "Addresses that the client asks for (RFC 8415 §21.4)",
    &[
        kind(3),
        LENGTH,
        number("iaid", 32, 32, 1, "Identifier among the client's"),
        number("t1", 64, 32, 0, "Seconds until it renews; 0: the server says"),
        number("t2", 96, 32, 0, "Seconds until it rebinds; 0: the server says"),
    ],
)
.data("options", DataKind::Bytes, "Options inside")
.select(&[("type", &[3])]);
static ORO: Protocol = Protocol::new(
    "oro",
    "The options that the client asks for (RFC 8415 §21.7)",
    &[kind(6), LENGTH],
)
.data_or("codes", DataKind::Bytes, &[0, 23, 0, 24], "Codes of 2 bytes; unset, DNS and domains")
.select(&[("type", &[6])]);
static ELAPSED_TIME: Protocol = Protocol::new(
    "elapsed_time",
    "Since when the client asks (RFC 8415 §21.9)",
    &[kind(8), LENGTH, number("hundredths", 32, 16, 0, "Hundredths of a second")],
)
.select(&[("type", &[8]), ("length", &[2])]);
static RAPID_COMMIT: Protocol = Protocol::new(
    "rapid_commit",
    "The server may assign at once (RFC 8415 §21.14)",
    &[kind(14), LENGTH],
)
.select(&[("type", &[14]), ("length", &[0])]);
static OPTION: Protocol = Protocol::new(
    "option",
    "Any option",
    &[number("type", 0, 16, 65_535, "Code"), LENGTH],
)
.data("data", DataKind::Bytes, "Value");
