//! What the rings of the kernel share about the device under them: what is checked before the first
//! frame, and what a refusal of the kernel means.

use std::io;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::packet::program::StreamProgram;
use crate::sys::clock;
use crate::sys::device::Device;

/// Bytes of an Ethernet header and of a VLAN tag, which an MTU does not count.
const ETHERNET_HEADER: usize = 14;
const VLAN_TAG: usize = 4;

/// Time between two looks at the carrier while the device takes no frames, in nanoseconds.
const CARRIER_CHECK_NS: u64 = 1_000_000;

/// The longest frame that a ring has to hold. From a number: an untagged frame of that many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongestFrame {
    /// Bytes without FCS.
    pub bytes: usize,
    /// The MTU that it needs: its bytes less the Ethernet header and VLAN tags.
    pub mtu: usize,
}

impl LongestFrame {
    /// The longest of several streams' frames, and the largest MTU that one of them needs.
    pub fn of(programs: &[Arc<StreamProgram>]) -> Self {
        programs.iter().fold(Self { bytes: 0, mtu: 0 }, |longest, program| match &program.frames {
            None => longest.or(&program.template),
            Some(frames) => {
                let all = frames.frames().iter().map(|frame| frames.bytes(frame));
                all.fold(longest, Self::or)
            }
        })
    }

    /// The same of frames.
    pub fn of_frames<'f>(frames: impl Iterator<Item = &'f [u8]>) -> Self {
        frames.fold(Self { bytes: 0, mtu: 0 }, Self::or)
    }

    fn or(self, frame: &[u8]) -> Self {
        let header = ETHERNET_HEADER + VLAN_TAG * vlan_tags(frame);
        Self {
            bytes: self.bytes.max(frame.len()),
            mtu: self.mtu.max(frame.len().saturating_sub(header)),
        }
    }
}

impl From<usize> for LongestFrame {
    fn from(bytes: usize) -> Self {
        Self { bytes, mtu: bytes.saturating_sub(ETHERNET_HEADER) }
    }
}

/// VLAN tags at the front of a frame: TPID 0x8100 (802.1Q) and 0x88a8 (802.1ad).
fn vlan_tags(frame: &[u8]) -> usize {
    frame.get(12..).map_or(0, |rest| {
        rest.chunks_exact(VLAN_TAG)
            .take_while(|tag| matches!(tag[..2], [0x81, 0] | [0x88, 0xa8]))
            .count()
    })
}

/// One transmit queue of a device that a ring is opened on.
#[derive(Debug)]
pub struct Port {
    interface: String,
    queue: u32,
    device: Device,
    /// When the device was last seen to have a carrier, after it took no frame.
    checked: u64,
}

