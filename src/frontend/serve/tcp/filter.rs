//! Classic packet filters for the sockets of the translator: the kernel hands over TCP of the ports
//! in question, and ICMP. Offsets count from the IP header.

use crate::frontend::ip::Family;
use crate::sys::datagrams::Instruction;
use crate::wire::{ip_protocol, ipv6};

const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF: u16 = 0x28;
/// Behind IPv4's header.
const LOAD_HALF_BEHIND: u16 = 0x48;
/// X = bytes of IPv4's header.
const LOAD_HEADER_LENGTH: u16 = 0xb1;
const IF_EQUAL: u16 = 0x15;
const IF_GREATER: u16 = 0x25;
const IF_AT_LEAST: u16 = 0x35;
const RETURN: u16 = 0x06;

const TAKE: Instruction = (RETURN, 0, 0, u32::MAX);
const LEAVE: Instruction = (RETURN, 0, 0, 0);

/// What is taken of one side's packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// TCP to these ports.
    To(Vec<u16>),
    /// TCP from these ports to this range of ports.
    From(Vec<u16>, (u16, u16)),
}

/// The filter of a family's packets.
pub fn filter(family: Family, wanted: &Wanted) -> Vec<Instruction> {
    let (protocol, icmp) = match family {
        Family::V4 => (9, ip_protocol::ICMP),
        Family::V6 => (6, ip_protocol::ICMPV6),
    };
    let mut program = vec![(LOAD_BYTE, 0, 0, protocol)];
    program.extend([(IF_EQUAL, 0, 1, u32::from(icmp)), TAKE]);
    program.extend([(IF_EQUAL, 1, 0, u32::from(ip_protocol::TCP)), LEAVE]);
    let port = |at: u32| match family {
        Family::V4 => (LOAD_HALF_BEHIND, 0, 0, at),
        Family::V6 => (LOAD_HALF, 0, 0, ipv6::LEN as u32 + at),
    };
    if family == Family::V4 {
        program.push((LOAD_HEADER_LENGTH, 0, 0, 0));
    }
    let ports = match wanted {
        Wanted::To(ports) => ports,
        Wanted::From(ports, (first, last)) => {
            program.push(port(2));
            program.extend([(IF_AT_LEAST, 1, 0, u32::from(*first)), LEAVE]);
            program.extend([(IF_GREATER, 0, 1, u32::from(*last)), LEAVE]);
            ports
        }
    };
    program.push(port(if matches!(wanted, Wanted::To(_)) { 2 } else { 0 }));
    for port in ports {
        program.extend([(IF_EQUAL, 0, 1, u32::from(*port)), TAKE]);
    }
    program.push(LEAVE);
    program
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a filter as the kernel does; true when the packet is taken.
    fn takes(program: &[Instruction], packet: &[u8]) -> bool {
        let half =
            |at: usize| packet.get(at..at + 2).map(|b| u32::from(b[0]) << 8 | u32::from(b[1]));
        let (mut a, mut x, mut at) = (0u32, 0usize, 0usize);
        loop {
            let (code, jt, jf, k) = program[at];
            at += 1;
            let jump = |is: bool| usize::from(if is { jt } else { jf });
            let loaded = match code {
                LOAD_BYTE => packet.get(k as usize).map(|b| u32::from(*b)),
                LOAD_HALF => half(k as usize),
                LOAD_HALF_BEHIND => half(x + k as usize),
                LOAD_HEADER_LENGTH => {
                    x = usize::from(packet[0] & 15) * 4;
                    Some(a)
                }
                IF_EQUAL => {
                    at += jump(a == k);
                    Some(a)
                }
                IF_GREATER => {
                    at += jump(a > k);
                    Some(a)
                }
                IF_AT_LEAST => {
                    at += jump(a >= k);
                    Some(a)
                }
                _ => return k != 0,
            };
            // What lies behind the end ends the filter.
            let Some(value) = loaded else { return false };
            a = value;
        }
    }

    fn packet(family: Family, protocol: u8, src: u16, dst: u16) -> Vec<u8> {
        let mut packet = match family {
            Family::V4 => {
                let mut header = vec![0; 24];
                (header[0], header[9]) = (0x46, protocol);
                header
            }
            Family::V6 => {
                let mut header = vec![0; 40];
                (header[0], header[6]) = (0x60, protocol);
                header
            }
        };
        packet.extend([src.to_be_bytes(), dst.to_be_bytes()].concat());
        packet
    }

    #[test]
    fn ports_and_icmp_are_taken_and_nothing_else() {
        for (family, icmp) in [(Family::V4, 1), (Family::V6, 58)] {
            let front = filter(family, &Wanted::To(vec![80, 443]));
            assert!(takes(&front, &packet(family, 6, 50_000, 443)));
            assert!(takes(&front, &packet(family, 6, 443, 80)));
            assert!(!takes(&front, &packet(family, 6, 443, 22)));
            assert!(!takes(&front, &packet(family, 17, 50_000, 443)));
            assert!(takes(&front, &packet(family, icmp, 0, 0)));
            let back = filter(family, &Wanted::From(vec![8443], (20_000, 29_999)));
            assert!(takes(&back, &packet(family, 6, 8443, 20_000)));
            assert!(takes(&back, &packet(family, 6, 8443, 29_999)));
            for (src, dst) in [(8443, 19_999), (8443, 30_000), (8444, 25_000)] {
                assert!(!takes(&back, &packet(family, 6, src, dst)), "{src} {dst}");
            }
            assert!(!takes(&back, &packet(family, 6, 8443, 20_000)[..26]));
        }
    }
}
