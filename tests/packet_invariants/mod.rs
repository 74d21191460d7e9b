//! What must hold for any bytes that are read as a frame: it is taken apart to its end, and what
//! explains it makes it again. `fuzz_packet` runs it on stable Rust, `fuzz/fuzz_targets/packet.rs`
//! under libFuzzer.

use std::net::{Ipv4Addr, Ipv6Addr};

use wirestorm::packet::Addressing;
use wirestorm::packet::compile::compile;
use wirestorm::packet::dissect::dissect;
use wirestorm::packet::explain::{Explained, explain};
use wirestorm::profile;
use wirestorm::profile::model::Header;
use wirestorm::units::FCS_BYTES;

/// Bytes of an Ethernet header: what is shorter is no frame.
const SHORTEST: usize = 14;
/// Longer frames take long to explain, and show nothing that shorter ones do not.
const LONGEST: usize = 1514;

/// Panics where the dissector does, or where an explanation does not make the frame again. Returns
/// how many headers were found.
pub fn check(frame: &[u8]) -> usize {
    let frame = &frame[..frame.len().min(LONGEST)];
    let found = dissect(frame);
    let len: usize = found.headers.iter().map(Header::len).sum();
    assert_eq!(len, found.payload_at, "headers lie one behind the other");
    assert!(found.payload_at <= found.packet_end, "headers end inside the packet");
    assert!(found.packet_end <= frame.len(), "the packet ends inside the frame");
    assert_eq!(found.headers.is_empty(), frame.len() < SHORTEST);
    if found.headers.is_empty() {
        return 0;
    }
    for header in &found.headers {
        let set = header.fields.len();
        let all =
            header.protocol.fields.len() + header.parts().map(|p| p.fields.len()).sum::<usize>();
        assert_eq!(set, all, "all fields of {} are set", header.protocol.name);
    }
    let explained = explain(frame);
    assert!(!explained.headers.is_empty());
    assert!(explained.headers.len() <= found.headers.len());
    let text = profile_of(&explained, frame.len());
    let profile =
        profile::parse("fuzz.yaml", &text, &[]).unwrap_or_else(|errors| panic!("{errors}\n{text}"));
    let program =
        compile(&profile, 0, &addressing(), 0).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let mut made = vec![0xa5; program.max_frame_len()];
    let len = program.build(0, &mut made, false);
    program.stamp(0, &mut made, 0, 0);
    assert_eq!(&made[..len], frame, "\n{text}");
    found.headers.len()
}

/// The explanation as `wirestorm explain` writes it.
fn profile_of(explained: &Explained, len: usize) -> String {
    let size = len + FCS_BYTES as usize;
    let payload = explained.payload().map_or(String::new(), |text| format!("  payload: {text}\n"));
    format!(
        "lab: b2b\nstreams:\n- name: s\n  to: null\n  rate: 1pps\n  count: 1\n  runts: true\n  \
         size: {size}B\n  tag: false\n{payload}  packet:\n{}",
        explained.stack(4)
    )
}

/// Addresses that no explanation was made with.
fn addressing() -> Addressing {
    Addressing {
        source_mac: [2, 0, 0, 0, 0, 1],
        next_hop_mac_ipv4: [2, 0, 0, 0, 0, 4],
        next_hop_mac_ipv6: [2, 0, 0, 0, 0, 6],
        source_ipv4: Some(Ipv4Addr::new(198, 18, 0, 1)),
        source_ipv6: Some(Ipv6Addr::new(0x2001, 2, 0, 0, 0, 0, 0, 1)),
        destination_ipv4: Some(Ipv4Addr::new(198, 18, 1, 2)),
        destination_ipv6: Some(Ipv6Addr::new(0x2001, 2, 0, 1, 0, 0, 0, 2)),
    }
}
