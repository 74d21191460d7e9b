//! The streams that a stream becomes.

use std::sync::Arc;

use super::cut::{self, Part, Refusal, Whole};
use super::identify::{self, Share};
use super::prefix::Prefix;
use super::{Fragments, Identification, MAX_STEPS, Order, options};
use crate::packet::tag::TAG_LEN;
use crate::profile::decode::Decoded;
use crate::profile::model::{
    Datagram, FieldSetting, FieldValue, Header, Pattern, Payload, Piece, Profile, Rate, Size,
    Stream,
};
use crate::profile::path;
use crate::profile::problem::Problem;
use crate::units::{FCS_BYTES, FrameSize, Nanos};
use crate::wire;
use crate::wire::field::{Covers, FieldDefault, Protocol, ProtocolKind};

/// Bytes of an IP datagram at most: its length has 16 bits (RFC 791 §3.1). IPv6's leaves its fixed
/// header out (RFC 8200 §3).
const MAX_DATAGRAM: usize = 65_535;
/// The shortest frame, FCS included.
const MIN_FRAME: usize = 64;
/// Streams of a profile at most.
const MAX_STREAMS: usize = 1 << 16;
/// Bytes that all pieces of a profile take at most, so that no short profile takes minutes.
const MAX_WEIGHT: usize = 1 << 28;
/// The tables of distributions have so many values at most.
const MAX_TABLE: u64 = 1 << 16;

/// Replaces every stream that is to be cut by its pieces. One that cannot be cut stays whole, and
/// the problem says why.
pub(in crate::profile) fn expand(decoded: &mut Decoded) {
    let shares = identify::shares(&decoded.profile.streams, &decoded.fragments);
    for (stream, (fragments, share)) in
        decoded.profile.streams.iter_mut().zip(decoded.fragments.iter().zip(&shares))
    {
        if fragments.is_none() {
            identify::identify_whole(stream, *share);
        }
    }
    if decoded.fragments.iter().all(Option::is_none) {
        return;
    }
    let Decoded { profile, tag_is_explicit, fragments, problems } = decoded;
    let streams = std::mem::take(&mut profile.streams);
    let explicit = std::mem::take(tag_is_explicit);
    let mut written = Vec::new();
    let mut weight = 0;
    for (n, (mut stream, fragments)) in streams.into_iter().zip(&*fragments).enumerate() {
        let explicit = explicit.get(n).copied().unwrap_or(false);
        let group = profile.streams.len();
        let cut = fragments
            .as_ref()
            .map(|fragments| group_of(&stream, group, (fragments, shares[n]), &mut weight));
        match cut {
            None => profile.streams.push(stream),
            Some(Ok(pieces)) => {
                problems.extend(tell_about_tags(profile, n, explicit, &stream, &pieces));
                let counted = fragments.as_ref().is_some_and(Fragments::counts);
                profile.warnings.extend(counted.then(|| identify::too_soon(&pieces)).flatten());
                profile.streams.extend(pieces);
            }
            Some(Err(refusal)) => {
                let Refusal { key, found, expected } = refusal;
                let at = path::index("streams", n);
                let at = match key {
                    "size" | "rate" | "packet" => path::key(&at, key),
                    "" => path::key(&at, "fragments"),
                    key => path::key(&path::key(&at, "fragments"), key),
                };
                problems.push(profile.origin.problem(at, found, expected));
                stream.size = Size::Fixed(FrameSize(512));
                profile.streams.push(stream);
            }
        }
        written.resize(profile.streams.len(), n);
        tag_is_explicit.resize(profile.streams.len(), explicit);
        if profile.streams.len() > MAX_STREAMS {
            let expected = format!("at most {MAX_STREAMS}: every piece is a stream");
            let found = "more streams".to_owned();
            problems.push(profile.origin.problem("streams", found, expected));
            profile.streams.truncate(MAX_STREAMS);
            break;
        }
    }
    profile.origin.set_written(written);
}

