//! Which identifications the datagrams of each stream have, so that no two streams between the same
//! addresses share one.
//!
//! A receiver puts pieces together by (source, destination, identification), IPv4's by the protocol
//! too (RFC 791 §3.2, RFC 8200 §4.5). Of n streams whose addresses may meet, stream k takes
//! k, k + p, k + 2p …, p being n rounded up to a power of two: as p divides the field's range, the
//! residues stay apart for ever, also where the counters begin again. No IPv4 stream takes 0.

use super::Fragments;
use super::prefix::Prefix;
use crate::profile::model::{FieldSetting, FieldValue, Header, Rate, Stream};
use crate::wire::field::ProtocolKind;

/// Sets of addresses that are compared with each other at most; of more all may meet.
const MAX_ENDS: usize = 256;
/// Ranges of a field that are compared one by one at most; of more the hull is.
const MAX_RANGES: usize = 64;

/// The identifications that a stream has: `first`, `first + step` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    pub first: u128,
    pub step: u128,
}

impl Share {
    /// All of them.
    pub const ALL: Self = Self { first: 0, step: 1 };

    /// The counter over a field whose largest value is `largest`.
    pub fn counter(self, largest: u128) -> FieldValue {
        let without_0 = self.first < lowest(largest);
        let count = (largest + 1) / self.step - u128::from(without_0);
        FieldValue::Counter {
            start: if without_0 { self.step } else { self.first },
            step: self.step,
            count: u64::try_from(count).unwrap_or(u64::MAX).max(1),
        }
    }
}

/// The lowest identification in a field whose largest value is `largest`. IPv4's is 1: the kernel
/// replaces a 0 that goes through a raw socket (ip_select_ident in include/net/ip.h).
pub(super) fn lowest(largest: u128) -> u128 {
    (largest == u16::MAX.into()).into()
}

/// Whether an IPv4 header is always that of an atomic datagram, whose identification nobody reads
/// (RFC 6864 §4: DF set, no fragment).
pub(crate) fn is_atomic(header: &Header) -> bool {
    let always = |field: &str, default, wanted| {
        let setting = header.setting(field);
        *setting.unwrap_or(&FieldValue::Fixed(default)) == FieldValue::Fixed(wanted)
    };
    always("df", 1, 1) && always("mf", 0, 0) && always("fragment_offset", 0, 0)
}

/// The share of each stream; of streams that count nothing, all.
pub(super) fn shares(streams: &[Stream], fragments: &[Option<Fragments>]) -> Vec<Share> {
    let mut ends: Vec<Ends<'_>> = Vec::new();
    // Per stream, the number of its ends.
    let numbers: Vec<Option<usize>> = streams
        .iter()
        .zip(fragments)
        .map(|(stream, fragments)| {
            let own = Ends::of(stream, counts(stream, fragments.as_ref())?);
            let known = ends.iter().position(|other| other.is_equal(&own));
            Some(known.unwrap_or_else(|| {
                if ends.len() < MAX_ENDS {
                    ends.push(own);
                }
                ends.len() - 1
            }))
        })
        .collect();
    let groups = groups(&ends);
    let group = |number: &Option<usize>| number.map(|number| groups[number]);
    let mut sizes = vec![0u128; ends.len()];
    let places: Vec<u128> = numbers
        .iter()
        .map(|number| match group(number) {
            Some(group) => {
                sizes[group] += 1;
                sizes[group] - 1
            }
            None => 0,
        })
        .collect();
    let share = |(number, first): (&Option<usize>, u128)| match group(number) {
        Some(group) => Share { first, step: sizes[group].next_power_of_two() },
        None => Share::ALL,
    };
    numbers.iter().zip(places).map(share).collect()
}

/// Gives a stream that is not cut here, and that others on the way may cut, its share.
pub(super) fn identify_whole(stream: &mut Stream, share: Share) {
    if share == Share::ALL {
        return;
    }
    let Some(ip) = counts(stream, None) else { return };
    if let Some(field) = stream.headers[ip].protocol.field("id") {
        let value = share.counter(field.max());
        stream.headers[ip].fields.push(FieldSetting { field, value });
    }
}

