//! Capture files, read back.

use std::path::Path;

use wirestorm::packet::tag::{self, Seen, Tag};

/// The frames of a pcap file in this machine's byte order.
pub fn frames(pcap: &[u8]) -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    let mut rest = pcap.get(24..).expect("a global header");
    while let Some((header, after)) = rest.split_first_chunk::<16>() {
        let word = |n: usize| u32::from_ne_bytes(*header[n * 4..].first_chunk().expect("4 bytes"));
        assert_eq!(word(2), word(3), "a frame is cut");
        let (frame, after) = after.split_at(word(2) as usize);
        frames.push(frame.to_vec());
        rest = after;
    }
    frames
}

/// The frames of a file.
pub fn read(path: &Path) -> Vec<Vec<u8>> {
    frames(&std::fs::read(path).expect("the capture is there"))
}

/// Where a frame's probe tag is, and what it says.
pub fn tag_of(frame: &[u8]) -> Option<(usize, Tag)> {
    (0..frame.len()).find_map(|at| match tag::read(&frame[at..]) {
        Seen::Probe(tag) => Some((at, tag)),
        _ => None,
    })
}
