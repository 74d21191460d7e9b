//! What a front end reads of DNS messages: the header, the question, the EDNS buffer size, and the
//! names that an answer leads to (RFC 1035 §4, RFC 6891 §6). Everything else it passes on.

use std::fmt;

use crate::wire::bits;

/// Bytes of the header.
pub const HEADER: usize = 12;
/// Bytes that a client takes by UDP that says nothing else (RFC 1035 §4.2.1).
pub const PLAIN_SIZE: u16 = 512;
/// Bytes of a name at most (RFC 1035 §3.1).
const MAX_NAME: usize = 255;
/// Names that are taken from an answer.
const MAX_NAMES: usize = 16;

const FLAG_RESPONSE: u16 = 0x8000;
const FLAG_TRUNCATED: u16 = 0x0200;
const FLAGS_KEPT: u16 = 0x0110;
const TYPE_OPT: u16 = 41;

/// Response codes (RFC 1035 §4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rcode {
    /// All is well.
    NoError = 0,
    /// The query is malformed.
    FormErr = 1,
    /// No server answered.
    ServFail = 2,
    /// Another kind of query.
    NotImp = 4,
    /// A transfer.
    Refused = 5,
}

/// A name in wire form, in lower case: what is equal is the same name (RFC 4343).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Name(Box<[u8]>);

impl Name {
    /// Reads a name at `at`; where the message goes on behind it. A pointer leads only to what stands
    /// before it, so that no chain of them is endless; with `plain` there may be none.
    fn parse(message: &[u8], at: usize, plain: bool) -> Option<(Self, usize)> {
        let mut name = [0; MAX_NAME];
        let (mut len, mut at, mut limit) = (0, at, message.len());
        let mut end = None;
        loop {
            let first = *message.get(at).filter(|_| at < limit)?;
            match first {
                0 => {
                    name[len] = 0;
                    let end = end.unwrap_or(at + 1);
                    return Some((Self(name[..=len].into()), end));
                }
                1..=63 => {
                    let label = message.get(at..at + 1 + usize::from(first))?;
                    // The root's byte has to fit too.
                    if len + label.len() >= MAX_NAME {
                        return None;
                    }
                    name[len..len + label.len()].copy_from_slice(label);
                    name[len + 1..len + label.len()].make_ascii_lowercase();
                    len += label.len();
                    at += label.len();
                }
                0xc0.. if !plain => {
                    let target = usize::from(bits::u16_at(message.get(..at + 2)?, at) & 0x3fff);
                    end.get_or_insert(at + 2);
                    if target >= at.min(limit) {
                        return None;
                    }
                    limit = at;
                    at = target;
                }
                _ => return None,
            }
        }
    }

    /// Where a message goes on behind the name at `at`.
    fn skip(message: &[u8], mut at: usize) -> Option<usize> {
        loop {
            match *message.get(at)? {
                0 => return Some(at + 1),
                first @ 1..=63 => at += 1 + usize::from(first),
                0xc0.. => return (at + 2 <= message.len()).then_some(at + 2),
                _ => return None,
            }
        }
    }

    /// The name with one more label before it; None where it would be too long.
    pub fn under(&self, label: &str) -> Option<Self> {
        let len = u8::try_from(label.len()).ok().filter(|len| (1..64).contains(len))?;
        let label = label.to_ascii_lowercase();
        let name = [&[len], label.as_bytes(), &self.0[..]].concat();
        (name.len() <= MAX_NAME).then(|| Self(name.into()))
    }
}

/// As zone files have it, with a dot at the end.
impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = &self.0[..];
        if rest == [0] {
            return f.write_str(".");
        }
        while let Some((len, after)) = rest.split_first().filter(|(len, _)| **len > 0) {
            let (label, after) = after.split_at_checked(usize::from(*len)).unwrap_or((after, &[]));
            for &byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => {
                        write!(f, "\\{}", char::from(byte))?;
                    }
                    0x21..=0x7e => write!(f, "{}", char::from(byte))?,
                    _ => write!(f, "\\{byte:03}")?,
                }
            }
            f.write_str(".")?;
            rest = after;
        }
        Ok(())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// The name.
    pub name: Name,
    /// The type.
    pub kind: u16,
    /// The class.
    pub class: u16,
}

