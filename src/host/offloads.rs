//! Offload features that change what is sent, received or counted; off while a test runs.

use std::fmt::Write as _;

use crate::error::{Error, Result};
use crate::sys::errno::words;
use crate::sys::ethtool::{Ethtool, Feature};
use crate::sys::netns::Netns;
use crate::sys::survivor::Survivor;

/// Features of the sending side. Frames that wirestorm sends are final, but what the kernel itself
/// sends over a veth pair (a router in the lab, a socket) otherwise arrives without checksums, or
/// as one frame larger than the MTU.
pub const TRANSMIT: &[&str] = &[
    "tx-checksum-ipv4",
    "tx-checksum-ipv6",
    "tx-checksum-ip-generic",
    "tx-checksum-sctp",
    "tx-checksum-fcoe-crc",
    "tx-scatter-gather",
    "tx-scatter-gather-fraglist",
    "tx-generic-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-tcp6-segmentation",
    "tx-udp-segmentation",
    "tx-sctp-segmentation",
    "tx-gre-segmentation",
    "tx-gre-csum-segmentation",
    "tx-ipxip4-segmentation",
    "tx-ipxip6-segmentation",
    "tx-udp_tnl-segmentation",
    "tx-udp_tnl-csum-segmentation",
    "tx-gso-list",
    "tx-gso-partial",
    "tx-gso-robust",
    "tx-vlan-hw-insert",
    "tx-vlan-stag-hw-insert",
];

/// Features of the receiving side that merge packets or take the VLAN tag away.
pub const RECEIVE: &[&str] = &[
    "rx-lro",
    "rx-gro-hw",
    "rx-gro-list",
    "rx-udp-gro-forwarding",
    "rx-vlan-hw-parse",
    "rx-vlan-stag-hw-parse",
];

/// Generic receive offload: merges TCP segments of one flow. On a veth device it also switches NAPI
/// on, without which redirected and live XDP frames arrive nowhere (drivers/net/veth.c).
pub const GRO: &str = "rx-gro";

/// Features by which the kernel or the device merges TCP segments that arrive, or cuts those that
/// leave.
pub const TCP_SEGMENTS: &[&str] = &[
    GRO,
    "rx-lro",
    "rx-gro-hw",
    "rx-gro-list",
    "tx-generic-segmentation",
    "tx-tcp-segmentation",
    "tx-tcp-ecn-segmentation",
    "tx-tcp-mangleid-segmentation",
    "tx-tcp-accecn-segmentation",
    "tx-tcp6-segmentation",
];

/// Features that are off as long as this lives, and are what they were afterwards. Devices that
/// wirestorm made itself need none; a NIC does. SIGKILL leaves the features off, as nothing runs then
/// that could turn them on, unless [`Guard::survive`] was called.
#[derive(Debug)]
pub struct Guard {
    ethtool: Ethtool,
    interface: String,
    changed: Vec<String>,
    survivor: Option<Survivor>,
}

impl Guard {
    /// Turns `features` of `interface` off where they are on and can be changed.
    ///
    /// # Errors
    /// When the interface is missing or CAP_NET_ADMIN is.
    pub fn off(netns: &Netns, interface: &str, features: &[&str]) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let error = Error::new("turn offloads off on", interface, words(&error));
            error.remedy("run as root (sudo), or turn them off by hand with ethtool -K")
        };
        let ethtool = Ethtool::open(netns).map_err(failed)?;
        let before = ethtool.features(interface).map_err(failed)?;
        let changed: Vec<String> = before
            .into_iter()
            .filter(|is| is.active && is.changeable && features.contains(&is.name.as_str()))
            .map(|is| is.name)
            .collect();
        let interface = interface.to_owned();
        let guard = Self { ethtool, interface, changed, survivor: None };
        guard.set(false).map_err(failed)?;
        Ok(guard)
    }

    /// The features that were on before.
    pub fn changed(&self) -> &[String] {
        &self.changed
    }

    /// Has the features put back by another process when this one is killed. To be called while
    /// this process has one thread.
    ///
    /// # Errors
    /// When no process can be begun.
    pub fn survive(&mut self) -> Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let survivor = Survivor::new(|| {
            // Its own socket: the parent's are closed.
            if let Ok(ethtool) = Ethtool::open_here() {
                let changes: Vec<_> = self.changed.iter().map(|name| (&name[..], true)).collect();
                // Nobody is left to tell.
                let _ = ethtool.set_features(&self.interface, &changes);
            }
        });
        self.survivor = Some(survivor.map_err(|error| {
            Error::new(
                "begin the process that restores the offloads of",
                &self.interface,
                words(&error),
            )
        })?);
        Ok(())
    }

    /// Puts the features back, and says so when that fails; dropping the guard does the same in
    /// silence.
    ///
    /// # Errors
    /// When the interface is gone.
    pub fn restore(mut self) -> Result<()> {
        let result = self.set(true);
        let features = std::mem::take(&mut self.changed);
        result.map_err(|error| {
            let mut command = format!("ethtool -K {}", self.interface);
            for feature in features {
                let _ = write!(command, " {feature} on");
            }
            Error::new("restore the offloads of", self.interface.clone(), words(&error))
                .remedy(command)
        })
    }

    fn set(&self, on: bool) -> std::io::Result<()> {
        if self.changed.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = self.changed.iter().map(|name| (name.as_str(), on)).collect();
        self.ethtool.set_features(&self.interface, &changes)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        // Nobody is left to tell; `restore` is for those who want to know.
        let _ = self.set(true);
    }
}

/// The names of those features that are on.
pub fn active(features: &[Feature], wanted: &[&str]) -> Vec<String> {
    features
        .iter()
        .filter(|feature| feature.active && wanted.contains(&feature.name.as_str()))
        .map(|feature| feature.name.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_features_that_are_on_and_asked_for_count() {
        let feature = |name: &str, active| Feature { name: name.into(), active, changeable: true };
        let features = [feature("rx-gro", true), feature("rx-lro", false), feature("x", true)];
        assert_eq!(active(&features, &["rx-gro", "rx-lro"]), ["rx-gro"]);
    }
}
