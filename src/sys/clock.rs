//! The clock of every time in wirestorm: `CLOCK_MONOTONIC`, which `bpf_ktime_get_ns` reads too.

/// A source of time in nanoseconds; tests bring their own.
pub trait Clock {
    /// Nanoseconds since an arbitrary start, never going back.
    fn now(&self) -> u64;
}

/// `CLOCK_MONOTONIC`, read through the vDSO.
#[derive(Clone, Copy, Debug, Default)]
pub struct Monotonic;

impl Clock for Monotonic {
    #[inline(always)]
    fn now(&self) -> u64 {
        now()
    }
}

/// `CLOCK_MONOTONIC` in nanoseconds.
#[inline(always)]
pub fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to; CLOCK_MONOTONIC exists on every Linux, so the
    // call cannot fail.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
