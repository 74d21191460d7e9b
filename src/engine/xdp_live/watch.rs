//! Sees the redirects that fail: one pair of tracepoint programs for all workers of the process, since
//! each bulk of each of them passes every program that is attached there.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use libbpf_rs::MapCore;
use libbpf_rs::skel::{OpenSkel, SkelBuilder};

use super::load::set_constants;
use super::object::watch::TxWatchSkelBuilder;
use super::port::{self, Port};
use crate::sys::bpf_map::MappedValue;
use crate::sys::bpf_run;
use crate::sys::tx_abi::{WATCHED, WatchConfig, Watched};

/// The programs of this process, while anybody needs them.
static PROCESS: Mutex<Weak<Watch>> = Mutex::new(Weak::new());

#[derive(Debug)]
struct Watch {
    workers: MappedValue<[Watched; WATCHED]>,
    _tracepoints: [OwnedFd; 2],
}

/// A worker's place among those that are watched.
#[derive(Debug)]
pub struct Place {
    watch: Arc<Watch>,
    number: usize,
}

impl Place {
    /// A place for a worker that sends to `port`.
    ///
    /// # Errors
    /// What the kernel says: without CAP_PERFMON or without BTF it does not let us watch. Or all
    /// places are taken.
    pub fn new(port: Port) -> io::Result<Self> {
        let watch = Watch::of_process()?;
        let free = |worker: &Watched| worker.used.compare_exchange(0, 1, Acquire, Relaxed).is_ok();
        let Some(number) = watch.workers.iter().position(free) else {
            return Err(io::Error::other("too many workers"));
        };
        let worker = &watch.workers[number];
        worker.ifindex.store(port.ifindex, Relaxed);
        worker.netns.store(port.netns, Relaxed);
        worker.refused.store(0, Relaxed);
        worker.dropped.store(0, Relaxed);
        worker.error.store(0, Relaxed);
        Ok(Self { watch, number })
    }

    /// Tells which thread sends.
    pub fn set_thread(&self, thread: u32) {
        self.worker().thread.store(thread, Relaxed);
    }

    /// Frames that were redirected and not sent.
    pub fn failed(&self) -> u64 {
        self.worker().refused.load(Relaxed) + self.worker().dropped.load(Relaxed)
    }

    fn worker(&self) -> &Watched {
        &self.watch.workers[self.number]
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.worker().thread.store(0, Relaxed);
        self.worker().used.store(0, Release);
    }
}

impl Watch {
    fn of_process() -> io::Result<Arc<Self>> {
        let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watch) = process.upgrade() {
            return Ok(watch);
        }
        let watch = Arc::new(Self::load()?);
        *process = Arc::downgrade(&watch);
        Ok(watch)
    }

    fn load() -> io::Result<Self> {
        let (pidns_device, pidns) = port::current_pidns()?;
        let mut storage = MaybeUninit::uninit();
        let mut skel =
            TxWatchSkelBuilder::default().open(&mut storage).map_err(io::Error::other)?;
        set_constants(&mut skel.maps.rodata, &WatchConfig { pidns_device, pidns })?;
        let skel = skel.load().map_err(io::Error::other)?;
        Ok(Self {
            workers: MappedValue::new(skel.maps.bss.as_fd(), skel.maps.bss.value_size())?,
            _tracepoints: [
                bpf_run::attach_tracepoint(skel.progs.on_devmap_xmit.as_fd())?,
                bpf_run::attach_tracepoint(skel.progs.on_redirect_err.as_fd())?,
            ],
        })
    }
}
