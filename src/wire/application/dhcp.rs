//! DHCP for IPv4 (RFC 2131).

use super::dhcp_options::{DEFAULTS, OPTIONS};
use crate::wire::field::{
    DataKind, FieldDef, FieldDefault, FieldKind, OptionsDef, Padding, Protocol, ProtocolKind,
    Space, Want, field, number,
};

/// Operation of what clients send.
const REQUEST: u128 = 1;

const fn address(name: &'static str, bit: u16, summary: &'static str) -> FieldDef {
    field(name, bit, 32, FieldKind::Ipv4, FieldDefault::Constant(0), summary)
}

/// Bytes of the server's name and of the boot file's, all zero, and the magic cookie
/// (RFC 2131 §2, §3).
const LEGACY: &[u8] = &{
    let mut bytes = [0; 64 + 128 + 4];
    (bytes[192], bytes[193], bytes[194], bytes[195]) = (99, 130, 83, 99);
    bytes
};

/// The message as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "dhcp",
    "DHCPv4 (RFC 2131); unset, a discover of the sending port, to everybody",
    &[
        number("op", 0, 8, REQUEST, "Operation: 1 request, 2 reply"),
        number("hardware_type", 8, 8, 1, "Hardware address space: 1 Ethernet"),
        number("hardware_length", 16, 8, 6, "Bytes of the hardware address"),
        number("hops", 24, 8, 0, "Relays that it went through"),
        number("xid", 32, 32, 1, "Transaction, the same in all its messages"),
        number("seconds", 64, 16, 0, "Seconds since the client began"),
        number("broadcast", 80, 1, 0, "Replies shall go to everybody"),
        number("reserved", 81, 15, 0, "Reserved"),
        address("client_address", 96, "The client's address, where it has one"),
        address("your_address", 128, "The address that the server gives"),
        address("server_address", 160, "The next server of a boot"),
        address("relay_address", 192, "The relay's address"),
        field("client_mac", 224, 48, FieldKind::Mac, FieldDefault::SourceMac, "The client's MAC"),
        number("padding", 272, 16, 0, "What the MAC leaves of its 16 bytes: the first 2"),
        number("padding2", 288, 64, 0, "And the other 8"),
    ],
)
.data_or(
    "sname_file_cookie",
    DataKind::Bytes,
    LEGACY,
    "196 bytes: server name, boot file, magic cookie; unset, zeros and 63825363",
)
.options(OptionsDef {
    name: "options",
    kinds: OPTIONS,
    align: 1,
    padding: Padding::Zeros,
    align_each: 1,
})
.default_options(DEFAULTS)
.numbers(&[(Space::UdpPort, 67), (Space::UdpPort, 68)])
.wants(&[
    Want { header: "udp", field: "src", value: 68 },
    Want { header: "ipv4", field: "src", value: 0 },
    Want { header: "ipv4", field: "dst", value: 0xffff_ffff },
])
.wants_when("op", REQUEST)
.only_in(ProtocolKind::Ipv4)
.whole_message()
.examples(&[
    "[ipv4, udp, dhcp]",
    "[ipv4, udp, dhcp: {xid: {increment: 7}, broadcast: 1, client_mac: {increment: \
     '02:00:00:00:10:00'}, options: [message_type, client_id: {mac: '02:00:00:00:10:00'}, \
     hostname: {name: probe}, parameter_list: {codes: 01 03 06}, \
     requested_address: {address: 198.18.0.50}, lease_time: {seconds: 60}, \
     option: {type: 57, data: 05dc}, end, pad, pad]}]",
    "[ipv4: {src: 0.0.0.0, dst: 255.255.255.255}, udp: {src: 68}, dhcp: {options: [message_type: \
     {message: request}, server_id: {address: 198.18.0.1}, requested_address, end]}]",
]);
