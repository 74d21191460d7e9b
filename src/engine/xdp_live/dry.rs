//! The transmit program run on a copy of a page, sending nothing: what would packet i be?

use std::sync::atomic::Ordering::Relaxed;

use super::load::Loaded;
use super::tables::Tables;
use crate::engine::Slot;
use crate::error::{Error, Result};
use crate::packet::program::StreamProgram;
use crate::sys::bpf_run;
use std::sync::Arc;

/// XDP_REDIRECT of linux/bpf.h: the packet would be sent.
const REDIRECT: u32 = 4;

/// The loopback device, which every network namespace has. A dry run stops before the redirect.
const LOOPBACK: u32 = 1;

/// Programs loaded into the kernel, without a port.
#[derive(Debug)]
pub struct KernelBuilder {
    loaded: Loaded,
    image: Vec<u8>,
    /// By the program for packets that are due at once.
    straight: bool,
}

impl KernelBuilder {
    /// Loads programs. `inline`: one program alone becomes part of the eBPF program, as it does
    /// when it is sent.
    ///
    /// # Errors
    /// When a program exceeds the engine's limits, or the kernel refuses it.
    pub fn new(programs: &[Arc<StreamProgram>], inline: bool) -> Result<Self> {
        let fail = |cause: String| Error::new("load", "the transmit program", cause);
        let tables = Tables::new(programs, inline).map_err(|limit| fail(limit.what))?;
        let loaded = Loaded::new(&tables, LOOPBACK).map_err(|cause| fail(cause.to_string()))?;
        loaded.shared.batch.store(1, Relaxed);
        Ok(Self { loaded, image: tables.image, straight: false })
    }

    /// The same by the program that is written for one stream whose packets are all due at once.
    /// None: this stream has none.
    ///
    /// # Errors
    /// As [`KernelBuilder::new`].
    pub fn straight(program: &Arc<StreamProgram>) -> Result<Option<Self>> {
        let built = Self::new(std::slice::from_ref(program), true)?;
        Ok(built.loaded.straight().is_some().then_some(Self { straight: true, ..built }))
    }

    /// The packet of a slot, as the kernel builds and stamps it. `page` is what the page holds
    /// before; at least as long as the longest template.
    ///
    /// # Errors
    /// When the program does not build it, or the kernel does not run it.
    pub fn build(&self, slot: Slot, page: &[u8]) -> Result<Vec<u8>> {
        let fail = |cause: String| {
            Error::new("build", format!("packet {} of program {}", slot.index, slot.program), cause)
        };
        let shared = &*self.loaded.shared;
        shared.slots[0].index.store(slot.index, Relaxed);
        shared.slots[0].due.store(slot.due, Relaxed);
        shared.slots[0].program.store(slot.program, Relaxed);
        shared.run.index.store(slot.index, Relaxed);
        shared.run.active.store(0, Relaxed);
        shared.count.store(1, Relaxed);
        shared.cursor.store(0, Relaxed);
        shared.left.store(0, Relaxed);
        let program = match self.loaded.straight() {
            Some(straight) if self.straight => straight,
            _ => self.loaded.program(),
        };
        let run = bpf_run::run_dry(program, page).map_err(|cause| fail(cause.to_string()))?;
        if run.verdict != REDIRECT {
            return Err(fail(format!("the program's verdict is {}", run.verdict)));
        }
        Ok(run.data)
    }

    /// What the engine puts into a page before the first packet.
    pub fn image(&self) -> &[u8] {
        &self.image
    }
}
