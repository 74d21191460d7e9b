//! Once an engine runs, transmitting allocates nothing.

mod engine_support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use engine_support::*;
use wirestorm::engine::frames::{FrameEngine, FrameRing};
use wirestorm::engine::memory::{MemoryRing, Sink};
use wirestorm::engine::{Engine, Programs, af_xdp, packet_mmap, raw};
use wirestorm::sys::clock::Monotonic;

thread_local! {
    /// Allocations of this thread.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counting.
struct Counting;

#[allow(unsafe_code)]
// SAFETY: everything is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, start: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise is passed on.
        unsafe { System.dealloc(start, layout) }
    }

    unsafe fn realloc(&self, start: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise is passed on.
        unsafe { System.realloc(start, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations() -> u64 {
    ALLOCATIONS.with(Cell::get)
}

fn every_kind() -> Programs {
    programs(vec![udp_program(0, 60), sized_udp_program(1, 512), udp_program(2, 1000)])
}

/// Sends 20,000 packets of streams of every kind, after a first few that may allocate.
fn sends_without_allocating<R: FrameRing>(ring: R) {
    let list = every_kind();
    let mut engine = FrameEngine::new(ring, Monotonic, list);
    let batch = engine.capabilities().max_batch as u64;
    let mut batches: Vec<_> = (0..3).map(|program| slots(program, 0..batch)).collect();
    let mut before = 0;
    let mut sent = 0;
    for round in 0..200_000 {
        if round == 10 {
            before = allocations();
        }
        let batch = &mut batches[round % 3];
        let taken = engine.transmit(batch).expect("the link is up") as u64;
        batch.iter_mut().for_each(|slot| slot.index += taken);
        sent += taken;
        if sent > 20_000 {
            break;
        }
        if taken == 0 {
            engine.drain(1_000_000).expect("the link is up");
        }
    }
    let after = allocations();
    assert!(sent > 20_000, "only {sent} were sent");
    assert_eq!(after - before, 0, "allocations in {sent} packets");
}

#[test]
fn the_counter_counts() {
    let before = allocations();
    std::hint::black_box(Box::new(1u8));
    assert_eq!(allocations() - before, 1);
}

#[test]
fn memory() {
    sends_without_allocating(MemoryRing::new(Sink, 64, 1000, 16));
}

#[test]
fn in_packet_mmap() {
    if privileged("in_packet_mmap") {
        let pair = Pair::new(1);
        sends_without_allocating(packet_mmap::open(&pair.tx, "tx0", 0, 1000).expect("opens"));
    }
}

#[test]
fn in_af_xdp() {
    if privileged("in_af_xdp") {
        let pair = Pair::new(1);
        sends_without_allocating(af_xdp::open(&pair.tx, "tx0", 0, 1000).expect("opens"));
    }
}

#[test]
fn in_raw() {
    if privileged("in_raw") {
        let pair = Pair::new(1);
        sends_without_allocating(raw::open(&pair.tx, "tx0", 0, &every_kind()).expect("opens"));
    }
}
