//! The senders of a trial: one thread a seat, started together, stopped together, drained, counted.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::engine::choose::{self, EngineChoice};
use crate::engine::{Capabilities, Engine, Programs, TxCounters};
use crate::error::{Error, Result};
use crate::pace::{RateChange, Schedule, StreamCounts};
use crate::plan::{PortPlan, Seat};
use crate::sys::clock::{self, Monotonic};
use crate::sys::netns::Netns;
use crate::worker::live::{Answer, Live};
use crate::worker::{self, Limits, Outcome};

/// One sending port, ready to be opened.
#[derive(Clone, Debug)]
pub struct SendPort {
    /// Where its interface is.
    pub netns: Netns,
    /// Its interface.
    pub interface: String,
    /// Its work.
    pub plan: PortPlan,
    /// Its programs, in the order of `plan.streams`.
    pub programs: Programs,
}

/// What one worker did.
#[derive(Debug)]
pub struct WorkerReport {
    /// Position of its port among the sending ports.
    pub port: usize,
    /// Its seat.
    pub seat: Seat,
    /// Why its engine was chosen: what was better and did not work here. Empty where nothing was.
    pub why: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What its engine could do.
    pub capabilities: Capabilities,
    /// What its engine counted.
    pub counters: TxCounters,
    /// Packets accepted per program.
    pub accepted: Vec<u64>,
    /// What became of the slots, per program.
    pub slots: Vec<StreamCounts>,
}

/// The senders of a trial, opened and waiting for the start.
pub struct Senders {
    threads: Vec<JoinHandle<WorkerReport>>,
    starts: Vec<mpsc::Sender<u64>>,
    /// One a worker, in the order of ports and seats.
    pub live: Vec<Arc<Live>>,
    /// What each worker's engine can do, in the same order.
    pub capabilities: Vec<Capabilities>,
    stop: Arc<AtomicBool>,
    first_error: Arc<Mutex<Option<Error>>>,
}

impl Senders {
    /// Opens every engine, each on its own pinned thread inside its port's namespace.
    ///
    /// # Errors
    /// The first seat's that cannot be opened; nothing has been sent then, and the others are
    /// closed.
    pub fn open(
        ports: &[SendPort],
        choice: EngineChoice,
        limits: Limits,
        stop: Arc<AtomicBool>,
    ) -> Result<Self> {
        let mut senders = Self {
            threads: Vec::new(),
            starts: Vec::new(),
            live: Vec::new(),
            capabilities: Vec::new(),
            stop,
            first_error: Arc::default(),
        };
        for (number, port) in ports.iter().enumerate() {
            for worker in 0..port.plan.seats.len() {
                // One after another, so that errors come in order and devices are not raced.
                let opened = senders.spawn(number, port, worker, choice, limits);
                if let Err(error) = opened {
                    senders.starts.clear();
                    for thread in senders.threads {
                        let _ = thread.join();
                    }
                    return Err(error);
                }
            }
        }
        Ok(senders)
    }

    fn spawn(
        &mut self,
        number: usize,
        port: &SendPort,
        worker: usize,
        choice: EngineChoice,
        limits: Limits,
    ) -> Result<()> {
        let seat = port.plan.seats[worker];
        let live = Arc::new(Live::new(port.programs.len()));
        let (ready, opened) = mpsc::channel();
        let (start, started) = mpsc::channel();
        let port = port.clone();
        let (stop, first_error) = (self.stop.clone(), self.first_error.clone());
        let shown = live.clone();
        let thread = thread::Builder::new()
            .name(format!("tx-{}-{}", port.interface, seat.queue))
            .spawn(move || {
                let (mut engine, why) = match open_seat(&port, seat, choice) {
                    Ok(opened) => opened,
                    Err(error) => {
                        let report = WorkerReport::unopened(number, seat);
                        let _ = ready.send(Err(error));
                        return report;
                    }
                };
                let _ = ready.send(Ok(engine.capabilities().clone()));
                drop(ready);
                let workers = port.plan.seats.len() as u32;
                let Ok(begin) = started.recv() else {
                    return WorkerReport::unopened(number, seat);
                };
                let worker = worker as u32;
                let mut schedule = Schedule::new(&port.plan.classes, worker, workers, begin);
                let mut outcome =
                    worker::run(&mut *engine, &mut schedule, &Monotonic, limits, &shown, &stop);
                if let Some(error) = outcome.error.take() {
                    stop.store(true, Relaxed);
                    let mut first = first_error.lock().unwrap_or_else(PoisonError::into_inner);
                    first.get_or_insert(error);
                }
                WorkerReport {
                    port: number,
                    seat,
                    why,
                    capabilities: engine.capabilities().clone(),
                    counters: engine.counters(),
                    accepted: engine.accepted_by_program().to_vec(),
                    slots: (0..port.programs.len() as u32)
                        .map(|program| schedule.counts(program, outcome.ended))
                        .collect(),
                    outcome,
                }
            })
            .map_err(|error| Error::new("start", format!("worker {worker}"), error))?;
        self.threads.push(thread);
        match opened.recv() {
            Ok(Ok(capabilities)) => {
                self.starts.push(start);
                self.live.push(live);
                self.capabilities.push(capabilities);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::new("start", format!("worker {worker}"), "its thread ended")),
        }
    }

