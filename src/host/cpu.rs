//! The machine's CPUs, and what others take of them.

use std::fs;
use std::time::Duration;

use crate::sys::limits;

/// The CPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cpus {
    /// `model name` of /proc/cpuinfo; empty where the architecture has none.
    pub model: String,
    /// CPUs that are online.
    pub online: Vec<usize>,
    /// CPUs that the scheduler leaves alone (`isolcpus`).
    pub isolated: Vec<usize>,
    /// CPUs that this process may use.
    pub allowed: Vec<usize>,
    /// Frequency governor of each online CPU that has one.
    pub governors: Vec<(usize, String)>,
}

impl Cpus {
    /// Those of this machine. What the kernel does not tell is empty.
    pub fn of_this_machine() -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let online = list(&read("/sys/devices/system/cpu/online"));
        let governors = online
            .iter()
            .filter_map(|&cpu| {
                let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor");
                Some((cpu, fs::read_to_string(path).ok()?.trim().to_owned()))
            })
            .collect();
        Self {
            model: model(&read("/proc/cpuinfo")),
            isolated: list(&read("/sys/devices/system/cpu/isolated")),
            allowed: limits::allowed_cpus().unwrap_or_default(),
            online,
            governors,
        }
    }
}

/// The NUMA node that an interface of the machine's first namespace is attached to; none for a
/// virtual one and on machines with a single node.
pub fn numa_node(interface: &str) -> Option<usize> {
    if interface.contains('/') {
        return None;
    }
    // −1 where the device has no node.
    let path = format!("/sys/class/net/{interface}/device/numa_node");
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// Time that the hypervisor gave to others while this machine wanted to run, all CPUs together,
/// since boot. The difference of two readings tells whether a run was disturbed. None where the
/// kernel does not count it.
pub fn steal_time() -> Option<Duration> {
    let ticks = steal_ticks(&fs::read_to_string("/proc/stat").ok()?)?;
    Some(Duration::from_secs_f64(ticks as f64 / limits::clock_ticks_per_second() as f64))
}

/// The eighth number of the line `cpu` (proc_stat(5)).
fn steal_ticks(stat: &str) -> Option<u64> {
    let line = stat.lines().find_map(|line| line.strip_prefix("cpu "))?;
    line.split_whitespace().nth(7)?.parse().ok()
}

fn model(cpuinfo: &str) -> String {
    let named = |key: &str| {
        cpuinfo.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            (name.trim() == key).then(|| value.trim().to_owned())
        })
    };
    named("model name").or_else(|| named("Model")).unwrap_or_default()
}

/// The kernel's form of a set of CPUs: `0-3,8`.
fn list(text: &str) -> Vec<usize> {
    text.trim()
        .split(',')
        .filter_map(|part| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.parse().ok()?..=last.parse().ok()?)
        })
        .flatten()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_cpus_are_read_in_the_kernels_form() {
        assert_eq!(list("0-3,8\n"), [0, 1, 2, 3, 8]);
        assert_eq!(list("5\n"), [5]);
        assert!(list("\n").is_empty());
    }

    #[test]
    fn steal_is_the_eighth_number() {
        let stat = "cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 1 2 3 4 5 6 7 44 9 10\n";
        assert_eq!(steal_ticks(stat), Some(88));
        assert_eq!(steal_ticks("cpu  1 2 3\n"), None);
    }

    #[test]
    fn the_model_is_found() {
        assert_eq!(model("processor\t: 0\nmodel name\t: A CPU @ 3 GHz\n"), "A CPU @ 3 GHz");
        assert_eq!(model("Features: x\n"), "");
    }

    #[test]
    fn this_machine_has_cpus() {
        let cpus = Cpus::of_this_machine();
        assert!(!cpus.allowed.is_empty());
        assert!(cpus.allowed.iter().all(|cpu| cpus.online.contains(cpu)));
        assert_eq!(numa_node("../../etc"), None);
    }
}
