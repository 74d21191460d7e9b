//! A slot that the kernel gave back is ours: what stands in a queue behind a router does not change
//! when the slot is filled again.

mod engine_support;

use engine_support::*;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::{Engine, af_xdp, packet_mmap};
use wirestorm::packet::tag;
use wirestorm::sys::clock::Monotonic;
use wirestorm::sys::netns::Netns;

/// Packets sent, several times the slots of a ring.
const COUNT: u64 = 3000;

/// tx0 – a router whose way out is a slow queue that holds every packet – rx0.
fn packets_in_a_queue_stay_as_sent<R: FrameRing>(open: impl FnOnce(&Netns) -> R) {
    let (tx, router, rx) = (silent_netns(), silent_netns(), silent_netns());
    connect(&tx, "tx0", &router, "in0", 1);
    connect(&router, "out0", &rx, "rx0", 1);
    for words in [
        "link set in0 address 02:00:00:00:00:02",
        "addr add 198.18.0.254/24 dev in0",
        "addr add 198.19.0.1/24 dev out0",
        "neigh add 198.19.0.2 lladdr 02:00:00:00:00:03 dev out0",
    ] {
        ip(&router, words);
    }
    router
        .run(|| {
            std::fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
            std::fs::write("/proc/sys/net/ipv4/conf/all/rp_filter", "0")?;
            std::fs::write("/proc/sys/net/ipv4/conf/in0/rp_filter", "0")
        })
        .expect("the namespace is ours")
        .expect("sysctls can be written");
    run(&router, "tc", "qdisc add dev out0 root tbf rate 40mbit burst 2000 limit 10000000");

    let program = udp_program(0, 256);
    // Sources are routed back nowhere: the list's addresses are in in0's prefix.
    let capture = Capture::open(&rx, "rx0");
    let list = programs(vec![program.clone()]);
    let mut engine = FrameEngine::new(open(&tx), Monotonic, list);
    let mut sent = 0;
    while sent < COUNT {
        let slots = slots(0, sent..(sent + 32).min(COUNT));
        sent += engine.transmit(&slots).expect("the link is up") as u64;
        std::thread::sleep(std::time::Duration::from_micros(20));
    }
    engine.drain(3_000_000_000).expect("the link is up");
    let frames = capture.frames(COUNT as usize);
    assert_eq!(frames.len() as u64, COUNT);
    for (n, frame) in frames.into_iter().enumerate() {
        let tag::Seen::Probe(seen) = tag::read(&frame[PAYLOAD_AT..]) else {
            panic!("no tag: {frame:02x?}");
        };
        assert_eq!(u64::from(seen.index), n as u64);
        assert!(checksums_hold(&frame));
        let sent = fresh(&program, n as u64);
        // The router changes addresses, TTL and the header's checksum.
        assert_eq!(unstamped(frame)[26..], sent[26..], "packet {n}");
    }
}

#[test]
fn behind_packet_mmap() {
    if privileged("behind_packet_mmap") {
        packets_in_a_queue_stay_as_sent(|tx| packet_mmap::open(tx, "tx0", 0, 256).expect("opens"));
    }
}

#[test]
fn behind_af_xdp() {
    if privileged("behind_af_xdp") {
        packets_in_a_queue_stay_as_sent(|tx| af_xdp::open(tx, "tx0", 0, 256).expect("opens"));
    }
}