/// What should be known of a cut stream whose identifications come again while receivers still wait
/// for pieces of the datagrams that had them before.
pub(super) fn too_soon(pieces: &[Stream]) -> Option<String> {
    let stream = pieces.first()?;
    let carrier = &stream.headers[stream.piece.as_ref()?.datagram.repeated - 1];
    let Some(FieldValue::Counter { count, .. }) = carrier.setting("id") else { return None };
    let Some(Rate::Packets(rate)) = stream.pattern.constant() else { return None };
    let again = u128::from(rate.nanos) * u128::from(*count) / u128::from(rate.packets.max(1));
    // Linux's net.ipv4.ipfrag_time and net.ipv6.ip6frag_time.
    let waits = if carrier.protocol.kind == ProtocolKind::Ipv4 { 30 } else { 60 };
    let ended = stream.limit.count.is_some_and(|most| most <= *count)
        || stream.limit.duration.is_some_and(|span| u128::from(span.0) <= again);
    (again < waits * 1_000_000_000 && !ended).then(|| {
        format!(
            "stream {}: its {count} identifications come again after {:.1} s, and receivers wait {waits} \
             s for pieces: where one is lost, another datagram's may take its place; spread the \
             stream over more addresses, or use IPv6",
            stream.written_name(),
            again as f64 / 1e9
        )
    })
}

/// The IP header whose datagrams are counted: cut here, or IPv4's that others may cut. None where
/// the profile says itself which identifications there are.
fn counts(stream: &Stream, fragments: Option<&Fragments>) -> Option<usize> {
    let meant = fragments.and_then(|fragments| fragments.header);
    let prefix = Prefix::find(&stream.headers, meant)?;
    let (headers, ip) = (&stream.headers, prefix.ip);
    let is_ipv4 = headers[ip].protocol.kind == ProtocolKind::Ipv4;
    let carrier = if is_ipv4 { ip } else { prefix.count - 1 };
    // A fragment header that is yet to be put in has nothing set.
    let told = !prefix.insert && headers[carrier].setting("id").is_some();
    let counted = match fragments {
        Some(fragments) => fragments.counts(),
        None => is_ipv4 && !is_atomic(&headers[ip]),
    };
    (counted && !told).then_some(ip)
}

/// The ranges of an address; None: the profile leaves it to a port.
type Ranges = Option<Vec<(u128, u128)>>;

/// Where the datagrams of a stream come from and go to.
struct Ends<'s> {
    stream: &'s Stream,
    header: &'s Header,
    source: Ranges,
    destination: Ranges,
}

impl<'s> Ends<'s> {
    fn of(stream: &'s Stream, ip: usize) -> Self {
        let header = &stream.headers[ip];
        let ranges = |field: &str| {
            let largest = header.protocol.field(field)?.max();
            let mut ranges = header.setting(field)?.ranges(largest, stream);
            if ranges.len() > MAX_RANGES {
                let low = ranges.iter().map(|(low, _)| *low).min()?;
                let high = ranges.iter().map(|(_, high)| *high).max()?;
                ranges = vec![(low, high)];
            }
            Some(ranges)
        };
        Self { stream, header, source: ranges("src"), destination: ranges("dst") }
    }

    fn is_equal(&self, other: &Self) -> bool {
        let ports = |ends: &Self| (ends.stream.from, ends.stream.to);
        self.header.protocol.name == other.header.protocol.name
            && ports(self) == ports(other)
            && (&self.source, &self.destination) == (&other.source, &other.destination)
    }

    /// Whether datagrams of both may have one pair of addresses. An address that the profile leaves
    /// to a port may be any, but two that are left to different ports are not the same.
    fn may_meet(&self, other: &Self) -> bool {
        let meet = |own: &Ranges, other: &Ranges, same_port| match (own, other) {
            (None, None) => same_port,
            (Some(own), Some(other)) => {
                own.iter().any(|(low, high)| other.iter().any(|(l, h)| low <= h && l <= high))
            }
            _ => true,
        };
        let (from, to) = (self.stream.from == other.stream.from, self.stream.to == other.stream.to);
        self.header.protocol.name == other.header.protocol.name
            && meet(&self.source, &other.source, from)
            && meet(&self.destination, &other.destination, to)
    }
}

