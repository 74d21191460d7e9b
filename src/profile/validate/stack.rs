//! The order of headers.

use crate::profile::decode::some_of;
use crate::profile::model::{Header, Profile, Size, Stream};
use crate::profile::problem::Problem;
use crate::units::{FCS_BYTES, FrameSize};
use crate::wire::extension::options::DESTINATION_OPTIONS;
use crate::wire::field::{FieldDefault, Protocol, ProtocolKind, Space};
use crate::wire::ip_protocol::HOP_BY_HOP;

/// Whether `inner` may stand right inside `outer`: because `outer` has a number for it, or because
/// the profile says by hand what `outer` says of it, in a field or in bytes of its own.
fn may_follow(outer: &Header, inner: &'static Protocol, ip: Option<ProtocolKind>) -> bool {
    let by_hand = outer.protocol.custom_fields
        || outer.protocol.next_field().is_some_and(|f| outer.setting(f.name).is_some());
    let right_family = inner.only_in.is_none_or(|only| ip == Some(only));
    inner.may_follow(outer.protocol) && right_family || by_hand && outer.protocol.open
}

/// The version of IP that header number `n` stands in.
fn ip_around(headers: &[Header], n: usize) -> Option<ProtocolKind> {
    let kinds = headers[..n].iter().rev().map(|header| header.protocol.kind);
    kinds.into_iter().find(|kind| matches!(kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6))
}

/// The streams that have a stack of their own.
fn own_stacks(profile: &Profile) -> impl Iterator<Item = (usize, &Stream)> {
    profile.streams.iter().enumerate().filter(|(_, stream)| stream.has_own_headers())
}

pub(super) fn headers_may_follow(profile: &Profile, problems: &mut Vec<Problem>) {
    for (s, stream) in own_stacks(profile) {
        let headers = &stream.headers;
        for (h, pair) in headers.windows(2).enumerate() {
            let [outer, inner] = pair else { continue };
            let ip = ip_around(headers, h + 1);
            if may_follow(outer, inner.protocol, ip) {
                continue;
            }
            let protocols = crate::wire::protocols().iter();
            let allowed = protocols.filter(|other| may_follow(outer, other, ip));
            let allowed: Vec<&str> = allowed.map(|other| other.name).collect();
            let (outer, inner) = (outer.protocol, inner.protocol);
            let at = profile.origin.header_path(s, h + 1, headers.len(), inner.name);
            let mut expected = if allowed.is_empty() {
                format!("nothing: {} is a whole message", outer.name)
            } else {
                format!("nothing, {}", some_of(&allowed))
            };
            if let Some(field) = outer.next_field() {
                let own = format!("{}.{}", outer.name, field.name);
                expected.push_str(&format!("; or, on purpose, any header after {own} is set"));
            }
            let found = format!("{} after {}", inner.name, outer.name);
            problems.push(profile.origin.problem(at, found, expected));
        }
    }
}

pub(super) fn custom_fields_lie_inside(profile: &Profile, problems: &mut Vec<Problem>) {
    for (s, stream) in own_stacks(profile) {
        for (h, header) in stream.headers.iter().enumerate() {
            let bits = header.len() * 8;
            for field in &header.custom {
                let end = usize::from(field.bit_offset) + usize::from(field.bits);
                if end > bits {
                    let name = header.protocol.name;
                    let at = profile.origin.header_path(s, h, stream.headers.len(), name);
                    let at = format!("{at}.fields.{}", field.name);
                    let found = format!("bits {} to {end}", field.bit_offset);
                    let expected = format!("a field inside the header's {bits} bits");
                    problems.push(profile.origin.problem(at, found, expected));
                }
            }
        }
    }
}

/// A header or an option of it whose own length field counts words, and that is no whole number of
/// them: its name, its bytes, the bytes of a word.
fn ragged(header: &Header) -> Option<(&'static str, usize, usize)> {
    let each = header.protocol.options.as_ref().map_or(1, |def| def.align_each);
    let options = header.options.iter().map(|o| (o, o.len().next_multiple_of(each)));
    std::iter::once((header, header.len())).chain(options).find_map(|(element, len)| {
        let own = element.protocol.fields.iter().filter(|f| element.setting(f.name).is_none());
        let unit = own.into_iter().find_map(|field| match field.default {
            FieldDefault::HeaderLength { unit, .. } => Some(usize::from(unit)),
            _ => None,
        })?;
        (len % unit != 0).then_some((element.protocol.name, len, unit))
    })
}

