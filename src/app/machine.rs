//! Where a run is made: what the report's environment says, and what the machine did meanwhile.

use std::fs;

use crate::ports::AttachedPort;
use crate::report::model::Environment;

/// Cores that this process may run on.
pub fn allowed_cores() -> Vec<usize> {
    let cores = core_affinity::get_core_ids().unwrap_or_default();
    cores.into_iter().map(|core| core.id).collect()
}

/// CPU time of the whole machine, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CpuTimes {
    total: u64,
    steal: u64,
}

impl CpuTimes {
    /// From the first line of /proc/stat; zeros where it cannot be read.
    pub fn read() -> Self {
        let stat = fs::read_to_string("/proc/stat").unwrap_or_default();
        let fields: Vec<u64> = stat
            .lines()
            .next()
            .unwrap_or_default()
            .split_whitespace()
            .skip(1)
            .filter_map(|field| field.parse().ok())
            .collect();
        // user nice system idle iowait irq softirq steal; guest times are in user already.
        let counted = &fields[..fields.len().min(8)];
        Self { total: counted.iter().sum(), steal: fields.get(7).copied().unwrap_or(0) }
    }

    /// The share of time since `before` that the hypervisor took.
    pub fn steal_since(&self, before: &Self) -> Option<f64> {
        let total = self.total.checked_sub(before.total).filter(|&total| total > 0)?;
        Some(self.steal.saturating_sub(before.steal) as f64 / total as f64)
    }
}

/// The environment of a report, but for `started` and `command`.
pub fn environment(ports: &[AttachedPort]) -> Environment {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).ok();
    let mut drivers: Vec<String> = Vec::new();
    for port in ports {
        let queues = format!("{} tx, {} rx queues", port.facts.tx_queues, port.facts.rx_queues);
        drivers.push(format!("{}: {} ({queues})", port.facts.name, port.facts.driver));
    }
    let clock = read("/sys/devices/system/clocksource/clocksource0/current_clocksource");
    Environment {
        wirestorm: env!("CARGO_PKG_VERSION").into(),
        kernel: read("/proc/sys/kernel/osrelease").unwrap_or_default(),
        driver: drivers.join("; "),
        cpu: cpu(),
        clock: format!("CLOCK_MONOTONIC on {}", clock.as_deref().unwrap_or("an unknown source")),
        offloads: String::new(),
        latency_definition: "receive time at the XDP hook (or the kernel's receive stamp) minus \
                             send time right before the packet is handed to the kernel"
            .into(),
        ..Environment::default()
    }
}

fn cpu() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown CPU", |(_, model)| model.trim());
    format!("{model}, {} cores", allowed_cores().len())
}

/// The time of day in UTC as RFC 3339 has it, to the second.
pub fn now_rfc3339() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}
