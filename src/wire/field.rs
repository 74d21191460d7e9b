//! How a protocol describes itself: a static table of its fields and of what may follow them. The
//! profile language, the JSON Schema, the template compiler, the dissector and the documentation
//! all read the same table.

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

/// A space of numbers by which one header names the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// IEEE 802 EtherTypes.
    EtherType,
    /// IANA protocol numbers.
    IpProtocol,
    /// UDP destination ports.
    UdpPort,
    /// TCP destination ports.
    TcpPort,
    /// PPP DLL protocol numbers.
    Ppp,
    /// IEEE 802.2 service access points.
    Llc,
    /// What follows an MPLS label stack: nothing on the wire names it.
    Mpls,
    /// What an ICMP error quotes: nothing on the wire names it.
    Quoted,
    /// An Ethernet frame follows (VXLAN): nothing on the wire names it.
    Frame,
    /// A PPP frame follows (L2TP): nothing on the wire names it.
    PppFrame,
    /// An IP packet follows (GTP-U): nothing on the wire names it.
    IpPacket,
    /// SCTP chunk types, which the chunk itself begins with.
    SctpChunk,
    /// GTP-U extension headers: they are options, each names the next.
    GtpExtension,
}

impl Space {
    /// The number that says that payload follows: one for experiments where the space has such.
    pub fn payload(self) -> u32 {
        match self {
            Self::EtherType => super::ethertype::EXPERIMENTAL.into(),
            Self::IpProtocol => super::ip_protocol::EXPERIMENTAL.into(),
            _ => 0,
        }
    }
}

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

/// Where a routing header or source route holds the packet's final destination (RFC 8200 §8.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// IPv6: in the 16 bytes after the first 8, while `segments_left` is above 0.
    FirstIpv6,
    /// IPv6: in the last 16 bytes, while `segments_left` is above 0.
    LastIpv6,
    /// IPv4: in the last 4 bytes, while `pointer` is not above the length (RFC 791 §3.1).
    LastIpv4,
}

/// How a checksum is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The Internet checksum of 16 bits (RFC 1071).
    Internet,
    /// CRC32c (RFC 9260 appendix A), its field taken as zero, least significant byte first.
    Crc32c,
}

impl Algorithm {
    /// Bytes of the checksum.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Internet => 2,
            Self::Crc32c => 4,
        }
    }
}

/// What a checksum is and covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChecksumRule {
    /// How it is computed.
    pub algorithm: Algorithm,
    /// From the header's first byte to
    pub covers: Covers,
    /// The pseudo-header of the nearest IP header is part of it.
    pub pseudo_header: bool,
    /// A result of 0 is written as 0xffff (UDP: RFC 768, RFC 8200 §8.1).
    pub zero_as_ffff: bool,
}

/// How far a checksum reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Covers {
    /// The end of the header, options included.
    Header,
    /// The end of the packet.
    Packet,
    /// As many bytes as this field of the header says (UDP-Lite's coverage). The end of the packet,
    /// where the field is not set, or is 0, or says less than the header or more than there is.
    UpTo(&'static str),
}

/// A default that a header imposes on the nearest header of a name before it. Nothing is asked of
/// an Ethernet header through an IP header: there the MAC follows from the address.
#[derive(Clone, Copy, Debug)]
pub struct Want {
    /// Name of the header before.
    pub header: &'static str,
    /// Its field.
    pub field: &'static str,
    /// The value that it takes unless the profile sets it.
    pub value: u128,
}

