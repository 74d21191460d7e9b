//! What goes wrong at a port is told in one line that names it, and never hangs.

mod engine_support;

use std::time::{Duration, Instant};

use engine_support::*;
use wirestorm::engine::af_xdp::ZeroCopy;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::port::LongestFrame;
use wirestorm::engine::{Engine, af_xdp, packet_mmap};
use wirestorm::error::{Error, Result};
use wirestorm::sys::clock::Monotonic;
use wirestorm::sys::netns::Netns;

/// The two ways to open, as trait objects of a test: name, opener that boxes the engine.
type Open = fn(&Netns, &str, u32, LongestFrame) -> Result<Box<dyn Engine>>;
const ENGINES: [(&str, Open); 2] = [
    ("packet-mmap", |netns, name, queue, longest| {
        packet_mmap::open(netns, name, queue, longest).map(boxed)
    }),
    ("af-xdp", |netns, name, queue, longest| af_xdp::open(netns, name, queue, longest).map(boxed)),
];

fn boxed<R: FrameRing + 'static>(ring: R) -> Box<dyn Engine> {
    Box::new(FrameEngine::new(ring, Monotonic, programs(vec![udp_program(0, 60)])))
}

/// The error of an opener that must fail.
fn refused(open: Open, netns: &Netns, name: &str, queue: u32, longest: usize) -> Error {
    match open(netns, name, queue, longest.into()) {
        Ok(_) => panic!("{name} queue {queue} opened"),
        Err(error) => error,
    }
}

