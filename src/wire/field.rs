//! How a protocol describes itself: a static table of its fields and of what may follow them. The
//! profile language, the JSON Schema, the template compiler, the dissector and the documentation
//! all read the same table.
//!
//! | file | what it describes |
//! |---|---|
//! | `protocol` | a header |
//! | `names` | values that have a name |
//! | `parts` | what it has beside its fixed fields |
//! | `neighbours` | what it has to do with the headers around it |
//! | `checksum` | its checksum |
//! | `build` | how the tables are written |

mod build;
mod checksum;
pub(crate) mod names;
mod neighbours;
mod parts;
mod protocol;

pub use checksum::{Algorithm, ChecksumRule, Covers};
pub(crate) use checksum::{INTERNET, WITH_PSEUDO_HEADER};
pub use names::Names;
pub use neighbours::{Route, Space, Want, WantedAddress};
pub use parts::{DataDef, DataKind, OptionalPart, OptionsDef, Padding};
pub use protocol::{Protocol, ProtocolKind};

/// A field of a header.
#[derive(Debug)]
pub struct FieldDef {
    /// Key in the profile: `ttl`.
    pub name: &'static str,
    /// One line for the schema.
    pub summary: &'static str,
    /// First bit, counted from the first bit of the header (or part), most significant first.
    pub bit_offset: u16,
    /// Width in bits, 1 to 128.
    pub bits: u8,
    /// How its values are written.
    pub kind: FieldKind,
    /// What it is when the profile does not set it.
    pub default: FieldDefault,
    /// Values that have a name.
    pub names: Names,
}

/// How a field's values are written in a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// An unsigned number, decimal or 0x.
    Number,
    /// `02:00:00:00:00:01`.
    Mac,
    /// `198.18.0.1`, or a prefix `198.18.0.0/24`.
    Ipv4,
    /// `2001:2::1`, or a prefix `2001:2::/64`.
    Ipv6,
}

/// What a field is when the profile does not set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldDefault {
    /// A constant.
    Constant(u128),
    /// The sending port's MAC.
    SourceMac,
    /// Where the packet goes next: the MAC of the next hop, or the group's of a multicast
    /// destination.
    NextHopMac,
    /// The sending port's address of the field's kind.
    SourceAddress,
    /// The receiving port's address of the field's kind.
    DestinationAddress,
    /// The number of the header that follows, in the header's [`Protocol::next`] space.
    NextProtocol,
    /// The port of the header that follows, else this one.
    NextPort(u16),
    /// Bytes from `skip` bytes after the header's start to the packet's end.
    Length {
        /// Bytes of the header that are not counted.
        skip: u8,
    },
    /// `bytes / unit - less`, rounded up, where bytes is the length of the header (or option),
    /// options, data and padding included; of an option, also what fills it up to its alignment.
    HeaderLength {
        /// Bytes that count as one.
        unit: u8,
        /// Taken off.
        less: u8,
    },
    /// How many options the header holds, less this.
    OptionCount {
        /// Taken off.
        less: u8,
    },
    /// How many options of these names the header holds (DNS's sections). The options of the first
    /// such field of the header stand first, and so on.
    OptionsNamed(&'static [&'static str]),
    /// How many addresses the header's data holds (bytes, where it is no list), less this.
    AddressCount {
        /// Taken off.
        less: u8,
    },
    /// As many, of a route: all addresses are still to be visited, of which a packet on its way has
    /// fewer. It does not say how long the list is.
    AddressesLeft {
        /// Taken off.
        less: u8,
    },
    /// 1 where an optional part is there that names this field as its flag.
    Present,
    /// 1 where the profile sets this field of the header; 1 also where the field names the first
    /// option ([`NextOption`](Self::NextOption)) and there is one.
    IsSet(&'static str),
    /// The number of the option that follows in this space, the first one for the header's own
    /// fields; 0 behind the last.
    NextOption(Space),
    /// 1 where no header of the same name follows (MPLS's bottom of stack).
    LastOfKind,
    /// The checksum that [`Protocol::checksum`] describes.
    Checksum,
    /// IPv4's identification: 0 where DF is set, since an atomic datagram may have any value
    /// (RFC 6864 §4.1); else the low 16 bits of the packet's index, so that no two of 65,536
    /// consecutive packets of a stream share one (§4.2).
    Identification,
}

impl FieldDef {
    /// The field's bits as the low bits of a number: its largest value.
    pub const fn max(&self) -> u128 {
        u128::MAX >> (128 - self.bits as u32)
    }

    /// Sets [`names`](Self::names).
    pub(crate) const fn names(mut self, names: Names) -> Self {
        self.names = names;
        self
    }

    /// The value of the field in `header`, whose first byte is the protocol's first; None where
    /// `header` ends before the field does.
    pub fn read(&self, header: &[u8]) -> Option<u128> {
        let range = self.bytes();
        let bytes = header.get(range.clone())?;
        Some(super::bits::get(bytes, usize::from(self.bit_offset) - range.start * 8, self.bits))
    }

    /// The bytes of the header that hold bits of the field.
    pub fn bytes(&self) -> std::ops::Range<usize> {
        let first = usize::from(self.bit_offset);
        first / 8..(first + usize::from(self.bits)).div_ceil(8)
    }
}

/// Bytes of a table of fields.
const fn bytes_of(fields: &[FieldDef]) -> usize {
    let mut end = 0;
    let mut n = 0;
    while n < fields.len() {
        let own = fields[n].bit_offset as usize + fields[n].bits as usize;
        if own > end {
            end = own;
        }
        n += 1;
    }
    end.div_ceil(8)
}

/// A [`FieldDef`] in one line; the tables of the protocols are made of them.
pub(crate) const fn field(
    name: &'static str,
    bit_offset: u16,
    bits: u8,
    kind: FieldKind,
    default: FieldDefault,
    summary: &'static str,
) -> FieldDef {
    FieldDef { name, summary, bit_offset, bits, kind, default, names: Names::NONE }
}

/// A [`FieldDef`] that is a number with a constant default, as most are.
pub(crate) const fn number(
    name: &'static str,
    bit_offset: u16,
    bits: u8,
    default: u128,
    summary: &'static str,
) -> FieldDef {
    field(name, bit_offset, bits, FieldKind::Number, FieldDefault::Constant(default), summary)
}

/// A [`FieldDef`] that is a number which follows from the packet.
pub(crate) const fn computed(
    name: &'static str,
    bit_offset: u16,
    bits: u8,
    default: FieldDefault,
    summary: &'static str,
) -> FieldDef {
    field(name, bit_offset, bits, FieldKind::Number, default, summary)
}
