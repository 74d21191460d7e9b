//! Random header stacks out of the tables: whatever may follow what, with random options, data and
//! field values.

use wirestorm::packet::random;
use wirestorm::profile::model::{FieldSetting, FieldValue, Header};
use wirestorm::wire::field::{
    Covers, DataDef, DataKind, FieldDef, FieldDefault, OptionalPart, OptionsDef, Protocol,
    ProtocolKind, Space,
};
use wirestorm::wire::{protocol, protocols};

/// Fields that change in one stack; the rest of the program format is for lengths and halves.
const MOST_CHANGING: usize = 12;

/// Options behind which a message has only padding.
const ENDS: [&str; 2] = ["end", "end_of_list"];

/// Random numbers, one after the other, from a seed.
pub struct Dice {
    key: u64,
    drawn: u64,
    changing: usize,
}

impl Dice {
    pub fn below(&mut self, range: usize) -> usize {
        self.drawn += 1;
        random::below(self.key, self.drawn, range.max(1) as u64) as usize
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    fn wide(&mut self) -> u128 {
        (0..8).fold(0, |value, _| value << 16 | self.below(1 << 16) as u128)
    }
}

/// A stack as the choices pick it: of each pair the first says which header, the second what stands
/// in it. Fewer pairs are a shorter stack.
pub fn stack_of(choices: &[(u32, u64)]) -> Vec<Header> {
    let mut dice = Dice { key: 0, drawn: 0, changing: 0 };
    let mut stack = vec![Header::new(protocol("ethernet").expect("a header"))];
    for &(choice, seed) in choices {
        let last = stack.last().expect("never empty").protocol;
        let ip = stack.iter().rev().map(|header| header.protocol.kind);
        let ip = ip.into_iter().find(|k| matches!(k, ProtocolKind::Ipv4 | ProtocolKind::Ipv6));
        let mut may = protocols().to_vec();
        may.retain(|next| !is_left_out(next) && next.may_follow(last));
        may.retain(|next| next.only_in.is_none_or(|only| ip == Some(only)));
        let Some(next) = may.get(choice as usize % may.len().max(1)) else { break };
        dice = Dice { key: random::key(seed, 0, 0), drawn: 0, ..dice };
        let mut header = header(next, &mut dice);
        // Of what follows a label stack the first four bits decide: a MAC must not look like IP, nor
        // like a control word.
        if (last.name, next.name) == ("mpls", "ethernet") {
            set(&mut header, "dst", 0x0200_0000_0009);
        }
        stack.push(header);
    }
    stack
}

fn header(protocol: &'static Protocol, dice: &mut Dice) -> Header {
    let siblings = protocols().iter().copied().filter(|other| share_a_number(protocol, other));
    let siblings: Vec<_> = siblings.collect();
    let mut header = Header::new(protocol);
    fill(&mut header, &siblings, 1, dice);
    let Some(def) = &protocol.options else { return header };
    let most = longest(protocol);
    if protocol.default_options.is_empty() || dice.one_in(2) {
        header.options.clear();
        for _ in 0..dice.below(5) {
            let kind = def.kinds[dice.below(def.kinds.len())];
            let option = option(kind, def, dice);
            if header.len() + option.len() + def.align <= most {
                header.options.push(option);
            }
            if ENDS.contains(&kind.name) {
                break;
            }
        }
        header.options.sort_by_key(|option| section(protocol, option.protocol.name));
        // A message whose length nothing tells ends with its list.
        let told = protocol.all_fields().any(|f| matches!(f.default, FieldDefault::Length { .. }));
        let ended = header.options.last().is_some_and(|last| ENDS.contains(&last.protocol.name));
        if !protocol.open
            && !told
            && !ended
            && let Some(end) = def.kinds.iter().find(|kind| ENDS.contains(&kind.name))
        {
            header.options.push(Header::new(end));
        }
    }
    header
}

/// Where kinds of options are counted on their own (DNS), those that are counted first stand first.
fn section(protocol: &Protocol, option: &str) -> usize {
    let counts = |field: &FieldDef| match field.default {
        FieldDefault::OptionsNamed(names) => names.contains(&option),
        _ => false,
    };
    protocol.fields.iter().position(counts).unwrap_or(0)
}

fn option(kind: &'static Protocol, def: &OptionsDef, dice: &mut Dice) -> Header {
    let mut option = Header::new(kind);
    fill(&mut option, def.kinds, def.align_each, dice);
    // One of any type that would be of a named one by default.
    let first = kind.fields.first().map(|field| (field.name, field.default));
    let mut selects = def.kinds.iter().flat_map(|sibling| sibling.select);
    if let Some((name, FieldDefault::Constant(default))) = first
        && kind.select.is_empty()
        && selects.any(|(own, values)| *own == name && values.contains(&default))
    {
        set(&mut option, name, 0x7e);
    }
    option
}

/// Sets fields, optional parts and data.
fn fill(header: &mut Header, siblings: &[&Protocol], align: usize, dice: &mut Dice) {
    let protocol = header.protocol;
    for part in protocol.optional.iter().filter(|part| told(protocol, part)) {
        if dice.one_in(2) && part.flag != OptionalPart::ALWAYS && !part.flag.is_empty() {
            set(header, part.flag, 1);
        }
    }
    // A count less one says the same of no address and of one.
    let counted =
        |field: &FieldDef| matches!(field.default, FieldDefault::AddressCount { less } if less > 0);
    // An option is filled up to whole words with zeros, which then are its data.
    let filled = !(protocol.len + header.data().len()).is_multiple_of(align);
    let needed = filled || protocol.all_fields().any(counted);
    if let Some(def) = protocol.data.filter(|_| needed || dice.below(4) > 0) {
        header.data = Some(data(protocol, &def, align, dice));
    }
    // A route that is partly travelled.
    if let Some(left) = protocol.field("segments_left").filter(|_| dice.one_in(2)) {
        let value = FieldValue::Fixed(dice.below(4) as u128);
        header.fields.push(FieldSetting { field: left, value });
    }
    let present: Vec<_> = header.parts().map(|part| part.fields).collect();
    let parts = protocol.optional.iter().filter(|part| told(protocol, part));
    let asked: Vec<_> = parts.map(|part| part.fields).filter(|_| dice.one_in(3)).collect();
    let fields = protocol.fields.iter().chain(present.into_iter().chain(asked).flatten());
    for field in fields {
        if header.setting(field.name).is_none()
            && is_free(protocol, field, siblings)
            && dice.one_in(3)
        {
            let value = value(field, dice);
            header.fields.push(FieldSetting { field, value });
        }
    }
}

/// Whether the bytes tell that the part is there: of a cookie of L2TPv3 and of the second block of a
/// SACK only the other side knows.
fn told(protocol: &Protocol, part: &OptionalPart) -> bool {
    let names = |flag: &FieldDef| match flag.default {
        FieldDefault::IsSet(name) => part.fields.iter().any(|field| field.name == name),
        _ => false,
    };
    !part.flag.is_empty() || protocol.fields.iter().any(names)
}

/// Whether the field says nothing of what else stands in the packet: no length, count, number of
/// what follows, flag of a part, nor anything by which headers of one number are told apart.
fn is_free(protocol: &Protocol, field: &FieldDef, siblings: &[&Protocol]) -> bool {
    use FieldDefault::{
        Constant, DestinationAddress, Identification, NextHopMac, SourceAddress, SourceMac,
    };
    let free = matches!(
        field.default,
        Constant(_) | SourceMac | NextHopMac | SourceAddress | DestinationAddress | Identification
    );
    let flag = protocol.optional.iter().any(|part| part.flag == field.name);
    let mut selects = siblings.iter().flat_map(|sibling| sibling.select);
    let covers = protocol.checksum.is_some_and(|rule| rule.covers == Covers::UpTo(field.name));
    let named = matches!(field.name, "fragment_offset" | "segments_left" | "pointer");
    let version =
        field.name == "version" && matches!(protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6);
    free && !flag && !selects.any(|(name, _)| *name == field.name) && !covers && !named && !version
}

fn share_a_number(one: &Protocol, other: &Protocol) -> bool {
    one.numbers.iter().any(|(space, number)| other.numbers.contains(&(*space, *number)))
}

/// Random values of every kind that the language has.
fn value(field: &FieldDef, dice: &mut Dice) -> FieldValue {
    let max = field.max();
    let mut any = || dice.wide() & max;
    let (one, other) = (any(), any());
    let kind = dice.below(6);
    if kind < 3 || dice.changing >= MOST_CHANGING {
        return FieldValue::Fixed(one);
    }
    dice.changing += 1 + usize::from(field.bits > 64);
    match kind {
        3 => FieldValue::List((0..1 + dice.below(5)).map(|_| dice.wide() & max).collect()),
        4 => {
            // In the middle of the lower half, where it never carries.
            let start = if field.bits > 64 { one & !(1 << 63) | 1 << 62 } else { one };
            let step = 1 + dice.below(1 << 16) as u128;
            let step = if dice.one_in(2) { step.wrapping_neg() } else { step };
            FieldValue::Counter { start, step, count: 1 + dice.below(1 << 16) as u64 }
        }
        _ => {
            let (low, high) = (one.min(other), one.max(other));
            let block = u128::from(u64::MAX);
            if field.bits > 64 {
                FieldValue::Random { low: low & !block, high: high | block }
            } else {
                FieldValue::Random { low, high }
            }
        }
    }
}

/// Data of a length that the header can tell.
fn data(protocol: &Protocol, def: &DataDef, align: usize, dice: &mut Dice) -> Vec<u8> {
    let count = 1 + dice.below(3);
    let bytes = |len: usize, dice: &mut Dice| -> Vec<u8> {
        (0..len).map(|_| dice.below(256) as u8).collect()
    };
    match def.kind {
        // Nothing tells how long the data before a list of options are.
        DataKind::Bytes if protocol.options.is_some() => bytes(def.default.len(), dice),
        DataKind::Bytes => {
            let unit = protocol.all_fields().find_map(|field| match field.default {
                FieldDefault::HeaderLength { unit, .. } => Some(usize::from(unit)),
                _ => None,
            });
            // Whole units with the fields before, whole words in an option that is filled to them.
            let unit = unit.unwrap_or(1).max(align);
            let len = (protocol.len + dice.below(14)).next_multiple_of(unit) - protocol.len;
            // No data is said by saying nothing, which stands for the default.
            let least = if def.default.is_empty() { 0 } else { unit };
            bytes(len.max(least), dice)
        }
        DataKind::Text => (0..count * 3).map(|_| b' ' + dice.below(95) as u8).collect(),
        DataKind::DomainName => {
            let label = |dice: &mut Dice| {
                let len = 1 + dice.below(9);
                let letters = (0..len).map(|_| b'a' + dice.below(26) as u8);
                std::iter::once(len as u8).chain(letters).collect::<Vec<u8>>()
            };
            let mut name: Vec<u8> = (0..count).flat_map(|_| label(dice)).collect();
            name.push(0);
            name
        }
        DataKind::Ipv4List => bytes(count * 4, dice),
        DataKind::Ipv6List => bytes(count * 16, dice),
        DataKind::Ipv4Slots => {
            (0..count).flat_map(|_| [bytes(4, dice), vec![0; 4]].concat()).collect()
        }
    }
}

/// Bytes of the header at most: what its length field can say.
fn longest(protocol: &'static Protocol) -> usize {
    let lengths = protocol.fields.iter().filter_map(|field| match field.default {
        FieldDefault::HeaderLength { unit, less } => {
            Some((field.max() as usize + usize::from(less)) * usize::from(unit))
        }
        _ => None,
    });
    lengths.min().unwrap_or(Header::new(protocol).len_without_options() + 200)
}

fn set(header: &mut Header, name: &str, value: u128) {
    let field = header.protocol.field(name).expect("a field");
    header.fields.retain(|setting| setting.field.name != name);
    header.fields.push(FieldSetting { field, value: FieldValue::Fixed(value) });
}

/// Whether nothing on the wire says that payload follows: its first bytes are taken for a header.
pub fn takes_payload_for_a_header(last: &Protocol) -> bool {
    use Space::{Frame, IpPacket, Mpls, PppFrame, Quoted, SctpChunk};
    last.next.is_some_and(|s| matches!(s, Frame | IpPacket | Mpls | PppFrame | Quoted | SctpChunk))
}

/// Bytes of the profile's own: nothing in them says what they are.
pub fn is_left_out(protocol: &Protocol) -> bool {
    protocol.custom_fields
}
