//! The port that frames are redirected to: is it there, and does anything arrive?

use std::io;
use std::os::linux::fs::MetadataExt;

use crate::error::{Error, Result};
use crate::sys::bpf_run;
use crate::sys::netns::Netns;

/// The driver takes frames from a redirect (NETDEV_XDP_ACT_NDO_XMIT, linux/netdev.h). A veth says so
/// only while its peer has NAPI: GRO, or an XDP program.
const NDO_XMIT: u64 = 4;

/// What the engine has to know about a port and its namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its index.
    pub ifindex: u32,
    /// Inode number of its network namespace.
    pub netns: u32,
}

impl Port {
    /// Finds an interface that live frames can be redirected to.
    ///
    /// # Errors
    /// When it is not there, is down, or nothing that is redirected to it would arrive.
    pub fn find(netns: &Netns, interface: &str) -> Result<Self> {
        let fail = |cause: io::Error| Error::new("send live frames to", interface, cause);
        netns.run(|| Self::find_here(interface)).map_err(fail)?
    }

    fn find_here(interface: &str) -> Result<Self> {
        let fail = |cause: String| Error::new("send live frames to", interface, cause);
        let ifindex = interface_index(interface).map_err(|error| fail(error.to_string()))?;
        let netns = current_netns().map_err(|error| fail(error.to_string()))?;
        match bpf_run::xdp_features(ifindex) {
            Ok(features) if features & NDO_XMIT == 0 => {
                let remedy = "if it is a veth, turn GRO on at its peer (ethtool -K PEER gro on), \
                              attach an XDP program there, and give the peer as many receive \
                              queues as this end has transmit queues; else use another --engine";
                return Err(
                    fail("its driver takes no redirected frames just now".into()).remedy(remedy)
                );
            }
            // Kernels before 6.3 do not tell; the tracepoints will.
            Ok(_) | Err(_) => {}
        }
        Ok(Self { ifindex, netns })
    }
}

/// The index of an interface of the calling thread's namespace.
///
/// # Errors
/// `ENODEV`.
pub fn interface_index(name: &str) -> io::Result<u32> {
    bpf_run::interface_index(name)
}

/// Inode number of the calling thread's network namespace.
///
/// # Errors
/// When /proc is not mounted.
pub fn current_netns() -> io::Result<u32> {
    Ok(std::fs::metadata("/proc/thread-self/ns/net")?.st_ino() as u32)
}

/// Device and inode number of the process's pid namespace.
///
/// # Errors
/// When /proc is not mounted.
pub fn current_pidns() -> io::Result<(u64, u64)> {
    let namespace = std::fs::metadata("/proc/self/ns/pid")?;
    Ok((namespace.st_dev(), namespace.st_ino()))
}
