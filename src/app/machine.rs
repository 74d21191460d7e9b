//! Where a run is made: what the report's environment says, and what the machine did meanwhile.

use std::fs;

use crate::host::cpu::Cpus;
use crate::host::{self, offloads};
use crate::ports::AttachedPort;
use crate::report::model::Environment;
use crate::sys::ethtool::Ethtool;

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
    let mut drivers: Vec<String> = Vec::new();
    for port in ports {
        let queues = format!("{} tx, {} rx queues", port.facts.tx_queues, port.facts.rx_queues);
        drivers.push(format!("{}: {} ({queues})", port.facts.name, port.facts.driver));
    }
    let host = host::environment::Environment::of_this_machine();
    Environment {
        wirestorm: env!("CARGO_PKG_VERSION").into(),
        kernel: host.kernel,
        driver: drivers.join("; "),
        cpu: cpu(),
        clock: format!("CLOCK_MONOTONIC on {}", host.clock_source),
        offloads: ports.iter().map(offloads_of).collect::<Vec<_>>().join("; "),
        latency_definition: "receive time at the XDP hook (or the kernel's receive stamp) minus \
                             send time right before the packet is handed to the kernel"
            .into(),
        ..Environment::default()
    }
}

/// The offloads that are on and change what a receiver sees or a sender hands over.
fn offloads_of(port: &AttachedPort) -> String {
    let name = &port.facts.name;
    let Ok(features) = Ethtool::open(&port.netns).and_then(|ethtool| ethtool.features(name)) else {
        return format!("{name}: not told");
    };
    let mut falsify = [offloads::RECEIVE, offloads::TRANSMIT].concat();
    if port.lab.is_none() {
        falsify.push(offloads::GRO);
    }
    match offloads::active(&features, &falsify).as_slice() {
        // The lab has GRO on for the sake of NAPI, and its largest size at one byte.
        [] => format!("{name}: none that falsify"),
        active => format!("{name}: {} on", active.join(", ")),
    }
}

fn cpu() -> String {
    let cpus = Cpus::of_this_machine();
    let model = if cpus.model.is_empty() { "unknown CPU" } else { &cpus.model };
    format!("{model}, {} of {} cores allowed", cpus.allowed.len(), cpus.online.len())
}

/// The time of day in UTC as RFC 3339 has it, to the second.
pub fn now_rfc3339() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}
