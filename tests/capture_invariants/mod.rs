//! What must hold for any bytes that are read as a capture. `fuzz_capture` runs it on stable Rust,
//! `fuzz/fuzz_targets/capture.rs` under libFuzzer.

use std::io::{Read, Result};

use wirestorm::capture::{MAX_PACKETS, read_from};

/// Gives a few bytes at a time, as a pipe may.
struct Trickle<'a> {
    left: &'a [u8],
    each: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let len = self.each.min(into.len()).min(self.left.len());
        let (now, later) = self.left.split_at(len);
        into[..len].copy_from_slice(now);
        self.left = later;
        Ok(len)
    }
}

/// Panics where the reader does, or where what it reads depends on how the bytes come. Returns how
/// many packets there are; None: it is no capture.
pub fn check(bytes: &[u8]) -> Option<usize> {
    let at_once = read_from(bytes, "fuzz.pcap");
    // From a page a time to a byte a time; long files not by bytes, which takes long.
    let each = if bytes.len() > 4096 { 4096 } else { 1 + bytes.len() % 61 };
    let slowly = read_from(Trickle { left: bytes, each }, "fuzz.pcap");
    match (&at_once, &slowly) {
        (Ok(one), Ok(other)) => assert_eq!(one, other),
        (Err(one), Err(other)) => assert_eq!(one.to_string(), other.to_string()),
        _ => panic!("{at_once:?} at once, {slowly:?} by {each} bytes"),
    }
    let packets = at_once.ok()?;
    assert!(packets.len() <= MAX_PACKETS);
    let captured: usize = packets.iter().map(|packet| packet.bytes.len()).sum();
    assert!(captured <= bytes.len(), "{captured} bytes of packets in {}", bytes.len());
    Some(packets.len())
}
