//! Frames over a veth pair between two namespaces, counted by every way of receiving.

mod receive_common;

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use receive_common::*;
use wirestorm::measure::received::PortReceived;
use wirestorm::packet::tag;
use wirestorm::profile::model::ReceiveMode;
use wirestorm::receive::{self, ReceiveSpec, Receiver};
use wirestorm::sys::clock;
use wirestorm::sys::netns::Netns;

/// Two namespaces with a veth pair: `tx` in one, `rx` in the other.
struct Wire {
    tx: Netns,
    rx: Netns,
}

impl Wire {
    fn new() -> Self {
        Self::with_queues(1)
    }

    fn with_queues(queues: u32) -> Self {
        let (tx, rx) = (Netns::new_anonymous().unwrap(), Netns::new_anonymous().unwrap());
        // `ip link set netns PID` wants a process: one that sleeps in the receiver's namespace.
        let mut holder = rx.run(|| Command::new("sleep").arg("60").spawn().unwrap()).unwrap();
        tx.run(|| {
            let queues = format!("numtxqueues {queues} numrxqueues {queues}");
            ip(&format!("link add name tx {queues} type veth peer name rx {queues}"));
            ip(&format!("link set dev rx netns {}", holder.id()));
            quiet("tx");
        })
        .unwrap();
        rx.run(|| quiet("rx")).unwrap();
        holder.kill().unwrap();
        holder.wait().unwrap();
        Self { tx, rx }
    }

    fn spec(&self, mode: ReceiveMode, stream_workers: &[u32]) -> ReceiveSpec {
        ReceiveSpec { netns: self.rx.clone(), mode, ..spec(stream_workers) }
    }

    /// Sends frames as they are out of `tx`.
    fn send(&self, frames: &[Vec<u8>]) {
        self.tx.run(|| raw_send("tx", frames)).unwrap();
    }
}

/// No address, no neighbour discovery: the kernel itself sends nothing that would be counted.
fn quiet(interface: &str) {
    let path = format!("/proc/sys/net/ipv6/conf/{interface}/disable_ipv6");
    std::fs::write(path, "1").unwrap();
    ip(&format!("link set dev {interface} up"));
}

fn ip(arguments: &str) {
    let status = Command::new("ip").args(arguments.split(' ')).status().unwrap();
    assert!(status.success(), "ip {arguments}");
}

#[allow(unsafe_code, reason = "std has no packet sockets")]
fn raw_send(interface: &str, frames: &[Vec<u8>]) {
    let index = receive::queues::interface(interface).unwrap().index;
    // SAFETY: no pointers; the descriptor is closed below.
    let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0) };
    assert!(fd >= 0);
    // SAFETY: all-zero is a valid sockaddr_ll.
    let mut to = unsafe { std::mem::zeroed::<libc::sockaddr_ll>() };
    to.sll_family = libc::AF_PACKET as u16;
    to.sll_ifindex = index as i32;
    for frame in frames {
        let len = size_of_val(&to) as libc::socklen_t;
        let (data, to) = (frame.as_ptr().cast(), (&raw const to).cast());
        // SAFETY: frame and address are readable with the lengths told.
        let sent = unsafe { libc::sendto(fd, data, frame.len(), 0, to, len) };
        assert_eq!(sent, frame.len() as isize, "{}", std::io::Error::last_os_error());
    }
    // SAFETY: the descriptor is ours, and not used after this.
    unsafe { libc::close(fd) };
}

/// Waits until `seen` frames were seen, at most 5 s, and returns what was counted.
fn wait(receiver: &mut dyn Receiver, seen: u64) -> PortReceived {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let port = receiver.snapshot().unwrap();
        let judged: u64 = port.streams.iter().map(|stream| stream.received).sum();
        let frames = judged + port.corrupt + port.stale + port.alien;
        if (port.seen >= seen && frames >= seen) || Instant::now() > end {
            return port;
        }
        thread::sleep(Duration::from_millis(5));
    }
}

const MODES: [ReceiveMode; 5] = [
    ReceiveMode::Auto,
    ReceiveMode::XdpNative,
    ReceiveMode::XdpGeneric,
    ReceiveMode::XdpSteer,
    ReceiveMode::PacketMmap,
];

