//! NTP (RFC 5905 §7.3).

use crate::wire::field::{Protocol, Space, number};

/// The message as a profile sees it.
pub static PROTOCOL: Protocol = Protocol::new(
    "ntp",
    "NTP (RFC 5905 §7.3); unset, a client's request",
    &[
        number("leap", 0, 2, 0, "Leap second: 0 none, 1 and 2 at the day's end, 3 not in step"),
        number("version", 2, 3, 4, "Version"),
        number("mode", 5, 3, 3, "Mode: 1 and 2 symmetric, 3 client, 4 server, 5 broadcast"),
        number("stratum", 8, 8, 0, "Distance from a reference clock; 0: not told"),
        number("poll", 16, 8, 6, "Between messages: 2 to the power of so many seconds"),
        number("precision", 24, 8, 0, "Precision of the clock: a signed power of two, in seconds"),
        number("root_delay", 32, 32, 0, "To the reference and back, in units of 2^-16 s"),
        number("root_dispersion", 64, 32, 0, "Largest error, in units of 2^-16 s"),
        number("reference_id", 96, 32, 0, "What the clock follows"),
        number("reference", 128, 64, 0, "When it was set: seconds since 1900, and their 2^-32"),
        number("origin", 192, 64, 0, "When the request was sent, as told in it"),
        number("receive", 256, 64, 0, "When the request arrived"),
        number("transmit", 320, 64, 0, "When this message was sent"),
    ],
)
.numbers(&[(Space::UdpPort, 123)])
.whole_message()
.examples(&[
    "[ipv4, udp, ntp: {transmit: {increment: 0xe9f7a2c000000000}}]",
    "[ipv6, udp: {src: 123}, ntp: {mode: 4, leap: 1, stratum: 2, precision: 0xe9, root_delay: 655, \
     root_dispersion: 131, reference_id: 0xc6120001, reference: 0xe9f7a2c000000000, \
     origin: 0xe9f7a2c100000001, receive: 0xe9f7a2c100000002, transmit: 0xe9f7a2c100000003}]",
]);
