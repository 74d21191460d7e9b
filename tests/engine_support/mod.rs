//! What the tests of the engines share: a veth pair between two anonymous namespaces, a capture at
//! its far end, link counters, and streams made by hand.

#![allow(dead_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use wirestorm::engine::{Programs, Slot};
use wirestorm::packet::ir::{ChecksumOp, LengthOp, PatchOp, ValueKind};
use wirestorm::packet::program::{SizeProgram, StreamProgram, fold};
use wirestorm::packet::tag;
use wirestorm::sys::netns::Netns;

/// Offset of the UDP payload, where the tag stands.
pub const PAYLOAD_AT: usize = 42;

/// Whether namespaces can be made. Where they cannot, says that `test` is skipped, and fails if
/// that is not allowed.
pub fn privileged(test: &str) -> bool {
    match Netns::new_anonymous() {
        Ok(_) => true,
        Err(error) => {
            assert!(
                std::env::var_os("REQUIRE_PRIVILEGED").is_none(),
                "{test} needs CAP_SYS_ADMIN: {error}"
            );
            eprintln!("{test}: skipped, no namespace can be made: {error}");
            false
        }
    }
}

/// Runs `ip` with words in a namespace.
pub fn ip(netns: &Netns, words: &str) -> String {
    run(netns, "ip", words)
}

