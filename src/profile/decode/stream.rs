//! Streams.

use super::{At, Decoder, Record, header, size};
use crate::profile::model::{FieldSetting, Header, Limit, Payload, Port, Rate, Size, Stream};
use crate::profile::problem::{Problem, nearest};
use crate::profile::units::Unit;
use crate::units::{FrameSize, Nanos};

/// Entries of `order` at most, and the largest of them.
pub const MAX_ORDER: usize = 1 << 16;
/// Bytes of a payload's text at most.
const MAX_PAYLOAD: usize = 1 << 14;

/// What the rest of the profile says that streams fall back to.
pub(super) struct Defaults<'p> {
    pub ports: &'p [Port],
    pub duration: Nanos,
}

/// A stream, and whether it says itself that it is tagged.
pub(super) fn stream(
    decoder: &mut Decoder,
    at: &At<'_>,
    number: usize,
    defaults: &Defaults<'_>,
) -> (Stream, bool) {
    let read = decoder
        .record(at, "stream", "a stream: a mapping", |record| read(record, number, defaults));
    read.unwrap_or_else(|| (harmless(number, defaults), false))
}

/// A stream that no rule objects to.
fn harmless(number: usize, defaults: &Defaults<'_>) -> Stream {
    Stream {
        name: format!("stream{number}"),
        from: 0,
        to: None,
        headers: Vec::new(),
        payload: Payload::Fill(0),
        size: Size::Fixed(FrameSize(512)),
        rate: Rate::Unlimited,
        limit: Limit { count: None, duration: Some(defaults.duration) },
        start: Nanos(0),
        tag: true,
        order: Vec::new(),
    }
}

fn read(record: &mut Record<'_, '_>, number: usize, defaults: &Defaults<'_>) -> (Stream, bool) {
    let mut stream = harmless(number, defaults);
    if let Some(at) = record.get("name")
        && let Some(name) = record.decoder.name(&at)
    {
        stream.name = name;
    }
    let from = record.get("from").and_then(|at| port(record.decoder, &at, defaults.ports));
    stream.from = from.unwrap_or(0);
    stream.to = to(record, stream.from, defaults.ports);
    if let Some(at) = record.require("size", "a frame size such as 64B")
        && let Some(size) = size::size(record.decoder, &at)
    {
        stream.size = size;
    }
    if let Some(at) = record.require("rate", Rate::EXPECTED) {
        stream.rate = record.decoder.unit(&at).unwrap_or(stream.rate);
    }
    let (count, duration) = (record.get("count"), record.get("duration"));
    if count.is_some() || duration.is_some() {
        stream.limit = Limit {
            count: count.and_then(|at| record.decoder.integer(&at, 1, u64::MAX)),
            duration: duration.and_then(|at| record.decoder.unit(&at)),
        };
    }
    stream.start = record.unit("start").unwrap_or_default();
    if let Some(at) = record.require("packet", "the header stack: [ipv4, udp]") {
        stream.headers = packet(record.decoder, &at);
    }
    if let Some(at) = record.get("payload")
        && let Some(payload) = payload(record.decoder, &at)
    {
        stream.payload = payload;
    }
    let tag = record.boolean("tag");
    stream.tag = tag.unwrap_or(true);
    if let Some(at) = record.get("order") {
        stream.order = order(record.decoder, &at).unwrap_or_default();
    }
    (stream, tag.is_some())
}

/// The receiving port. With two ports it is the other one; `null` says that nothing is measured.
fn to(record: &mut Record<'_, '_>, from: usize, ports: &[Port]) -> Option<usize> {
    match record.get("to") {
        Some(at) if at.is_null() => None,
        Some(at) => port(record.decoder, &at, ports),
        None if ports.len() == 2 => Some(1 - from),
        None => {
            let path = crate::profile::path::key(&record.at().path, "to");
            let at = At { node: record.at().node, path };
            let ports = match ports.len() {
                1 => "there is one port".to_owned(),
                n => format!("there are {n} ports"),
            };
            record.decoder.refuse(
                &at,
                "nothing",
                format!("the receiving port, or null for a stream that is not measured: {ports}"),
            );
            None
        }
    }
}

