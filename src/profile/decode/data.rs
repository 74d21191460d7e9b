//! Bytes in a profile: hexadecimal, text, names, lists of addresses.

use super::{At, Decoder, value};
use crate::profile::model::FieldValue;
use crate::profile::yaml::Data;
use crate::wire::field::{DataKind, FieldKind};

/// The longest name that DNS knows, in bytes on the wire (RFC 1035 §2.3.4).
const MAX_NAME: usize = 255;
/// The longest label of a name (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// The data of a header, and the entries of it that change, by their first bytes.
pub(super) struct Read {
    pub bytes: Vec<u8>,
    pub changing: Vec<Changing>,
}

/// An entry of a list that changes.
pub(super) struct Changing {
    /// Which, from 0.
    pub entry: usize,
    /// Its first byte in the data.
    pub at: usize,
    /// Its width.
    pub bits: u8,
    pub value: FieldValue,
}

/// The data of a header.
pub(super) fn data(decoder: &mut Decoder, at: &At<'_>, kind: DataKind) -> Option<Read> {
    let bytes = match kind {
        DataKind::Bytes => hex(decoder, at),
        DataKind::Text => decoder.text(at).map(String::into_bytes),
        DataKind::DomainName => {
            decoder.scalar(at, DOMAIN, |text| domain_name(text).ok_or_else(|| DOMAIN.to_owned()))
        }
        DataKind::Ipv4List => return addresses(decoder, at, (FieldKind::Ipv4, 32), 4),
        DataKind::Ipv4Slots => return addresses(decoder, at, (FieldKind::Ipv4, 32), 8),
        DataKind::Ipv6List => return addresses(decoder, at, (FieldKind::Ipv6, 128), 16),
    };
    bytes.map(|bytes| Read { bytes, changing: Vec::new() })
}

/// A list of addresses, each at the start of `each` bytes; an entry takes what a field takes.
fn addresses(
    decoder: &mut Decoder,
    at: &At<'_>,
    (kind, bits): (FieldKind, u8),
    each: usize,
) -> Option<Read> {
    let expected = match kind {
        FieldKind::Ipv4 => "a list of IPv4 addresses",
        _ => "a list of IPv6 addresses",
    };
    let largest = u128::MAX >> (128 - u32::from(bits));
    let entries = decoder.list_of(at, expected, |decoder, item| {
        // A list inside the list would be read as more entries.
        if matches!(item.node.data, Data::List(_)) {
            decoder.unexpected(item, "an address, or a rule such as {list: [..]}");
            return None;
        }
        value::of_kind(decoder, item, kind.into(), largest)
    })?;
    let mut read = Read { bytes: vec![0; entries.len() * each], changing: Vec::new() };
    for (entry, value) in entries.into_iter().enumerate() {
        let (at, len) = (entry * each, usize::from(bits) / 8);
        let first = value.example().to_be_bytes();
        read.bytes[at..at + len].copy_from_slice(&first[first.len() - len..]);
        if !matches!(value, FieldValue::Fixed(_)) {
            read.changing.push(Changing { entry, at, bits, value });
        }
    }
    Some(read)
}

const DOMAIN: &str = "a domain name of labels of at most 63 bytes, 255 in all: www.example.net";

/// Labels with their lengths, and the root's zero (RFC 1035 §3.1). `.` is the root.
fn domain_name(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let text = text.strip_suffix('.').unwrap_or(text);
    for label in text.split('.').filter(|_| !text.is_empty()) {
        if label.is_empty() || label.len() > MAX_LABEL {
            return None;
        }
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    (bytes.len() <= MAX_NAME).then_some(bytes)
}

/// Bytes in hexadecimal.
pub(super) fn hex(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<u8>> {
    decoder.scalar(at, HEX, parse_hex)
}

const HEX: &str = "bytes in hexadecimal such as deadbeef or \"de ad be ef\"";

/// Pairs of hexadecimal digits; blanks and colons may stand between them.
fn parse_hex(text: &str) -> Result<Vec<u8>, String> {
    let wanted = |c: &char| !c.is_whitespace() && *c != ':';
    let digits: Option<Vec<u8>> =
        text.chars().filter(wanted).map(|c| c.to_digit(16).map(|digit| digit as u8)).collect();
    match digits {
        Some(digits) if digits.is_empty() => Err(HEX.to_owned()),
        Some(digits) if digits.len() % 2 == 1 => {
            Err(format!("{HEX}: two digits a byte, {} is odd", digits.len()))
        }
        Some(digits) => Ok(digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()),
        None => Err(HEX.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_with_their_lengths() {
        assert_eq!(domain_name("a.bc").as_deref(), Some(&b"\x01a\x02bc\0"[..]));
        assert_eq!(domain_name("a.bc."), domain_name("a.bc"));
        assert_eq!(domain_name("."), Some(vec![0]));
        assert_eq!(domain_name("a..b"), None);
        assert_eq!(domain_name(&"x".repeat(64)), None);
        assert_eq!(domain_name(&vec!["x".repeat(63); 4].join(".")), None);
    }
}
