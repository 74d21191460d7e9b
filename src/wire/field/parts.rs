//! What a header has beside its fixed fields: parts that may be absent, data, options.

use super::{FieldDef, Protocol};

/// A part of a header that may be absent (GRE's key). It is there where the profile sets one of
/// its fields, or its flag to anything but 0, or what one of its fields tells of: data that it
/// counts ([`FieldDefault::AddressCount`]), options that it names ([`FieldDefault::NextOption`]).
#[derive(Debug)]
pub struct OptionalPart {
    /// Fixed field of one bit that is 1 where the part is there; empty: none;
    /// [`OptionalPart::ALWAYS`]: the part is always there.
    pub flag: &'static str,
    /// Bytes.
    pub len: usize,
    /// Its fields; bits are counted from the part's first.
    pub fields: &'static [FieldDef],
}

impl OptionalPart {
    /// The flag of a part that is always there, behind one that may be absent.
    pub const ALWAYS: &'static str = "always";
}

/// Bytes of any length in a header, the same in every packet.
#[derive(Clone, Copy, Debug)]
pub struct DataDef {
    /// Key in the profile: `data`.
    pub name: &'static str,
    /// How it is written.
    pub kind: DataKind,
    /// What stands there when the profile does not set it.
    pub default: &'static [u8],
    /// One line for the schema.
    pub summary: &'static str,
}

/// How data is written in a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataKind {
    /// Hexadecimal digits.
    Bytes,
    /// Text, in UTF-8.
    Text,
    /// A domain name: labels with their lengths, and a zero (RFC 1035 §3.1).
    DomainName,
    /// A list of IPv4 addresses.
    Ipv4List,
    /// A list of IPv6 addresses.
    Ipv6List,
    /// A list of IPv4 addresses, four zero bytes behind each.
    Ipv4Slots,
}

/// The options that a header may hold.
#[derive(Debug)]
pub struct OptionsDef {
    /// Key in the profile: `options`.
    pub name: &'static str,
    /// What may stand there.
    pub kinds: &'static [&'static Protocol],
    /// The header's length is a multiple of so many bytes.
    pub align: usize,
    /// How the gap is filled.
    pub padding: Padding,
    /// Each option's length is a multiple of so many bytes; zeros fill it. 1: any length.
    pub align_each: usize,
}

/// How the gap between the last option and the header's end is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// With zeros: IPv4's and TCP's end of the option list.
    Zeros,
    /// With one Pad1 (type 0) or PadN option (RFC 8200 §4.2).
    PadN {
        /// Type of PadN.
        kind: u8,
    },
}
