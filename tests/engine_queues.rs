//! Which transmit queue packets take: the CPU's for packet-mmap, the bound one for af-xdp.

mod engine_support;

use engine_support::*;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::{Engine, af_xdp, packet_mmap};
use wirestorm::sys::clock::Monotonic;
use wirestorm::sys::netns::Netns;

const COUNT: u64 = 500;

/// Packets that each of two receive queues of rx0 saw; a veth's follow its peer's transmit queues.
fn by_queue(netns: &Netns) -> [u64; 2] {
    let text = run(netns, "ethtool", "-S rx0");
    [0, 1].map(|queue| {
        let name = format!("rx_queue_{queue}_xdp_packets:");
        text.lines()
            .find_map(|line| line.trim().strip_prefix(&name)?.trim().parse().ok())
            .unwrap_or_else(|| panic!("no {name} in {text}"))
    })
}

/// Sends from a thread that stays on one CPU, if that CPU is ours to use.
fn send_pinned<R: FrameRing + Send>(ring: R, cpu: usize) -> bool {
    std::thread::scope(|scope| {
        let sender = scope.spawn(move || {
            if !core_affinity::set_for_current(core_affinity::CoreId { id: cpu }) {
                return false;
            }
            let list = programs(vec![udp_program(0, 60)]);
            let mut engine = FrameEngine::new(ring, Monotonic, list);
            let mut next = 0;
            while next < COUNT {
                let batch = slots(0, next..(next + 20).min(COUNT));
                next += engine.transmit(&batch).expect("the link is up") as u64;
            }
            engine.drain(2_000_000_000).expect("the link is up");
            assert_eq!(engine.counters().completed, COUNT);
            true
        });
        sender.join().expect("the sender does not panic")
    })
}

/// A pair with two queues whose far end drops everything in XDP, so that it counts by queue.
fn counting_pair() -> Pair {
    let pair = Pair::new(2);
    assert!(drop_at_receiver(&pair), "clang builds a program of two lines");
    pair
}

#[test]
fn packet_mmap_takes_the_queue_of_its_cpu() {
    if !privileged("packet_mmap_takes_the_queue_of_its_cpu") {
        return;
    }
    let pair = counting_pair();
    let mut wanted = [0; 2];
    for cpu in core_affinity::get_core_ids().unwrap_or_default() {
        let ring = packet_mmap::open(&pair.tx, "tx0", 0, 60).expect("opens");
        if send_pinned(ring, cpu.id) {
            wanted[packet_mmap::queue_of_cpu(cpu.id as u32, 2) as usize] += COUNT;
        }
        assert_eq!(by_queue(&pair.rx), wanted, "after CPU {}", cpu.id);
    }
    assert_ne!(wanted, [0, 0], "no CPU could be taken");
}

#[test]
fn af_xdp_takes_the_queue_that_it_is_bound_to() {
    if !privileged("af_xdp_takes_the_queue_that_it_is_bound_to") {
        return;
    }
    let pair = counting_pair();
    let mut wanted = [0; 2];
    for queue in [1, 0] {
        let ring = af_xdp::open(&pair.tx, "tx0", queue, 60).expect("opens");
        assert!(send_pinned(ring, 0), "CPU 0 could not be taken");
        wanted[queue as usize] += COUNT;
        assert_eq!(by_queue(&pair.rx), wanted, "after queue {queue}");
    }
}
