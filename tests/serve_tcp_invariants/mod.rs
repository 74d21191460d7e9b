//! What holds for the TCP front end, whatever comes from clients, servers and routers.

use std::net::{IpAddr, SocketAddr};

use wirestorm::frontend::ip::Family;
use wirestorm::frontend::serve::fragment::Pieces;
use wirestorm::frontend::serve::tcp::cut::Fragmenting;
use wirestorm::frontend::serve::tcp::network::receive;
use wirestorm::frontend::serve::tcp::segment::{Segment, Trust};
use wirestorm::frontend::serve::tcp::settings::{Listener, Settings};
use wirestorm::frontend::serve::tcp::translator::{Link, Side, Translator};
use wirestorm::profile::fragments::Order;
use wirestorm::units::Nanos;

/// Connections at most.
const FLOWS: usize = 4;
/// Stretches of a connection that are told apart at most.
const STRETCHES: usize = 24;

/// The server of the conversations.
pub const BACKEND: &str = "198.18.0.9:80";
/// What clients connect to.
pub const FRONTS: [&str; 2] = ["[2001:db8::1]:80", "198.18.1.1:80"];
/// The first of the ports towards the server.
pub const FIRST_PORT: u16 = 20_000;

/// Before each packet: side, family, trust and time in a byte, then its length.
pub const HEAD: usize = 3;

fn settings() -> Settings {
    let listener = Listener {
        port: 80,
        backend: BACKEND.parse().expect("an address"),
        source: IpAddr::from([198, 18, 0, 1]),
        mtu: 1500,
    };
    let front = FRONTS.map(|front| front.parse::<SocketAddr>().expect("an address").ip());
    Settings {
        max_flows: FLOWS,
        ports: FIRST_PORT..=FIRST_PORT + 7,
        whole_after: 2,
        ..Settings::new(vec![listener], front.to_vec(), 1500)
    }
}

/// Checks what the translator sends.
struct Checked;

impl Link for Checked {
    fn to_client(&mut self, pieces: &Pieces, _: Nanos) {
        let packets: Vec<&[u8]> = pieces.packets().collect();
        assert!(!packets.is_empty());
        if let [whole] = packets[..] {
            sound(whole);
            return;
        }
        let mut offset = 0;
        for (n, packet) in packets.iter().enumerate() {
            let last = n + 1 == packets.len();
            let (at, more, part) = match packet[0] >> 4 {
                4 => {
                    let field = u16::from_be_bytes([packet[6], packet[7]]);
                    assert_eq!(field & 0x4000, 0, "a fragment may be cut again");
                    (usize::from(field & 0x1fff) * 8, field & 0x2000 != 0, &packet[20..])
                }
                _ => {
                    let field = u16::from_be_bytes([packet[42], packet[43]]);
                    (usize::from(field & !7), field & 1 != 0, &packet[48..])
                }
            };
            assert_eq!((at, more), (offset, !last), "no gap, no overlap");
            assert!(!part.is_empty() && (last || part.len().is_multiple_of(8)));
            if n == 0 {
                assert!(part.len() > usize::from(part[12] >> 4) * 4, "the header, and data");
            }
            offset += part.len();
        }
    }

    fn to_server(&mut self, packet: &[u8], server: SocketAddr) {
        assert_eq!(server, BACKEND.parse().expect("an address"));
        let segment = sound(packet);
        assert_eq!(segment.dst, server);
        assert!((FIRST_PORT..FIRST_PORT + 8).contains(&segment.src.port()));
        assert!(packet.len() <= 1500, "{} bytes", packet.len());
    }
}

fn sound(packet: &[u8]) -> Segment<'_> {
    Segment::parse(packet, Trust::Verified).expect("a sound segment")
}

/// Panics where the translator does, or where it breaks its word. The bytes are packets behind
/// [`HEAD`] bytes each.
pub fn check(bytes: &[u8]) {
    let fragmenting = Fragmenting::new(None, Order::In, Nanos(0));
    let mut translator = Translator::new(settings(), fragmenting);
    let (mut rest, mut now) = (bytes, 1_000_000_000u64);
    while let Some((&[how, high, low], behind)) = rest.split_first_chunk::<HEAD>() {
        let len = usize::from(u16::from_be_bytes([high, low])).min(behind.len());
        let (packet, after) = behind.split_at(len);
        rest = after;
        now += u64::from(how >> 4) * 400_000_000;
        let side = if how & 1 == 0 { Side::Clients } else { Side::Servers };
        let family = if how & 2 == 0 { Family::V6 } else { Family::V4 };
        let trust =
            [Trust::Verify, Trust::Verified, Trust::Unfinished][usize::from(how >> 2 & 3) % 3];
        receive(&mut translator, side, family, packet, trust, now, &mut Checked);
        translator.tick(now, &mut Checked);
        bounded(&translator);
    }
    translator.shut_down(now, &mut Checked);
    let totals = translator.totals();
    let over: u64 = totals.ends.values().sum();
    assert_eq!((totals.open, totals.opened), (0, over), "every connection ends once");
    assert_eq!(translator.take_over().count() as u64, over);
}

fn bounded(translator: &Translator) {
    assert!(translator.table().len() <= FLOWS);
    for flow in translator.table().flows() {
        assert!(flow.evidence.stretches() <= STRETCHES);
        let counted = flow.evidence.acknowledged;
        let acknowledged = counted.fragmented + counted.whole + counted.whole_after_fragments;
        let sent = flow.counts.fragmented.bytes + flow.counts.whole.bytes;
        assert!(acknowledged + counted.unknown <= sent, "more than was sent: {counted:?} {sent}");
    }
}
