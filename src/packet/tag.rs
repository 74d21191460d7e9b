//! The probe tag: 18 bytes right after the L4 header by which a receiver knows a packet of ours,
//! what it was, and when it was sent. 18 bytes is what a 64-byte UDP/IPv4 frame leaves.
//!
//! ```text
//!  0                   1                   2                   3
//! |            magic (24)                         |   epoch (8)   |
//! |           stream (16)         |        index, low 32 bits ... |
//! |   ... index                   |   send time, low 32 bits ...  |
//! |   ... send time               |           lag (16)            |
//! |           check (16)          |
//! ```
//!
//! * `epoch` is the trial's number in the run, from 1, so that a residual frame of an earlier trial
//!   is known as such.
//! * `index` is the packet's index in its stream; the sequence number.
//! * `send time` is `CLOCK_MONOTONIC` in nanoseconds, as read right before the packet is handed to
//!   the kernel. A receiver on the same clock completes it: latencies below 2^32 ns are exact.
//! * `lag` is how much later than intended that was, as a 16-bit float (see [`encode_lag`]), so the
//!   receiver knows the intended send time too.
//! * `check` makes the ones' complement sum of the tag 0xffff. It detects corruption, and since
//!   0xffff is the zero of ones' complement, no checksum over the packet changes when the tag is
//!   stamped.

/// Bytes of the tag.
pub const TAG_LEN: usize = 18;

/// The first three bytes.
pub const MAGIC: [u8; 3] = [0xD7, 0x53, 0xA9];

/// Offset of the low 32 bits of the index.
pub const INDEX_AT: usize = 6;
/// Offset of the eight bytes that [`stamp`] writes: time, lag, check.
pub const STAMP_AT: usize = 10;

/// A tag as read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Trial.
    pub epoch: u8,
    /// Stream number: the position in the profile.
    pub stream: u16,
    /// Low 32 bits of the packet's index in its stream.
    pub index: u32,
    /// Low 32 bits of the send time in nanoseconds.
    pub time: u32,
    /// Encoded lag.
    pub lag: u16,
}

/// What the bytes at a tag's place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A good tag.
    Probe(Tag),
    /// The magic is there, the check is wrong.
    Corrupt,
    /// Not ours.
    Alien,
}

/// Writes the parts that are the same in every packet of a stream: magic, epoch, stream.
pub fn write_constant(tag: &mut [u8], epoch: u8, stream: u16) {
    tag[..3].copy_from_slice(&MAGIC);
    tag[3] = epoch;
    tag[4..6].copy_from_slice(&stream.to_be_bytes());
}

/// Writes index, time, lag and check into a tag whose constant part is there.
#[inline(always)]
pub fn stamp(tag: &mut [u8; TAG_LEN], index: u32, time: u32, lag: u16) {
    tag[INDEX_AT..STAMP_AT].copy_from_slice(&index.to_be_bytes());
    let constant = u32::from_be_bytes([tag[0], tag[1], tag[2], tag[3]]);
    let stream = u16::from_be_bytes([tag[4], tag[5]]);
    let sum = u64::from(constant)
        + u64::from(stream)
        + u64::from(index)
        + u64::from(time)
        + u64::from(lag);
    let check = !fold(sum);
    let word = u64::from(time) << 32 | u64::from(lag) << 16 | u64::from(check);
    tag[STAMP_AT..].copy_from_slice(&word.to_be_bytes());
}

/// Reads what stands at a tag's place. Shorter input is alien.
pub fn read(bytes: &[u8]) -> Seen {
    let Some(tag) = bytes.first_chunk::<TAG_LEN>() else {
        return Seen::Alien;
    };
    if tag[..3] != MAGIC {
        return Seen::Alien;
    }
    let sum =
        tag.chunks_exact(2).map(|word| u64::from(u16::from_be_bytes([word[0], word[1]]))).sum();
    if fold(sum) != 0xffff {
        return Seen::Corrupt;
    }
    Seen::Probe(Tag {
        epoch: tag[3],
        stream: u16::from_be_bytes([tag[4], tag[5]]),
        index: u32::from_be_bytes([tag[6], tag[7], tag[8], tag[9]]),
        time: u32::from_be_bytes([tag[10], tag[11], tag[12], tag[13]]),
        lag: u16::from_be_bytes([tag[14], tag[15]]),
    })
}

/// Encodes a lag in nanoseconds: below 2048 exact, above as an 11-bit mantissa with a hidden bit
/// and a 5-bit exponent, rounded down, the error below 1/2048 of the value. Saturates at 2^42.
#[inline(always)]
pub fn encode_lag(nanos: u64) -> u16 {
    if nanos < 2048 {
        return nanos as u16;
    }
    let exponent = 63 - nanos.leading_zeros() - 11;
    if exponent > 30 {
        return u16::MAX;
    }
    let mantissa = (nanos >> exponent) as u16 & 0x7ff;
    ((exponent as u16 + 1) << 11) | mantissa
}

/// The lag in nanoseconds that [`encode_lag`] wrote.
#[inline(always)]
pub fn decode_lag(lag: u16) -> u64 {
    let exponent = lag >> 11;
    let mantissa = u64::from(lag & 0x7ff);
    if exponent == 0 { mantissa } else { (mantissa | 0x800) << (exponent - 1) }
}

/// Completes the low 32 bits of a send time with the receiver's clock: the latest time not after
/// `now` with those low bits. Right for every latency below 2^32 ns.
#[inline(always)]
pub fn complete_time(now: u64, low: u32) -> u64 {
    now.wrapping_sub(u64::from((now as u32).wrapping_sub(low)))
}

#[inline(always)]
fn fold(mut sum: u64) -> u16 {
    sum = (sum >> 32) + (sum & 0xffff_ffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum = (sum >> 16) + (sum & 0xffff);
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_what_was_stamped(epoch: u8, stream: u16, index: u32, time: u32, lag: u16) {
            let mut bytes = [0xa5; TAG_LEN];
            write_constant(&mut bytes, epoch, stream);
            stamp(&mut bytes, index, time, lag);
            prop_assert_eq!(read(&bytes), Seen::Probe(Tag { epoch, stream, index, time, lag }));
        }

        #[test]
        fn a_flipped_bit_is_never_a_probe(index: u32, time: u32, bit in 0usize..TAG_LEN * 8) {
            let mut bytes = [0; TAG_LEN];
            write_constant(&mut bytes, 1, 7);
            stamp(&mut bytes, index, time, 0);
            bytes[bit / 8] ^= 1 << (bit % 8);
            let seen = read(&bytes);
            prop_assert_eq!(seen, if bit < 24 { Seen::Alien } else { Seen::Corrupt });
        }

        #[test]
        fn lag_is_rounded_down_by_less_than_a_2048th(nanos in 0u64..1 << 42) {
            let back = decode_lag(encode_lag(nanos));
            prop_assert!(back <= nanos && nanos - back <= nanos / 2048);
        }

        #[test]
        fn send_time_is_completed(now in 1u64 << 33..u64::MAX / 2, latency: u32) {
            let sent = now - u64::from(latency);
            prop_assert_eq!(complete_time(now, sent as u32), sent);
        }
    }

    #[test]
    fn a_lag_too_long_to_tell_saturates() {
        assert_eq!(encode_lag(u64::MAX), u16::MAX);
    }
}
