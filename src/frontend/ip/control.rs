//! Control messages (cmsg(3)) as the kernel writes them behind a received packet: when it came, with
//! which TTL, and from the error queue what went wrong.

use std::net::{IpAddr, Ipv6Addr};

use super::Family;
use super::error::IcmpError;
use crate::sys::raw_socket::{IP_RECVFRAGSIZE, IPV6_RECVFRAGSIZE};
use crate::wire::bits;

/// Bytes of `struct cmsghdr` on a 64-bit machine: length, level, type.
const HEADER: usize = 16;

/// What the control messages say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// When the kernel received it: nanoseconds of `CLOCK_REALTIME`.
    pub realtime: Option<u64>,
    /// TTL or hop limit that it came with.
    pub ttl: Option<u8>,
    /// From the error queue: an ICMP error, and who sent it.
    pub error: Option<(IcmpError, Option<IpAddr>)>,
    /// The longest fragment, as an IP packet, of the datagram that it was put together from
    /// (`IP_RECVFRAGSIZE`, `IPV6_RECVFRAGSIZE`); None where it came whole.
    pub fragment_size: Option<u32>,
    /// Packets that the socket had no room for, since it was opened (`SO_RXQ_OVFL`).
    pub dropped: Option<u32>,
    /// Where an IPv6 packet was sent to (`IPV6_RECVPKTINFO`).
    pub destination: Option<Ipv6Addr>,
}

impl Control {
    /// Reads the control messages of one packet. What is unknown or cut is passed over.
    pub fn parse(mut bytes: &[u8]) -> Self {
        let mut control = Self::default();
        while bytes.len() >= HEADER {
            let len = usize::try_from(native_u64(bytes, 0)).unwrap_or(usize::MAX);
            let (level, kind) = (native_i32(bytes, 8), native_i32(bytes, 12));
            if len < HEADER || len > bytes.len() {
                break;
            }
            control.take(level, kind, &bytes[HEADER..len]);
            bytes = bytes.get(len.next_multiple_of(8)..).unwrap_or_default();
        }
        control
    }

    fn take(&mut self, level: i32, kind: i32, data: &[u8]) {
        match (level, kind) {
            (libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS) if data.len() >= 16 => {
                let seconds = native_u64(data, 0);
                let nanos = native_u64(data, 8);
                self.realtime = Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos));
            }
            (libc::IPPROTO_IP, libc::IP_TTL) | (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT)
                if data.len() >= 4 =>
            {
                self.ttl = u8::try_from(native_i32(data, 0)).ok();
            }
            (libc::IPPROTO_IP, IP_RECVFRAGSIZE) | (libc::IPPROTO_IPV6, IPV6_RECVFRAGSIZE)
                if data.len() >= 4 =>
            {
                self.fragment_size = Some(native_u32(data, 0)).filter(|size| *size > 0);
            }
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if data.len() >= 16 => {
                self.destination = Some(Ipv6Addr::from(bits::array_at::<16>(data, 0)));
            }
            (libc::SOL_SOCKET, libc::SO_RXQ_OVFL) if data.len() >= 4 => {
                self.dropped = Some(native_u32(data, 0));
            }
            (libc::IPPROTO_IP, libc::IP_RECVERR) => self.error = extended_error(data),
            (libc::IPPROTO_IPV6, libc::IPV6_RECVERR) => self.error = extended_error(data),
            _ => {}
        }
    }
}

/// `struct sock_extended_err` (include/uapi/linux/errqueue.h) and the offender's address behind it.
/// `None` when it is no ICMP error.
fn extended_error(data: &[u8]) -> Option<(IcmpError, Option<IpAddr>)> {
    if data.len() < 16 {
        return None;
    }
    let (origin, message_type, code) = (data[4], data[5], data[6]);
    let family = match origin {
        libc::SO_EE_ORIGIN_ICMP => Family::V4,
        libc::SO_EE_ORIGIN_ICMP6 => Family::V6,
        _ => return None,
    };
    let info = native_u32(data, 8);
    let error = IcmpError { family, message_type, code, info };
    Some((error, address(&data[16..])))
}

/// The address of a `sockaddr_in` or `sockaddr_in6`.
fn address(sockaddr: &[u8]) -> Option<IpAddr> {
    let family = i32::from(u16::from_ne_bytes(bits::array_at::<2>(sockaddr.get(..2)?, 0)));
    match family {
        libc::AF_INET => {
            let octets: [u8; 4] = sockaddr.get(4..8)?.try_into().ok()?;
            Some(IpAddr::from(octets))
        }
        libc::AF_INET6 => {
            let octets: [u8; 16] = sockaddr.get(8..24)?.try_into().ok()?;
            // An IPv4 address may come as a mapped one.
            Some(Ipv6Addr::from(octets).to_canonical())
        }
        _ => None,
    }
}

fn native_u64(bytes: &[u8], at: usize) -> u64 {
    u64::from_ne_bytes(bits::array_at(bytes, at))
}

fn native_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bits::array_at(bytes, at))
}

fn native_i32(bytes: &[u8], at: usize) -> i32 {
    i32::from_ne_bytes(bits::array_at(bytes, at))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(level: i32, kind: i32, data: &[u8]) -> Vec<u8> {
        let mut bytes = ((HEADER + data.len()) as u64).to_ne_bytes().to_vec();
        bytes.extend(level.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    #[test]
    fn time_ttl_and_error_are_read() {
        let mut time = 2u64.to_ne_bytes().to_vec();
        time.extend(5u64.to_ne_bytes());
        let mut error = vec![0, 0, 0, 0, 2, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        error.extend((libc::AF_INET as u16).to_ne_bytes());
        error.extend([0, 0, 192, 0, 2, 9, 0, 0, 0, 0, 0, 0, 0, 0]);
        let bytes = [
            message(libc::SOL_SOCKET, libc::SCM_TIMESTAMPNS, &time),
            message(libc::SOL_SOCKET, 4711, &[1, 2, 3]),
            message(libc::IPPROTO_IP, libc::IP_TTL, &61i32.to_ne_bytes()),
            message(libc::IPPROTO_IP, libc::IP_RECVERR, &error),
        ]
        .concat();
        let control = Control::parse(&bytes);
        assert_eq!((control.realtime, control.ttl), (Some(2_000_000_005), Some(61)));
        let (error, from) = control.error.unwrap();
        assert_eq!((error.message_type, from), (11, Some([192, 0, 2, 9].into())));
        for cut in 0..bytes.len() {
            let _ = Control::parse(&bytes[..cut]);
        }
    }

    #[test]
    fn a_length_that_lies_ends_it() {
        let mut bytes = message(libc::IPPROTO_IP, libc::IP_TTL, &61i32.to_ne_bytes());
        for len in [0u64, 15, 1000, u64::MAX] {
            bytes[..8].copy_from_slice(&len.to_ne_bytes());
            assert_eq!(Control::parse(&bytes), Control::default());
        }
    }
}
