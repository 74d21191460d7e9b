//! What a header is: the table that describes it.

use super::{
    ChecksumRule, DataDef, FieldDef, FieldDefault, OptionalPart, OptionsDef, Route, Space, Want,
    WantedAddress, bytes_of,
};

/// A header, or an option inside a header, as a profile can name it.
///
/// On the wire it is, in this order: the fixed fields, the optional parts that are present, the
/// data, the fields behind the data, the options, the padding behind them.
#[derive(Debug)]
pub struct Protocol {
    /// Key in the profile's header stack: `ipv4`.
    pub name: &'static str,
    /// One line for the schema and the documentation, with the source (RFC section).
    pub summary: &'static str,
    /// Bytes of the fixed fields.
    pub len: usize,
    /// What the header is to the rest of the program.
    pub kind: ProtocolKind,
    /// Its fixed fields in wire order.
    pub fields: &'static [FieldDef],
    /// Parts that may be absent: [`OptionalPart`] says when they are there.
    pub optional: &'static [OptionalPart],
    /// Bytes of any length after the fields.
    pub data: Option<DataDef>,
    /// Fields behind the data; bits are counted from the first of them.
    pub tail: &'static [FieldDef],
    /// Options (records, segments, TLVs) after the data.
    pub options: Option<OptionsDef>,
    /// The numbers by which a header before it names it.
    pub numbers: &'static [(Space, u32)],
    /// The numbers by which it names the header that follows. None: nothing follows but payload.
    pub next: Option<Space>,
    /// What its checksum covers.
    pub checksum: Option<ChecksumRule>,
    /// Bytes from its first to the packet's end are a multiple of this; else the profile warns.
    pub aligned: usize,
    /// Where it holds the packet's final destination, while it says that there is more to visit.
    pub route: Option<Route>,
    /// What it asks of headers around it, where the profile does not set those fields.
    pub wants: &'static [Want],
    /// It asks for that only where this field of its own has this value (an ARP request goes to
    /// everybody, a reply does not).
    pub wants_when: Option<(&'static str, u128)>,
    /// The addresses that it asks of the IP header before it, under the same condition, before
    /// [`wants`](Self::wants).
    pub wants_address: &'static [WantedAddress],
    /// The options that stand there where the profile names none.
    pub default_options: &'static [&'static Protocol],
    /// The version of IP that it belongs to: it stands in no packet of the other.
    pub only_in: Option<ProtocolKind>,
    /// Values that fields must have for bytes to be this header, among headers of one number.
    pub select: &'static [(&'static str, &'static [u128])],
    /// Payload, and the probe tag, may follow. Else the header is a whole message: the packet ends
    /// with it, and what is left of the frame is padding.
    pub open: bool,
    /// The header before it tells a length where it else names what follows (IEEE 802.2 on 802.3).
    pub framed_by_length: bool,
    /// The profile may lay fields of its own over the header's bytes (`fields:`).
    pub custom_fields: bool,
    /// Header stacks in the profile's language that show it, for the documentation and the tests.
    pub examples: &'static [&'static str],
}

/// What the compiler and the rest of the program must know of a header beyond its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolKind {
    /// Ethernet II.
    Ethernet,
    /// IEEE 802.1Q tag (and, with TPID 0x88a8, 802.1ad).
    Vlan,
    /// IPv4.
    Ipv4,
    /// IPv6 fixed header.
    Ipv6,
    /// IPv6 extension header, or an authentication header.
    Extension,
    /// Anything else.
    Other,
}

impl Protocol {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static FieldDef> {
        self.all_fields().find(|field| field.name == name)
    }

    /// All fields: the fixed ones, those of the optional parts, those behind the data.
    pub fn all_fields(&self) -> impl Iterator<Item = &'static FieldDef> {
        let optional = self.optional.iter().flat_map(|part| part.fields);
        self.fields.iter().chain(optional).chain(self.tail)
    }

    /// Bytes of the fields behind the data.
    pub const fn tail_len(&self) -> usize {
        bytes_of(self.tail)
    }

    /// Its number in a space.
    pub fn number(&self, space: Space) -> Option<u32> {
        self.numbers.iter().find(|(own, _)| *own == space).map(|(_, number)| *number)
    }

    /// Whether `self` may follow `outer`: `outer` has a way to name it, or bytes of the user's own
    /// make it.
    pub fn may_follow(&self, outer: &Protocol) -> bool {
        outer.open && self.custom_fields
            || outer.next.is_some_and(|space| self.number(space).is_some())
    }

    /// The field by which it names the header that follows; None where nothing on the wire does.
    pub fn next_field(&self) -> Option<&'static FieldDef> {
        self.all_fields().find(|field| {
            matches!(field.default, FieldDefault::NextProtocol | FieldDefault::NextPort(_))
        })
    }
}