fn port(decoder: &mut Decoder, at: &At<'_>, ports: &[Port]) -> Option<usize> {
    let choices: Vec<(&str, usize)> =
        ports.iter().enumerate().map(|(index, port)| (port.name.as_str(), index)).collect();
    decoder.choice(at, &choices)
}

/// The header stack. Ethernet may be left out: every frame begins with it.
fn packet(decoder: &mut Decoder, at: &At<'_>) -> Vec<Header> {
    const EXPECTED: &str = "a list of headers, outermost first: [ipv4, udp]";
    let Some(items) = decoder.list(at, EXPECTED) else {
        return Vec::new();
    };
    if items.is_empty() {
        decoder.unexpected(at, EXPECTED);
        return Vec::new();
    }
    let count = items.len();
    let mut headers: Vec<Header> =
        items.iter().filter_map(|item| header::header(decoder, item)).collect();
    if headers.len() < count {
        // An unknown header: no rule can judge a stack with a gap.
        return Vec::new();
    }
    let ethernet = crate::wire::protocols().iter().find(|protocol| protocol.name == "ethernet");
    if let Some(protocol) = ethernet.copied()
        && headers.first().is_some_and(|first| first.protocol.kind != protocol.kind)
    {
        let fields: Vec<FieldSetting> = Vec::new();
        headers.insert(0, Header { protocol, fields });
    }
    headers
}

fn payload(decoder: &mut Decoder, at: &At<'_>) -> Option<Payload> {
    if let Some(text) = at.node.scalar() {
        const WORDS: [&str; 5] = ["zeros", "increment", "text", "hex", "fill"];
        return match text {
            "zeros" => Some(Payload::Fill(0)),
            "increment" => Some(Payload::Increment),
            _ => {
                let problem = Problem::found(
                    at.node.place,
                    at.path.clone(),
                    at.node.describe(),
                    "zeros, increment, {text: ..}, {hex: ..} or {fill: 0xff}",
                );
                decoder.problems.push(problem.hint(nearest(text, WORDS)));
                None
            }
        };
    }
    let expected = "zeros, increment, {text: ..}, {hex: ..} or {fill: 0xff}";
    decoder.record(at, "payload", expected, |record| {
        let (text, hex, fill) = (record.get("text"), record.get("hex"), record.get("fill"));
        if !record.one_of(&[("text", &text), ("hex", &hex), ("fill", &fill)]) {
            return None;
        }
        if let Some(at) = text {
            let text = record.decoder.text(&at)?;
            return bounded(record.decoder, &at, text.into_bytes());
        }
        if let Some(at) = hex {
            let bytes = record.decoder.scalar(&at, HEX, parse_hex)?;
            return bounded(record.decoder, &at, bytes);
        }
        let byte = record.decoder.integer(&fill?, 0, 255)?;
        Some(Payload::Fill(byte as u8))
    })?
}

fn bounded(decoder: &mut Decoder, at: &At<'_>, bytes: Vec<u8>) -> Option<Payload> {
    if bytes.len() > MAX_PAYLOAD {
        let found = format!("{} bytes", bytes.len());
        decoder.refuse(at, found, format!("at most {MAX_PAYLOAD}"));
        return None;
    }
    Some(Payload::Bytes(bytes))
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

fn order(decoder: &mut Decoder, at: &At<'_>) -> Option<Vec<u64>> {
    const EXPECTED: &str = "a list of packet numbers in the order in which they are sent";
    let high = MAX_ORDER as u64 - 1;
    let order = decoder.list_of(at, EXPECTED, |d, item| d.integer(item, 0, high))?;
    if order.is_empty() || order.len() > MAX_ORDER {
        let found = format!("{} entries", order.len());
        decoder.refuse(at, found, format!("1 to {MAX_ORDER}"));
        return None;
    }
    Some(order)
}
