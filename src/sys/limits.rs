//! Resource limits, CPU affinity and configuration values of this process.

use std::io;
use std::marker::PhantomData;

/// A resource limit; `None` is unlimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What holds now.
    pub soft: Option<u64>,
    /// What the soft limit can be raised to without CAP_SYS_RESOURCE.
    pub hard: Option<u64>,
}

/// RLIMIT_MEMLOCK in bytes.
///
/// # Errors
/// None that Linux documents for a known resource.
pub fn memory_lock() -> io::Result<Limit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is a valid rlimit to write to.
    if unsafe { libc::getrlimit(libc::RLIMIT_MEMLOCK, &mut limit) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let finite = |value| (value != libc::RLIM_INFINITY).then_some(value);
    Ok(Limit { soft: finite(limit.rlim_cur), hard: finite(limit.rlim_max) })
}

/// The CPUs that this thread may run on, ascending.
///
/// # Errors
/// `EINVAL` on a machine with more than 1024 possible CPUs.
pub fn allowed_cpus() -> io::Result<Vec<usize>> {
    // SAFETY: a cpu_set_t is a plain bit set, and all zeros is the empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    // SAFETY: `set` is valid to write `size_of` bytes to; 0 is the calling thread.
    if unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &mut set) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok((0..libc::CPU_SETSIZE as usize)
        // SAFETY: the index is below CPU_SETSIZE.
        .filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) })
        .collect())
}

/// Lets this thread run on these CPUs alone.
fn allow_cpus(cpus: &[usize]) -> io::Result<()> {
    // SAFETY: a cpu_set_t is a plain bit set, and all zeros is the empty one.
    let mut set: libc::cpu_set_t = unsafe { std::mem::zeroed() };
    for &cpu in cpus.iter().filter(|&&cpu| cpu < libc::CPU_SETSIZE as usize) {
        // SAFETY: the index is below CPU_SETSIZE.
        unsafe { libc::CPU_SET(cpu, &mut set) };
    }
    // SAFETY: `set` is valid to read `size_of` bytes from; 0 is the calling thread.
    match unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &set) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// A thread that leaves some CPUs to others for as long as this exists, and the threads that it
/// starts meanwhile.
#[derive(Debug)]
pub struct Aside {
    before: Vec<usize>,
    /// It is of the thread that it was made on.
    _thread: PhantomData<*const ()>,
}

impl Aside {
    /// Keeps this thread off `cpus`. None where it may run on no others, or not choose.
    pub fn from(cpus: &[usize]) -> Option<Self> {
        let before = allowed_cpus().ok()?;
        let others: Vec<usize> = before.iter().copied().filter(|cpu| !cpus.contains(cpu)).collect();
        if others.is_empty() || others == before {
            return None;
        }
        allow_cpus(&others).ok()?;
        Some(Self { before, _thread: PhantomData })
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        let _ = allow_cpus(&self.before);
    }
}

/// Ticks per second of the times in /proc/stat.
pub fn clock_ticks_per_second() -> u64 {
    // SAFETY: sysconf has no preconditions.
    u64::try_from(unsafe { libc::sysconf(libc::_SC_CLK_TCK) }).unwrap_or(100).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_steps_aside_for_as_long_as_it_is_asked_to() {
        let before = allowed_cpus().unwrap();
        let aside = Aside::from(&before[..1]);
        assert_eq!(aside.is_some(), before.len() > 1);
        if aside.is_some() {
            assert_eq!(allowed_cpus().unwrap(), before[1..]);
        }
        assert!(Aside::from(&before).is_none(), "somewhere it has to run");
        drop(aside);
        assert_eq!(allowed_cpus().unwrap(), before);
        assert!(Aside::from(&[usize::MAX]).is_none(), "it is not there");
    }

    #[test]
    fn this_thread_may_run_somewhere() {
        assert!(!allowed_cpus().unwrap().is_empty());
    }

    #[test]
    fn the_soft_limit_is_within_the_hard_one() {
        let limit = memory_lock().unwrap();
        assert!(limit.soft.unwrap_or(u64::MAX) <= limit.hard.unwrap_or(u64::MAX));
    }
}
