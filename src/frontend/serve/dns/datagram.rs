//! The IP packet of an answer, before it is cut.

use std::net::{IpAddr, SocketAddr};

use crate::wire::{checksum, ip_protocol, ipv4, ipv6, udp};

/// Writes the packet of a UDP datagram from `src` to `dst` into `packet`, whatever that held. False
/// when there is no such packet: the addresses are of two families, or it is too long for IP.
pub fn write(
    packet: &mut Vec<u8>,
    src: SocketAddr,
    dst: SocketAddr,
    hop_limit: u8,
    payload: &[u8],
) -> bool {
    let Some(len) = u16::try_from(udp::LEN + payload.len()).ok() else { return false };
    packet.clear();
    let (header, pseudo) = match (src.ip(), dst.ip()) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            if len > u16::MAX - ipv4::LEN as u16 {
                return false;
            }
            packet.resize(ipv4::LEN, 0);
            let repr = ipv4::Repr {
                dscp: 0,
                ecn: 0,
                id: 0,
                df: true,
                mf: false,
                fragment_offset: 0,
                ttl: hop_limit,
                protocol: ip_protocol::UDP,
                src,
                dst,
                payload_len: len,
            };
            repr.emit(packet);
            (ipv4::LEN, checksum::pseudo_ipv4(src, dst, ip_protocol::UDP, len.into()))
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            packet.resize(ipv6::LEN, 0);
            let repr = ipv6::Repr {
                dscp: 0,
                ecn: 0,
                flow_label: 0,
                payload_len: len,
                next_header: ip_protocol::UDP,
                hop_limit,
                src,
                dst,
            };
            repr.emit(packet);
            (ipv6::LEN, checksum::pseudo_ipv6(src, dst, ip_protocol::UDP, len.into()))
        }
        _ => return false,
    };
    packet.extend([0; udp::LEN]);
    packet.extend(payload);
    let repr = udp::Repr { src: src.port(), dst: dst.port(), payload_len: payload.len() as u16 };
    repr.emit(&mut packet[header..], pseudo);
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_have_their_checksum_and_their_limits() {
        let mut packet = vec![0xa5; 10];
        let (src, dst) = ("[2001:db8::1]:53", "[2001:db8::2]:4242");
        assert!(write(&mut packet, src.parse().unwrap(), dst.parse().unwrap(), 9, b"answer"));
        let pseudo = checksum::pseudo_ipv6(
            "2001:db8::1".parse().unwrap(),
            "2001:db8::2".parse().unwrap(),
            17,
            14,
        );
        let read = udp::Packet::new_checked(&packet[40..]).unwrap();
        assert!(read.verify_checksum(pseudo));
        assert_eq!((read.src(), read.dst(), packet[7]), (53, 4242, 9));
        let (v4, other) = ("192.0.2.1:53".parse().unwrap(), "192.0.2.2:1".parse().unwrap());
        assert!(write(&mut packet, v4, other, 64, &[0; 65_507]));
        assert_eq!(packet.len(), 65_535);
        assert!(!write(&mut packet, v4, other, 64, &[0; 65_508]));
        assert!(!write(&mut packet, v4, dst.parse().unwrap(), 64, &[0; 8]));
        assert!(write(&mut packet, src.parse().unwrap(), dst.parse().unwrap(), 9, &[0; 65_527]));
        assert!(!write(&mut packet, src.parse().unwrap(), dst.parse().unwrap(), 9, &[0; 65_528]));
    }
}
