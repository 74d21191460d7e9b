//! All frames of a capture in one piece of memory, to be sent again.

use std::io::Read;
use std::sync::Arc;

use super::each;
use crate::error::{Error, Result};

/// Bytes of all frames together at most.
pub const MAX_BYTES: usize = 1 << 29;
/// An Ethernet header: what is shorter is no frame.
const MIN_FRAME: usize = 14;

/// Where a frame lies among the bytes of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Its first byte.
    pub at: u32,
    /// Its bytes, without FCS.
    pub len: u32,
}

impl Span {
    /// The bytes as a range.
    pub fn range(self) -> std::ops::Range<usize> {
        self.at as usize..self.at as usize + self.len as usize
    }
}

/// The frames of a capture, in the file's order. Never empty.
#[derive(Clone, Debug)]
pub struct Frames {
    bytes: Arc<[u8]>,
    spans: Arc<[Span]>,
    times: Arc<[u64]>,
    /// Where each stands in the file, from 1; empty where all were taken.
    numbers: Arc<[u32]>,
    /// Packets of the file.
    total: usize,
    /// Frames that the capture cut.
    cut: usize,
    /// Packets with a time before that of the packet in front of them.
    backwards: usize,
}

impl Frames {
    /// Reads a capture of Ethernet frames; `name` stands for it in messages.
    ///
    /// # Errors
    /// As [`super::read`]; also a capture without packets, with more than [`MAX_BYTES`], or with a
    /// packet that is shorter than an Ethernet header.
    pub fn read(source: impl Read + Send, name: &str) -> Result<Self> {
        Self::read_some(source, name, |_, _| true)
    }

    /// As [`read`](Self::read), only those packets of which `takes` says so, by their numbers, from 1,
    /// and their bytes. Times count from the first of them.
    ///
    /// # Errors
    /// As [`read`](Self::read); also where none is taken.
    pub fn read_some(
        source: impl Read + Send,
        name: &str,
        mut takes: impl FnMut(usize, &[u8]) -> bool,
    ) -> Result<Self> {
        let (mut bytes, mut spans, mut times) = (Vec::new(), Vec::new(), Vec::new());
        let (mut numbers, mut total) = (Vec::new(), 0);
        let (mut cut, mut backwards) = (0, 0);
        let (mut first, mut latest) = (None, 0);
        each(source, name, |packet| {
            total += 1;
            if !takes(total, packet.bytes) {
                return Ok(());
            }
            numbers.push(total as u32);
            let len = packet.bytes.len();
            if len < MIN_FRAME {
                return Err(format!("has {len} bytes: an Ethernet header has {MIN_FRAME}"));
            }
            if bytes.len() + len > MAX_BYTES {
                let most = MAX_BYTES >> 20;
                return Err(format!("goes beyond {most} MiB of frames: split the capture"));
            }
            spans.push(Span { at: bytes.len() as u32, len: len as u32 });
            bytes.extend_from_slice(packet.bytes);
            cut += usize::from(packet.original_len > len);
            let first = *first.get_or_insert(packet.time);
            // A clock that was set back does not turn the order round: the packet follows at once.
            let time = packet.time.saturating_sub(first);
            backwards += usize::from(packet.time < first || time < latest);
            latest = latest.max(time);
            times.push(latest);
            Ok(())
        })?;
        if spans.is_empty() && total > 0 {
            return Err(Error::new(
                "replay",
                name,
                format!("none of its {total} packets is taken"),
            )
            .remedy("look at only and except: a packet is sent if it is all that they say"));
        }
        if spans.is_empty() {
            return Err(Error::new("replay", name, "it holds no packet")
                .remedy("give a capture with packets"));
        }
        let (bytes, spans, times) = (bytes.into(), spans.into(), times.into());
        let numbers = if numbers.len() == total { Arc::default() } else { numbers.into() };
        Ok(Self { bytes, spans, times, numbers, total, cut, backwards })
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.spans.len()
    }

    /// How many packets the file has, those that were not taken too.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Which packet of the file frame number `n` is, from 1.
    pub fn number(&self, n: usize) -> usize {
        self.numbers.get(n).map_or(n + 1, |number| *number as usize)
    }

    /// Where each lies in [`bytes`](Self::bytes).
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// All frames, one behind the other.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The frames.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.spans.iter().map(|span| &self.bytes[span.range()])
    }

    /// Nanoseconds from the first packet to each, never less than to the one before.
    pub fn times(&self) -> &[u64] {
        &self.times
    }

    /// Nanoseconds from the first packet to the last.
    pub fn span(&self) -> u64 {
        self.times.last().copied().unwrap_or(0)
    }

    /// Frames that the capture cut: they are shorter than they were on the wire.
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// Packets with a time before that of one in front of them; they follow it at once.
    pub fn backwards(&self) -> usize {
        self.backwards
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pcap file of frames of 14 bytes at these microseconds, the last byte their number.
    fn capture(times: &[u32]) -> Vec<u8> {
        let mut file = Vec::new();
        file.extend(0xa1b2_c3d4u32.to_le_bytes());
        file.extend([2, 0, 4, 0]);
        file.extend([0; 8]);
        file.extend([65535u32, 1].map(u32::to_le_bytes).concat());
        for (n, time) in times.iter().enumerate() {
            file.extend([1, *time, 14, 20].map(u32::to_le_bytes).concat());
            file.extend([0; 13]);
            file.push(n as u8);
        }
        file
    }

    #[test]
    fn times_never_run_backwards_and_the_order_is_the_files() {
        let frames = Frames::read(capture(&[5, 9, 7, 3, 20]).as_slice(), "a").expect("is read");
        assert_eq!(frames.times(), [0, 4_000, 4_000, 4_000, 15_000]);
        assert_eq!((frames.backwards(), frames.cut(), frames.count()), (2, 5, 5));
        assert!(frames.iter().enumerate().all(|(n, frame)| frame[13] == n as u8));
    }

    #[test]
    fn some_packets_keep_their_numbers_and_distances() {
        let file = capture(&[5, 9, 7, 30, 40]);
        let odd = |number, frame: &[u8]| number % 2 == 1 && frame[13] > 0;
        let frames = Frames::read_some(file.as_slice(), "a", odd).expect("is read");
        assert_eq!((frames.count(), frames.total(), frames.number(1)), (2, 5, 5));
        assert_eq!((frames.times(), frames.backwards(), frames.cut()), (&[0, 33_000][..], 0, 2));
        let all = Frames::read(file.as_slice(), "a").expect("is read");
        assert_eq!((all.total(), all.number(4)), (5, 5));
        let none = Frames::read_some(file.as_slice(), "a", |_, _| false).expect_err("refused");
        assert!(none.to_string().contains("none of its 5 packets"), "{none}");
    }

    #[test]
    fn nothing_to_send_is_told() {
        let message = |bytes: &[u8]| Frames::read(bytes, "a").expect_err("refused").to_string();
        assert!(message(&capture(&[])).contains("it holds no packet"));
        let mut short = capture(&[1]);
        short.pop();
        short[32..36].copy_from_slice(&13u32.to_le_bytes());
        assert!(message(&short).contains("packet 1 has 13 bytes"), "{}", message(&short));
    }
}
