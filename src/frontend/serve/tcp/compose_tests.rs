use std::net::SocketAddr;

use proptest::prelude::*;

use super::*;
use crate::frontend::serve::tcp::segment::{ACK, Refusal, SYN, Trust};

fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn ends(src: &str, dst: &str) -> Ends {
    Ends { src: address(src), dst: address(dst), hop_limit: 64, flow_label: 5 }
}

/// A packet with options and data, as a stack would send it.
fn packet(ends: &Ends, flags: u8, options: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let header = tcp::LEN + options.len();
    ip_header(&mut out, ends, 0xb9, header + data.len());
    let start = out.len();
    out.resize(start + tcp::LEN, 0);
    out.extend_from_slice(options);
    out.extend_from_slice(data);
    let repr = tcp::Repr {
        src: ends.src.port(),
        dst: ends.dst.port(),
        seq: 0xffff_fff0,
        ack: 7,
        flags,
        window: 500,
        urgent: if flags & URG != 0 { 30 } else { 0 },
    };
    repr.emit(&mut out[start..], 0);
    out[start + 12] = (header / 4) as u8 * 16;
    seal(&mut out[start..], pseudo(ends.src.ip(), ends.dst.ip(), header + data.len()));
    out
}

const V4: (&str, &str) = ("198.18.0.2:443", "198.18.0.1:20000");
const V6: (&str, &str) = ("[2001:db8::1]:443", "[2001:db8:9::2]:50000");

/// Translated into the other family, every part is a sound segment, and together they are the data.
fn parts_are_sound(from: (&str, &str), to: (&str, &str), data: &[u8], most: usize, flags: u8) {
    let bytes = packet(&ends(from.0, from.1), flags, &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], data);
    let segment = Segment::parse(&bytes, Trust::Verify).unwrap();
    assert_eq!(segment.traffic_class, 0xb9);
    let to = ends(to.0, to.1);
    let mut seen = Vec::new();
    let mut ranges: Vec<_> = super::super::cut::segments(data.len(), most).collect();
    if ranges.is_empty() {
        ranges.push(0..0);
    }
    for range in &ranges {
        let mut out = Vec::new();
        let part = Part { start: range.start, end: range.end };
        translate(&mut out, &segment, &to, part, None);
        let again = Segment::parse(&out, Trust::Verify).unwrap();
        assert_eq!((again.src, again.dst), (to.src, to.dst));
        assert_eq!(again.traffic_class, 0xb9);
        assert_eq!(again.seq(), segment.seq().wrapping_add(range.start as u32));
        assert_eq!(again.options(), segment.options());
        let last = range.end == data.len();
        assert_eq!(again.flags() & (FIN | PSH), if last { flags & (FIN | PSH) } else { 0 });
        assert!(again.has(CWR) == (flags & CWR != 0 && range.start == 0));
        assert_eq!(again.has(URG), flags & URG != 0 && range.start < 30);
        seen.extend_from_slice(again.data);
    }
    assert_eq!(seen, data);
}

#[test]
fn wrong_checksums_stay_outside() {
    let mut bytes = packet(&ends(V6.0, V6.1), ACK, &[], b"hello");
    *bytes.last_mut().unwrap() ^= 1;
    assert_eq!(Segment::parse(&bytes, Trust::Verify).unwrap_err(), Refusal::Checksum);
    assert!(Segment::parse(&bytes, Trust::Unfinished).is_ok());
    let mut bytes = packet(&ends(V4.0, V4.1), ACK, &[], b"hello");
    bytes[8] ^= 1;
    assert_eq!(Segment::parse(&bytes, Trust::Verified).unwrap_err(), Refusal::Checksum);
}

#[test]
fn an_unfinished_checksum_is_finished() {
    let from = ends(V4.0, V4.1);
    let mut bytes = packet(&from, ACK, &[], b"hello!");
    // What a stack leaves for the device: the sum of the pseudo-header.
    let sum = checksum::fold(pseudo(from.src.ip(), from.dst.ip(), tcp::LEN + 6));
    bytes[ipv4::LEN + 16..ipv4::LEN + 18].copy_from_slice(&sum.to_be_bytes());
    let segment = Segment::parse(&bytes, Trust::Unfinished).unwrap();
    let mut out = Vec::new();
    translate(&mut out, &segment, &ends(V6.0, V6.1), Part::all(&segment), None);
    assert_eq!(Segment::parse(&out, Trust::Verify).unwrap().data, b"hello!");
}

#[test]
fn the_mss_is_replaced_where_it_stands() {
    for options in [&[2, 4, 5, 0xb4][..], &[1, 2, 4, 5, 0xb4, 1, 1, 1]] {
        let bytes = packet(&ends(V4.0, V4.1), SYN, options, &[]);
        let segment = Segment::parse(&bytes, Trust::Verify).unwrap();
        let (mss, place) = segment.options().mss.unwrap();
        assert_eq!(mss, 1460);
        let mut out = Vec::new();
        translate(&mut out, &segment, &ends(V6.0, V6.1), Part::all(&segment), Some((1212, place)));
        let again = Segment::parse(&out, Trust::Verify).unwrap();
        assert_eq!(again.options().mss, Some((1212, place)));
    }
}

#[test]
fn a_reset_is_a_sound_segment() {
    for (src, dst) in [V4, V6] {
        let mut out = Vec::new();
        reset(&mut out, &ends(src, dst), 99, Some(7));
        let segment = Segment::parse(&out, Trust::Verify).unwrap();
        assert_eq!((segment.seq(), segment.ack(), segment.has(4)), (99, Some(7), true));
    }
}

proptest! {
    #[test]
    fn parts_are_sound_segments(
        data in prop::collection::vec(any::<u8>(), 0..5000), most in 1usize..2000, v4: bool, to_v4: bool,
        flags in prop::sample::select(vec![ACK, ACK | PSH, ACK | PSH | FIN, ACK | CWR, ACK | URG | PSH]),
    ) {
        let (from, to) = (if v4 { V4 } else { V6 }, if to_v4 { V4 } else { V6 });
        // As many parts as a packet of 64 KiB has.
        parts_are_sound(from, to, &data, most.max(data.len() / 50), flags);
    }
}