/// Two streams: 0 on one worker with a loss, a duplicate and a late packet; 1 on three workers,
/// whose packets come in an order that is none to a single sequence. And frames that are no probes.
fn traffic() -> Vec<Vec<u8>> {
    let mut frames = Vec::new();
    for index in [0, 1, 2, 4, 5, 5, 7, 6] {
        frames.push(udp_frame(0, index, clock::now()));
    }
    for index in [2, 5, 8, 0, 3, 6, 1, 4, 7] {
        frames.push(udp_frame(1, index, clock::now()));
    }
    let mut corrupt = udp_frame(0, 8, clock::now());
    corrupt[53] ^= 4;
    frames.push(corrupt);
    let mut stale = udp_frame(0, 8, clock::now());
    let bytes = stale[42..].first_chunk_mut().unwrap();
    tag::write_constant(bytes, EPOCH + 1, 0);
    tag::stamp(bytes, 8, 0, 0);
    frames.push(stale);
    frames.push(vec![0xff; 60]);
    // A tag that is not at the place that the spec names: behind a VLAN tag.
    let mut tagged = udp_frame(0, 8, clock::now());
    tagged.splice(12..12, [0x81, 0, 0, 7]);
    frames.push(tagged);
    frames
}

#[test]
fn every_way_of_receiving_counts_the_same() {
    if !privileged("every_way_of_receiving_counts_the_same") {
        return;
    }
    for mode in MODES {
        let wire = Wire::new();
        let mut receiver = receive::open(&wire.spec(mode, &[1, 3])).unwrap();
        let begin = clock::now();
        let frames = traffic();
        wire.send(&frames);
        let port = wait(&mut *receiver, frames.len() as u64);
        let end = clock::now();
        let told = &port.mode;
        assert_eq!(port.seen, frames.len() as u64, "{told}");
        assert_eq!((port.corrupt, port.stale, port.alien), (1, 1, 1), "{told}");
        let zero = &port.streams[0];
        assert_eq!((zero.received, zero.unique, zero.duplicated), (9, 8, 1), "{told}");
        assert_eq!((zero.replicated, zero.late_ambiguous), (1, 0), "{told}");
        assert_eq!((zero.reordered, zero.extent_max), (1, Some(1)), "{told}");
        assert_eq!(zero.bytes, 8 * 60 + 64, "{told}");
        let one = &port.streams[1];
        assert_eq!((one.received, one.unique, one.reordered), (9, 9, 0), "{told}");
        assert_eq!(one.extent_max, None, "{told}");
        for stream in &port.streams {
            let latency = stream.latency.as_ref().unwrap();
            assert_eq!(latency.count(), stream.unique, "{told}");
            assert!(latency.max().unwrap() <= end - begin + 1_000_000, "{told}");
            let (first, last) = (stream.first_ns.unwrap(), stream.last_ns.unwrap());
            // CLOCK_REALTIME is tied to CLOCK_MONOTONIC within the time of a preempted read.
            assert!(first + 1_000_000 >= begin && last <= end + 1_000_000, "{told}");
            assert!(first <= last, "{told}");
        }
        for (name, count) in &port.overload {
            assert_eq!(*count, 0, "{told}: {name}");
        }
    }
}

#[test]
fn the_mode_says_how_it_receives() {
    if !privileged("the_mode_says_how_it_receives") {
        return;
    }
    let told: Vec<String> = MODES
        .iter()
        .map(|&mode| {
            let wire = Wire::new();
            receive::open(&wire.spec(mode, &[1])).unwrap().snapshot().unwrap().mode
        })
        .collect();
    assert_eq!(
        told,
        [
            "native XDP",
            "native XDP",
            "generic XDP",
            "native XDP steering to AF_XDP on 1 queues",
            "packet-mmap",
        ]
    );
}

#[test]
fn nothing_stays_attached() {
    if !privileged("nothing_stays_attached") {
        return;
    }
    let wire = Wire::new();
    let shown = || {
        let output =
            || Command::new("ip").args(["-d", "link", "show", "dev", "rx"]).output().unwrap();
        String::from_utf8(wire.rx.run(output).unwrap().stdout).unwrap()
    };
    for mode in MODES {
        let receiver = receive::open(&wire.spec(mode, &[1])).unwrap();
        let attached = mode != ReceiveMode::PacketMmap;
        assert_eq!(shown().contains("prog/xdp"), attached, "{mode:?}: {}", shown());
        drop(receiver);
        assert!(!shown().contains("xdp"), "{mode:?}: {}", shown());
    }
}

