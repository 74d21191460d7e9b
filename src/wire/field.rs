//! How a protocol describes itself: a static table of its fields. The profile language, the JSON
//! Schema, the template compiler and the documentation all read the same table.

/// A protocol header as a profile can name it.
#[derive(Debug)]
pub struct Protocol {
    /// Key in the profile's header stack: `ipv4`.
    pub name: &'static str,
    /// One line for the schema and the documentation, with the source (RFC section).
    pub summary: &'static str,
    /// Bytes of the header without options.
    pub len: usize,
    /// What the header is to the compiler: decides the computed fields.
    pub kind: ProtocolKind,
    /// Its fields in wire order.
    pub fields: &'static [FieldDef],
}

/// The protocols that the compiler knows how to chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolKind {
    /// Ethernet II.
    Ethernet,
    /// IEEE 802.1Q tag (and, with TPID 0x88a8, 802.1ad).
    Vlan,
    /// IPv4 without options.
    Ipv4,
    /// IPv6 fixed header.
    Ipv6,
    /// UDP.
    Udp,
    /// TCP without options.
    Tcp,
    /// ICMPv4 echo.
    IcmpEcho,
    /// ICMPv6 echo.
    Icmpv6Echo,
}

/// A field of a header.
#[derive(Debug)]
pub struct FieldDef {
    /// Key in the profile: `ttl`.
    pub name: &'static str,
    /// One line for the schema.
    pub summary: &'static str,
    /// First bit, counted from the header's first bit, most significant first.
    pub bit_offset: u16,
    /// Width in bits, 1 to 128.
    pub bits: u8,
    /// How its values are written.
    pub kind: FieldKind,
    /// What it is when the profile does not set it.
    pub default: FieldDefault,
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
    /// The next hop's MAC.
    NextHopMac,
    /// The sending port's address of the header's family.
    SourceAddress,
    /// The receiving port's address of the header's family.
    DestinationAddress,
    /// The EtherType or IP protocol number of the header that follows.
    NextProtocol,
    /// Computed from the packet's length.
    Length,
    /// The Internet checksum that the protocol asks for.
    Checksum,
    /// IPv4's identification: 0 where DF is set, since an atomic datagram may have any value
    /// (RFC 6864 §4.1); else the low 16 bits of the packet's index, so that no two of 65,536
    /// consecutive packets of a stream share one (§4.2).
    Identification,
}

impl Protocol {
    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&'static FieldDef> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl FieldDef {
    /// The field's bits as the low bits of a number: its largest value.
    pub const fn max(&self) -> u128 {
        u128::MAX >> (128 - self.bits as u32)
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

/// A [`FieldDef`] in one line; the tables of the protocols are made of them.
pub(crate) const fn field(
    name: &'static str,
    bit_offset: u16,
    bits: u8,
    kind: FieldKind,
    default: FieldDefault,
    summary: &'static str,
) -> FieldDef {
    FieldDef { name, summary, bit_offset, bits, kind, default }
}
