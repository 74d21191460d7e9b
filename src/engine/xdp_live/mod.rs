//! XDP live frames: our eBPF program builds each packet in the kernel and redirects it to the port.
//!
//! User space schedules; it writes a batch of slots, or one run of them (first slot, step, count),
//! into memory that the program shares and makes one BPF_PROG_RUN call for it. Each run of the
//! program takes one slot. A packet that is not due makes the run wait, and if that takes long, end
//! without a packet (a filler), so the time is kept in the kernel, and the call covers up to 20 ms of
//! schedule (`pacing.rs`).
//!
//! `bpf/tx_live.bpf.c` does all of it. One stream whose packets are due at once has a program of its
//! own besides, written for it (`straight.rs`).

mod assembly;
pub mod dry;
mod load;
mod object;
pub mod pacing;
mod port;
mod scratch;
mod straight;
pub mod tables;
mod watch;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering::Relaxed;

use self::load::Loaded;
use self::pacing::{Call, Pace};
use self::port::Port;
use self::scratch::Scratch;
use self::tables::Tables;
use self::watch::Place;
use super::{Capabilities, Engine, Programs, Run, RunTaken, Slot, TxCounters};
use crate::error::{Error, Result};
use crate::sys::bpf_run;
use crate::sys::clock;
use crate::sys::netns::Netns;
use crate::sys::tx_abi::MAX_SLOTS;

/// Packets of a run, whatever the last one took.
const RUN_PACKETS: std::ops::RangeInclusive<u64> = 1..=131_072;

/// The engine. `transmit` must be called on a thread inside the port's network namespace.
#[derive(Debug)]
pub struct XdpLive {
    loaded: Loaded,
    watched: Option<Place>,
    _scratch: Scratch,
    capabilities: Capabilities,
    image: Vec<u8>,
    interface: String,
    netns: u32,
    /// The thread that was found to be in the port's namespace.
    thread: u32,
    by_program: Box<[u64]>,
    taken: u64,
    /// Packets that the path sends in [`Pace::LONGEST`], as the last run went.
    max_run: u64,
    pace: Pace,
    /// Frames differ in length: the program counts their bytes.
    lens_differ: bool,
    /// The program only redirects, so many frames a batch, and counts nothing.
    bare: Option<u32>,
}

/// Opens the engine on an interface for the programs of one worker. `queue` only names the worker's
/// queue in the report: a redirect takes the transmit queue of the CPU that it runs on.
///
/// # Errors
/// When the interface is missing or takes no redirected frames, a program exceeds what the kernel
/// engine can do, or the kernel refuses to load it.
pub fn open(netns: &Netns, interface: &str, queue: u32, programs: Programs) -> Result<XdpLive> {
    let tables = tables_of(interface, &programs)?;
    XdpLive::with_tables(netns, interface, queue, tables)
}

/// The same loop with a program that does nothing but redirect, so many frames a batch: the ceiling
/// of this path, for measurements.
///
/// # Errors
/// As [`open`].
pub fn open_bare(
    netns: &Netns,
    interface: &str,
    queue: u32,
    programs: Programs,
    batch: u32,
) -> Result<XdpLive> {
    let mut tables = tables_of(interface, &programs)?;
    tables.config.bare = 1;
    let engine = XdpLive::with_tables(netns, interface, queue, tables)?;
    Ok(XdpLive { bare: Some(batch), ..engine })
}

/// Whether the engine works on an interface, and how; probed by sending nothing.
///
/// # Errors
/// Why it does not work, and what to do.
pub fn probe(netns: &Netns, interface: &str) -> Result<String> {
    let programs = Programs::from([std::sync::Arc::new(crate::packet::program::StreamProgram {
        stream: 0,
        template: vec![0; 60].into(),
        ops: [].into(),
        checksums: [].into(),
        crc32c: None,
        size: None,
        tag_at: None,
        lists: [].into(),
        frames: None,
    })]);
    Ok(open(netns, interface, 0, programs)?.capabilities.detail)
}

fn tables_of(interface: &str, programs: &Programs) -> Result<Tables> {
    Tables::new(programs, true).map_err(|too_large| {
        let what = match too_large.program {
            // A worker has its own streams; the profile's number is the program's.
            Some(at) => format!("streams[{}]: {}", programs[at].stream, too_large.what),
            None => too_large.what,
        };
        Error::new("run the profile in the kernel on", interface, what)
            .remedy("use --engine af-xdp or packet-mmap")
    })
}

