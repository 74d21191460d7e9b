//! What this process may do.

use std::fs;

use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::limits::{self, Limit};

/// `CAP_NET_ADMIN` and its fellows: bit numbers of include/uapi/linux/capability.h.
const NET_ADMIN: u32 = 12;
const NET_RAW: u32 = 13;
const IPC_LOCK: u32 = 14;
const SYS_ADMIN: u32 = 21;
const SYS_RESOURCE: u32 = 24;
const BPF: u32 = 39;

/// Effective capabilities and the limit on locked memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Packet sockets and AF_XDP sockets.
    pub net_raw: bool,
    /// Links, addresses, offloads, attaching XDP.
    pub net_admin: bool,
    /// Loading BPF programs.
    pub bpf: bool,
    /// Network namespaces.
    pub sys_admin: bool,
    /// Locked memory beyond the limit.
    pub ipc_lock: bool,
    /// Raising hard limits.
    pub sys_resource: bool,
    /// RLIMIT_MEMLOCK in bytes.
    pub memory_lock: Limit,
}

impl Capabilities {
    /// Those of the calling thread.
    ///
    /// # Errors
    /// When /proc is not mounted.
    pub fn of_this_process() -> Result<Self> {
        let failed = |error: std::io::Error| {
            Error::new("read the capabilities of this process", "", words(&error))
                .remedy("mount /proc")
        };
        let status = fs::read_to_string("/proc/thread-self/status").map_err(failed)?;
        let memory_lock = limits::memory_lock().map_err(failed)?;
        Ok(Self::from_bits(effective(&status).unwrap_or(0), memory_lock))
    }

    fn from_bits(bits: u64, memory_lock: Limit) -> Self {
        let has = |number: u32| bits >> number & 1 == 1;
        let sys_admin = has(SYS_ADMIN);
        Self {
            net_raw: has(NET_RAW),
            net_admin: has(NET_ADMIN),
            // CAP_SYS_ADMIN still includes it (kernel/bpf/token.c, bpf_token_capable).
            bpf: has(BPF) || sys_admin,
            sys_admin,
            ipc_lock: has(IPC_LOCK),
            sys_resource: has(SYS_RESOURCE),
            memory_lock,
        }
    }
}

fn effective(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_read_by_their_numbers() {
        let limit = Limit { soft: Some(1), hard: None };
        let bits = effective("Name:\tx\nCapEff:\t0000000000003000\n").unwrap();
        let some = Capabilities::from_bits(bits, limit);
        assert!(some.net_raw && some.net_admin);
        assert!(!some.bpf && !some.sys_admin && !some.ipc_lock && !some.sys_resource);
        assert!(Capabilities::from_bits(1 << 21, limit).bpf, "CAP_SYS_ADMIN includes CAP_BPF");
        assert!(Capabilities::from_bits(1 << 39, limit).bpf);
        assert_eq!(effective("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_some() {
        let own = Capabilities::of_this_process().unwrap();
        assert_eq!(own.memory_lock, limits::memory_lock().unwrap());
    }
}