impl Question {
    fn parse(message: &[u8], plain: bool) -> Option<(Self, usize)> {
        let (name, at) = Name::parse(message, HEADER, plain)?;
        let fixed = message.get(at..at + 4)?;
        let (kind, class) = (bits::u16_at(fixed, 0), bits::u16_at(fixed, 2));
        Some((Self { name, kind, class }, at + 4))
    }

    /// The type's mnemonic (RFC 3597 §5 for those that have none here).
    pub fn kind_text(&self) -> String {
        let known = match self.kind {
            1 => "A",
            2 => "NS",
            5 => "CNAME",
            6 => "SOA",
            12 => "PTR",
            15 => "MX",
            16 => "TXT",
            28 => "AAAA",
            33 => "SRV",
            43 => "DS",
            46 => "RRSIG",
            48 => "DNSKEY",
            64 => "SVCB",
            65 => "HTTPS",
            255 => "ANY",
            other => return format!("TYPE{other}"),
        };
        known.to_owned()
    }
}

/// A query that can be passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Its identification.
    pub id: u16,
    /// What it asks.
    pub question: Question,
    /// Bytes of an answer by UDP that the client has room for, where it says so (EDNS).
    pub buffer_size: Option<u16>,
    /// Where the question ends.
    question_end: usize,
}

/// Why a message is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is no query at all, and gets no answer.
    Dropped,
    /// It gets this answer.
    Answered(Rcode),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// What becomes of one that is malformed or of another kind.
    pub fn parse(message: &[u8]) -> Result<Self, Refused> {
        let header = message.get(..HEADER).ok_or(Refused::Dropped)?;
        let flags = bits::u16_at(header, 2);
        if flags & FLAG_RESPONSE != 0 {
            return Err(Refused::Dropped);
        }
        if flags >> 11 & 15 != 0 {
            return Err(Refused::Answered(Rcode::NotImp));
        }
        let malformed = Refused::Answered(Rcode::FormErr);
        let [questions, answers, authority, additional] =
            [4, 6, 8, 10].map(|at| bits::u16_at(header, at));
        if questions != 1 || answers != 0 {
            return Err(malformed);
        }
        let (question, question_end) = Question::parse(message, true).ok_or(malformed)?;
        let records = u32::from(authority) + u32::from(additional);
        let (buffer_size, end) = edns(message, question_end, records).ok_or(malformed)?;
        if end != message.len() {
            return Err(malformed);
        }
        // IXFR and AXFR: their answers are many messages.
        if matches!(question.kind, 251 | 252) {
            return Err(Refused::Answered(Rcode::Refused));
        }
        Ok(Self { id: bits::u16_at(header, 0), question, buffer_size, question_end })
    }

    /// Bytes of an answer by UDP that the client has room for.
    pub fn room(&self) -> usize {
        usize::from(self.buffer_size.unwrap_or(PLAIN_SIZE).max(PLAIN_SIZE))
    }

    /// An empty answer to `message`, which this was read from.
    pub fn empty_answer(&self, message: &[u8], rcode: Rcode, truncated: bool) -> Vec<u8> {
        let mut answer = header_of_answer(message, rcode, truncated);
        answer.extend(message.get(HEADER..self.question_end).unwrap_or_default());
        if answer.len() > HEADER {
            answer[5] = 1;
        }
        if self.buffer_size.is_some() {
            answer[11] = 1;
            // Root, OPT, our own buffer size, no extended code, version 0, no options.
            answer.extend([0, 0, TYPE_OPT as u8, 0x04, 0xd0, 0, 0, 0, 0, 0, 0]);
        }
        answer
    }
}