/// Runs a command with words in a namespace and returns what it printed.
pub fn run(netns: &Netns, command: &str, words: &str) -> String {
    let output = netns
        .run(|| Command::new(command).args(words.split_whitespace()).output())
        .expect("the namespace is ours")
        .unwrap_or_else(|error| panic!("{command} {words}: {error}"));
    assert!(
        output.status.success(),
        "{command} {words}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// `tx0` in one namespace, `rx0` in the other, up and silent: no IPv6, so nothing but our frames.
pub struct Pair {
    pub tx: Netns,
    pub rx: Netns,
}

impl Pair {
    pub fn new(queues: u32) -> Self {
        let pair = Self { tx: silent_netns(), rx: silent_netns() };
        connect(&pair.tx, "tx0", &pair.rx, "rx0", queues);
        // The MACs of `udp_program`, and what a raw socket has to know of them.
        ip(&pair.tx, "link set tx0 address 02:00:00:00:00:01");
        ip(&pair.tx, "neigh add 198.19.0.2 lladdr 02:00:00:00:00:02 dev tx0");
        pair
    }
}

/// Puts a program that drops everything on the receiving end, in native mode; false when clang
/// cannot build it.
pub fn drop_at_receiver(pair: &Pair) -> bool {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let (source, object) = (directory.path().join("drop.c"), directory.path().join("drop.o"));
    let text = "__attribute__((section(\"xdp\"), used)) int drop(void *ctx) { return 1; }\n\
                char _license[] __attribute__((section(\"license\"), used)) = \"GPL\";\n";
    std::fs::write(&source, text).expect("it is written");
    let built = Command::new("clang")
        .args(["-O2", "-g", "-target", "bpf", "-c"])
        .arg(&source)
        .arg("-o")
        .arg(&object)
        .status();
    if !built.is_ok_and(|status| status.success()) {
        return false;
    }
    ip(&pair.rx, &format!("link set dev rx0 xdpdrv obj {} sec xdp", object.display()));
    true
}

/// A namespace without IPv6.
pub fn silent_netns() -> Netns {
    let netns = Netns::new_anonymous().expect("privileged");
    netns
        .run(|| std::fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1"))
        .expect("the namespace is ours")
        .expect("IPv6 is compiled in");
    netns
}

/// A veth pair that is up at both ends. GRO is off at the far end, so that frames arrive one by one.
pub fn connect(a: &Netns, a_name: &str, b: &Netns, b_name: &str, queues: u32) {
    let far = format!("/proc/{}/fd/{}", std::process::id(), b.as_fd().as_raw_fd());
    ip(
        a,
        &format!(
            "link add {a_name} numtxqueues {queues} numrxqueues {queues} type veth \
             peer name {b_name} numtxqueues {queues} numrxqueues {queues} netns {far}"
        ),
    );
    run(b, "ethtool", &format!("-K {b_name} gro off"));
    ip(a, &format!("link set {a_name} up"));
    ip(b, &format!("link set {b_name} up"));
    wait_for("the carrier", || ip(a, &format!("-br link show {a_name}")).contains("LOWER_UP"));
}

/// Waits until something holds, at most 10 seconds.
pub fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !holds() {
        assert!(Instant::now() < deadline, "{what} did not come");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A counter of a link: `link_counter(&netns, "rx0", "rx", "packets")`.
pub fn link_counter(netns: &Netns, name: &str, direction: &str, counter: &str) -> u64 {
    let text = ip(netns, &format!("-j -s link show dev {name}"));
    let links: serde_json::Value = serde_json::from_str(&text).expect("ip speaks JSON");
    links[0]["stats64"][direction][counter].as_u64().expect("the counter exists")
}

/// Everything that arrives at an interface.
pub struct Capture {
    socket: OwnedFd,
}

impl Capture {
    #[allow(unsafe_code)]
    pub fn open(netns: &Netns, name: &str) -> Self {
        let index: i32 = ip(netns, &format!("-o link show dev {name}"))
            .split(':')
            .next()
            .and_then(|index| index.parse().ok())
            .expect("an index");
        let all = (libc::ETH_P_ALL as u16).to_be();
        let socket = netns
            .run(|| {
                // SAFETY: socket() takes no pointers; the descriptor is new.
                unsafe {
                    let fd = libc::socket(libc::AF_PACKET, libc::SOCK_RAW, i32::from(all));
                    assert!(fd >= 0, "{}", io::Error::last_os_error());
                    OwnedFd::from_raw_fd(fd)
                }
            })
            .expect("the namespace is ours");
        let room: i32 = 64 << 20;
        let address = libc::sockaddr_ll {
            sll_family: libc::AF_PACKET as u16,
            sll_protocol: all,
            sll_ifindex: index,
            sll_hatype: 0,
            sll_pkttype: 0,
            sll_halen: 0,
            sll_addr: [0; 8],
        };
        // SAFETY: both structures are valid for the lengths given.
        unsafe {
            let fd = socket.as_raw_fd();
            let set = libc::setsockopt(
                fd,
                libc::SOL_SOCKET,
                libc::SO_RCVBUFFORCE,
                (&raw const room).cast(),
                4,
            );
            assert_eq!(set, 0, "{}", io::Error::last_os_error());
            let len = size_of::<libc::sockaddr_ll>() as u32;
            let bound = libc::bind(fd, (&raw const address).cast(), len);
            assert_eq!(bound, 0, "{}", io::Error::last_os_error());
        }
        Self { socket }
    }

    /// The next `count` frames; fewer when no more come for 300 ms.
    #[allow(unsafe_code)]
    pub fn frames(&self, count: usize) -> Vec<Vec<u8>> {
        let fd = self.socket.as_raw_fd();
        let mut buffer = vec![0u8; 65_536];
        let mut frames = Vec::new();
        while frames.len() < count {
            let mut poll = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
            // SAFETY: one pollfd, and a buffer of the length given.
            let len = unsafe {
                if libc::poll(&mut poll, 1, 300) <= 0 {
                    break;
                }
                libc::recv(fd, buffer.as_mut_ptr().cast(), buffer.len(), libc::MSG_DONTWAIT)
            };
            if len > 0 {
                frames.push(buffer[..len as usize].to_vec());
            }
        }
        frames
    }
}

/// UDP over IPv4 of `len` bytes with as many changing fields as a stream commonly has: the source
/// port counts, the destination port is random, the source address is one of a list, the payload's
/// last four bytes count backwards; IPv4 and UDP checksums follow. The tag stands after UDP.
pub fn udp_program(stream: u16, len: usize) -> StreamProgram {
    let mut frame = vec![0xc3; len];
    frame[..6].copy_from_slice(&[2, 0, 0, 0, 0, 2]);
    frame[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    let total = (len - 14) as u16;
    frame[14..34]
        .copy_from_slice(&[0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 17, 0, 0, 0, 0, 0, 0, 198, 19, 0, 2]);
    frame[16..18].copy_from_slice(&total.to_be_bytes());
    frame[34..42].fill(0);
    frame[38..40].copy_from_slice(&(total - 20).to_be_bytes());
    tag::write_constant(&mut frame[PAYLOAD_AT..], 1, stream);
    let stamp = frame[PAYLOAD_AT..].first_chunk_mut().expect("room for the tag");
    tag::stamp(stamp, 0, 0, 0);
    frame[len - 4..].fill(0);
    let op = |kind: ValueKind, width, offset, sums, a, b, c| PatchOp {
        kind: kind as u8,
        width,
        sums,
        offset,
        mask: if width == 4 { 0xffff_ffff } else { 0xffff },
        a,
        b,
        c,
        key: wirestorm::packet::random::key(7, u32::from(stream), u32::from(offset)),
        ..PatchOp::default()
    };
    let mut ops = vec![
        // The source address counts for the IPv4 header and the pseudo-header.
        op(ValueKind::List, 4, 26, 0b11, 0, 3, 0),
        op(ValueKind::Counter, 2, 34, 0b10, 1024, 1, 60_000),
        op(ValueKind::Random, 2, 36, 0b10, 5000, 1000, 0),
    ];
    if len >= PAYLOAD_AT + tag::TAG_LEN + 4 {
        ops.push(op(ValueKind::Counter, 4, len as u16 - 4, 0b10, 0xffff_ffff, u64::MAX, 0));
        // An odd start of the window swaps its bytes in the sum.
        ops[3].odd = if len % 2 == 1 { 0b10 } else { 0 };
    } else {
        frame[PAYLOAD_AT + tag::TAG_LEN..].fill(0xc3);
        tag::write_constant(&mut frame[PAYLOAD_AT..], 1, stream);
        let stamp = frame[PAYLOAD_AT..].first_chunk_mut().expect("room for the tag");
        tag::stamp(stamp, 0, 0, 0);
    }
    let udp = u64::from(total - 20);
    let checksum = |base, offset, slot, zero_as_ffff| ChecksumOp {
        base,
        offset,
        slot,
        sums: 0,
        odd: 0,
        zero_as_ffff,
        reserved: 0,
    };
    let pseudo = u64::from(fold(sum(&frame[30..34]))) + 17 + udp;
    StreamProgram {
        stream,
        crc32c: None,
        checksums: vec![
            checksum(sum(&frame[14..34]), 24, 0, 0),
            checksum(pseudo + sum(&frame[34..]), 40, 1, 1),
        ]
        .into(),
        template: frame.into(),
        ops: ops.into(),
        size: None,
        tag_at: Some(PAYLOAD_AT as u16),
        lists: [0xc612_0001, 0xc612_0002, 0xc612_0003].into(),
        frames: None,
    }
}

/// As [`udp_program`] with frames of 60 to `len` bytes.
pub fn sized_udp_program(stream: u16, len: usize) -> StreamProgram {
    let mut program = udp_program(stream, len);
    let mut ops = program.ops.to_vec();
    ops.truncate(3);
    program.ops = ops.into();
    program.template[len - 4..].fill(0xc3);
    let payload = PAYLOAD_AT + tag::TAG_LEN;
    // Lengths and payload come from operations.
    program.template[16..18].fill(0);
    program.template[38..40].fill(0);
    let headers = program.template[34..payload].to_vec();
    program.checksums[0].base = sum(&program.template[14..34]);
    program.checksums[1].base = sum(&program.template[30..34]) + 17 + sum(&headers);
    let length = |addend, offset, sums, write| LengthOp {
        addend,
        offset,
        sums,
        odd: 0,
        write,
        reserved: [0; 3],
    };
    let value = PatchOp { a: 60, b: (len - 60 + 1) as u64, ..program.ops[2] };
    program.size = Some(SizeProgram {
        value,
        lengths: vec![length(-14, 16, 0b01, 1), length(-34, 38, 0b10, 1), length(-34, 0, 0b10, 0)]
            .into(),
        payload_at: payload as u16,
        payload_sums: (0..=len - payload).map(|n| fold(sum(&vec![0xc3; n]))).collect(),
        sums: 0b10,
        odd: 0,
    });
    program
}

/// Programs in a list, as an engine takes them.
pub fn programs(list: Vec<StreamProgram>) -> Programs {
    list.into_iter().map(Arc::new).collect()
}

/// Packet `index` of a program, built into fresh memory, its stamp zeroed.
pub fn fresh(program: &StreamProgram, index: u64) -> Vec<u8> {
    let mut frame = vec![0xa5; program.max_frame_len()];
    let len = program.build(index, &mut frame, false);
    program.stamp(index, &mut frame, 0, 0);
    frame.truncate(len);
    frame
}

/// A frame as it arrived, its stamp set to time 0.
pub fn unstamped(mut frame: Vec<u8>) -> Vec<u8> {
    if let Some(bytes) = frame.get_mut(PAYLOAD_AT..).and_then(|rest| rest.first_chunk_mut())
        && let tag::Seen::Probe(seen) = tag::read(bytes)
    {
        tag::stamp(bytes, seen.index, 0, 0);
    }
    frame
}

/// Slots `range` of one program, due at once.
pub fn slots(program: u32, range: std::ops::Range<u64>) -> Vec<Slot> {
    range.map(|index| Slot { index, due: 0, program, reserved: 0 }).collect()
}

/// Whether both Internet checksums of an IPv4/UDP frame are right.
pub fn checksums_hold(frame: &[u8]) -> bool {
    let udp = (frame.len() - 34) as u64;
    fold(sum(&frame[14..34])) == 0xffff
        && fold(sum(&frame[26..34]) + 17 + udp + sum(&frame[34..])) == 0xffff
}

fn sum(bytes: &[u8]) -> u64 {
    bytes
        .chunks(2)
        .map(|word| u64::from(word[0]) << 8 | u64::from(word.get(1).copied().unwrap_or(0)))
        .sum()
}