/// An address that a header asks of the IP header right before it, where the profile does not set
/// it there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WantedAddress {
    /// The destination is what this field of the header says, unless that is 0 or random. It
    /// follows lists and counters.
    DestinationFrom(&'static str),
    /// The destination is the solicited-node group (RFC 4291 §2.7.1) of the address in this field.
    /// It follows lists, and counters that do not carry out of the lower 24 bits.
    SolicitedNode(&'static str),
    /// The source is the link-local address that the sending port's MAC makes (RFC 4291 §2.5.6,
    /// appendix A): receivers discard the message from any other.
    LinkLocalSource,
}

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
    /// `bytes / unit - less`, where bytes is the length of the header (or option), options, data
    /// and padding included; of an option, also what fills it up to its alignment.
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

impl Protocol {
    /// A header of fixed fields, and nothing else; the methods add to it.
    pub const fn new(
        name: &'static str,
        summary: &'static str,
        fields: &'static [FieldDef],
    ) -> Self {
        Self {
            name,
            summary,
            len: bytes_of(fields),
            kind: ProtocolKind::Other,
            fields,
            optional: &[],
            data: None,
            tail: &[],
            options: None,
            numbers: &[],
            next: None,
            checksum: None,
            aligned: 1,
            route: None,
            wants: &[],
            wants_when: None,
            wants_address: &[],
            default_options: &[],
            only_in: None,
            select: &[],
            open: true,
            framed_by_length: false,
            custom_fields: false,
            examples: &[],
        }
    }

    /// Sets [`kind`](Self::kind).
    pub const fn kind(mut self, kind: ProtocolKind) -> Self {
        self.kind = kind;
        self
    }

    /// Sets [`optional`](Self::optional).
    pub const fn optional(mut self, optional: &'static [OptionalPart]) -> Self {
        self.optional = optional;
        self
    }

    /// Sets [`data`](Self::data), empty unless the profile sets it.
    pub const fn data(self, name: &'static str, kind: DataKind, summary: &'static str) -> Self {
        self.data_or(name, kind, &[], summary)
    }

    /// Sets [`data`](Self::data) with a default.
    pub const fn data_or(
        mut self,
        name: &'static str,
        kind: DataKind,
        default: &'static [u8],
        summary: &'static str,
    ) -> Self {
        self.data = Some(DataDef { name, kind, default, summary });
        self
    }

    /// Sets [`tail`](Self::tail).
    pub const fn tail(mut self, fields: &'static [FieldDef]) -> Self {
        self.tail = fields;
        self
    }

    /// Sets [`options`](Self::options).
    pub const fn options(mut self, options: OptionsDef) -> Self {
        self.options = Some(options);
        self
    }

    /// Sets [`numbers`](Self::numbers).
    pub const fn numbers(mut self, numbers: &'static [(Space, u32)]) -> Self {
        self.numbers = numbers;
        self
    }

    /// Sets [`next`](Self::next).
    pub const fn next(mut self, space: Space) -> Self {
        self.next = Some(space);
        self
    }

    /// Sets [`checksum`](Self::checksum).
    pub const fn checksum(mut self, rule: ChecksumRule) -> Self {
        self.checksum = Some(rule);
        self
    }

    /// Sets [`aligned`](Self::aligned).
    pub const fn aligned(mut self, bytes: usize) -> Self {
        self.aligned = bytes;
        self
    }

    /// Sets [`route`](Self::route).
    pub const fn route(mut self, route: Route) -> Self {
        self.route = Some(route);
        self
    }

    /// Sets [`wants`](Self::wants).
    pub const fn wants(mut self, wants: &'static [Want]) -> Self {
        self.wants = wants;
        self
    }

    /// Sets [`wants_when`](Self::wants_when).
    pub const fn wants_when(mut self, field: &'static str, value: u128) -> Self {
        self.wants_when = Some((field, value));
        self
    }

    /// Sets [`wants_address`](Self::wants_address).
    pub const fn wants_address(mut self, addresses: &'static [WantedAddress]) -> Self {
        self.wants_address = addresses;
        self
    }

    /// Sets [`default_options`](Self::default_options).
    pub const fn default_options(mut self, options: &'static [&'static Protocol]) -> Self {
        self.default_options = options;
        self
    }

    /// Sets [`only_in`](Self::only_in).
    pub const fn only_in(mut self, version: ProtocolKind) -> Self {
        self.only_in = Some(version);
        self
    }

    /// Sets [`select`](Self::select).
    pub const fn select(mut self, select: &'static [(&'static str, &'static [u128])]) -> Self {
        self.select = select;
        self
    }

    /// Nothing may follow: sets [`open`](Self::open) to false.
    pub const fn whole_message(mut self) -> Self {
        self.open = false;
        self
    }

    /// Sets [`framed_by_length`](Self::framed_by_length).
    pub const fn framed_by_length(mut self) -> Self {
        self.framed_by_length = true;
        self
    }

    /// Sets [`custom_fields`](Self::custom_fields).
    pub const fn custom_fields(mut self) -> Self {
        self.custom_fields = true;
        self
    }

    /// Sets [`examples`](Self::examples).
    pub const fn examples(mut self, examples: &'static [&'static str]) -> Self {
        self.examples = examples;
        self
    }

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
    FieldDef { name, summary, bit_offset, bits, kind, default }
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

/// The Internet checksum over the whole packet from the header on.
pub(crate) const INTERNET: ChecksumRule = ChecksumRule {
    algorithm: Algorithm::Internet,
    covers: Covers::Packet,
    pseudo_header: false,
    zero_as_ffff: false,
};
/// The same with the pseudo-header.
pub(crate) const WITH_PSEUDO_HEADER: ChecksumRule =
    ChecksumRule { pseudo_header: true, ..INTERNET };
