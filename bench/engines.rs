//! What building, patching and stamping cost on top of the kernel's transmit paths: each engine
//! against a loop that only hands ready frames over again, and against trafgen with the same packet.
//!
//! The traffic crosses a veth pair between two anonymous namespaces. The engine and the resubmitting
//! loop take turns of a few milliseconds on one ring, so that the machine's moods meet both alike;
//! the packets that arrived must be those that completed. Against trafgen the receiving link's own
//! counter tells, in turns of `seconds`. Needs root.
//!
//! `cargo bench --bench engines -- [repeats] [seconds]`

#[path = "../tests/engine_support/mod.rs"]
mod engine_support;

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use engine_support::*;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::{Engine, Programs, Slot, af_xdp, packet_mmap, raw};
use wirestorm::sys::clock::Monotonic;

/// A turn of the engine, or of the resubmitting loop.
const TURN: Duration = Duration::from_millis(4);

/// What one turn measured.
#[derive(Clone, Copy)]
struct Measured {
    /// Packets per second.
    rate: f64,
    /// Nanoseconds of the thread's CPU time a packet, the kernel's part included; what other
    /// processes take from the machine is not in it.
    cpu_ns: f64,
}

fn main() {
    if !privileged("bench engines") {
        return;
    }
    let numbers: Vec<f64> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let repeats = numbers.first().map_or(5, |&n| n as usize).max(1);
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
    if xdp && !drop_at_receiver(&pair) {
        println!("{len} B, {sink}: skipped, clang could not build the program");
        return;
    }
    let list = programs(vec![udp_program(0, len)]);
    let total = span * repeats as u32;
    println!("\n{len} B (without FCS), {sink}");
    println!("  {:<22} {:>12} {:>16} {:>16}", "", "median kpps", "quartiles", "CPU ns a packet");
    against_resubmitting("af-xdp", xsk(&pair, len), &pair, &list, total);
    against_resubmitting("packet-mmap", mmap(&pair, len), &pair, &list, total);
    against_resubmitting("raw", sockets(&pair, &list), &pair, &list, total);
    if Command::new("trafgen").arg("--version").output().is_err() {
        println!("  trafgen: skipped, it is not installed (package netsniff-ng)");
        return;
    }
    let mut rates = [const { Vec::new() }; 4];
    for _ in 0..repeats {
        rates[0].push(flood(xsk(&pair, len), &pair, &list, span));
        rates[1].push(flood(mmap(&pair, len), &pair, &list, span));
        rates[2].push(flood(sockets(&pair, &list), &pair, &list, span));
        rates[3].push(trafgen(&pair, &list, span));
    }
    let trafgen = print("trafgen", &mut rates[3], None);
    // Raw sockets go through the IP stack, trafgen does not.
    let aims = [("af-xdp", " (aim: above 1)"), ("packet-mmap", " (aim: above 1)"), ("raw", "")];
    for ((name, aim), rates) in aims.iter().zip(&mut rates) {
        let rate = print(&format!("{name}, in turn"), rates, None);
        println!("  {name} / trafgen: {:.2}{aim}", rate / trafgen);
    }
}

/// Prints the quartiles of rates and returns the median.
fn print(name: &str, rates: &mut [f64], cpu_ns: Option<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    let at = |quarter: usize| rates[(rates.len() - 1) * quarter / 4] / 1e3;
    let range = format!("{:.0} to {:.0}", at(1), at(3));
    let cpu = cpu_ns.map_or("-".into(), |ns| format!("{ns:.0}"));
    println!("  {name:<22} {:>12.0} {range:>16} {cpu:>16}", at(2));
    at(2) * 1e3
}

fn xsk(pair: &Pair, len: usize) -> af_xdp::AfXdpRing {
    af_xdp::open(&pair.tx, "tx0", 0, len).expect("af-xdp opens")
}

fn mmap(pair: &Pair, len: usize) -> packet_mmap::PacketMmapRing {
    packet_mmap::open(&pair.tx, "tx0", 0, len).expect("packet-mmap opens")
}

fn sockets(pair: &Pair, list: &Programs) -> raw::RawRing {
    raw::open(&pair.tx, "tx0", 0, list).expect("raw opens")
}

/// A sender over one ring that takes turns.
struct Sender<R> {
    engine: FrameEngine<R, Monotonic>,
    slots: Vec<Slot>,
    lens: Vec<u32>,
}

impl<R: FrameRing> Sender<R> {
    fn new(ring: R, list: &Programs) -> Self {
        let batch = ring.capabilities().max_batch;
        Self {
            slots: slots(0, 0..batch as u64),
            lens: vec![list[0].max_frame_len() as u32; batch],
            engine: FrameEngine::new(ring, Monotonic, list.clone()),
        }
    }

    /// Hands frames over again as they stand.
    fn resubmit(&mut self) {
        let ring = self.engine.ring_mut();
        let room = ring.reserve(self.lens.len()).expect("the link is up");
        if room > 0 {
            ring.submit(&self.lens[..room]).expect("the link is up");
        }
    }

    /// Builds, patches and stamps.
    fn transmit(&mut self) {
        let taken = self.engine.transmit(&self.slots).expect("the link is up") as u64;
        self.slots.iter_mut().for_each(|slot| slot.index += taken);
    }

    fn turn(&mut self, span: Duration, step: fn(&mut Self)) -> Measured {
        let before = self.engine.counters().accepted;
        let (cpu, start) = (cpu_ns(), Instant::now());
        while start.elapsed() < span {
            for _ in 0..8 {
                step(self);
            }
        }
        let (cpu, elapsed) = (cpu_ns() - cpu, start.elapsed());
        let packets = (self.engine.counters().accepted - before) as f64;
        Measured { rate: packets / elapsed.as_secs_f64(), cpu_ns: cpu as f64 / packets }
    }
}

fn against_resubmitting<R: FrameRing>(
    name: &str,
    ring: R,
    pair: &Pair,
    list: &Programs,
    total: Duration,
) {
    let arrived = received(pair);
    let mut sender = Sender::new(ring, list);
    // Fills every frame once, and warms up.
    sender.turn(TURN * 10, Sender::transmit);
    let mut engine = Vec::new();
    let mut resubmit = Vec::new();
    let start = Instant::now();
    while start.elapsed() < total {
        resubmit.push(sender.turn(TURN, Sender::resubmit));
        engine.push(sender.turn(TURN, Sender::transmit));
    }
    sender.engine.drain(1_000_000_000).expect("the link is up");
    assert_eq!(received(pair) - arrived, sender.engine.counters().completed);
    let all = |name: &str, turns: &[Measured]| {
        let cpu = median(turns.iter().map(|turn| turn.cpu_ns).collect());
        let mut rates: Vec<_> = turns.iter().map(|turn| turn.rate).collect();
        (print(name, &mut rates, Some(cpu)), cpu)
    };
    let (ready_rate, ready_cpu) = all(&format!("{name} resubmitting"), &resubmit);
    let (rate, cpu) = all(name, &engine);
    let (by_rate, by_cpu) = (rate / ready_rate, ready_cpu / cpu);
    println!("  {name} / resubmitting: {by_rate:.3}; by CPU {by_cpu:.3} (aim: at least 0.95)");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Packets per second of an engine that arrived.
fn flood<R: FrameRing>(ring: R, pair: &Pair, list: &Programs, span: Duration) -> f64 {
    let mut sender = Sender::new(ring, list);
    let before = received(pair);
    let start = Instant::now();
    sender.turn(span, Sender::transmit);
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

/// CPU time of the calling thread in nanoseconds.
#[allow(unsafe_code)]
fn cpu_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a valid timespec to write to.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
