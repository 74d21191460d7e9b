//! Messages of nfnetlink's nf_tables subsystem, as far as tables of rules that drop take them
//! (include/uapi/linux/netfilter/nf_tables.h).
//!
//! ```text
//! batch:      | BATCH_BEGIN | NEWTABLE | NEWCHAIN ... | NEWRULE ... | BATCH_END |
//! message:    | nlmsghdr (16) | nfgenmsg: family, version, resource (4) | attributes |
//! rule:       a list of expressions: load into a register, compare it, at last the verdict
//! ```

use std::io;

const NFPROTO_INET: u8 = 1;
const SUBSYSTEM: u16 = 10;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const NEW_TABLE: u16 = 0;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;

const REQUEST: u16 = 1;
const ACKNOWLEDGE: u16 = 4;
const EXCLUSIVE: u16 = 0x200;
const CREATE: u16 = 0x400;
const APPEND: u16 = 0x800;

const NESTED: u16 = 0x8000;
const LIST_ELEMENT: u16 = 1;
/// `NFT_TABLE_F_OWNER`.
const OWNER: u32 = 2;
/// `NFT_REG_1`: 16 bytes.
const REGISTER: u32 = 1;

const NLMSG_ERROR: u16 = 2;
const HEADER: usize = 16;

/// Where a chain is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Before the routes are asked.
    PreRouting = 0,
    /// On what this host sends.
    Output = 3,
}

/// What a register is loaded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Index of the interface that it came by, in the machine's byte order.
    InputInterface,
    /// `NFPROTO_IPV4` or `NFPROTO_IPV6`.
    Family,
    /// Protocol behind IP and its extension headers.
    TransportProtocol,
    /// Bytes of the IP header.
    Network {
        /// First byte.
        at: u32,
        /// How many.
        len: u32,
    },
    /// Bytes of the transport header.
    Transport {
        /// First byte.
        at: u32,
        /// How many.
        len: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal = 0,
    NotEqual = 1,
    AtMost = 3,
    AtLeast = 5,
}

/// What a packet has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Match {
    take: Take,
    /// Only these bits, where it is given.
    mask: Option<Vec<u8>>,
    comparison: Comparison,
    value: Vec<u8>,
}

impl Match {
    fn new(take: Take, comparison: Comparison, value: &[u8]) -> Self {
        Self { take, mask: None, comparison, value: value.to_vec() }
    }

    /// Equal to a value.
    pub fn equal<const N: usize>(take: Take, value: [u8; N]) -> Self {
        Self::new(take, Comparison::Equal, &value)
    }

    /// A number in network byte order, or a greater one.
    pub fn at_least<const N: usize>(take: Take, value: [u8; N]) -> Self {
        Self::new(take, Comparison::AtLeast, &value)
    }

    /// A number in network byte order, or a smaller one.
    pub fn at_most<const N: usize>(take: Take, value: [u8; N]) -> Self {
        Self::new(take, Comparison::AtMost, &value)
    }

    /// One of these bits is set.
    pub fn any_bit<const N: usize>(take: Take, bits: [u8; N]) -> Self {
        let mask = Some(bits.to_vec());
        Self { mask, ..Self::new(take, Comparison::NotEqual, &[0; N]) }
    }

    fn expressions(&self) -> Vec<u8> {
        let load = match self.take {
            Take::InputInterface => meta(4),
            Take::Family => meta(15),
            Take::TransportProtocol => meta(16),
            Take::Network { at, len } => payload(1, at, len),
            Take::Transport { at, len } => payload(2, at, len),
        };
        let mut all = load;
        if let Some(mask) = &self.mask {
            let none = vec![0; mask.len()];
            let bitwise = [
                number(1, REGISTER),
                number(2, REGISTER),
                number(3, mask.len() as u32),
                nested(4, &attribute(1, mask)),
                nested(5, &attribute(1, &none)),
            ];
            all.extend(expression("bitwise", &bitwise.concat()));
        }
        let compare = [
            number(1, REGISTER),
            number(2, self.comparison as u32),
            nested(3, &attribute(1, &self.value)),
        ];
        all.extend(expression("cmp", &compare.concat()));
        all
    }
}

/// What is done together.
#[derive(Debug)]
pub struct Batch {
    table: String,
    bytes: Vec<u8>,
    sequence: u32,
}

impl Batch {
    /// Makes a table that belongs to the socket that sends this.
    pub fn new(table: &str) -> Self {
        let mut batch = Self { table: table.to_owned(), bytes: Vec::new(), sequence: 0 };
        batch.envelope(BATCH_BEGIN);
        let attributes = [text(1, table), number(2, OWNER)].concat();
        batch.message(NEW_TABLE, CREATE | EXCLUSIVE, &attributes);
        batch
    }

