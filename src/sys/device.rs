//! What a transmit path asks of its network device: index, MTU, carrier, queues. By ioctl, since
//! the answer is wanted in the namespace of one thread, and, when a frame was refused, fast.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// ETHTOOL_GLINK, ETHTOOL_GCHANNELS (linux/ethtool.h).
const ETHTOOL_GLINK: u32 = 0x0a;
const ETHTOOL_GCHANNELS: u32 = 0x3c;

/// `struct ethtool_value`.
#[repr(C)]
struct EthtoolValue {
    cmd: u32,
    data: u32,
}

/// `struct ethtool_channels`.
#[repr(C)]
#[derive(Default)]
struct EthtoolChannels {
    cmd: u32,
    max_rx: u32,
    max_tx: u32,
    max_other: u32,
    max_combined: u32,
    rx: u32,
    tx: u32,
    other: u32,
    combined: u32,
}

/// A device of one network namespace, asked by name.
#[derive(Debug)]
pub struct Device {
    /// Any socket: the ioctls act on its namespace, from whichever thread they are called.
    socket: OwnedFd,
    request: libc::ifreq,
    index: u32,
}

// SAFETY: the request holds a name and numbers; its pointer member is set only during a call.
unsafe impl Send for Device {}

impl Device {
    /// Finds `name` in the namespace of the calling thread.
    ///
    /// # Errors
    /// `ENODEV` when there is none.
    pub fn find(name: &str) -> io::Result<Self> {
        let mut request = empty_request();
        // One byte is left for the terminating zero.
        if name.len() >= request.ifr_name.len() || name.is_empty() {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        }
        for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
            *to = from as libc::c_char;
        }
        // SAFETY: socket() takes no pointers.
        let fd = unsafe { libc::socket(libc::AF_UNIX, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is new and nobody else's.
        let socket = unsafe { OwnedFd::from_raw_fd(fd) };
        let mut device = Self { socket, request, index: 0 };
        let answer = device.ask(libc::SIOCGIFINDEX)?;
        // SAFETY: SIOCGIFINDEX fills this member of the union.
        device.index = unsafe { answer.ifr_ifru.ifru_ifindex } as u32;
        Ok(device)
    }

    /// Its index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its MTU in bytes.
    ///
    /// # Errors
    /// `ENODEV` when it is gone.
    pub fn mtu(&self) -> io::Result<u32> {
        let answer = self.ask(libc::SIOCGIFMTU)?;
        // SAFETY: SIOCGIFMTU fills this member of the union.
        Ok(unsafe { answer.ifr_ifru.ifru_mtu } as u32)
    }

    /// Administratively up.
    ///
    /// # Errors
    /// `ENODEV` when it is gone.
    pub fn is_up(&self) -> io::Result<bool> {
        Ok(self.flags()? & libc::IFF_UP != 0)
    }

    /// Up, and the other end is there. Drivers that tell no carrier are asked for `IFF_RUNNING`,
    /// which may trail by a second (net/core/link_watch.c).
    ///
    /// # Errors
    /// `ENODEV` when it is gone.
    pub fn has_carrier(&self) -> io::Result<bool> {
        let flags = self.flags()?;
        if flags & libc::IFF_UP == 0 {
            return Ok(false);
        }
        let mut value = EthtoolValue { cmd: ETHTOOL_GLINK, data: 0 };
        // SAFETY: ETHTOOL_GLINK reads and writes one `struct ethtool_value`.
        match unsafe { self.ethtool(&raw mut value) } {
            Ok(()) => Ok(value.data != 0),
            Err(_) => Ok(flags & libc::IFF_RUNNING != 0),
        }
    }

    /// Transmit queues in use; None where the driver does not tell.
    pub fn tx_queues(&self) -> Option<u32> {
        let mut channels = EthtoolChannels { cmd: ETHTOOL_GCHANNELS, ..Default::default() };
        // SAFETY: ETHTOOL_GCHANNELS reads and writes one `struct ethtool_channels`.
        unsafe { self.ethtool(&raw mut channels) }.ok()?;
        Some(channels.tx + channels.combined).filter(|&queues| queues > 0)
    }

    fn flags(&self) -> io::Result<i32> {
        let answer = self.ask(libc::SIOCGIFFLAGS)?;
        // SAFETY: SIOCGIFFLAGS fills this member of the union.
        Ok(i32::from(unsafe { answer.ifr_ifru.ifru_flags }))
    }

    fn ask(&self, what: libc::c_ulong) -> io::Result<libc::ifreq> {
        let mut request = self.request;
        // SAFETY: the ioctls of this file read the name and write one member of `request`.
        if unsafe { libc::ioctl(self.socket.as_raw_fd(), what as _, &raw mut request) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(request)
    }

    /// # Safety
    /// `value` must be the structure that its own command asks for.
    unsafe fn ethtool<T>(&self, value: *mut T) -> io::Result<()> {
        let mut request = self.request;
        request.ifr_ifru.ifru_data = value.cast();
        let fd = self.socket.as_raw_fd();
        // SAFETY: the caller vouches for `value`; `request` lives through the call.
        if unsafe { libc::ioctl(fd, libc::SIOCETHTOOL as _, &raw mut request) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }
}

fn empty_request() -> libc::ifreq {
    // SAFETY: all zeroes are a valid `struct ifreq`: an empty name and a null pointer.
    unsafe { zeroed() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_answers() {
        let device = Device::find("lo").expect("every namespace has it");
        assert_eq!(device.index(), 1);
        assert!(device.mtu().expect("lo has an MTU") > 0);
        assert!(device.is_up().is_ok());
    }

    #[test]
    fn a_name_that_is_none_is_no_device() {
        for name in ["", "nosuchdevice0", "longer-than-any-interface"] {
            let error = Device::find(name).expect_err(name);
            assert_eq!(error.raw_os_error(), Some(libc::ENODEV), "{name}");
        }
    }
}
