//! Kernel, clock, privileges, memory, CPUs, programs.

use std::path::Path;

use super::Finding;
use crate::host::capabilities::Capabilities;
use crate::host::cpu::Cpus;
use crate::host::environment::Environment;

/// Clock sources that are read without leaving user space.
const FAST_CLOCKS: &[&str] =
    &["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

pub(super) fn examine() -> Vec<Finding> {
    let environment = Environment::of_this_machine();
    let mut findings = vec![Finding::ok("kernel", environment.kernel.clone()), clock(&environment)];
    match Capabilities::of_this_process() {
        Ok(capabilities) => {
            findings.extend(privileges(&capabilities));
            findings.push(memory_lock(&capabilities));
        }
        Err(error) => findings.push(Finding::problem("privileges", error.cause, error.remedy)),
    }
    findings.extend(cpus(&Cpus::of_this_machine()));
    findings.extend(programs(&|name| in_path(name)));
    findings
}

fn clock(environment: &Environment) -> Finding {
    let source = &environment.clock_source;
    if source.is_empty() {
        return Finding::ok("clock", "the kernel does not tell its clock source");
    }
    if FAST_CLOCKS.contains(&source.as_str()) {
        return Finding::ok("clock", source.clone());
    }
    Finding::warning(
        "clock",
        format!("{source} takes a system call or a device access to read"),
        "boot with clocksource=tsc where the machine has a stable one",
    )
}

fn privileges(has: &Capabilities) -> Vec<Finding> {
    [
        (has.net_raw, "CAP_NET_RAW", "packet sockets and AF_XDP: no engine can send without it"),
        (has.net_admin, "CAP_NET_ADMIN", "attaching XDP, offloads, labs"),
        (has.bpf, "CAP_BPF", "loading BPF: the packet-mmap engine and receiver remain"),
        (has.sys_admin, "CAP_SYS_ADMIN", "network namespaces: there are no labs without it"),
    ]
    .into_iter()
    .map(|(held, name, purpose)| {
        if held {
            Finding::ok(name, "held")
        } else {
            Finding::problem(name, format!("missing; it is for {purpose}"), "run as root (sudo)")
        }
    })
    .collect()
}

fn memory_lock(has: &Capabilities) -> Finding {
    let subject = "memory lock";
    let Some(soft) = has.memory_lock.soft else { return Finding::ok(subject, "unlimited") };
    let limit = format!("limit {} KiB", soft / 1024);
    if has.ipc_lock {
        return Finding::ok(subject, format!("{limit}, which CAP_IPC_LOCK overrides"));
    }
    // One UMEM of 4096 frames of 4 KiB.
    if soft >= 16 << 20 {
        return Finding::ok(subject, limit);
    }
    Finding::warning(
        subject,
        format!("{limit} and no CAP_IPC_LOCK: too little for the frames of an AF_XDP socket"),
        "ulimit -l unlimited, LimitMEMLOCK=infinity in a systemd unit, or run as root (sudo)",
    )
}

fn cpus(cpus: &Cpus) -> Vec<Finding> {
    let online = cpus.online.len();
    let mut findings = Vec::new();
    let what = format!("{online} × {}, {} allowed", or_unknown(&cpus.model), cpus.allowed.len());
    findings.push(if cpus.allowed.len() >= 2 {
        Finding::ok("CPUs", what)
    } else {
        Finding::warning(
            "CPUs",
            format!("{what}: sender and receiver share one, and each disturbs the other"),
            "give the process at least two CPUs (taskset, the cgroup's cpuset, the machine's size)",
        )
    });
    findings.push(if cpus.isolated.is_empty() {
        Finding::warning(
            "isolated CPUs",
            "none: the scheduler puts other work beside the workers, which shows in gaps and tails",
            "for precise gaps boot with isolcpus=, nohz_full= and rcu_nocbs= and name these cores \
             in the profile's ports",
        )
    } else {
        Finding::ok("isolated CPUs", format!("{:?}", cpus.isolated))
    });
    let slow: Vec<_> =
        cpus.governors.iter().filter(|(_, governor)| governor != "performance").collect();
    if let Some((cpu, governor)) = slow.first() {
        findings.push(Finding::warning(
            "CPU frequency",
            format!("{} CPUs change their clock (CPU {cpu}: {governor})", slow.len()),
            "cpupower frequency-set -g performance",
        ));
    } else if !cpus.governors.is_empty() {
        findings.push(Finding::ok("CPU frequency", "performance"));
    }
    findings
}

fn programs(installed: &dyn Fn(&str) -> bool) -> Vec<Finding> {
    [
        ("clang", "clang", "building wirestorm, not running it"),
        ("nft", "nftables", "a lab's rules (lab.nft)"),
        ("tc", "iproute2", "a lab's token buckets (lab.tbf)"),
    ]
    .into_iter()
    .map(|(program, package, purpose)| {
        if installed(program) {
            Finding::ok(program, format!("installed; needed for {purpose}"))
        } else {
            Finding::warning(
                program,
                format!("not installed; needed for {purpose}"),
                format!("apt-get install {package}"),
            )
        }
    })
    .collect()
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| is_file(&folder.join(program)))
}

