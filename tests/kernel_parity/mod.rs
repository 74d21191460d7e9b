//! The packet that the eBPF program builds, against the one that Rust builds.
#![allow(dead_code, reason = "every test takes what it needs")]

use proptest::prelude::*;
use wirestorm::engine::Slot;
use wirestorm::engine::xdp_live::dry::KernelBuilder;
use wirestorm::packet::program::StreamProgram;
use wirestorm::packet::tag::{self, Seen};
use wirestorm::sys::clock;

/// Whether eBPF programs can be loaded; says so if not.
pub fn privileged() -> bool {
    // The effective user decides, and the kernel has the last word.
    let root = std::fs::metadata("/proc/self").is_ok_and(|own| {
        use std::os::unix::fs::MetadataExt;
        own.uid() == 0
    });
    if !root {
        assert!(std::env::var_os("REQUIRE_PRIVILEGED").is_none(), "needs CAP_BPF");
        println!("skipped: loading eBPF programs needs root");
    }
    root
}

/// Compares one packet; the stamp's time and lag are taken from the kernel's, and must be true.
pub fn compare(
    kernel: &KernelBuilder,
    program: &StreamProgram,
    slot: Slot,
    page: &[u8],
) -> Result<(), TestCaseError> {
    let before = clock::now();
    let built = kernel.build(slot, page).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let mut expected = vec![0xa5; program.max_frame_len()];
    let len = program.build(slot.index, &mut expected, false);
    if let Some(at) = program.tag_at {
        let stamp = usize::from(at) + tag::STAMP_AT;
        let Some(word) = built.get(stamp..).and_then(|rest| rest.first_chunk::<8>()) else {
            return Err(TestCaseError::fail(format!("the tag is cut off: {} bytes", built.len())));
        };
        let word = u64::from_be_bytes(*word);
        let (time, code) = ((word >> 32) as u32, (word >> 16) as u16);
        let now = tag::complete_time(clock::now(), time);
        prop_assert!(before <= now, "stamped {now} before {before}");
        let lag = if slot.due == 0 { 0 } else { now - slot.due };
        prop_assert_eq!(code, tag::encode_lag(lag));
        program.stamp(slot.index, &mut expected, now, lag);
        let seen = tag::read(&built[usize::from(at)..]);
        prop_assert!(matches!(seen, Seen::Probe(tag) if tag.index == slot.index as u32));
    }
    prop_assert_eq!(&built[..], &expected[..len]);
    Ok(())
}
