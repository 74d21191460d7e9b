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
    read(libc::CLOCK_MONOTONIC)
}

/// CPU time of the calling thread in nanoseconds: what is left of a measurement's truth on a machine
/// that others use too.
pub fn thread_cpu_time() -> u64 {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Lets sleeps of the calling thread end when they should, instead of up to 50 µs later (the default
/// timer slack, `PR_SET_TIMERSLACK`). Where the kernel refuses, they end later.
pub fn sleep_exactly() {
    // SAFETY: this prctl takes a number and touches no memory.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
}

#[inline(always)]
fn read(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec to write to; the clocks that are read here exist on every
    // Linux, so the call cannot fail.
    unsafe { libc::clock_gettime(clock, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// `CLOCK_REALTIME` in nanoseconds since 1970.
pub fn realtime() -> u64 {
    read(libc::CLOCK_REALTIME)
}

/// What has to be added to a time of `CLOCK_REALTIME` to make it one of `CLOCK_MONOTONIC`, wrapping:
/// true until somebody sets the clock. Off by less than the time of one clock read.
pub fn realtime_to_monotonic() -> u64 {
    let (before, realtime) = (now(), read(libc::CLOCK_REALTIME));
    let after = now();
    (before + (after - before) / 2).wrapping_sub(realtime)
}
