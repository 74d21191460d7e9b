//! From fragments to datagrams: what became of the streams that are sent in pieces.

use super::result::{Counted, StreamSent, is_measured, ratio, received_of};
use crate::profile::model::{Needed, Piece, Profile};
use crate::report::model::DatagramResult;

/// The streams of each datagram's pieces.
fn groups(profile: &Profile) -> impl Iterator<Item = std::ops::Range<usize>> {
    let first =
        move |n: &usize| profile.streams[*n].piece.as_ref().is_some_and(|p| p.position == 0);
    let of = move |n: usize| profile.streams[n].piece.as_ref().map(|piece| piece.group);
    (0..profile.streams.len()).filter(first).map(move |start| {
        let end = (start..profile.streams.len()).find(|&n| of(n) != Some(start));
        start..end.unwrap_or(profile.streams.len())
    })
}

fn needed(profile: &Profile, group: std::ops::Range<usize>) -> Needed {
    let pieces: Vec<&Piece> =
        profile.streams[group].iter().filter_map(|stream| stream.piece.as_ref()).collect();
    Needed::of(&pieces)
}

/// What [`ReceiveSpec::datagrams`](crate::receive::ReceiveSpec::datagrams) says for a port at which
/// the streams arrive of which `tagged` is true, with a probe tag.
pub fn to_watch(profile: &Profile, tagged: impl Fn(usize) -> bool) -> Vec<Vec<u16>> {
    let watched = groups(profile).filter_map(|group| {
        let Needed::These(needed) = needed(profile, group.clone()) else { return None };
        let piece = profile.streams[group.start].piece.as_ref()?;
        let turn = |position: &usize| {
            piece.datagram.steps.iter().position(|step| usize::from(*step) == *position)
        };
        let mut needed = needed;
        needed.sort_by_key(|position| std::cmp::Reverse(turn(position)));
        let streams: Vec<usize> = needed.iter().map(|position| group.start + position).collect();
        let all = streams.len() > 1 && streams.iter().all(|&stream| tagged(stream));
        all.then(|| streams.into_iter().map(|stream| stream as u16).collect())
    });
    watched.collect()
}

/// Every stream that was sent in pieces.
pub(super) fn results(counted: &Counted, sent: &[StreamSent]) -> Vec<DatagramResult> {
    groups(counted.profile).map(|group| result(counted, sent, group)).collect()
}

fn result(counted: &Counted, sent: &[StreamSent], group: std::ops::Range<usize>) -> DatagramResult {
    let streams = &counted.profile.streams;
    let needed = needed(counted.profile, group.clone());
    let these: Vec<usize> = match &needed {
        Needed::These(positions) => positions.iter().map(|n| group.start + n).collect(),
        Needed::Never | Needed::Unclear => group.clone().collect(),
    };
    let untagged: Vec<&str> = these
        .iter()
        .filter(|&&stream| !is_measured(counted, stream))
        .map(|&stream| streams[stream].name.as_str())
        .collect();
    let of = |stream: usize| received_of(counted, stream);
    let (whole, detail) = match needed {
        Needed::Never => (Some(0), "the pieces that are sent do not make a datagram".to_owned()),
        Needed::Unclear => (None, "pieces can stand in for others".to_owned()),
        Needed::These(_) if streams[group.start].to.is_none() => {
            (None, "nothing receives".to_owned())
        }
        Needed::These(_) if !untagged.is_empty() => {
            (None, format!("no probe tag has room in {}", untagged.join(", ")))
        }
        Needed::These(_) => {
            let whole = match these.as_slice() {
                [only] => of(*only).unique,
                several => several.iter().map(|&stream| of(stream).whole).sum(),
            };
            let without = group.len() - these.len();
            let detail = match without {
                0 => "every piece is needed".to_owned(),
                _ => {
                    let names = these.iter().map(|&s| streams[s].name.as_str());
                    format!("needed are {}", names.collect::<Vec<_>>().join(", "))
                }
            };
            (Some(whole), detail)
        }
    };
    // What was sent of each datagram is told apart only where it was cut short in the middle.
    let datagrams = these.iter().map(|&stream| sent[stream].distinct).min().unwrap_or(0);
    let fragments_sent: u64 = group.clone().map(|stream| sent[stream].distinct).sum();
    let arrived = group.clone().map(|stream| {
        is_measured(counted, stream).then(|| of(stream).unique.min(sent[stream].distinct))
    });
    let fragments_lost = arrived.sum::<Option<u64>>().map(|arrived: u64| fragments_sent - arrived);
    let lost = whole.map(|whole| datagrams.saturating_sub(whole));
    let name = &streams[group.start].name;
    DatagramResult {
        name: name.rsplit_once('.').map_or(name.as_str(), |(name, _)| name).to_owned(),
        pieces: group.len() as u64,
        fragments_sent,
        fragments_lost,
        fragment_loss_ratio: fragments_lost.and_then(|lost| ratio(lost, fragments_sent)),
        sent: datagrams,
        whole,
        lost,
        loss_ratio: lost.and_then(|lost| ratio(lost, datagrams)),
        detail,
    }
}