impl XdpLive {
    fn with_tables(netns: &Netns, interface: &str, queue: u32, mut tables: Tables) -> Result<Self> {
        let port = Port::find(netns, interface)?;
        let config = &mut tables.config;
        config.spin_ns = pacing::SPIN_NS;
        let refused = |operation: &str, cause: io::Error| {
            Error::new(operation, interface, cause)
                .remedy("it needs CAP_BPF, CAP_NET_ADMIN, CAP_SYS_ADMIN and Linux 6.1 or later")
        };
        let loaded = netns
            .run(|| Loaded::new(&tables, port.ifindex))
            .and_then(|result| result)
            .map_err(|cause| refused("load the transmit program for", cause))?;
        let scratch = Scratch::attach([loaded.program()].into_iter().chain(loaded.straight()))
            .map_err(|cause| refused("attach the transmit program for", cause))?;
        // Without the right to trace it works too.
        let watched = Place::new(port).ok();
        let failures = if watched.is_some() { "seen" } else { "not seen (no CAP_PERFMON)" };
        let frames: u32 = tables.programs.iter().map(|program| program.frames).sum();
        let programs_of_worker = tables.programs.len() - frames as usize;
        let programs = if tables.config.single != 0 { "compiled in" } else { "in maps" };
        let engine = Self {
            capabilities: Capabilities {
                name: "xdp-live",
                detail: format!(
                    "live frames, programs {programs}, failed redirects {failures}, queue {queue} \
                     by CPU"
                ),
                max_frame: tables.image.len(),
                max_batch: MAX_SLOTS,
                lookahead: Pace::LONGEST,
                zero_copy: false,
            },
            by_program: vec![0; programs_of_worker].into(),
            image: tables.image,
            interface: interface.to_owned(),
            netns: port.netns,
            thread: 0,
            taken: 0,
            max_run: MAX_SLOTS as u64,
            pace: Pace::default(),
            lens_differ: tables.config.lens_differ != 0,
            bare: None,
            loaded,
            watched,
            _scratch: scratch,
        };
        if tables.config.bare != 0 {
            return Ok(engine);
        }
        // Without a slot the program sends nothing; whether the kernel runs it shows.
        netns
            .run(|| engine.call(engine.loaded.program(), Call::of_nothing()))
            .and_then(|result| result)
            .map_err(|cause| engine.failed_call(cause))?;
        Ok(engine)
    }

    /// Runs a program for the slots of a call.
    fn call(&self, program: BorrowedFd<'_>, call: Call) -> io::Result<()> {
        let shared = &*self.loaded.shared;
        shared.count.store(call.slots as u32, Relaxed);
        shared.cursor.store(0, Relaxed);
        shared.begun.store(0, Relaxed);
        shared.left.store(0, Relaxed);
        let batch = self.bare.unwrap_or(call.batch);
        shared.batch.store(batch, Relaxed);
        match bpf_run::run_live(program, &self.image, call.runs, batch) {
            // A signal ended the call early: the cursor tells how far it came.
            Err(error) if error.raw_os_error() == Some(libc::EINTR) => Ok(()),
            result => result,
        }
    }

    fn learn(&mut self, call: &Call, slots: u64, last_due: u64, now: u64) {
        let turns = self.loaded.shared.begun.load(Relaxed);
        self.pace.learn(call, slots, turns.into(), last_due, now);
    }

    fn failed_call(&self, cause: io::Error) -> Error {
        let error = Error::new("send live frames to", &self.interface, &cause);
        match cause.raw_os_error() {
            Some(libc::EINVAL) => error.remedy(format!(
                "a frame of {} bytes does not fit into a page, about 3,400 do; use --engine \
                 af-xdp or packet-mmap",
                self.image.len()
            )),
            Some(libc::EPERM) => error.remedy("it needs CAP_BPF and CAP_NET_ADMIN"),
            _ => error,
        }
    }

    fn enter(&mut self) -> Result<()> {
        let thread = bpf_run::thread_id();
        if thread == self.thread { Ok(()) } else { self.check_thread(thread) }
    }

    /// The kernel takes the namespace of the calling thread for the one to send in.
    #[cold]
    fn check_thread(&mut self, thread: u32) -> Result<()> {
        let here = port::current_netns()
            .map_err(|cause| Error::new("find the network namespace of", "this thread", cause))?;
        if here != self.netns {
            return Err(Error::new(
                "send live frames to",
                &self.interface,
                "the calling thread is in another network namespace",
            ));
        }
        self.thread = thread;
        if let Some(place) = &self.watched {
            place.set_thread(thread);
        }
        Ok(())
    }
}

