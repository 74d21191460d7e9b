//! DNS queries that name their try, so that an answer does too.

use crate::packet::random;
use crate::wire::udp;

/// Bytes of a DNS query over UDP without padding: header, name, type and class, OPT record with an
/// empty padding option.
pub fn dns_least(name: &str) -> usize {
    udp::LEN + 12 + dns_name(name, 0, 0, 0).len() + 4 + 11 + 4
}

/// The transaction that a query of a try is, from what it is known by: its identifier.
pub fn dns_id(study: u32, seq: u32, index: u8) -> u16 {
    (random::mix(u64::from(study) << 32 | u64::from(seq)) as u16).wrapping_add(u16::from(index))
}

/// The question's name: one label that says the try, then the name.
fn dns_name(name: &str, study: u32, seq: u32, index: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    let token = format!("ws{study:08x}{seq:08x}{index:02x}");
    for label in std::iter::once(token.as_str()).chain(name.split('.')) {
        bytes.push(label.len() as u8);
        bytes.extend(label.as_bytes());
    }
    bytes.push(0);
    bytes
}

/// The try and packet that a DNS answer's question names.
pub fn of_dns_answer(message: &[u8], study: u32) -> Option<(u32, u8)> {
    // QR, and at least one question.
    if message.get(2)? & 0x80 == 0 || message.get(4..6)? == [0, 0] {
        return None;
    }
    let label = message.get(13..13 + 20)?;
    let text = std::str::from_utf8(label).ok().filter(|_| message[12] == 20)?;
    let text = text.to_ascii_lowercase();
    let rest = text.strip_prefix(&format!("ws{study:08x}"))?;
    let seq = u32::from_str_radix(rest.get(..8)?, 16).ok()?;
    let index = u8::from_str_radix(rest.get(8..)?, 16).ok()?;
    Some((seq, index))
}

/// Fills `message` with a query for the name's addresses, padded (RFC 7830) to its length.
pub(super) fn dns_query(message: &mut [u8], name: &str, study: u32, seq: u32, index: u8) {
    let id = dns_id(study, seq, index).to_be_bytes();
    // Recursion desired; one question, one additional record.
    let mut query = vec![id[0], id[1], 1, 0, 0, 1, 0, 0, 0, 0, 0, 1];
    query.extend(dns_name(name, study, seq, index));
    query.extend([0, 1, 0, 1]);
    let padding = message.len().saturating_sub(query.len() + 11 + 4) as u16;
    // OPT: root, type 41, 4096 bytes of answer, no flags; option 12.
    query.extend([0, 0, 41, 0x10, 0, 0, 0, 0, 0]);
    query.extend((padding + 4).to_be_bytes());
    query.extend([0, 12]);
    query.extend(padding.to_be_bytes());
    query.resize(message.len(), 0);
    message.copy_from_slice(&query[..message.len()]);
}
