//! What a frame that comes back says of a try.

use std::net::IpAddr;

use super::compose::{self, Common};
use super::sink::wire::{Answer, Reply};
use super::tag::Tag;
use super::view::View;
use crate::frontend::ip::Family;
use crate::frontend::ip::error::IcmpError;
use crate::wire::{bits, icmp, icmpv6, ip_protocol, tcp, udp};

/// Bytes of an ICMP message before the packet that it quotes.
const QUOTE_AT: usize = 8;

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The sink had a datagram.
    Reply(Reply),
    /// The sink tells what it saw.
    Answer(Answer),
    /// The destination answered a packet of a try.
    Answered {
        /// The try.
        seq: u32,
        /// Which packet.
        index: u8,
    },
    /// TCP answered a packet of a try.
    Acknowledged {
        /// The try, modulo [`compose::TCP_TRIES`].
        modulo: u32,
        /// Which packet.
        index: u8,
    },
    /// Somebody refused a packet.
    Refused {
        /// The try, where the quoted bytes say it.
        seq: Option<u32>,
        /// Identification of the quoted fragment or IPv4 packet.
        id: Option<(Family, u32)>,
        /// What it says.
        error: IcmpError,
        /// Who says it.
        from: IpAddr,
    },
}

/// Reads a frame; None where it is about something else.
pub fn hear(common: &Common, frame: &[u8]) -> Option<Heard> {
    let view = View::of_frame(frame)?;
    // The first fragment of an answer says whose it is; the others add nothing.
    if view.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    let family = Family::of(view.dst);
    let (own, peer) = common.ends.addresses(family)?;
    if view.dst != own {
        return None;
    }
    let (ours, theirs) = (common.ends.src_port, common.ends.dst_port);
    match view.protocol {
        ip_protocol::UDP if view.src == peer => {
            let ports = (bits_at(view.payload, 0)?, bits_at(view.payload, 2)?);
            let message = view.payload.get(udp::LEN..)?;
            (ports == (theirs, ours)).then(|| udp_answer(common, message))?
        }
        ip_protocol::TCP if view.src == peer => {
            let segment = tcp::Packet::new_checked(view.payload).ok()?;
            const FIN_SYN_RST: u8 = 7;
            const ACK: u8 = 16;
            let answers = segment.flags() & FIN_SYN_RST != 0 && segment.flags() & ACK != 0;
            if (segment.src(), segment.dst()) != (theirs, ours) || !answers {
                return None;
            }
            let (modulo, index) = common.of_tcp_ack(segment.ack());
            Some(Heard::Acknowledged { modulo, index })
        }
        ip_protocol::ICMP if family == Family::V4 => control(common, family, &view, peer),
        ip_protocol::ICMPV6 if family == Family::V6 => control(common, family, &view, peer),
        _ => None,
    }
}

fn bits_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..at + 2).map(|bytes| bits::u16_at(bytes, 0))
}

fn udp_answer(common: &Common, message: &[u8]) -> Option<Heard> {
    if let Some(reply) = Reply::parse(message) {
        return (reply.study == common.study).then_some(Heard::Reply(reply));
    }
    if let Some(answer) = Answer::parse(message) {
        return (answer.study == common.study).then_some(Heard::Answer(answer));
    }
    let (seq, index) = compose::of_dns_answer(message, common.study)?;
    Some(Heard::Answered { seq, index })
}

