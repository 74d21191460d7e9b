//! Where a frame's tag is: at the places that the profile's streams have, else right after L4.
//! `bpf/rx_find.h` is the same in the kernel.

use crate::packet::tag::{self, Seen};

/// 802.1Q and 802.1ad tags that are stepped over.
const VLANS: usize = 2;
/// IPv6 extension headers that are stepped over.
const EXTENSIONS: usize = 8;
/// What stands behind the headers of a fragment that is not the first is data (RFC 8200 §4.7).
const NO_NEXT_HEADER: u8 = 59;
/// Above every offset that a header can have in a frame's first page, which is what XDP sees.
const MAX_OFFSET: usize = 4096;

/// Reads the tag of a frame. A good tag at one of `offsets` wins, then one right after L4; a wrong
/// check counts only where no good tag was found.
pub fn find_tag(frame: &[u8], offsets: &[u16]) -> Seen {
    let mut worst = Seen::Alien;
    for &at in offsets {
        match frame.get(usize::from(at)..).map_or(Seen::Alien, tag::read) {
            probe @ Seen::Probe(_) => return probe,
            Seen::Corrupt => worst = Seen::Corrupt,
            Seen::Alien => {}
        }
    }
    let behind = behind_l4(frame).filter(|&at| at <= MAX_OFFSET);
    match behind.and_then(|at| frame.get(at..)).map_or(Seen::Alien, tag::read) {
        Seen::Alien => worst,
        seen => seen,
    }
}

/// The offset behind the L4 header, or, of a fragment that is not the first, of its data; None where
/// there is none that a tag could follow.
pub(crate) fn behind_l4(frame: &[u8]) -> Option<usize> {
    let mut at = 14;
    let mut ether_type = u16_at(frame, 12)?;
    for _ in 0..VLANS {
        if !matches!(ether_type, 0x8100 | 0x88a8 | 0x9100) {
            break;
        }
        ether_type = u16_at(frame, at + 2)?;
        at += 4;
    }
    match ether_type {
        0x0800 => {
            let header = frame.get(at..at + 20)?;
            let len = usize::from(header[0] & 0xf) * 4;
            if len < 20 {
                return None;
            }
            // Fragments but the first hold no L4 header: theirs begin with the tag.
            if u16_at(header, 6)? & 0x1fff != 0 {
                return Some(at + len);
            }
            behind_transport(frame, at + len, header[9], &ICMP_ECHO)
        }
        0x86dd => {
            let header = frame.get(at..at + 40)?;
            let (at, protocol) = behind_extensions(frame, at + 40, header[6])?;
            behind_transport(frame, at, protocol, &ICMPV6_ECHO)
        }
        _ => None,
    }
}

/// Protocol number and the two types of an echo message.
type Echo = (u8, [u8; 2]);
const ICMP_ECHO: Echo = (1, [8, 0]);
const ICMPV6_ECHO: Echo = (58, [128, 129]);

fn behind_transport(frame: &[u8], at: usize, protocol: u8, echo: &Echo) -> Option<usize> {
    match protocol {
        NO_NEXT_HEADER => Some(at),
        17 => Some(at + 8),
        6 => {
            let len = usize::from(frame.get(at + 12)? >> 4) * 4;
            (len >= 20).then_some(at + len)
        }
        number if number == echo.0 => echo.1.contains(frame.get(at)?).then_some(at + 8),
        _ => None,
    }
}

fn behind_extensions(frame: &[u8], mut at: usize, mut protocol: u8) -> Option<(usize, u8)> {
    for _ in 0..EXTENSIONS {
        let len = |header: &[u8]| usize::from(header[1]);
        let header = match protocol {
            0 | 43 | 44 | 51 | 60 if at > MAX_OFFSET => return None,
            0 | 43 | 44 | 51 | 60 => frame.get(at..at + 8)?,
            _ => return Some((at, protocol)),
        };
        at += match protocol {
            // The first fragment alone holds the L4 header (RFC 8200 §4.5): the others' data follow.
            44 if u16_at(header, 2)? & 0xfff8 != 0 => return Some((at + 8, NO_NEXT_HEADER)),
            44 => 8,
            51 => (len(header) + 2) * 4,
            _ => (len(header) + 1) * 8,
        };
        protocol = header[0];
    }
    Some((at, protocol))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]))
}
