//! Where each header, the tag and the payload begin, and what follows what.

use super::error::{Problem, with_fcs};
use super::sizes::Sizes;
use crate::packet::tag::TAG_LEN;
use crate::profile::model::{CustomField, FieldValue, Header, Stream};
use crate::wire::ethertype;
use crate::wire::field::{FieldDef, FieldDefault, Padding, ProtocolKind, Space};

/// A header and its first byte in the frame.
#[derive(Clone, Copy)]
pub(super) struct Placed<'a> {
    pub(super) header: &'a Header,
    pub(super) at: usize,
    pub(super) len: usize,
}

impl Placed<'_> {
    pub(super) fn kind(&self) -> ProtocolKind {
        self.header.protocol.kind
    }

    pub(super) fn end(&self) -> usize {
        self.at + self.len
    }
}

/// Fields that lie together: a header's fixed ones, those of an optional part, those of an option.
pub(super) struct Element<'a> {
    /// The header of the stack that it belongs to.
    pub(super) n: usize,
    /// That header, or the option of it.
    pub(super) header: &'a Header,
    pub(super) fields: &'static [FieldDef],
    /// The first byte of the fields.
    pub(super) at: usize,
    /// Bytes of the header or option, with all that belongs to it.
    pub(super) len: usize,
    /// Number of the first field, for the keys of random values.
    pub(super) ordinal: u32,
    /// The place of its fields, for messages: `headers[1].ipv4`.
    pub(super) path: String,
    /// The options that stand behind the fields: the header's own, or those after the option.
    pub(super) options: &'a [Header],
}

/// The fields that a profile lays over a header, or over an option.
pub(super) struct Custom<'a> {
    /// The header of the stack that it belongs to.
    pub(super) n: usize,
    pub(super) fields: &'a [CustomField],
    /// The first byte of the header or option.
    pub(super) at: usize,
    /// Number of the first field, for the keys of random values.
    pub(super) ordinal: u32,
    /// Before the names of its fields, for messages.
    pub(super) path: String,
}

/// The number of the first field that a profile lays over a header, above those of its own fields.
pub(super) const FIRST_CUSTOM: u32 = 128;
/// The same among an option's numbers.
const FIRST_CUSTOM_OF_OPTION: u32 = 32;
/// The first number of an option's fields: above those of any header.
const FIRST_OPTION: u32 = 256;
/// Numbers that each option takes.
const OPTION_FIELDS: u32 = 64;

/// A stream's header stack, laid out.
pub(super) struct Layout<'a> {
    pub(super) stream: &'a Stream,
    pub(super) headers: Vec<Placed<'a>>,
    /// All fields of all headers.
    pub(super) elements: Vec<Element<'a>>,
    /// Fields that the profile lays over bytes, or over entries of a list.
    pub(super) customs: Vec<Custom<'a>>,
    /// Bytes that belong to no field: data and padding.
    pub(super) constants: Vec<(usize, Vec<u8>)>,
    /// Length of the shortest frame.
    pub(super) min_len: usize,
    /// Length of the longest frame.
    pub(super) max_len: usize,
    /// The packet's length differs from frame to frame.
    pub(super) size_changes: bool,
    /// Where the packet ends whatever the frame's size: the last header is a whole message.
    pub(super) packet_end: Option<usize>,
    /// First byte after the last header.
    pub(super) headers_len: usize,
    /// First byte of the probe tag.
    pub(super) tag_at: Option<usize>,
    /// First byte after headers and tag.
    pub(super) payload_at: usize,
    /// The packet is cut: headers that every piece repeats, and bytes of this piece's data.
    pub(super) piece: Option<(usize, usize)>,
}

impl<'a> Layout<'a> {
    pub(super) fn new(stream: &'a Stream, sizes: &Sizes) -> Result<Self, (String, Problem)> {
        let mut layout = Self {
            stream,
            headers: Vec::with_capacity(stream.headers.len()),
            elements: Vec::new(),
            customs: Vec::new(),
            constants: Vec::new(),
            min_len: sizes.min,
            max_len: sizes.max,
            size_changes: sizes.rule.is_some(),
            packet_end: None,
            headers_len: 0,
            tag_at: None,
            payload_at: 0,
            piece: stream.piece.as_ref().map(|piece| (piece.datagram.repeated, piece.len)),
        };
        let mut at = 0;
        for (n, header) in stream.headers.iter().enumerate() {
            let path = format!("headers[{n}].{}", header.protocol.name);
            let end = layout.place(n, header, at, 0, (&path, &header.options));
            layout.headers.push(Placed { header, at, len: end - at });
            at = end;
        }
        let Some(last) = layout.headers.last() else {
            return Err(("headers".to_owned(), Problem::NoHeaders));
        };
        if !last.header.protocol.open {
            layout.packet_end = Some(at);
            layout.size_changes = false;
        }
        if sizes.min < at {
            let problem = Problem::FrameTooShort { size: with_fcs(sizes.min), need: with_fcs(at) };
            return Err(("size".to_owned(), problem));
        }
        layout.headers_len = at;
        let room = layout.packet_end.is_none() && at + TAG_LEN <= sizes.min;
        layout.tag_at = (stream.tag && room && layout.piece.is_none()).then_some(at);
        layout.payload_at = if layout.tag_at.is_some() { at + TAG_LEN } else { at };
        Ok(layout)
    }

