//! Streams.

use super::{At, Decoder, Record, fragments, header, nested, pattern, payload, replay, size};
use crate::capture::Span;
use crate::profile::fragments::Fragments;
use crate::profile::model::{Header, Limit, Pattern, Payload, Port, Rate, Size, Stream};
use crate::profile::units::Unit;
use crate::units::{FCS_BYTES, FrameSize, Nanos};

/// Entries of `order` at most, and the largest of them.
pub const MAX_ORDER: usize = 1 << 16;
/// Rounds of a chain at most.
pub const MAX_REPEAT: u64 = 1 << 32;
/// The smallest Ethernet frame (IEEE 802.3 §4A.4.2), FCS included.
const MIN_FRAME: u32 = 64;

/// What the rest of the profile says that streams fall back to.
pub(super) struct Defaults<'p> {
    pub ports: &'p [Port],
    pub duration: Nanos,
}

/// A stream, and what it says beside.
pub(super) struct Read {
    pub stream: Stream,
    /// It says itself whether it is tagged.
    pub tag_is_explicit: bool,
    /// How it is to be cut.
    pub fragments: Option<Fragments>,
}

pub(super) fn stream(
    decoder: &mut Decoder,
    at: &At<'_>,
    number: usize,
    defaults: &Defaults<'_>,
) -> Read {
    let read = decoder
        .record(at, "stream", "a stream: a mapping", |record| read(record, number, defaults));
    read.unwrap_or_else(|| Read {
        stream: harmless(number, defaults),
        tag_is_explicit: false,
        fragments: None,
    })
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
        pattern: Pattern::Constant(Rate::Unlimited),
        limit: Limit { count: None, duration: Some(defaults.duration) },
        start: Nanos(0),
        after: None,
        repeat: 1,
        tag: true,
        runts: false,
        order: Vec::new(),
        piece: None,
        replay: None,
    }
}

fn read(record: &mut Record<'_, '_>, number: usize, defaults: &Defaults<'_>) -> Read {
    let mut stream = harmless(number, defaults);
    if let Some(at) = record.get("name")
        && let Some(name) = record.decoder.name(&at)
    {
        stream.name = name;
    }
    let from = record.get("from").and_then(|at| port(record.decoder, &at, defaults.ports));
    stream.from = from.unwrap_or(0);
    stream.to = to(record, stream.from, defaults.ports);
    let replay_at = record.get("replay");
    let rate = match &replay_at {
        None => record.require("rate", Rate::EXPECTED),
        Some(_) => record.get("rate"),
    };
    if let Some(at) = &rate {
        stream.pattern = pattern::pattern(record.decoder, at).unwrap_or(stream.pattern);
    }
    let (count, duration) = (record.get("count"), record.get("duration"));
    let has_duration = duration.is_some() || stream.pattern.length().is_some();
    if count.is_some() || duration.is_some() {
        stream.limit = Limit {
            count: count.and_then(|at| record.decoder.integer(&at, 1, u64::MAX)),
            duration: duration.and_then(|at| record.decoder.unit(&at)),
        };
    } else if let Some(length) = stream.pattern.length() {
        stream.limit.duration = Some(length);
    }
    stream.start = record.unit("start").unwrap_or_default();
    stream.after = record.get("after").and_then(|at| record.decoder.name(&at));
    stream.repeat = record.integer("repeat", 1, MAX_REPEAT).unwrap_or(1);
    if let Some(at) = replay_at {
        let limited = Limited { duration: has_duration, rate: rate.as_ref() };
        return replayed(record, stream, &at, &limited);
    }
    if let Some(at) = record.require("packet", "the header stack: [ipv4, udp]") {
        stream.headers = packet(record.decoder, &at);
    }
    if let Some(at) = record.get("nested")
        && !stream.headers.is_empty()
    {
        nested::nested(record.decoder, &at, &mut stream.headers);
    }
    let fragments = record.get("fragments");
    let fragments = fragments.and_then(|at| fragments::fragments(record.decoder, &at));
    let size = match record.get("size") {
        Some(at) => size::size(record.decoder, &at),
        None => {
            let whole = whole_message(&stream.headers)
                .or_else(|| fragments.as_ref()?.size_of(&stream.headers).map(Size::Fixed));
            if whole.is_none() {
                record.missing("size", "a frame size such as 64B");
            }
            whole
        }
    };
    stream.size = size.unwrap_or(stream.size);
    if let Some(at) = record.get("payload")
        && let Some(payload) = payload::payload(record.decoder, &at)
    {
        stream.payload = payload;
    }
    let tag = record.boolean("tag");
    stream.tag = tag.unwrap_or(true);
    stream.runts = record.boolean("runts").unwrap_or(false);
    if let Some(at) = record.get("order") {
        stream.order = order(record.decoder, &at).unwrap_or_default();
        if fragments.is_some() {
            record.decoder.refuse(&at, "order beside fragments", "fragments.order");
        }
    }
    Read { stream, tag_is_explicit: tag.is_some(), fragments }
}

/// What a stream that sends a capture again says of its times.
struct Limited<'r, 'n> {
    /// It has a duration of its own, or its pattern has.
    duration: bool,
    rate: Option<&'r At<'n>>,
}

/// The rest of a stream that sends a capture again. What makes packets otherwise has no place there.
fn replayed(
    record: &mut Record<'_, '_>,
    mut stream: Stream,
    at: &At<'_>,
    limited: &Limited<'_, '_>,
) -> Read {
    let rate = limited.rate;
    for key in ["packet", "nested", "size", "payload", "fragments", "runts", "order"] {
        if let Some(at) = record.get(key) {
            let found = format!("{key} beside replay");
            record.decoder.refuse(&at, found, "one of them: the packets are the capture's");
        }
    }
    let tag = record.boolean("tag");
    stream.tag = tag.unwrap_or(false);
    // Frames are what was captured, without the padding of the shorter ones.
    stream.runts = true;
    let read = replay::replay(record.decoder, at, stream.tag);
    if rate.is_none() && read.replay.is_some() {
        stream.pattern = Pattern::Recorded(read.speed);
    }
    for (there, key) in [(&read.speed_at, "speed"), (&read.gap_at, "gap")] {
        if let (Some(at), Some(_)) = (there, rate) {
            let found = format!("{key} beside a rate");
            record.decoder.refuse(at, found, "one of them: at a rate nothing is as recorded");
        }
    }
    if let Some(replay) = read.replay {
        let frames = &replay.frames;
        let size = |span: &Span| FrameSize(span.len + FCS_BYTES);
        stream.size = Size::List(frames.spans().iter().map(size).collect());
        if let Some(rounds) = replay.rounds {
            let packets = rounds.saturating_mul(frames.count() as u64);
            stream.limit.count = Some(stream.limit.count.map_or(packets, |n| n.min(packets)));
            // The whole of it has an end of its own.
            stream.limit.duration = stream.limit.duration.filter(|_| limited.duration);
        }
        stream.replay = Some(replay);
    }
    Read { stream, tag_is_explicit: tag.is_some(), fragments: None }
}

/// The frame that holds a stack which ends with a whole message and nothing else; None where payload
/// may follow.
fn whole_message(headers: &[Header]) -> Option<Size> {
    headers.last().filter(|last| !last.protocol.open)?;
    let bytes = headers.iter().map(|header| header.len() as u32).sum::<u32>();
    Some(Size::Fixed(FrameSize((bytes + FCS_BYTES).max(MIN_FRAME))))
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
        headers.insert(0, Header::new(protocol));
    }
    headers
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
