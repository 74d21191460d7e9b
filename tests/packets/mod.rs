//! Profiles made by hand, for tests and benches of packets.
#![allow(dead_code, reason = "every test takes what it needs")]

use wirestorm::packet::Addressing;
use wirestorm::packet::compile::compile;
use wirestorm::packet::program::StreamProgram;
use wirestorm::profile::model::{
    Attachment, FieldSetting, FieldValue, Header, Limit, Measure, NextHop, PassCriteria, Pattern,
    Payload, Port, Profile, Rate, ReceiveMode, Size, Stream, TestKind, Validity,
};
use wirestorm::units::{FrameSize, Nanos, Ratio};
use wirestorm::wire;

/// A header with some fields set.
pub fn header(protocol: &str, fields: &[(&str, FieldValue)]) -> Header {
    let protocol = wire::protocol(protocol).unwrap_or_else(|| panic!("no protocol {protocol}"));
    let setting = |(name, value): &(&str, FieldValue)| FieldSetting {
        field: protocol.field(name).unwrap_or_else(|| panic!("no field {name}")),
        value: value.clone(),
    };
    Header { fields: fields.iter().map(setting).collect(), ..Header::new(protocol) }
}

/// Headers with nothing set.
pub fn headers(protocols: &[&str]) -> Vec<Header> {
    protocols.iter().map(|protocol| header(protocol, &[])).collect()
}

/// A tagged stream of frames of `size` bytes with their FCS.
pub fn stream(headers: Vec<Header>, size: u32) -> Stream {
    Stream {
        name: "stream".to_owned(),
        from: 0,
        to: None,
        headers,
        payload: Payload::Increment,
        size: Size::Fixed(FrameSize(size)),
        pattern: Pattern::Constant(Rate::Unlimited),
        limit: Limit::default(),
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

/// A profile of these streams, seed 1.
pub fn profile(streams: Vec<Stream>) -> Profile {
    Profile {
        name: "test".to_owned(),
        source: String::new(),
        test: TestKind::Traffic,
        seed: 1,
        duration: Nanos::SECOND,
        drain: Nanos::SECOND,
        settle: Nanos(0),
        lab: None,
        ports: vec![Port {
            name: "tx".to_owned(),
            attachment: Attachment::Lab("tx".to_owned()),
            queues: Vec::new(),
            cores: Vec::new(),
            speed_bps: None,
            next_hop: NextHop::default(),
            ipv4: None,
            ipv6: None,
        }],
        streams,
        measure: Measure { latency: true, receive: ReceiveMode::Auto, pass_on: false },
        pass: PassCriteria::default(),
        validity: Validity {
            max_unsent: Ratio(0),
            max_lag: Nanos::SECOND,
            max_receiver_overload: 0,
        },
        warnings: Vec::new(),
        origin: wirestorm::profile::Origin::default(),
    }
}

/// Addresses for all that a profile leaves open.
pub fn addressing() -> Addressing {
    Addressing {
        source_mac: [2, 0, 0, 0, 0, 1],
        next_hop_mac_ipv4: [2, 0, 0, 0, 0, 4],
        next_hop_mac_ipv6: [2, 0, 0, 0, 0, 6],
        source_ipv4: Some([198, 18, 0, 1].into()),
        source_ipv6: Some("2001:2::1".parse().expect("an address")),
        destination_ipv4: Some([198, 18, 1, 2].into()),
        destination_ipv6: Some("2001:2:0:1::2".parse().expect("an address")),
    }
}

/// Compiles one stream.
pub fn program(stream: Stream) -> StreamProgram {
    compile(&profile(vec![stream]), 0, &addressing(), 1).unwrap_or_else(|error| panic!("{error}"))
}

/// Packet `index`, built in a buffer of 0xa5, so that forgotten bytes show, and stamped.
pub fn packet(program: &StreamProgram, index: u64) -> Vec<u8> {
    let mut frame = vec![0xa5; program.max_frame_len() + 8];
    let len = program.build(index, &mut frame, false);
    program.stamp(index, &mut frame, 0x1234_5678_9abc, 77);
    assert!(frame[program.max_frame_len()..].iter().all(|byte| *byte == 0xa5));
    frame.truncate(len);
    frame
}

/// The ones' complement sum, two bytes at a time as RFC 1071 §4.1 does it: slow and plain, so that
/// it shares nothing with what it checks.
pub fn plain_sum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) * 256 + u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum & 0xffff) + (sum >> 16);
        }
    }
    sum as u16
}

/// The checksum of an L4 segment that is right in place sums to 0xffff with its pseudo-header.
pub fn l4_sum(ip: Option<(&str, &[u8])>, protocol: u8, segment: &[u8]) -> u16 {
    let len = (segment.len() as u32).to_be_bytes();
    match ip {
        Some(("ipv4", header)) => plain_sum(&[&header[12..20], &len, &[0, protocol], segment]),
        Some((_, header)) => plain_sum(&[&header[8..40], &len, &[0, protocol], segment]),
        None => plain_sum(&[segment]),
    }
}