    /// Places a header or an option at `start`, and returns its end.
    fn place(
        &mut self,
        n: usize,
        header: &'a Header,
        start: usize,
        first: u32,
        (path, following): (&str, &'a [Header]),
    ) -> usize {
        let (protocol, len) = (header.protocol, header.len());
        let (mut at, mut ordinal) = (start, first);
        let parts = header.parts().map(|part| (part.fields, part.len));
        for (fields, part_len) in std::iter::once((protocol.fields, protocol.len)).chain(parts) {
            let path = path.to_owned();
            let options = following;
            self.elements.push(Element { n, header, fields, at, len, ordinal, path, options });
            at += part_len;
            ordinal += fields.len() as u32;
        }
        if !header.custom.is_empty() {
            let behind = if first == 0 { FIRST_CUSTOM } else { FIRST_CUSTOM_OF_OPTION };
            let own = if protocol.custom_fields { ".fields" } else { "" };
            let (fields, path) = (header.custom.as_slice(), format!("{path}{own}"));
            self.customs.push(Custom { n, fields, at: start, ordinal: first + behind, path });
        }
        if !header.data().is_empty() {
            self.constants.push((at, header.data().to_vec()));
            at += header.data().len();
        }
        if !protocol.tail.is_empty() {
            let (fields, path, options) = (protocol.tail, path.to_owned(), following);
            self.elements.push(Element { n, header, fields, at, len, ordinal, path, options });
            at += protocol.tail_len();
        }
        if let Some(def) = &protocol.options {
            for (k, option) in header.options.iter().enumerate() {
                let path = format!("{path}.{}[{k}].{}", def.name, option.protocol.name);
                let first = FIRST_OPTION + OPTION_FIELDS * k as u32;
                let following = header.options.get(k + 1..).unwrap_or(&[]);
                let end = self.place(n, option, at, first, (&path, following));
                at += (end - at).next_multiple_of(def.align_each);
            }
            let gap = start + len - at;
            if let (Padding::PadN { kind }, 1..) = (def.padding, gap) {
                self.constants.push((at, pad_n(kind, gap)));
            }
        }
        start + len
    }

    /// Where the packet ends in the longest frame.
    pub(super) fn end(&self) -> usize {
        self.packet_end.unwrap_or(self.max_len)
    }

    /// Bytes of the headers that every piece repeats.
    pub(super) fn prefix_len(&self) -> usize {
        let repeated = self.piece.map_or(0, |(repeated, _)| repeated);
        self.headers.get(..repeated).and_then(<[_]>::last).map_or(0, Placed::end)
    }

    /// Where the packet that header number `n` begins ends in the longest frame: a piece where the
    /// header is repeated in each, else the whole.
    pub(super) fn end_for(&self, n: usize) -> usize {
        match self.piece {
            Some((repeated, len)) if n < repeated => self.prefix_len() + len,
            _ => self.end(),
        }
    }

    /// The IP header that header number `n` stands in: the nearest before it.
    pub(super) fn ip_before(&self, n: usize) -> Option<usize> {
        use ProtocolKind::{Ipv4, Ipv6};
        (0..n).rev().find(|&m| matches!(self.headers[m].kind(), Ipv4 | Ipv6))
    }

    /// The first IP header behind header number `n`, in the same Ethernet frame: what the next hop
    /// routes.
    pub(super) fn ip_after(&self, n: usize) -> Option<usize> {
        use ProtocolKind::{Ethernet, Ipv4, Ipv6};
        let behind = n + 1..self.headers.len();
        behind
            .take_while(|&m| self.headers[m].kind() != Ethernet)
            .find(|&m| matches!(self.headers[m].kind(), Ipv4 | Ipv6))
    }

    /// What the headers behind header number `n` ask of its field, up to the next header of the
    /// same name; of Ethernet, up to the next IP header.
    pub(super) fn wanted(&self, n: usize, field: &str) -> Option<u128> {
        let name = self.headers[n].header.protocol.name;
        let behind = self.headers[n + 1..].iter().map(|placed| placed.header);
        let ethernet = self.headers[n].kind() == ProtocolKind::Ethernet;
        let routed = |header: &Header| {
            ethernet && matches!(header.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6)
        };
        let near = |header: &&Header| header.protocol.name != name && !routed(header);
        behind.take_while(near).find_map(|header| {
            let wants = header.protocol.wants.iter();
            let want = wants.clone().find(|w| w.header == name && w.field == field);
            want.filter(|_| wants_hold(header)).map(|want| want.value)
        })
    }

    /// The number by which header number `n` names what follows it.
    pub(super) fn number_after(&self, n: usize) -> u32 {
        let Some(space) = self.headers[n].header.protocol.next else { return 0 };
        let Some(next) = self.headers.get(n + 1) else { return space.payload() };
        // A VLAN tag before another one is a service tag (802.1ad).
        let two_tags = |n: usize| {
            let kind = |n: usize| self.headers.get(n).map(Placed::kind);
            (kind(n), kind(n + 1)) == (Some(ProtocolKind::Vlan), Some(ProtocolKind::Vlan))
        };
        if space == Space::EtherType && two_tags(n + 1) {
            return ethertype::SERVICE_VLAN.into();
        }
        next.header.protocol.number(space).unwrap_or_else(|| space.payload())
    }
}

/// Whether the header asks for what it [wants](crate::wire::field::Protocol::wants).
pub(super) fn wants_hold(header: &Header) -> bool {
    header.protocol.wants_when.is_none_or(|(field, value)| match header.setting(field) {
        Some(setting) => *setting == FieldValue::Fixed(value),
        None => header
            .protocol
            .field(field)
            .is_some_and(|field| field.default == FieldDefault::Constant(value)),
    })
}

/// One Pad1 or PadN option of `len` bytes.
fn pad_n(kind: u8, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    if let [first, length, ..] = bytes.as_mut_slice() {
        (*first, *length) = (kind, len as u8 - 2);
    }
    bytes
}