/// Per ends the number of the group that they are in: of all that meet, by way of others too.
fn groups(ends: &[Ends<'_>]) -> Vec<usize> {
    let mut groups: Vec<usize> = (0..ends.len()).collect();
    for (n, own) in ends.iter().enumerate() {
        for m in 0..n {
            let (one, other) = (groups[n], groups[m]);
            // Beyond the limit ends stand for others that nobody compared.
            let meet = ends.len() == MAX_ENDS || own.may_meet(&ends[m]);
            if one != other && meet {
                groups.iter_mut().filter(|group| **group == one).for_each(|group| *group = other);
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use crate::profile::model::{FieldValue, Profile};

    fn profile(streams: &[&str]) -> Profile {
        let streams: Vec<String> =
            streams.iter().map(|keys| format!("{{rate: 1kpps, size: 400B, {keys}}}")).collect();
        let text = format!("lab: b2b\nstreams: [{}]", streams.join(", "));
        crate::profile::parse("p.yaml", &text, &[]).unwrap_or_else(|errors| panic!("{errors}"))
    }

    /// Start and step of the identifications of each stream, its first piece's.
    fn identifications(streams: &[&str]) -> Vec<Option<(u128, u128, u64)>> {
        let profile = profile(streams);
        let pieces = profile.streams.iter();
        let first = pieces.filter(|s| s.piece.as_ref().is_none_or(|piece| piece.position == 0));
        first
            .map(|stream| {
                let id = stream.headers.iter().find_map(|header| header.setting("id"))?;
                let FieldValue::Counter { start, step, count } = id else { return None };
                Some((*start, *step, *count))
            })
            .collect()
    }

    /// The first or the second half of IPv4's, but for 0.
    fn half(n: u128) -> Option<(u128, u128, u64)> {
        Some(if n == 0 { (2, 2, (1 << 15) - 1) } else { (n, 2, 1 << 15) })
    }

    #[test]
    fn streams_between_the_same_addresses_share_no_identification() {
        let cut = "packet: [ipv4, udp], fragments: 2";
        let all = Some((1, 1, u64::from(u16::MAX)));
        assert_eq!(identifications(&[cut]), [all]);
        assert_eq!(identifications(&[cut, cut]), [half(0), half(1)]);
        let v6 = "packet: [ipv6, udp], fragments: 2";
        assert_eq!(
            identifications(&[cut, v6, v6, v6]),
            [all, Some((0, 4, 1 << 30)), Some((1, 4, 1 << 30)), Some((2, 4, 1 << 30))]
        );
    }

    #[test]
    fn addresses_that_never_meet_have_all_identifications_each() {
        let to = |dst: &str| format!("packet: [{{ipv4: {{dst: {dst}}}}}, udp], fragments: 2");
        let all = Some((1, 1, u64::from(u16::MAX)));
        let apart = [to("198.19.0.1"), to("198.19.1.0/24"), to("[198.19.0.2, 198.19.0.9]")];
        assert_eq!(identifications(&apart.each_ref().map(String::as_str)), [all; 3]);
        // The second meets both others, which do not meet each other.
        let chain = [to("198.19.0.1"), to("198.19.0.0/23"), to("198.19.1.9")];
        let quarter = |n| Some((n, 4, 1 << 14));
        let quarters = [Some((4, 4, (1 << 14) - 1)), quarter(1), quarter(2)];
        assert_eq!(identifications(&chain.each_ref().map(String::as_str)), quarters);
        // Where the port decides, nothing is known of the address.
        let unknown = [to("198.19.0.1"), "packet: [ipv4, udp], fragments: 2".to_owned()];
        assert_eq!(identifications(&unknown.each_ref().map(String::as_str)), [0, 1].map(half));
        // Two ports have two addresses.
        let back = "packet: [ipv4, udp], fragments: 2, from: rx";
        assert_eq!(identifications(&["packet: [ipv4, udp], fragments: 2", back]), [all; 2]);
    }

    #[test]
    fn what_others_may_cut_counts_as_well_and_what_the_profile_says_does_not() {
        let cut = "packet: [ipv4, udp], fragments: 2";
        let may_be_cut = "packet: [{ipv4: {df: 0}}, udp]";
        assert_eq!(identifications(&[cut, may_be_cut]), [0, 1].map(half));
        let all = Some((1, 1, u64::from(u16::MAX)));
        for other in [
            "packet: [ipv4, udp]",
            "packet: [{ipv4: {df: 0, id: 7}}, udp]",
            "packet: [ipv4, udp], fragments: {count: 2, id: random}",
            "packet: [ipv4, udp], fragments: {count: 2, id: 7}",
        ] {
            assert_eq!(identifications(&[cut, other]), [all, None], "{other}");
        }
        let from = "packet: [ipv4, udp], fragments: {count: 2, id: {start: 40000}}";
        assert_eq!(identifications(&[cut, from])[1].map(|id| (id.0, id.1)), Some((40_000, 1)));
    }
}
