//! What holds for everything that ping and trace parse, whatever the bytes.

use std::net::IpAddr;

use wirestorm::frontend::ip::Family;
use wirestorm::frontend::ip::control::Control;
use wirestorm::frontend::ip::error::{IcmpError, Meaning};
use wirestorm::frontend::ip::heard::{self, Heard, Says};
use wirestorm::frontend::ip::quote::{Quote, Transport};
use wirestorm::frontend::ping::session::{Session, Settings};
use wirestorm::frontend::trace::matching::{Answer, matching};
use wirestorm::frontend::trace::plan;
use wirestorm::frontend::trace::probe::{Flow, Protocol};
use wirestorm::frontend::trace::tracer::{Pace, Step, Tracer, Until};

/// The flow of the corpus.
pub fn flow(family: Family, protocol: Protocol) -> Flow {
    let (src, dst): (IpAddr, IpAddr) = match family {
        Family::V4 => ([198, 18, 0, 1].into(), [198, 18, 6, 2].into()),
        Family::V6 => {
            ("2001:db8::1".parse().expect("IPv6"), "2001:db8:6::2".parse().expect("IPv6"))
        }
    };
    let (src_port, dst_port) = (40_000, 33_434);
    Flow { protocol, src, dst, src_port, dst_port, flow_label: 5, base: 1 << 31 }
}

/// Panics where a parser or a state machine does, or where it breaks its word.
pub fn check(bytes: &[u8]) {
    let _ = Control::parse(bytes);
    for family in [Family::V4, Family::V6] {
        if let Some(error) = IcmpError::parse(family, bytes) {
            assert!(IcmpError::types(family).contains(&error.message_type));
            assert!(!error.to_string().is_empty());
            if let Meaning::TooBig(mtu) = error.meaning() {
                assert_eq!(mtu, error.info);
            }
        }
        if let Some(quote) = Quote::parse(family, bytes) {
            assert_eq!(Family::of(quote.dst), family);
            assert!(quote.offset == 0 || quote.transport.is_none(), "{quote:?}");
            assert!(bytes.len() >= family.header_len());
        }
        let mut says: Vec<Says> = heard::icmp(family, bytes).into_iter().collect();
        says.extend(heard::raw_v4(bytes).map(|(_, says)| says));
        says.extend(heard::tcp_answer(bytes));
        for says in says {
            answer(family, says);
        }
    }
}

/// What is heard is an answer to what was sent, or nothing.
fn answer(family: Family, says: Says) {
    for protocol in [Protocol::Udp, Protocol::Icmp, Protocol::Tcp] {
        let flow = flow(family, protocol);
        for from in [flow.dst, flow.src] {
            let heard = Heard { at: 10, from, ttl: None, says: says.clone() };
            let probes = plan::plain(1..=3, 2, 1500);
            let pace = Pace { in_flight: 99, hop_interval: 0, wait: 100 };
            let mut tracer = Tracer::new(probes, pace, Until::Destination, 1280);
            while let Step::Send(probe) = tracer.step(1) {
                tracer.sent(&probe, 1, None);
            }
            let Some(matched) = matching(&flow, &heard) else { continue };
            if let Says::Error(_, quote) = &heard.says {
                assert_eq!(quote.dst, flow.dst, "it quotes another's packet");
            }
            assert!(matched.answer != Answer::Destination || matched.from == flow.dst);
            tracer.hear(&matched);
            let answered = tracer.records().iter().filter(|record| record.answered.is_some());
            assert!(answered.count() <= 1, "one answer is to one probe");
        }
    }
    let settings = Settings {
        count: Some(3),
        interval: 1,
        wait: None,
        size: 20,
        destination: flow(family, Protocol::Icmp).dst,
        id: 40_000,
        key: 7,
    };
    let mut session = Session::new(settings);
    (1..=3).for_each(|at| session.sent(at, true));
    let heard = Heard { at: 10, from: session.settings().destination, ttl: None, says };
    let event = session.hear(&heard);
    if let (Some(_), Says::Error(_, quote)) = (&event, &heard.says) {
        assert!(matches!(quote.transport, Some(Transport::Echo { id: 40_000, .. })));
    }
    let counts = session.counts();
    let told = counts.received + counts.corrupt + counts.errors;
    assert_eq!(told, u64::from(event.is_some()));
}
