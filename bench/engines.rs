//! What building, patching and stamping cost on top of the kernel's transmit paths: each engine
//! against a loop that only hands ready frames over again, and against trafgen with the same packet.
//!
//! The traffic crosses a veth pair between two anonymous namespaces; what counts is the receiving
//! link's own counter. Contenders take turns, so that the machine's moods meet all of them.
//! Needs root. `cargo bench --bench engines -- [repeats] [seconds]`

#[path = "../tests/engine_support/mod.rs"]
mod engine_support;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine_support::*;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::{Engine, Programs, Slot, af_xdp, packet_mmap};
use wirestorm::sys::clock::Monotonic;

/// One way to send, measured once: packets per second that arrived.
type Contender<'a> = (&'static str, Box<dyn Fn(&Pair, Duration) -> f64 + 'a>);

fn main() {
    if !privileged("bench engines") {
        return;
    }
    let numbers: Vec<f64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let repeats = numbers.first().map_or(5, |&n| n as usize);
    let span = Duration::from_secs_f64(numbers.get(1).copied().unwrap_or(0.5));
    for len in [60, 1514] {
        for xdp in [false, true] {
            compare(len, xdp, repeats, span);
        }
    }
}

fn compare(len: usize, xdp: bool, repeats: usize, span: Duration) {
    let pair = Pair::new(1);
    let sink = if xdp { "native XDP_DROP" } else { "no XDP, GRO off" };
    if xdp && !drop_at(&pair) {
        println!("{len} B, {sink}: skipped, clang could not build the program");
        return;
    }
    let list = programs(vec![udp_program(0, len)]);
    let mut contenders: Vec<Contender> = vec![
        ("af-xdp resubmit", Box::new(move |pair, span| resubmit(xsk(pair, len), pair, len, span))),
        ("af-xdp", Box::new(|pair, span| engine(xsk(pair, len), pair, &list, span))),
        (
            "packet-mmap resubmit",
            Box::new(move |pair, span| resubmit(mmap(pair, len), pair, len, span)),
        ),
        ("packet-mmap", Box::new(|pair, span| engine(mmap(pair, len), pair, &list, span))),
    ];
    if Command::new("trafgen").arg("--version").output().is_ok() {
        let list = &list;
        contenders.push(("trafgen", Box::new(move |pair, span| trafgen(pair, list, span))));
    }
    let mut rates: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    for repeat in 0..=repeats {
        for ((_, contender), rates) in contenders.iter().zip(&mut rates) {
            let rate = contender(&pair, span);
            // The first round warms up.
            if repeat > 0 {
                rates.push(rate);
            }
        }
    }
    println!("\n{len} B (without FCS), {sink}; {repeats} × {:.1} s, kpps", span.as_secs_f64());
    for ((name, _), rates) in contenders.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        let (low, high) = (rates[0] / 1e3, rates[rates.len() - 1] / 1e3);
        println!("  {name:<22} median {:>7.0}   {low:.0} to {high:.0}", median(rates) / 1e3);
    }
    let ratio = |a: usize, b: usize| median(&rates[a]) / median(&rates[b]);
    println!("  af-xdp / resubmit      {:.3}   (aim: at least 0.95)", ratio(1, 0));
    println!("  packet-mmap / resubmit {:.3}   (aim: at least 0.95)", ratio(3, 2));
    if rates.len() > 4 {
        println!("  af-xdp / trafgen       {:.3}   (aim: above 1.0)", ratio(1, 4));
        println!("  packet-mmap / trafgen  {:.3}   (aim: above 1.0)", ratio(3, 4));
    }
}

fn median(sorted: &[f64]) -> f64 {
    sorted[sorted.len() / 2]
}

fn xsk(pair: &Pair, len: usize) -> af_xdp::AfXdpRing {
    af_xdp::open(&pair.tx, "tx0", 0, len).expect("af-xdp opens")
}

fn mmap(pair: &Pair, len: usize) -> packet_mmap::PacketMmapRing {
    packet_mmap::open(&pair.tx, "tx0", 0, len).expect("packet-mmap opens")
}

/// Hands ready frames over again and again.
fn resubmit<R: FrameRing>(mut ring: R, pair: &Pair, len: usize, span: Duration) -> f64 {
    let program = udp_program(0, len);
    let frames = ring.reserve(ring.frame_count()).expect("the link is up");
    for n in 0..frames {
        let (_, frame) = ring.frame(n);
        program.build(n as u64, frame, false);
    }
    let lens = vec![len as u32; ring.capabilities().max_batch];
    rate(pair, span, || {
        let room = ring.reserve(lens.len()).expect("the link is up");
        if room > 0 {
            ring.submit(&lens[..room]).expect("the link is up");
        }
    })
}

/// Builds, patches and stamps every frame.
fn engine<R: FrameRing>(ring: R, pair: &Pair, list: &Programs, span: Duration) -> f64 {
    let mut engine = FrameEngine::new(ring, Monotonic, list.clone());
    let mut slots = vec![Slot::default(); engine.capabilities().max_batch];
    let mut next = 0;
    rate(pair, span, || {
        for (n, slot) in slots.iter_mut().enumerate() {
            slot.index = next + n as u64;
        }
        next += engine.transmit(&slots).expect("the link is up") as u64;
    })
}

/// Packets per second that arrive while `step` is called over and over.
fn rate(pair: &Pair, span: Duration, mut step: impl FnMut()) -> f64 {
    let before = received(pair);
    let start = Instant::now();
    while start.elapsed() < span {
        for _ in 0..16 {
            step();
        }
    }
    let elapsed = start.elapsed();
    (received(pair) - before) as f64 / elapsed.as_secs_f64()
}

/// trafgen with packet 0 of the stream and one process; it is given 0.2 s to start.
fn trafgen(pair: &Pair, list: &Programs, span: Duration) -> f64 {
    let bytes: Vec<_> = fresh(&list[0], 0).iter().map(|byte| format!("0x{byte:02x}")).collect();
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), format!("{{ {} }}\n", bytes.join(", "))).expect("it is written");
    let child = pair
        .tx
        .run(|| {
            Command::new("trafgen")
                .args(["--cpus", "1", "--dev", "tx0", "--no-sock-mem", "--conf"])
                .arg(file.path())
                .process_group(0)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
        })
        .expect("the namespace is ours")
        .expect("trafgen starts");
    std::thread::sleep(Duration::from_millis(200));
    let before = received(pair);
    let start = Instant::now();
    std::thread::sleep(span);
    let elapsed = start.elapsed();
    let rate = (received(pair) - before) as f64 / elapsed.as_secs_f64();
    interrupt(child);
    rate
}

/// Ends trafgen and the worker that it forked.
#[allow(unsafe_code)]
fn interrupt(mut child: Child) {
    let group = -(child.id() as i32);
    for signal in [libc::SIGINT, libc::SIGKILL] {
        // SAFETY: a signal to the process group of a child of ours that was not yet waited for.
        unsafe { libc::kill(group, signal) };
        for _ in 0..100 {
            if child.try_wait().is_ok_and(|status| status.is_some()) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

fn received(pair: &Pair) -> u64 {
    link_counter(&pair.rx, "rx0", "rx", "packets")
}

/// Puts a program that drops everything on the receiving end, in native mode.
fn drop_at(pair: &Pair) -> bool {
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