/// The header alone as the answer to a message that cannot be read further.
pub fn header_of_answer(message: &[u8], rcode: Rcode, truncated: bool) -> Vec<u8> {
    let mut answer = vec![0; HEADER];
    let Some(header) = message.get(..HEADER) else { return answer };
    answer[..2].copy_from_slice(&header[..2]);
    let opcode = bits::u16_at(header, 2) & 0x7800;
    let kept = bits::u16_at(header, 2) & FLAGS_KEPT;
    let truncated = if truncated { FLAG_TRUNCATED } else { 0 };
    let flags = FLAG_RESPONSE | opcode | kept | truncated | u16::from(rcode as u8);
    answer[2..4].copy_from_slice(&flags.to_be_bytes());
    answer
}

/// The buffer size among so many records from `at` on, and where they end. None where they are
/// malformed, or where there are two.
fn edns(message: &[u8], mut at: usize, records: u32) -> Option<(Option<u16>, usize)> {
    let mut size = None;
    for _ in 0..records {
        let record = Record::parse(message, at)?;
        if record.kind == TYPE_OPT {
            let root = message[at] == 0;
            if !root || size.replace(record.class).is_some() {
                return None;
            }
        }
        at = record.end;
    }
    Some((size, at))
}

/// A record behind its name.
struct Record {
    kind: u16,
    class: u16,
    /// Where its data begin.
    data: usize,
    end: usize,
}

impl Record {
    fn parse(message: &[u8], at: usize) -> Option<Self> {
        let at = Name::skip(message, at)?;
        let fixed = message.get(at..at + 10)?;
        let (data, len) = (at + 10, usize::from(bits::u16_at(fixed, 8)));
        let end = data + len;
        (end <= message.len()).then(|| Self {
            kind: bits::u16_at(fixed, 0),
            class: bits::u16_at(fixed, 2),
            data,
            end,
        })
    }
}

/// Whether a message of a server answers the query `id` for this question. An error without the
/// question does too.
pub fn answers(message: &[u8], id: u16, question: &Question) -> bool {
    let Some(header) = message.get(..HEADER) else { return false };
    let flags = bits::u16_at(header, 2);
    if bits::u16_at(header, 0) != id || flags & FLAG_RESPONSE == 0 {
        return false;
    }
    match bits::u16_at(header, 4) {
        0 => flags & 15 != 0,
        1 => Question::parse(message, true).is_some_and(|(asked, _)| asked == *question),
        _ => false,
    }
}

/// Whether a message says that it is cut short (TC).
pub fn truncated(message: &[u8]) -> bool {
    message.len() >= HEADER && bits::u16_at(message, 2) & FLAG_TRUNCATED != 0
}

/// The names that an answer leads to: whoever asks for one of them has read the answer. Targets of
/// CNAME, DNAME, NS, MX and SRV that are not the name asked for.
pub fn leads_to(message: &[u8]) -> Vec<Name> {
    let mut names = Vec::new();
    // What is malformed ends the list; it is passed on as it came.
    let _ = collect_targets(message, &mut names);
    names
}

fn collect_targets(message: &[u8], names: &mut Vec<Name>) -> Option<()> {
    let header = message.get(..HEADER)?;
    if bits::u16_at(header, 4) != 1 {
        return None;
    }
    let (question, mut at) = Question::parse(message, true)?;
    let records: u32 = [6, 8, 10].iter().map(|at| u32::from(bits::u16_at(header, *at))).sum();
    for _ in 0..records {
        let record = Record::parse(message, at)?;
        let target = match record.kind {
            2 | 5 | 39 => Some(record.data),
            15 => Some(record.data + 2),
            33 => Some(record.data + 6),
            _ => None,
        };
        if let Some(target) = target.filter(|target| *target < record.end) {
            let (name, _) = Name::parse(message, target, false)?;
            if name != question.name && !names.contains(&name) {
                names.push(name);
            }
            if names.len() == MAX_NAMES {
                return Some(());
            }
        }
        at = record.end;
    }
    Some(())
}

#[cfg(test)]
#[path = "message_tests.rs"]
mod tests;