impl Engine for XdpLive {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn transmit(&mut self, slots: &[Slot]) -> Result<usize> {
        let slots = &slots[..slots.len().min(MAX_SLOTS)];
        let Some(last) = slots.last() else {
            return Ok(0);
        };
        let call = match last.due {
            0 => Call::at_once(slots.len() as u64),
            _ => Call::first_of(slots, clock::now(), self.pace),
        };
        let slots = &slots[..call.slots as usize];
        self.enter()?;
        let shared = &*self.loaded.shared;
        for (to, from) in shared.slots.iter().zip(slots) {
            to.index.store(from.index, Relaxed);
            to.due.store(from.due, Relaxed);
            to.program.store(from.program, Relaxed);
        }
        shared.run.active.store(0, Relaxed);
        let result = self.call(self.loaded.program(), call);
        let taken = match self.bare {
            Some(_) => slots.len(),
            None => (self.loaded.shared.cursor.load(Relaxed) as usize).min(slots.len()),
        };
        for slot in &slots[..taken] {
            self.by_program[slot.program as usize] += 1;
        }
        self.taken += taken as u64;
        if let Some(last) = slots.get(taken.wrapping_sub(1)) {
            self.learn(&call, taken as u64, last.due, clock::now());
        }
        match result {
            // What was sent before the failure counts; the next call will fail with nothing sent.
            Err(cause) if taken == 0 => Err(self.failed_call(cause)),
            _ => Ok(taken),
        }
    }

    fn max_run(&self) -> u64 {
        self.max_run
    }

    fn transmit_run(&mut self, run: &Run) -> Result<RunTaken> {
        let run = &Run { count: run.count.min(*RUN_PACKETS.end()), ..*run };
        if run.count == 0 {
            return Ok(RunTaken::default());
        }
        self.enter()?;
        let began = clock::now();
        let program = self.loaded.program();
        let (program, call) = match run.due {
            0 => (self.loaded.straight().unwrap_or(program), Call::at_once(run.count)),
            _ => (program, Call::first_of_run(run, began, self.pace)),
        };
        let shared = &*self.loaded.shared;
        shared.run.index.store(run.index, Relaxed);
        shared.run.stride.store(run.stride, Relaxed);
        shared.run.due.store(run.due, Relaxed);
        shared.run.remainder.store(run.remainder, Relaxed);
        shared.run.step.store(run.step, Relaxed);
        shared.run.step_remainder.store(run.step_remainder, Relaxed);
        shared.run.divisor.store(run.divisor, Relaxed);
        shared.run.max_lag.store(run.max_lag, Relaxed);
        shared.run.skipped.store(0, Relaxed);
        shared.run.program.store(run.program, Relaxed);
        shared.run.active.store(1, Relaxed);
        let result = self.call(program, call);
        let shared = &*self.loaded.shared;
        let slots = match self.bare {
            Some(_) => call.slots,
            None => u64::from(shared.cursor.load(Relaxed)).min(call.slots),
        };
        let skipped = shared.run.skipped.load(Relaxed).min(slots);
        let sent = slots - skipped;
        self.by_program[run.program as usize] += sent;
        self.taken += sent;
        let ended = clock::now();
        if slots > 0 {
            self.learn(&call, slots, run.slot(slots - 1).due, ended);
        }
        let took = ended.saturating_sub(began).max(1);
        let in_time = u128::from(sent) * u128::from(Pace::LONGEST) / u128::from(took);
        self.max_run = (in_time as u64).clamp(*RUN_PACKETS.start(), *RUN_PACKETS.end());
        match result {
            Err(cause) if slots == 0 => Err(self.failed_call(cause)),
            _ => Ok(RunTaken { sent, skipped }),
        }
    }

    fn drain(&mut self, _timeout_ns: u64) -> Result<()> {
        // The last call returned after its frames had been flushed to the device.
        Ok(())
    }

    fn counters(&self) -> TxCounters {
        let shared = &*self.loaded.shared;
        let broken = shared.broken.load(Relaxed);
        let failed = shared.refused.load(Relaxed) + self.watched.as_ref().map_or(0, Place::failed);
        let accepted = self.taken - broken;
        let completed = accepted.saturating_sub(failed);
        let bytes = match self.lens_differ {
            true => shared.bytes.load(Relaxed),
            false => accepted * self.image.len() as u64,
        };
        TxCounters {
            built: accepted,
            accepted,
            completed,
            // Which frames failed is not told: their share of the bytes is taken off.
            completed_bytes: match accepted {
                0 => 0,
                _ => (u128::from(bytes) * u128::from(completed) / u128::from(accepted)) as u64,
            },
            failed: accepted - completed,
        }
    }

    fn accepted_by_program(&self) -> &[u64] {
        &self.by_program
    }
}
