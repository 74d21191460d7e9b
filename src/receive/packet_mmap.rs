//! Receiving where XDP cannot: a TPACKET_V3 ring, judged in user space on a thread of its own.
//!
//! The ring sees a copy of every frame; the kernel gets the frame too, whatever `pass_on` says. In
//! the lab [`crate::lab::Lab::mute_receiver`] keeps it from answering.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use super::find_tag::find_tag;
use super::{ReceiveSpec, Receiver, queues, rules};
use crate::error::{Error, Result};
use crate::measure::classify::Classifier;
use crate::measure::glance::PortGlance;
use crate::measure::received::PortReceived;
use crate::sys::clock;
use crate::sys::packet_rx::{RingFrame, RxRing};
use crate::sys::poll;

/// How long the thread sleeps at most before it looks whether it shall end, in milliseconds.
const POLL_MS: i32 = 20;
/// A jump of CLOCK_REALTIME against CLOCK_MONOTONIC that is no measuring noise: someone set the
/// clock, and the times around the jump are wrong.
const CLOCK_STEP_NS: u64 = 1_000_000;

/// Opens the ring and starts its thread. Must run in the interface's network namespace.
pub(super) fn open(spec: &ReceiveSpec) -> Result<PacketMmapReceiver> {
    let fail = |cause: std::io::Error| {
        let error = Error::new("open a TPACKET_V3 receive ring on", &spec.interface, &cause);
        match cause.raw_os_error() {
            Some(libc::EPERM | libc::EACCES) => error.remedy("run as root, or with CAP_NET_RAW"),
            Some(libc::ENODEV) => error.remedy("see `ip link` for its name"),
            Some(libc::ENETDOWN) => error.remedy(format!("ip link set {} up", spec.interface)),
            _ => error,
        }
    };
    let interface = queues::interface(&spec.interface).map_err(fail)?;
    let ring = RxRing::open(interface.index).map_err(fail)?;
    let shared = Arc::new(Shared {
        counted: Mutex::new(Counted {
            classifier: Classifier::new(rules(spec)),
            drops: 0,
            clock_steps: 0,
        }),
        stop: AtomicBool::new(false),
    });
    let offsets = spec.tag_offsets.clone();
    let theirs = Arc::clone(&shared);
    let thread = thread::Builder::new()
        .name(format!("rx-{}", spec.interface))
        .spawn(move || receive(ring, &offsets, &theirs))
        .map_err(fail)?;
    Ok(PacketMmapReceiver { shared, thread: Some(thread), mode: "packet-mmap".into() })
}

struct Shared {
    /// Locked once a block, not once a packet.
    counted: Mutex<Counted>,
    stop: AtomicBool,
}

struct Counted {
    classifier: Classifier,
    drops: u64,
    clock_steps: u64,
}

/// A receiver on a TPACKET_V3 ring.
pub(super) struct PacketMmapReceiver {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    pub(super) mode: String,
}

impl Receiver for PacketMmapReceiver {
    fn snapshot(&mut self) -> Result<PortReceived> {
        let counted = self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let frames = counted.classifier.frames();
        Ok(PortReceived {
            mode: self.mode.clone(),
            seen: frames.seen,
            corrupt: frames.corrupt,
            stale: frames.stale,
            alien: frames.alien,
            overload: Self::overload(&counted),
            gaps: counted.classifier.gaps(),
            streams: counted.classifier.streams(),
        })
    }

    fn glance(&mut self, latency: bool) -> Result<PortGlance> {
        let counted = self.shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let overload = Self::overload(&counted);
        let mode = self.mode.clone();
        Ok(PortGlance { mode, overload, ..counted.classifier.glance(latency) })
    }
}

impl PacketMmapReceiver {
    fn overload(counted: &Counted) -> Vec<(String, u64)> {
        vec![("tp_drops".into(), counted.drops), ("clock_steps".into(), counted.clock_steps)]
    }
}

impl Drop for PacketMmapReceiver {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn receive(mut ring: RxRing, offsets: &[u16], shared: &Shared) {
    let mut scratch = Vec::with_capacity(1 << 16);
    let mut offset = clock::realtime_to_monotonic();
    while !shared.stop.load(Ordering::Relaxed) {
        let new_offset = clock::realtime_to_monotonic();
        let step = new_offset.wrapping_sub(offset) as i64;
        offset = new_offset;
        let mut counted = shared.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let classifier = &mut counted.classifier;
        let found = ring.next_block(|frame| {
            count(classifier, frame, offsets, offset, &mut scratch);
        });
        counted.clock_steps += u64::from(step.unsigned_abs() > CLOCK_STEP_NS);
        counted.drops += ring.take_drops().map_or(0, u64::from);
        drop(counted);
        if !found && poll::readable(&[std::os::fd::AsFd::as_fd(&ring)], POLL_MS).is_err() {
            thread::sleep(std::time::Duration::from_millis(POLL_MS as u64));
        }
    }
}

fn count(
    classifier: &mut Classifier,
    frame: RingFrame<'_>,
    offsets: &[u16],
    offset: u64,
    scratch: &mut Vec<u8>,
) {
    let now = frame.realtime_ns.wrapping_add(offset);
    let (seen, len) = match frame.stripped_vlan {
        None => (find_tag(frame.bytes, offsets), frame.len),
        Some(vlan) => {
            restore_vlan(frame.bytes, vlan, scratch);
            (find_tag(scratch, offsets), frame.len + 4)
        }
    };
    classifier.count(seen, len.into(), now);
}

/// Puts a VLAN tag that was stripped back behind the MAC addresses.
fn restore_vlan(frame: &[u8], (tpid, tci): (u16, u16), restored: &mut Vec<u8>) {
    let (addresses, rest) = frame.split_at(frame.len().min(12));
    restored.clear();
    restored.extend_from_slice(addresses);
    restored.extend_from_slice(&tpid.to_be_bytes());
    restored.extend_from_slice(&tci.to_be_bytes());
    restored.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stripped_vlan_tag_stands_behind_the_addresses() {
        let mut frame = vec![1; 12];
        frame.extend([8, 0, 0x45]);
        let mut restored = Vec::new();
        restore_vlan(&frame, (0x8100, 0x2007), &mut restored);
        assert_eq!(restored[..12], [1; 12]);
        assert_eq!(restored[12..], [0x81, 0, 0x20, 7, 8, 0, 0x45]);
    }
}