impl Port {
    /// Finds the device in the namespace of the calling thread and checks what would otherwise
    /// show as silence: that it exists, is up, has a carrier, the queue, and an MTU for the frames.
    ///
    /// # Errors
    /// What is missing, with its remedy.
    pub fn find(interface: &str, queue: u32, longest: LongestFrame) -> Result<Self> {
        let fail = |cause: String| Error::new("send on", interface, cause);
        let device = Device::find(interface).map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV) => {
                fail("there is no such interface in this network namespace".into())
                    .remedy("see `ip link` for those that exist")
            }
            _ => fail(error.to_string()),
        })?;
        let ask = |error: io::Error| fail(error.to_string());
        if !device.is_up().map_err(ask)? {
            return Err(
                fail("the link is down".into()).remedy(format!("`ip link set {interface} up`"))
            );
        }
        if !device.has_carrier().map_err(ask)? {
            return Err(
                fail("the link has no carrier".into()).remedy("connect it, or set its peer up")
            );
        }
        let mtu = device.mtu().map_err(ask)?;
        if longest.mtu > mtu as usize {
            let (bytes, need) = (longest.bytes, longest.mtu);
            return Err(fail(format!(
                "its MTU is {mtu}, but a frame of {bytes} bytes (without FCS) needs {need}"
            ))
            .remedy(format!("`ip link set {interface} mtu {need}`, or send shorter frames")));
        }
        if let Some(queues) = device.tx_queues()
            && queue >= queues
        {
            return Err(Error::new(
                "send on",
                format!("{interface} queue {queue}"),
                format!(
                    "it has {queues} transmit {}",
                    if queues == 1 { "queue" } else { "queues" }
                ),
            )
            .remedy(format!(
                "use queues 0 to {}, or `ethtool -L {interface}` to have more",
                queues - 1
            )));
        }
        Ok(Self { interface: interface.into(), queue, device, checked: 0 })
    }

    /// The device's index.
    pub fn index(&self) -> u32 {
        self.device.index()
    }

    /// Its name and the queue's number: `eth1 queue 0`.
    pub fn subject(&self) -> String {
        format!("{} queue {}", self.interface, self.queue)
    }

    /// Its name.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// An error about this port.
    #[cold]
    pub fn error(&self, operation: &str, cause: impl std::fmt::Display) -> Error {
        Error::new(operation, self.subject(), cause)
    }

    /// What an error of the kernel while sending means.
    #[cold]
    pub fn refused(&self, error: &io::Error) -> Error {
        let gone = self.device.mtu().is_err();
        match error.raw_os_error() {
            Some(libc::ENETDOWN | libc::ENXIO | libc::ENODEV) if gone => self
                .error("send on", "the interface was removed")
                .remedy("keep it until the run is over"),
            Some(libc::ENETDOWN) => self.link_down(),
            Some(libc::ENXIO | libc::ENODEV) => self
                .error(
                    "send on",
                    "the interface was removed, renamed or moved to another namespace",
                )
                .remedy("keep it as it is until the run is over"),
            Some(libc::EMSGSIZE) => self
                .error("send on", "the kernel refused a frame as too long")
                .remedy("keep the MTU as it is until the run is over"),
            _ => self.error("send on", error),
        }
    }

    /// After the device took no frame: an error where it has no carrier any more. Asks at most once
    /// in a millisecond, since asking takes the kernel's lock over all devices.
    ///
    /// # Errors
    /// The link is down, or gone.
    #[cold]
    pub fn check_carrier(&mut self) -> Result<()> {
        let now = clock::now();
        if now.saturating_sub(self.checked) < CARRIER_CHECK_NS {
            return Ok(());
        }
        if let Some(lost) = self.lost() {
            return Err(lost);
        }
        self.checked = now;
        Ok(())
    }

    /// What became of the device, where it cannot send any more: it is gone, down, or without carrier.
    #[cold]
    pub fn lost(&self) -> Option<Error> {
        match self.device.has_carrier() {
            Ok(true) => None,
            Ok(false) => Some(self.link_down()),
            Err(error) => Some(self.refused(&error)),
        }
    }

    fn link_down(&self) -> Error {
        self.error("send on", "the link went down")
            .remedy(format!("see `ip link show {}`: it and its peer must stay up", self.interface))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vlan_tags_do_not_count_for_the_mtu() {
        let mut frame = vec![0; 64];
        assert_eq!(vlan_tags(&frame), 0);
        frame[12..14].copy_from_slice(&[0x88, 0xa8]);
        frame[16..18].copy_from_slice(&[0x81, 0x00]);
        frame[20..22].copy_from_slice(&[0x08, 0x00]);
        assert_eq!(vlan_tags(&frame), 2);
        assert_eq!(vlan_tags(&frame[..13]), 0);
    }

    #[test]
    fn a_missing_interface_names_itself() {
        let error = Port::find("nosuch0", 0, 60.into()).expect_err("it is missing");
        assert_eq!(
            error.to_string(),
            "cannot send on nosuch0: there is no such interface in this network namespace; \
             see `ip link` for those that exist"
        );
    }
}