#[test]
fn an_interface_that_is_taken() {
    if !privileged("an_interface_that_is_taken") {
        return;
    }
    let wire = Wire::new();
    let _first = receive::open(&wire.spec(ReceiveMode::XdpNative, &[1])).unwrap();
    for mode in [ReceiveMode::XdpNative, ReceiveMode::XdpGeneric, ReceiveMode::XdpSteer] {
        let error = receive::open(&wire.spec(mode, &[1])).err().unwrap().to_string();
        assert!(error.contains("another XDP program is attached"), "{error}");
        assert!(error.contains("ip link show rx"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
    // `auto` receives behind the other program, and says so.
    let mut receiver = receive::open(&wire.spec(ReceiveMode::Auto, &[1])).unwrap();
    assert_eq!(
        receiver.snapshot().unwrap().mode,
        "packet-mmap; XDP: another XDP program is attached to it"
    );
}

#[test]
fn an_interface_that_does_not_exist() {
    if !privileged("an_interface_that_does_not_exist") {
        return;
    }
    let wire = Wire::new();
    for mode in MODES {
        let spec = ReceiveSpec { interface: "nosuch0".into(), ..wire.spec(mode, &[1]) };
        let error = receive::open(&spec).err().unwrap().to_string();
        assert!(error.contains("nosuch0: No such device"), "{error}");
        assert!(error.contains("ip link"), "{error}");
    }
}

#[test]
fn counts_outlive_the_interface() {
    if !privileged("counts_outlive_the_interface") {
        return;
    }
    for mode in MODES {
        let wire = Wire::new();
        let mut receiver = receive::open(&wire.spec(mode, &[1])).unwrap();
        let frames: Vec<_> = (0..10).map(|index| udp_frame(0, index, clock::now())).collect();
        wire.send(&frames);
        wait(&mut *receiver, 10);
        wire.rx.run(|| ip("link del dev rx")).unwrap();
        assert_eq!(receiver.snapshot().unwrap().streams[0].unique, 10, "{mode:?}");
    }
}

#[test]
fn several_queues_add_up() {
    if !privileged("several_queues_add_up") {
        return;
    }
    for mode in MODES {
        let wire = Wire::with_queues(2);
        let mut receiver = receive::open(&wire.spec(mode, &[1])).unwrap();
        thread::scope(|scope| {
            for half in 0..2 {
                let wire = &wire;
                scope.spawn(move || {
                    let frames: Vec<_> =
                        (0..500).map(|n| udp_frame(0, 2 * n + half, clock::now())).collect();
                    wire.send(&frames);
                });
            }
        });
        let port = wait(&mut *receiver, 1000);
        let stream = &port.streams[0];
        assert_eq!((stream.received, stream.unique), (1000, 1000), "{}", port.mode);
        assert_eq!((stream.duplicated, stream.late_ambiguous), (0, 0), "{}", port.mode);
        assert_eq!(stream.latency.as_ref().unwrap().count(), 1000, "{}", port.mode);
    }
}

#[test]
fn a_device_without_native_xdp() {
    if !privileged("a_device_without_native_xdp") {
        return;
    }
    let wire = Wire::new();
    wire.rx
        .run(|| {
            ip("link add name bridge0 type bridge");
            ip("link set dev bridge0 up");
        })
        .unwrap();
    let spec = |mode| ReceiveSpec { interface: "bridge0".into(), ..wire.spec(mode, &[1]) };
    let error = receive::open(&spec(ReceiveMode::XdpNative)).err().unwrap().to_string();
    assert_eq!(
        error,
        "cannot attach native XDP to bridge0: Operation not supported (os error 95); the driver has \
         no XDP, or not at this MTU; use `receive: auto` or xdp-generic"
    );
    let mode = receive::open(&spec(ReceiveMode::Auto)).unwrap().snapshot().unwrap().mode;
    assert_eq!(mode, "generic XDP; native: Operation not supported (os error 95)");
}

/// Jumbo frames: the program takes packets of several pages, and counts all their bytes.
#[test]
fn frames_longer_than_a_page() {
    if !privileged("frames_longer_than_a_page") {
        return;
    }
    for mode in [ReceiveMode::XdpNative, ReceiveMode::XdpGeneric, ReceiveMode::PacketMmap] {
        let wire = Wire::new();
        wire.tx.run(|| ip("link set dev tx mtu 9000")).unwrap();
        wire.rx.run(|| ip("link set dev rx mtu 9000")).unwrap();
        let mut receiver = receive::open(&wire.spec(mode, &[1])).unwrap();
        let mut frame = udp_frame(0, 0, clock::now());
        frame.resize(9000, 0xa5);
        wire.send(&[frame]);
        let port = wait(&mut *receiver, 1);
        assert_eq!((port.streams[0].unique, port.streams[0].bytes), (1, 9000), "{}", port.mode);
    }
}
