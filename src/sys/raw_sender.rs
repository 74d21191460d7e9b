//! Raw sockets that send whole IP packets, headers included, many a call (raw(7); net/ipv4/raw.c and
//! net/ipv6/raw.c). What the kernel does to the packets is told in `docs/raw-sockets.md`.

use std::io;
use std::mem::zeroed;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use socket2::SockAddr;

use super::raw_socket::{IP_NODEFRAG, SO_BINDTOIFINDEX, set_option};
use super::send_messages::send_messages;

/// Packets of one call at most.
pub const BATCH: usize = 32;

/// `IP_PMTUDISC_PROBE` and `IPV6_PMTUDISC_PROBE`: the device's MTU counts, no route's.
const PROBE: u32 = 3;

/// Opens a raw socket of the calling thread's namespace for whole packets. It receives nothing but
/// packets of the reserved protocol 255, and never blocks.
///
/// # Errors
/// `EPERM` without CAP_NET_RAW; `EAFNOSUPPORT` without IPv6.
pub fn open_whole(ipv6: bool) -> io::Result<OwnedFd> {
    let domain = if ipv6 { libc::AF_INET6 } else { libc::AF_INET };
    let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: socket has no memory preconditions.
    let fd = unsafe { libc::socket(domain, kind, libc::IPPROTO_RAW) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened and belongs to nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    let (level, name) = if ipv6 {
        (libc::IPPROTO_IPV6, libc::IPV6_HDRINCL)
    } else {
        (libc::IPPROTO_IP, libc::IP_HDRINCL)
    };
    set_option(fd.as_fd(), level, name, 1u32)?;
    Ok(fd)
}

/// Lets `bytes` of packets wait in the kernel, more than the system's limit where the process has
/// CAP_NET_ADMIN. Where neither is allowed the default remains.
pub fn set_send_buffer(fd: BorrowedFd<'_>, bytes: u32) {
    if set_option(fd, libc::SOL_SOCKET, libc::SO_SNDBUFFORCE, bytes).is_err() {
        let _ = set_option(fd, libc::SOL_SOCKET, libc::SO_SNDBUF, bytes);
    }
}

/// A raw socket that sends by one interface, and alters as little as the kernel lets it.
#[derive(Debug)]
pub struct RawSender {
    fd: OwnedFd,
}

impl RawSender {
    /// Opens one that sends by interface `index` of the calling thread's namespace, and lets `buffer`
    /// bytes of packets wait.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW, `EAFNOSUPPORT` without IPv6; with the step that failed. An index that
    /// no interface has fails where something is sent.
    pub fn open(ipv6: bool, index: u32, buffer: u32) -> Result<Self, (&'static str, io::Error)> {
        let open = if ipv6 { "open a raw IPv6 socket on" } else { "open a raw IPv4 socket on" };
        let fd = open_whole(ipv6).map_err(|error| (open, error))?;
        let set = |step, level, option, value: u32| {
            set_option(fd.as_fd(), level, option, value).map_err(|error| (step, error))
        };
        set("bind a raw socket to", libc::SOL_SOCKET, SO_BINDTOIFINDEX, index)?;
        // Without this the kernel keeps to itself that a queue or the device had no room (ENOBUFS).
        let errors = "have errors told of";
        // A route's MTU would have packets cut or refused that the device takes.
        let probe = "switch path MTU discovery off on";
        let groups = "keep group packets from this machine on";
        if ipv6 {
            let level = libc::IPPROTO_IPV6;
            set(errors, level, libc::IPV6_RECVERR, 1)?;
            set(probe, level, libc::IPV6_MTU_DISCOVER, PROBE)?;
            set(groups, level, libc::IPV6_MULTICAST_LOOP, 0)?;
        } else {
            let level = libc::IPPROTO_IP;
            set(errors, level, libc::IP_RECVERR, 1)?;
            set(probe, level, libc::IP_MTU_DISCOVER, PROBE)?;
            set(groups, level, libc::IP_MULTICAST_LOOP, 0)?;
            // Connection tracking would put fragments together on their way out.
            set("keep fragments apart on", level, IP_NODEFRAG, 1)?;
            set("allow broadcasts on", libc::SOL_SOCKET, libc::SO_BROADCAST, 1)?;
        }
        set_send_buffer(fd.as_fd(), buffer);
        Ok(Self { fd })
    }

    /// Sends up to [`BATCH`] packets, each from its IP header on, towards the neighbours of their
    /// addresses, by one system call as long as all are taken: how many were, before the first that was
    /// not, and why that was not. Of that one nothing was sent.
    #[inline]
    pub fn send<'p>(
        &self,
        packets: impl Iterator<Item = (&'p [u8], &'p SockAddr)>,
    ) -> (usize, Option<io::Error>) {
        // SAFETY: a mmsghdr is plain data, and all zeros is a legal one.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { zeroed() };
        let mut parts = [libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; BATCH];
        let mut count = 0;
        for ((message, part), (packet, to)) in messages.iter_mut().zip(&mut parts).zip(packets) {
            part.iov_base = packet.as_ptr().cast_mut().cast();
            part.iov_len = packet.len();
            let header = &mut message.msg_hdr;
            header.msg_iov = std::ptr::from_mut(part);
            header.msg_iovlen = 1;
            header.msg_name = to.as_ptr().cast_mut().cast();
            header.msg_namelen = to.len();
            count += 1;
        }
        let mut done = 0;
        while done < count {
            // SAFETY: every message points to a part of its own, that to a packet, and to an address;
            // all outlive the call, and sending only reads them.
            match unsafe { send_messages(self.fd.as_fd(), &mut messages[done..count]) } {
                Ok(taken) => done += taken,
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }

    /// Bytes, with the kernel's overhead, of packets that are still on their way through it.
    ///
    /// # Errors
    /// None that a socket of this kind has.
    pub fn in_kernel(&self) -> io::Result<u32> {
        let mut bytes: libc::c_int = 0;
        // SAFETY: SIOCOUTQ (the number of TIOCOUTQ) writes one int.
        let result =
            unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::TIOCOUTQ as _, &raw mut bytes) };
        if result != 0 { Err(io::Error::last_os_error()) } else { Ok(bytes.max(0) as u32) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_told() {
        let to = SockAddr::from(std::net::SocketAddr::from(([127, 0, 0, 1], 0)));
        match RawSender::open(false, u32::MAX >> 1, 1 << 16) {
            // An index that no interface has shows when something is to be sent by it.
            Ok(sender) => {
                let (taken, error) = sender.send([([0x45; 40].as_slice(), &to)].into_iter());
                assert_eq!(taken, 0);
                assert!(error.is_some());
                assert_eq!(sender.in_kernel().expect("a socket"), 0);
            }
            Err((step, error)) => {
                assert_eq!(step, "open a raw IPv4 socket on");
                assert_eq!(error.raw_os_error(), Some(libc::EPERM));
            }
        }
    }
}