fn refuse<T>(
    key: &'static str,
    found: impl Into<String>,
    expected: impl Into<String>,
) -> Result<T, Refusal> {
    Err(Refusal { key, found: found.into(), expected: expected.into() })
}

/// The pieces of a stream whose first will be number `group`.
fn group_of(
    stream: &Stream,
    group: usize,
    (fragments, share): (&Fragments, Share),
    weight: &mut usize,
) -> Result<Vec<Stream>, Refusal> {
    let mut stream = stream.clone();
    let Some(prefix) = Prefix::find(&stream.headers, fragments.header) else {
        let expected = "an IPv4 or IPv6 header to cut behind";
        if fragments.header.is_some() {
            return refuse("header", "a header that the packet has not", expected);
        }
        return refuse("", "fragments of a packet without IP", expected);
    };
    let (headers, ip) = (&mut stream.headers, prefix.ip);
    let mut before = headers[..ip].iter();
    if let Some(sum) = before.rfind(covers_packet) {
        let found = format!("fragments behind {}, whose checksum covers them", sum.protocol.name);
        let expected = "an IP header without such headers before it, or a checksum that is set";
        return refuse("", found, expected);
    }
    let by_stack: usize = headers.iter().map(Header::len).sum();
    let Size::Fixed(size) = stream.size else {
        return refuse("size", "sizes that change", "one size beside fragments");
    };
    // A whole message ends the packet: what would fill the frame is not part of the datagram.
    let whole_message = headers.last().is_some_and(|last| !last.protocol.open);
    let frame = if whole_message { by_stack } else { size.buffer_len() as usize };
    if frame < by_stack {
        let expected = format!("at least {}B, which the headers take with the FCS", by_stack + 4);
        return refuse("size", format!("{}B", size.0), expected);
    }
    let before_ip: usize = headers[..ip].iter().map(Header::len).sum();
    let not_counted = if headers[ip].protocol.kind == ProtocolKind::Ipv6 { 40 } else { 0 };
    if frame - before_ip > MAX_DATAGRAM + not_counted {
        let most = MAX_DATAGRAM + not_counted + before_ip + FCS_BYTES as usize;
        let expected = format!("at most {most}B; a longer datagram on purpose with `pieces`");
        return refuse("size", format!("{}B", size.0), expected);
    }
    let repeated = prefix.count + usize::from(prefix.insert);
    if prefix.insert
        && let Some(protocol) = wire::protocol("fragment")
    {
        headers.insert(prefix.count, Header::new(protocol));
    }
    let carrier = if headers[ip].protocol.kind == ProtocolKind::Ipv4 { ip } else { repeated - 1 };
    identify(&mut headers[carrier], fragments, share)?;
    let prefix_len: usize = headers[..repeated].iter().map(Header::len).sum();
    let frame_len = frame + if prefix.insert { 8 } else { 0 };
    let all: usize = headers.iter().map(Header::len).sum();
    let whole = Whole {
        len: frame_len - prefix_len,
        headers: all - prefix_len,
        ip_header: prefix_len - before_ip,
    };
    if whole.len == 0 {
        return refuse("size", format!("{}B", size.0), "data behind the headers to be cut");
    }
    let parts = cut::parts(fragments, whole)?;
    *weight += parts.len().saturating_mul(weight_of(&stream, frame_len));
    if *weight > MAX_WEIGHT {
        let found = format!("over {} MiB of pieces in all", MAX_WEIGHT >> 20);
        let expected = "fewer pieces, or shorter lists: every piece has its own copy";
        return refuse("", found, expected);
    }
    let mut tags = cut::tags(&parts, whole, TAG_LEN);
    if !stream.tag {
        tags.fill(None);
    }
    let steps = steps(fragments, parts.len())?;
    check_gap(fragments.gap, steps.len(), &stream.pattern)?;
    let sent: Vec<usize> = (0..parts.len()).filter(|piece| steps.contains(piece)).collect();
    let place = |piece: &usize| sent.iter().position(|own| own == piece).unwrap_or(0) as u16;
    let absolute = |(part, tag): (&Part, &Option<usize>)| Some(part.offset + (*tag)?);
    let common: Vec<usize> =
        parts.iter().zip(&tags).filter(|(part, _)| !part.other).filter_map(absolute).collect();
    let datagram = Arc::new(Datagram {
        frame_len,
        repeated,
        tags: common,
        steps: steps.iter().map(place).collect(),
        gap: fragments.gap.0,
        shuffled: fragments.order == Order::Shuffled,
    });
    let piece = |(position, &n): (usize, &usize)| {
        let part = parts[n];
        let mut own = stream.clone();
        own.name = format!("{}.{}", stream.name, n + 1);
        set(&mut own.headers[carrier], "fragment_offset", (part.offset / 8) as u128);
        set(&mut own.headers[carrier], "mf", part.more.into());
        if part.offset > 0 {
            options::of_later_fragment(&mut own.headers[ip]);
        }
        let len = prefix_len + part.len + FCS_BYTES as usize;
        own.size = Size::Fixed(FrameSize(len.max(MIN_FRAME) as u32));
        own.tag = tags[n].is_some();
        own.piece = Some(Piece {
            group,
            position,
            offset: part.offset,
            len: part.len,
            more: part.more,
            other: part.other,
            tag_at: tags[n],
            datagram: datagram.clone(),
        });
        own
    };
    Ok(sent.iter().enumerate().map(piece).collect())
}