fn control(common: &Common, family: Family, view: &View<'_>, peer: IpAddr) -> Option<Heard> {
    let message = view.payload;
    let answer = match family {
        Family::V4 => icmp::ECHO_REPLY,
        Family::V6 => icmpv6::ECHO_REPLY,
    };
    if *message.first()? == answer {
        let tag = Tag::find(message).filter(|tag| tag.study == common.study)?;
        let index = if tag.burst { tag.index } else { 0 };
        return (view.src == peer).then_some(Heard::Answered { seq: tag.seq, index });
    }
    let error = IcmpError::parse(family, message)?;
    let quote = View::of_packet(message.get(QUOTE_AT..)?);
    let (own, _) = common.ends.addresses(family)?;
    // A quote that is cut within its extension headers still has its addresses.
    let quoted_by_us = match &quote {
        Some(quote) => quote.src == own && quote.dst == peer,
        None => false,
    };
    if !quoted_by_us {
        return None;
    }
    let tag = Tag::find(message).filter(|tag| tag.study == common.study);
    let id = match family {
        Family::V4 => message.get(QUOTE_AT + 4..QUOTE_AT + 6).map(|id| bits::u16_at(id, 0).into()),
        Family::V6 => quote.and_then(|quote| quote.fragment).map(|fragment| fragment.id),
    };
    Some(Heard::Refused {
        seq: tag.map(|tag| tag.seq),
        id: id.map(|id| (family, id)),
        error,
        from: view.src,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::study::compose::Ends;
    use crate::wire::{ethernet, ethertype, ipv6};
    use proptest::prelude::*;

    fn common() -> Common {
        let (own, peer) = ("2001:2::2".parse().unwrap(), "2001:2::3".parse().unwrap());
        Common {
            study: 9,
            ends: Ends {
                src_mac: [2; 6],
                dst_mac: [[4; 6]; 2],
                ipv4: None,
                ipv6: Some((own, peer)),
                src_port: 50_000,
                dst_port: 8900,
                name: "example.com".into(),
            },
        }
    }

    /// A frame from the peer.
    fn frame(next_header: u8, payload: &[u8]) -> Vec<u8> {
        let (own, peer) = common().ends.ipv6.unwrap();
        let mut frame = vec![0; ethernet::LEN + ipv6::LEN];
        ethernet::Repr { dst: [2; 6], src: [4; 6], ethertype: ethertype::IPV6 }.emit(&mut frame);
        ipv6::Repr {
            dscp: 0,
            ecn: 0,
            flow_label: 0,
            payload_len: payload.len() as u16,
            next_header,
            hop_limit: 64,
            src: peer,
            dst: own,
        }
        .emit(&mut frame[ethernet::LEN..]);
        frame.extend(payload);
        frame
    }

    #[test]
    fn a_reset_and_a_syn_ack_are_of_the_same_try() {
        let common = common();
        for (seq, index) in [(0, 0), (7, 3), (40_000, 63)] {
            for beyond in [1, 1 + 1_212] {
                let mut segment = vec![0; tcp::LEN];
                tcp::Repr {
                    src: 8900,
                    dst: 50_000,
                    seq: 1,
                    ack: common.tcp_seq(seq, index).wrapping_add(beyond),
                    flags: 0x12,
                    window: 0,
                    urgent: 0,
                }
                .emit(&mut segment, 0);
                let heard = hear(&common, &frame(ip_protocol::TCP, &segment));
                let modulo = seq % compose::TCP_TRIES;
                assert_eq!(heard, Some(Heard::Acknowledged { modulo, index }));
            }
        }
    }

    #[test]
    fn echoes_are_known_by_their_tag() {
        let tag = Tag { study: 9, seq: 5, index: 2, count: 3, burst: true, ..Tag::default() };
        let mut message = vec![icmpv6::ECHO_REPLY, 0, 0, 0, 0, 0, 0, 0];
        message.extend(tag.bytes());
        let heard = |message: &[u8]| hear(&common(), &frame(ip_protocol::ICMPV6, message));
        assert_eq!(heard(&message), Some(Heard::Answered { seq: 5, index: 2 }));
        let other = Tag { study: 8, ..tag };
        message[8..].copy_from_slice(&other.bytes());
        assert_eq!(heard(&message), None, "another study's");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_not(kind in 0u8..4, payload: Vec<u8>) {
            let next = [ip_protocol::UDP, ip_protocol::TCP, ip_protocol::ICMPV6, 44][usize::from(kind)];
            let _ = hear(&common(), &frame(next, &payload));
            let _ = hear(&common(), &payload);
        }
    }
}
