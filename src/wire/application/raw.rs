//! A header of the user's own: raw bytes with named fields laid over them.

use crate::wire::field::{DataKind, Protocol};

/// The header as a profile sees it.
pub static PROTOCOL: Protocol =
    Protocol::new("raw", "Bytes of your own, with fields of your own laid over them", &[])
        .data("hex", DataKind::Bytes, "The bytes, in hexadecimal")
        .custom_fields()
        .examples(&[
            "[ipv4, udp, raw: {hex: c0ffee}]",
            "[raw: {hex: 0102 0304, fields: {count: {bit: 16, bits: 16, value: {increment: 0}}}}]",
            "[ipv4, raw: {hex: 8000 0800 0000, fields: {customer: {bit: 36, bits: 12, value: [7, \
             9]}}}, ipv4, udp]",
        ]);
