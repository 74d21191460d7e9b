//! The kernel and its clock, for reports.

use std::fs;

/// What the machine runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    /// `uname -r`.
    pub kernel: String,
    /// What drives the kernel's clock: `tsc`, `kvm-clock`.
    pub clock_source: String,
}

impl Environment {
    /// Of this machine; empty where the kernel does not tell.
    pub fn of_this_machine() -> Self {
        let read = |path: &str| {
            fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default()
        };
        Self {
            kernel: read("/proc/sys/kernel/osrelease"),
            clock_source: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_has_a_version() {
        let kernel = Environment::of_this_machine().kernel;
        assert!(kernel.starts_with(|first: char| first.is_ascii_digit()), "{kernel}");
    }
}