fn is_file(path: &Path) -> bool {
    path.metadata().is_ok_and(|is| is.is_file())
}

fn or_unknown(model: &str) -> &str {
    if model.is_empty() { "CPU of unknown model" } else { model }
}

#[cfg(test)]
mod tests {
    use super::super::Severity;
    use super::*;
    use crate::sys::limits::Limit;

    fn nothing() -> Capabilities {
        Capabilities {
            net_raw: false,
            net_admin: false,
            bpf: false,
            sys_admin: false,
            ipc_lock: false,
            sys_resource: false,
            memory_lock: Limit { soft: Some(8 << 20), hard: Some(8 << 20) },
        }
    }

    #[test]
    fn what_is_missing_is_a_problem_with_its_purpose() {
        let findings = privileges(&Capabilities { net_raw: true, ..nothing() });
        assert_eq!(findings[0], Finding::ok("CAP_NET_RAW", "held"));
        assert!(findings[1..].iter().all(|finding| finding.severity == Severity::Problem
            && finding.remedy == "run as root (sudo)"));
    }

    #[test]
    fn a_small_limit_matters_only_without_the_capability() {
        assert_eq!(memory_lock(&nothing()).severity, Severity::Warning);
        assert_eq!(
            memory_lock(&Capabilities { ipc_lock: true, ..nothing() }).severity,
            Severity::Ok
        );
        let unlimited = Limit { soft: None, hard: None };
        let lucky = Capabilities { memory_lock: unlimited, ..nothing() };
        assert_eq!(memory_lock(&lucky), Finding::ok("memory lock", "unlimited"));
    }

    #[test]
    fn clocks_cpus_and_programs_have_their_remedies() {
        let clock_of = |source: &str| {
            clock(&Environment { kernel: "6".into(), clock_source: source.into() }).severity
        };
        assert_eq!((clock_of("tsc"), clock_of("hpet")), (Severity::Ok, Severity::Warning));
        let lonely = Cpus {
            model: "X".into(),
            online: vec![0],
            allowed: vec![0],
            governors: vec![(0, "powersave".into())],
            ..Cpus::default()
        };
        assert!(cpus(&lonely).iter().all(|finding| finding.severity == Severity::Warning));
        let good = Cpus {
            online: vec![0, 1],
            allowed: vec![0, 1],
            isolated: vec![1],
            governors: vec![(0, "performance".into())],
            ..lonely
        };
        assert!(cpus(&good).iter().all(|finding| finding.severity == Severity::Ok));
        let found = programs(&|name| name != "nft");
        let warned: Vec<_> =
            found.iter().filter(|finding| finding.severity == Severity::Warning).collect();
        assert_eq!(warned.len(), 1);
        assert_eq!(warned[0].remedy, "apt-get install nftables");
    }
}
