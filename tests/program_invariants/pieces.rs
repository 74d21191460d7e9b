//! The pieces of a datagram: each is a sound packet, and together they are the datagram.

use wirestorm::packet::program::StreamProgram;
use wirestorm::profile::model::{FieldValue, Header, Piece, Profile, Stream};
use wirestorm::wire::field::ProtocolKind;

use super::{adds_up, built};
use crate::packets::plain_sum;

/// Checks datagram `index` of the group that begins with stream `first`. The programs are those of
/// the profile's first streams; a group that goes beyond them is passed over.
pub fn check(profile: &Profile, first: usize, programs: &[StreamProgram], index: u64) {
    let streams = profile.streams.iter().zip(programs);
    let group: Vec<(&Stream, &Piece, Vec<u8>)> = streams
        .filter_map(|(stream, program)| {
            let piece = stream.piece.as_ref().filter(|piece| piece.group == first)?;
            let mut frame = vec![0xa5; program.max_frame_len()];
            let len = built(program, index, &mut frame, false);
            frame.truncate(len);
            Some((stream, piece, frame))
        })
        .collect();
    let members = profile.streams.iter().filter_map(|stream| stream.piece.as_ref());
    let whole_group = members.filter(|piece| piece.group == first).count() == group.len();
    for (stream, piece, frame) in &group {
        let repeated = &stream.headers[..piece.datagram.repeated];
        let prefix: usize = repeated.iter().map(Header::len).sum();
        let (packet, padding) = frame.split_at(prefix + piece.len);
        assert!(padding.iter().all(|byte| *byte == 0), "padding is zeros");
        // Options that are not copied are NOPs in later pieces.
        if piece.offset == 0 || repeated.iter().all(|header| header.options.is_empty()) {
            adds_up::check(repeated, packet)
                .unwrap_or_else(|error| panic!("{}: {error}\n{}", stream.name, profile.source));
        }
    }
    if whole_group && let Some((headers, datagram)) = reassembled(&group) {
        adds_up::check(headers, &datagram)
            .unwrap_or_else(|error| panic!("datagram {index}: {error}\n{}", profile.source));
    }
}

/// The datagram from its IP header on as a receiver puts it together, and its headers. None where it
/// would not: bytes are missing, or pieces tell different ones.
fn reassembled<'a>(group: &[(&'a Stream, &Piece, Vec<u8>)]) -> Option<(&'a [Header], Vec<u8>)> {
    let (stream, first, frame) = group.iter().find(|(_, piece, _)| piece.offset == 0)?;
    let repeated = &stream.headers[..first.datagram.repeated];
    let prefix: usize = repeated.iter().map(Header::len).sum();
    let is_ip =
        |header: &Header| matches!(header.protocol.kind, ProtocolKind::Ipv4 | ProtocolKind::Ipv6);
    let ip = repeated.iter().rposition(is_ip)?;
    let ip_at: usize = repeated[..ip].iter().map(Header::len).sum();
    let len = first.datagram.frame_len - prefix;
    let mut bytes: Vec<Option<u8>> = vec![None; len];
    for (_, piece, frame) in group.iter().filter(|(_, piece, _)| !piece.other) {
        for (at, byte) in (piece.offset..len).zip(&frame[prefix..prefix + piece.len]) {
            assert!(bytes[at].is_none_or(|before| before == *byte), "pieces differ at {at}");
            bytes[at] = Some(*byte);
        }
    }
    let mut datagram = frame[ip_at..prefix].to_vec();
    datagram.extend(bytes.into_iter().collect::<Option<Vec<u8>>>()?);
    let set = |name: &str| repeated[ip].setting(name).is_some();
    let total = datagram.len();
    if repeated[ip].protocol.kind == ProtocolKind::Ipv4 {
        if !set("length") {
            datagram[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        }
        let bad = repeated[ip].setting("checksum") == Some(&FieldValue::Bad);
        if bad || !set("checksum") {
            datagram[10..12].fill(0);
            let header = repeated[ip].len();
            let checksum = !plain_sum(&[&datagram[..header], &[0, bad.into()]]);
            datagram[10..12].copy_from_slice(&checksum.to_be_bytes());
        }
    } else if !set("length") {
        datagram[4..6].copy_from_slice(&((total - 40) as u16).to_be_bytes());
    }
    Some((&stream.headers[ip..], datagram))
}