/// The first option that stands behind one of a later section, in a header that counts its options
/// by sections (DNS): its name, and that of the one before it.
fn out_of_section(header: &Header) -> Option<(&'static str, &'static str)> {
    let section = |option: &Header| {
        header.protocol.fields.iter().position(|field| match field.default {
            FieldDefault::OptionsNamed(names) => names.contains(&option.protocol.name),
            _ => false,
        })
    };
    let pairs = header.options.iter().zip(header.options.iter().skip(1));
    let mut turned = pairs.filter(|(before, option)| section(option) < section(before));
    turned.next().map(|(before, option)| (option.protocol.name, before.protocol.name))
}

/// What is legal to send, and yet not what receivers take: said as a warning, since that may be
/// the very purpose.
pub(super) fn warn_of_what_receivers_refuse(profile: &mut Profile) {
    for stream in &profile.streams {
        let mut say = |what: String| {
            profile.warnings.push(format!("stream {}: {what}", stream.name));
        };
        for (name, len, unit) in stream.headers.iter().filter_map(ragged) {
            say(format!(
                "{name} is {len} bytes, and its length counts in words of {unit}: rounded up, it \
                 covers the beginning of what follows"
            ));
        }
        for header in &stream.headers {
            if let Some((option, before)) = out_of_section(header) {
                say(format!(
                    "{option} stands behind {before} in {}, which counts by sections, so that \
                     readers take each for the other",
                    header.protocol.name
                ));
            }
        }
        let protocols: Vec<&Protocol> = stream.headers.iter().map(|h| h.protocol).collect();
        for (h, protocol) in protocols.iter().enumerate() {
            let chain = protocols[..h].iter().rev();
            let chain = chain.take_while(|before| before.kind == ProtocolKind::Extension);
            let hop_by_hop = protocol.number(Space::IpProtocol) == Some(HOP_BY_HOP.into());
            let earlier = chain.clone().filter(|before| before.name == protocol.name).count();
            // Destination options may stand before a routing header and before the upper layer.
            let most = if protocol.name == DESTINATION_OPTIONS.name { 2 } else { 1 };
            if hop_by_hop && chain.clone().next().is_some() {
                say(format!(
                    "{} does not follow ipv6, so that receivers discard the packet \
                     (RFC 8200 §4.1)",
                    protocol.name
                ));
            } else if protocol.kind == ProtocolKind::Extension && earlier == most {
                say(format!(
                    "{} stands more than {} in a chain, which RFC 8200 §4.1 advises against",
                    protocol.name,
                    if most == 1 { "once" } else { "twice" }
                ));
            }
            let last = stream.headers.last().is_some_and(|last| !last.protocol.open);
            let at: usize = stream.headers[..h].iter().map(Header::len).sum();
            if protocol.aligned > 1
                && !last
                && !sizes_are_aligned(&stream.size, at, protocol.aligned)
            {
                say(format!(
                    "{} in frames of these sizes is no multiple of {} bytes, so that the padding of \
                     the last chunk is cut and receivers may discard the packet; whole are sizes \
                     of {} more than a multiple of {}",
                    protocol.name,
                    protocol.aligned,
                    (at + FCS_BYTES as usize) % protocol.aligned,
                    protocol.aligned
                ));
            }
        }
    }
}

/// Whether every frame of these sizes leaves a multiple of `unit` bytes from byte `at` on.
fn sizes_are_aligned(size: &Size, at: usize, unit: usize) -> bool {
    let whole = |size: &FrameSize| (size.buffer_len() as usize).abs_diff(at).is_multiple_of(unit);
    match size {
        Size::Fixed(size) => whole(size),
        Size::List(sizes) => sizes.iter().all(whole),
        Size::Imix(mix) => mix.iter().all(|(size, _)| whole(size)),
        Size::Counter { start, step, count } => {
            whole(start) && (*count < 2 || (*step as usize).is_multiple_of(unit))
        }
        Size::Random { low, high } => whole(low) && low == high,
        Size::Weighted(shares) => shares.iter().all(|s| whole(&s.low) && s.low == s.high),
    }
}