/// Sends until there is an error, at most 5 seconds.
fn send_until_error(engine: &mut dyn Engine) -> Error {
    let deadline = Instant::now() + Duration::from_secs(5);
    let mut next = 0;
    loop {
        match engine.transmit(&slots(0, next..next + 8)) {
            Ok(taken) => next += taken as u64,
            Err(error) => return error,
        }
        assert!(Instant::now() < deadline, "no error: {:?}", engine.counters());
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn send_some(engine: &mut dyn Engine) {
    let taken = engine.transmit(&slots(0, 0..8)).expect("the link is up");
    assert_eq!(taken, 8);
    engine.drain(1_000_000_000).expect("the link is up");
    assert_eq!(engine.counters().completed, 8);
}

/// After an error too the stages of the ledger hold.
fn stages_hold(engine: &dyn Engine) {
    let counters = engine.counters();
    assert!(counters.built >= counters.accepted, "{counters:?}");
    assert!(counters.accepted >= counters.completed + counters.failed, "{counters:?}");
}

#[test]
fn a_missing_interface() {
    if !privileged("a_missing_interface") {
        return;
    }
    let netns = silent_netns();
    for (_, open) in ENGINES {
        assert_eq!(
            refused(open, &netns, "eth7", 0, 60).to_string(),
            "cannot send on eth7: there is no such interface in this network namespace; \
             see `ip link` for those that exist"
        );
    }
}

#[test]
fn a_link_that_is_down() {
    if !privileged("a_link_that_is_down") {
        return;
    }
    let pair = Pair::new(1);
    ip(&pair.rx, "link set rx0 down");
    for (_, open) in ENGINES {
        assert_eq!(
            refused(open, &pair.tx, "tx0", 0, 60).to_string(),
            "cannot send on tx0: the link has no carrier; connect it, or set its peer up"
        );
    }
    ip(&pair.tx, "link set tx0 down");
    for (_, open) in ENGINES {
        assert_eq!(
            refused(open, &pair.tx, "tx0", 0, 60).to_string(),
            "cannot send on tx0: the link is down; `ip link set tx0 up`"
        );
    }
}

#[test]
fn an_mtu_too_small() {
    if !privileged("an_mtu_too_small") {
        return;
    }
    let pair = Pair::new(1);
    ip(&pair.tx, "link set tx0 mtu 1400");
    for (_, open) in ENGINES {
        assert_eq!(
            refused(open, &pair.tx, "tx0", 0, 1415).to_string(),
            "cannot send on tx0: its MTU is 1400, but a frame of 1415 bytes (without FCS) needs 1401; \
 `ip link set tx0 mtu 1401`, or send shorter frames"
        );
        open(&pair.tx, "tx0", 0, 1414.into()).expect("fits exactly");
        let tagged = LongestFrame { bytes: 1422, mtu: 1400 };
        open(&pair.tx, "tx0", 0, tagged).expect("two VLAN tags do not count");
    }
}

#[test]
fn a_queue_that_does_not_exist() {
    if !privileged("a_queue_that_does_not_exist") {
        return;
    }
    let pair = Pair::new(2);
    for (_, open) in ENGINES {
        open(&pair.tx, "tx0", 1, 60.into()).expect("there are two");
        assert_eq!(
            refused(open, &pair.tx, "tx0", 2, 60).to_string(),
            "cannot send on tx0 queue 2: it has 2 transmit queues; \
             use queues 0 to 1, or `ethtool -L tx0` to have more"
        );
    }
}

#[test]
fn a_queue_that_is_taken() {
    if !privileged("a_queue_that_is_taken") {
        return;
    }
    let pair = Pair::new(2);
    let first = af_xdp::open(&pair.tx, "tx0", 0, 60).expect("it is free");
    let open = ENGINES[1].1;
    assert_eq!(
        refused(open, &pair.tx, "tx0", 0, 60).to_string(),
        "cannot open an AF_XDP socket on tx0 queue 0: Device or resource busy (os error 16); \
             another AF_XDP socket has this queue: stop its program, use another queue, or use --engine packet-mmap"
    );
    af_xdp::open(&pair.tx, "tx0", 1, 60).expect("the other queue is free");
    packet_mmap::open(&pair.tx, "tx0", 0, 60).expect("packet sockets share");
    drop(first);
    af_xdp::open(&pair.tx, "tx0", 0, 60).expect("it is free again");
}

#[test]
fn frames_longer_than_af_xdp_takes() {
    if !privileged("frames_longer_than_af_xdp_takes") {
        return;
    }
    let pair = Pair::new(1);
    ip(&pair.tx, "link set tx0 mtu 9000");
    ip(&pair.rx, "link set rx0 mtu 9000");
    assert_eq!(
        refused(ENGINES[1].1, &pair.tx, "tx0", 0, 9014).to_string(),
        "cannot open an AF_XDP socket on tx0 queue 0: a frame of 9014 bytes is too long; \
             send at most 3840 bytes, or use --engine packet-mmap"
    );
    let capture = Capture::open(&pair.rx, "rx0");
    let program = udp_program(0, 9014);
    let ring = packet_mmap::open(&pair.tx, "tx0", 0, 9014).expect("it takes them");
    let mut engine = FrameEngine::new(ring, Monotonic, programs(vec![program.clone()]));
    assert_eq!(engine.transmit(&slots(0, 0..4)).expect("the link is up"), 4);
    let frames = capture.frames(4);
    for (n, frame) in frames.iter().enumerate() {
        assert_eq!(unstamped(frame.clone()), fresh(&program, n as u64));
    }
    assert_eq!(frames.len(), 4);
}

#[test]
fn zero_copy_where_there_is_none() {
    if !privileged("zero_copy_where_there_is_none") {
        return;
    }
    let pair = Pair::new(1);
    let error = af_xdp::open_with(&pair.tx, "tx0", 0, 60, ZeroCopy::Require)
        .map(|_| ())
        .expect_err("veth has no zero-copy without a program");
    assert!(error.to_string().contains("tx0 queue 0"), "{error}");
    let ring = af_xdp::open(&pair.tx, "tx0", 0, 60).expect("copies");
    assert!(!ring.capabilities().zero_copy);
    assert!(ring.capabilities().detail.starts_with("copy mode (the driver has no zero-copy)"));
}

#[test]
fn a_probe_tells_the_mode() {
    if !privileged("a_probe_tells_the_mode") {
        return;
    }
    let pair = Pair::new(1);
    let mode = af_xdp::probe(&pair.tx, "tx0").expect("works");
    assert!(mode.contains("copy mode") && mode.contains("need-wakeup"), "{mode}");
    let mode = packet_mmap::probe(&pair.tx, "tx0").expect("works");
    assert!(mode.contains("TPACKET_V3"), "{mode}");
    for probe in [af_xdp::probe, packet_mmap::probe] {
        let error = probe(&pair.rx, "tx0").expect_err("it is in the other namespace");
        assert!(error.to_string().contains("tx0"), "{error}");
    }
}

#[test]
fn the_peer_goes_down_in_mid_run() {
    if !privileged("the_peer_goes_down_in_mid_run") {
        return;
    }
    for (name, open) in ENGINES {
        let pair = Pair::new(1);
        let mut engine = open(&pair.tx, "tx0", 0, 60.into()).expect("opens");
        send_some(&mut *engine);
        ip(&pair.rx, "link set rx0 down");
        let error = send_until_error(&mut *engine).to_string();
        assert_eq!(
            error,
            "cannot send on tx0 queue 0: the link went down; \
             see `ip link show tx0`: it and its peer must stay up",
            "{name}"
        );
        let counters = engine.counters();
        assert_eq!(link_counter(&pair.rx, "rx0", "rx", "packets"), counters.completed, "{name}");
        if name == "af-xdp" {
            assert!(counters.failed > 0);
            assert_eq!(link_counter(&pair.tx, "tx0", "tx", "dropped"), counters.failed);
        } else {
            // What it could not send stays in the ring.
            assert_eq!(counters.failed, 0);
        }
        stages_hold(&*engine);
    }
}

#[test]
fn the_link_is_set_down_in_mid_run() {
    if !privileged("the_link_is_set_down_in_mid_run") {
        return;
    }
    for (name, open) in ENGINES {
        let pair = Pair::new(1);
        let mut engine = open(&pair.tx, "tx0", 0, 60.into()).expect("opens");
        send_some(&mut *engine);
        ip(&pair.tx, "link set tx0 down");
        let error = send_until_error(&mut *engine).to_string();
        assert!(
            error.starts_with("cannot send on tx0 queue 0: the link went down"),
            "{name}: {error}"
        );
        assert!(engine.drain(10_000_000).is_err(), "{name}: drained over a link that is down");
        stages_hold(&*engine);
    }
}

#[test]
fn the_interface_is_removed_in_mid_run() {
    if !privileged("the_interface_is_removed_in_mid_run") {
        return;
    }
    for (name, open) in ENGINES {
        let pair = Pair::new(1);
        let mut engine = open(&pair.tx, "tx0", 0, 60.into()).expect("opens");
        send_some(&mut *engine);
        ip(&pair.tx, "link delete tx0");
        let error = send_until_error(&mut *engine).to_string();
        assert_eq!(
            error,
            "cannot send on tx0 queue 0: the interface was removed; \
             keep it until the run is over",
            "{name}"
        );
        stages_hold(&*engine);
    }
}

/// Without CAP_NET_RAW: the thread gives its capabilities up, as far as the new sockets go.
#[test]
#[allow(unsafe_code)]
fn no_privilege() {
    if !privileged("no_privilege") {
        return;
    }
    let pair = Pair::new(1);
    let netns = pair.tx.clone();
    for (name, open) in ENGINES {
        let error = netns
            .run(|| {
                // The thread is in the namespace already; entering it again needs CAP_SYS_ADMIN,
                // which it keeps. Only CAP_NET_RAW (bit 13) goes, for this thread alone.
                drop_net_raw();
                let here = Netns::current().expect("proc is mounted");
                refused(open, &here, "tx0", 0, 60).to_string()
            })
            .expect("the namespace is ours");
        assert!(error.contains("tx0"), "{name}: {error}");
        assert!(error.contains("Operation not permitted"), "{name}: {error}");
        assert!(error.contains("CAP_NET_RAW"), "{name}: {error}");
    }
}

/// Takes CAP_NET_RAW from the calling thread and those that it starts.
#[allow(unsafe_code)]
fn drop_net_raw() {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    let mut header = Header { version: 0x2008_0522, pid: 0 };
    // Two words each of effective, permitted, inheritable, interleaved.
    let mut data = [[0u32; 3]; 2];
    // SAFETY: version 3 of the ABI reads and writes two such triples.
    unsafe {
        assert_eq!(libc::syscall(libc::SYS_capget, &raw mut header, data.as_mut_ptr()), 0);
        data[0][0] &= !(1 << 13);
        data[0][1] &= !(1 << 13);
        assert_eq!(libc::syscall(libc::SYS_capset, &raw mut header, data.as_ptr()), 0);
    }
}
