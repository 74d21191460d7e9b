//! The processor's time-stamp counter, for benches. It counts at a constant rate, near the base
//! frequency, whatever the core's clock does.

/// The counter now; None on processors without one that this crate knows.
#[inline(always)]
pub fn now() -> Option<u64> {
    #[cfg(target_arch = "x86_64")]
    {
        // SAFETY: every x86-64 processor has RDTSC; Linux does not forbid it to user space.
        Some(unsafe { std::arch::x86_64::_rdtsc() })
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        None
    }
}