    /// Adds a chain that is called at a hook.
    pub fn chain(&mut self, name: &str, hook: Hook, priority: i32) {
        let place = [number(1, hook as u32), number(2, priority as u32)].concat();
        let attributes =
            [text(1, &self.table), text(3, name), nested(4, &place), text(7, "filter")].concat();
        self.message(NEW_CHAIN, CREATE, &attributes);
    }

    /// Adds a rule: what is all of this is dropped.
    pub fn drop_rule(&mut self, chain: &str, matches: &[Match]) {
        let mut expressions: Vec<u8> = matches.iter().flat_map(Match::expressions).collect();
        // NF_DROP is 0; the verdict register is 0.
        let verdict = nested(2, &nested(2, &number(1, 0)));
        expressions.extend(expression("immediate", &[number(1, 0), verdict].concat()));
        let attributes = [text(1, &self.table), text(2, chain), nested(4, &expressions)].concat();
        self.message(NEW_RULE, CREATE | APPEND, &attributes);
    }

    /// The bytes to send, and how many messages of them the kernel acknowledges.
    pub fn finish(&self) -> (Vec<u8>, u32) {
        let mut end = Self { table: String::new(), bytes: Vec::new(), sequence: self.sequence };
        end.envelope(BATCH_END);
        // The begin is the only message that is not acknowledged.
        ([self.bytes.as_slice(), &end.bytes].concat(), self.sequence - 1)
    }

    fn envelope(&mut self, kind: u16) {
        let [high, low] = SUBSYSTEM.to_be_bytes();
        self.put(kind, REQUEST, &[0, 0, high, low]);
    }

    fn message(&mut self, kind: u16, flags: u16, attributes: &[u8]) {
        let body = [&[NFPROTO_INET, 0, 0, 0], attributes].concat();
        self.put(SUBSYSTEM << 8 | kind, REQUEST | ACKNOWLEDGE | flags, &body);
    }

    fn put(&mut self, kind: u16, flags: u16, body: &[u8]) {
        self.bytes.extend(((HEADER + body.len()) as u32).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(flags.to_ne_bytes());
        self.bytes.extend(self.sequence.to_ne_bytes());
        self.bytes.extend(0u32.to_ne_bytes());
        self.bytes.extend(body);
        self.sequence += 1;
    }
}

/// How many messages a datagram acknowledges.
///
/// # Errors
/// The first error that it tells.
pub fn acknowledgments(datagram: &[u8]) -> io::Result<u32> {
    let mut rest = datagram;
    let mut count = 0;
    while let Some(header) = rest.first_chunk::<HEADER>() {
        let [a, b, c, d, kind_low, kind_high, ..] = *header;
        let length = u32::from_ne_bytes([a, b, c, d]) as usize;
        let message = rest.get(HEADER..length).ok_or(io::ErrorKind::InvalidData)?;
        if u16::from_ne_bytes([kind_low, kind_high]) == NLMSG_ERROR {
            let code = message.first_chunk().ok_or(io::ErrorKind::InvalidData)?;
            match i32::from_ne_bytes(*code) {
                0 => count += 1,
                code => return Err(io::Error::from_raw_os_error(code.saturating_neg())),
            }
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or(&[]);
    }
    Ok(count)
}

fn meta(key: u32) -> Vec<u8> {
    expression("meta", &[number(1, REGISTER), number(2, key)].concat())
}

fn payload(base: u32, at: u32, len: u32) -> Vec<u8> {
    let all = [number(1, REGISTER), number(2, base), number(3, at), number(4, len)];
    expression("payload", &all.concat())
}

fn expression(name: &str, data: &[u8]) -> Vec<u8> {
    nested(LIST_ELEMENT, &[text(1, name), nested(2, data)].concat())
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(4 + value.len().next_multiple_of(4));
    bytes.extend((4 + value.len() as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn nested(kind: u16, attributes: &[u8]) -> Vec<u8> {
    attribute(kind | NESTED, attributes)
}

fn text(kind: u16, value: &str) -> Vec<u8> {
    attribute(kind, &[value.as_bytes(), &[0]].concat())
}

/// Numbers of nf_tables are in network byte order.
fn number(kind: u16, value: u32) -> Vec<u8> {
    attribute(kind, &value.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_tell_their_length_without_it() {
        assert_eq!(text(1, "ab"), [7, 0, 1, 0, b'a', b'b', 0, 0]);
        assert_eq!(number(2, 0x0102_0304), [8, 0, 2, 0, 1, 2, 3, 4]);
    }

    #[test]
    fn errors_come_back_and_cut_datagrams_are_refused() {
        let mut answer = vec![0; 36];
        answer[0] = 36;
        answer[4] = 2;
        assert_eq!(acknowledgments(&answer).unwrap(), 1);
        answer[16..20].copy_from_slice(&(-17i32).to_ne_bytes());
        assert_eq!(acknowledgments(&answer).unwrap_err().raw_os_error(), Some(17));
        answer[0] = 200;
        assert!(acknowledgments(&answer).is_err());
        assert_eq!(acknowledgments(&[1, 2, 3]).unwrap(), 0);
    }
}