    /// Starts all workers: packet 0 is due at the time returned, a moment from now.
    pub fn start(&mut self) -> u64 {
        const MOMENT_NS: u64 = 5_000_000;
        let begin = clock::now() + MOMENT_NS;
        for start in self.starts.drain(..) {
            let _ = start.send(begin);
        }
        begin
    }

    /// Whether all workers have ended.
    pub fn are_done(&self) -> bool {
        self.threads.iter().all(JoinHandle::is_finished)
    }

    /// Packets sent so far.
    pub fn sent(&self) -> u64 {
        self.live.iter().map(|live| live.sent.load(Relaxed)).sum()
    }

    /// Largest lag so far, in nanoseconds.
    pub fn max_lag(&self) -> u64 {
        self.live.iter().map(|live| live.max_lag.load(Relaxed)).max().unwrap_or(0)
    }

    /// Asks every worker what it has counted, and waits for the answers, but not for long: of a worker
    /// that is slow it is the answer before.
    pub fn ask(&self, patience: Duration) -> Vec<Answer> {
        self.live.iter().for_each(|live| live.ask());
        let until = Instant::now() + patience;
        let workers = self.live.iter().zip(&self.threads);
        let waits = |(live, thread): (&Arc<Live>, &JoinHandle<_>)| {
            !live.has_answered() && !thread.is_finished()
        };
        while workers.clone().any(waits) && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        self.live.iter().map(|live| live.answer()).collect()
    }

    /// Changes the rates of all workers.
    pub fn change_rate(&self, change: RateChange) {
        self.live.iter().for_each(|live| live.change_rate(change));
    }

    /// Whether all workers that still run have made the change at that time.
    pub fn have_changed(&self, at: u64) -> bool {
        let mut workers = self.live.iter().zip(&self.threads);
        workers.all(|(live, thread)| live.changed_at() >= at || thread.is_finished())
    }

    /// Whether any worker has made it.
    pub fn has_changed(&self, at: u64) -> bool {
        self.live.iter().any(|live| live.changed_at() >= at)
    }

    /// Waits for all workers. The error is the first that any of them met; it stopped the others.
    pub fn join(self) -> (Vec<WorkerReport>, Option<Error>) {
        let mut reports = Vec::new();
        let mut panicked = None;
        for thread in self.threads {
            match thread.join() {
                Ok(report) => reports.push(report),
                Err(_) => {
                    let error = Error::new("finish", "a worker", "it panicked")
                        .remedy("please report this as a bug, with the lines above");
                    panicked.get_or_insert(error);
                }
            }
        }
        let first = self.first_error.lock().unwrap_or_else(PoisonError::into_inner).take();
        (reports, first.or(panicked))
    }
}

impl WorkerReport {
    fn unopened(port: usize, seat: Seat) -> Self {
        Self {
            port,
            seat,
            why: String::new(),
            outcome: Outcome { ended: None, last_sent: None, max_lag: None, error: None },
            capabilities: Capabilities {
                name: "none",
                detail: String::new(),
                max_frame: 0,
                max_batch: 0,
                lookahead: 0,
                zero_copy: false,
            },
            counters: TxCounters::default(),
            accepted: Vec::new(),
            slots: Vec::new(),
        }
    }
}

fn open_seat(
    port: &SendPort,
    seat: Seat,
    choice: EngineChoice,
) -> Result<(Box<dyn Engine>, String)> {
    port.netns
        .enter()
        .map_err(|error| Error::new("enter the namespace of", &port.interface, error))?;
    if let Some(core) = seat.core
        && !core_affinity::set_for_current(core_affinity::CoreId { id: core })
    {
        return Err(Error::new("pin a worker to", format!("core {core}"), "the kernel refused it")
            .remedy(
                "set the port's cores to cores that this process may use (see nproc, taskset)",
            ));
    }
    clock::sleep_exactly();
    choose::open(choice, &port.netns, &port.interface, seat.queue, &port.programs)
}