/// Whether a header has a checksum over all that follows: each piece would need its own.
fn covers_packet(header: &&Header) -> bool {
    let protocol: &Protocol = header.protocol;
    let computed = protocol.fields.iter().chain(header.parts().flat_map(|part| part.fields));
    protocol.checksum.is_some_and(|rule| rule.covers == Covers::Packet)
        && computed
            .filter(|field| field.default == FieldDefault::Checksum)
            .any(|field| !matches!(header.setting(field.name), Some(FieldValue::Fixed(_))))
}

/// Bytes that a piece takes: its datagram, its payload, the tables of its values.
fn weight_of(stream: &Stream, frame_len: usize) -> usize {
    let table = |value: &FieldValue| match value.rule() {
        FieldValue::List(values) => values.len(),
        FieldValue::Weighted(shares) => shares.len(),
        FieldValue::Zipf { low, high, .. } | FieldValue::Normal { low, high, .. } => {
            let values = u64::try_from(high.saturating_sub(*low)).unwrap_or(u64::MAX);
            values.min(MAX_TABLE) as usize
        }
        _ => 0,
    };
    fn all(header: &Header) -> impl Iterator<Item = &FieldValue> {
        let own = header.fields.iter().map(|set| &set.value);
        own.chain(header.custom.iter().map(|field| &field.value))
    }
    let headers = stream
        .headers
        .iter()
        .flat_map(|header| std::iter::once(header).chain(&header.options).flat_map(all));
    let tables: usize = headers.map(table).sum();
    let payload = match &stream.payload {
        Payload::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    let data: usize = stream.headers.iter().map(Header::len).sum();
    tables.saturating_mul(size_of::<u128>()).saturating_add(frame_len + payload + data)
}

/// Sets a field's constant; the last word counts.
fn set(header: &mut Header, field: &str, value: u128) {
    if let Some(field) = header.protocol.field(field) {
        header.fields.push(FieldSetting { field, value: FieldValue::Fixed(value) });
    }
}

/// Gives the header that carries offset and identification the latter.
fn identify(carrier: &mut Header, fragments: &Fragments, share: Share) -> Result<(), Refusal> {
    for field in ["fragment_offset", "mf"] {
        if carrier.setting(field).is_some() {
            let found = format!("{}.{field} beside fragments", carrier.protocol.name);
            return refuse("", found, "it from the pieces alone");
        }
    }
    if carrier.protocol.field("df").is_some() && carrier.setting("df").is_none() {
        set(carrier, "df", 0);
    }
    let Some(field) = carrier.protocol.field("id") else { return Ok(()) };
    let own = carrier.setting("id").is_some();
    if own && fragments.id.is_some() {
        let found = format!("{}.id and fragments.id", carrier.protocol.name);
        return refuse("id", found, "one of them");
    }
    if own {
        return Ok(());
    }
    let id = fragments.id.unwrap_or(Identification::Counter);
    if let Identification::Fixed(id) | Identification::From(id) = id
        && u128::from(id) > field.max()
    {
        return refuse("id", id.to_string(), format!("at most {}", field.max()));
    }
    let lowest = identify::lowest(field.max());
    let value = match id {
        Identification::Counter => share.counter(field.max()),
        // Like any counter, up to the field's end, and again.
        Identification::From(first) => FieldValue::Counter {
            start: first.into(),
            step: 1,
            count: field.max() as u64 - u64::from(first) + 1,
        },
        Identification::Random => FieldValue::Random { low: lowest, high: field.max() },
        Identification::Reuse(count) => {
            let count = count.min((field.max() + 1 - lowest) as u64);
            FieldValue::Counter { start: lowest, step: 1, count }
        }
        Identification::Fixed(id) => FieldValue::Fixed(id.into()),
    };
    carrier.fields.push(FieldSetting { field, value });
    Ok(())
}

/// The pieces in the order in which they are sent, from 0.
pub(super) fn steps(fragments: &Fragments, pieces: usize) -> Result<Vec<usize>, Refusal> {
    let known = |key: &'static str, numbers: &[usize]| match numbers.iter().find(|&&n| n > pieces) {
        Some(n) => refuse(key, format!("piece {n}"), format!("1 to {pieces}")),
        None => Ok(()),
    };
    known("duplicate", &fragments.duplicate)?;
    known("omit", &fragments.omit)?;
    if let Order::List(list) = &fragments.order {
        known("order", list)?;
    }
    let mut steps = Vec::new();
    for piece in fragments.order.sequence(pieces) {
        let named = |list: &[usize]| list.iter().filter(|&&n| n == piece + 1).count();
        if named(&fragments.omit) == 0 {
            steps.extend(std::iter::repeat_n(piece, 1 + named(&fragments.duplicate)));
        }
    }
    if steps.is_empty() || steps.len() > MAX_STEPS {
        let found = format!("{} pieces to send", steps.len());
        return refuse("", found, format!("1 to {MAX_STEPS}"));
    }
    Ok(steps)
}

fn check_gap(gap: Nanos, steps: usize, pattern: &Pattern) -> Result<(), Refusal> {
    const MOST: u64 = 600_000_000_000;
    if gap.0 > 0 && pattern.constant() == Some(Rate::Unlimited) {
        return refuse("gap", "a gap at an unlimited rate", "a rate of datagrams");
    }
    if gap.0.saturating_mul(steps as u64) > MOST {
        return refuse("gap", gap.to_string(), "less than 10min from the first piece to the last");
    }
    Ok(())
}

/// Pieces that are too short for a tag, or lie wholly in others, are counted by flow.
fn tell_about_tags(
    profile: &mut Profile,
    n: usize,
    explicit: bool,
    stream: &Stream,
    pieces: &[Stream],
) -> Option<Problem> {
    if !stream.tag {
        return None;
    }
    let untagged: Vec<&str> = pieces
        .iter()
        .filter(|piece| !piece.tag)
        .filter_map(|piece| piece.name.rsplit('.').next())
        .collect();
    if untagged.is_empty() {
        return None;
    }
    if explicit && untagged.len() == pieces.len() {
        let at = path::key(&path::index("streams", n), "tag");
        let expected = format!("a piece with {TAG_LEN} bytes of payload of its own");
        return Some(profile.origin.problem(at, "true", expected));
    }
    profile.warnings.push(format!(
        "stream {}: the probe tag takes {TAG_LEN} bytes of payload that are in no other piece, \
         which piece {} has not: counted by flow, without latency",
        stream.name,
        untagged.join(", ")
    ));
    None
}
