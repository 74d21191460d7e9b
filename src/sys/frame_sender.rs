//! An AF_PACKET socket that only sends: whole Ethernet frames on one interface, several a call.

use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

use super::send_messages::send_messages;

/// Frames a system call at most.
const BATCH: usize = 32;

/// Sends frames by an interface. Several threads may use it at the same time.
#[derive(Debug)]
pub struct FrameSender {
    fd: OwnedFd,
}

impl FrameSender {
    /// Opens a socket on interface `index` of the calling thread's namespace. It receives nothing.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW; `ENODEV`.
    pub fn open(index: u32) -> io::Result<Self> {
        // Protocol 0 receives nothing.
        // SAFETY: socket has no memory preconditions.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: a sockaddr_ll is plain data, and all zeros is a legal one.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as i32;
        // SAFETY: `address` is a sockaddr_ll of the length given.
        let result = unsafe {
            libc::bind(
                fd.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { fd })
    }

    /// Sends `header` and a packet as one frame, for each of the packets, without waiting. How many
    /// were taken before the first that was not, and why that was not.
    pub fn send<'p>(
        &self,
        header: &[u8; 14],
        packets: impl IntoIterator<Item = &'p [u8]>,
    ) -> (usize, Option<io::Error>) {
        let mut packets = packets.into_iter();
        let mut sent = 0;
        loop {
            let mut parts: [[libc::iovec; 2]; BATCH] =
                [[libc::iovec { iov_base: std::ptr::null_mut(), iov_len: 0 }; 2]; BATCH];
            let mut count = 0;
            for (parts, packet) in parts.iter_mut().zip(packets.by_ref()) {
                parts[0] = iovec(header);
                parts[1] = iovec(packet);
                count += 1;
            }
            if count == 0 {
                return (sent, None);
            }
            let (taken, error) = self.send_batch(&mut parts[..count]);
            sent += taken;
            if error.is_some() {
                return (sent, error);
            }
        }
    }

    fn send_batch(&self, frames: &mut [[libc::iovec; 2]]) -> (usize, Option<io::Error>) {
        // SAFETY: a mmsghdr is plain data, and all zeros is a legal one.
        let mut messages: [libc::mmsghdr; BATCH] = unsafe { std::mem::zeroed() };
        for (message, parts) in messages.iter_mut().zip(frames.iter_mut()) {
            message.msg_hdr.msg_iov = parts.as_mut_ptr();
            message.msg_hdr.msg_iovlen = 2;
        }
        let mut done = 0;
        let mut stale = true;
        while done < frames.len() {
            // SAFETY: the parts point to the header and the packets of the caller, which outlive the
            // call.
            let taken = unsafe { send_messages(self.fd.as_fd(), &mut messages[done..]) };
            let error = match taken {
                Ok(taken) => {
                    done += taken;
                    continue;
                }
                Err(error) => error,
            };
            // The socket keeps that the link went down until it is asked once; the link may be up
            // again since.
            let once = error.raw_os_error() == Some(libc::ENETDOWN) && std::mem::take(&mut stale);
            if !once {
                return (done, Some(error));
            }
        }
        (done, None)
    }
}

fn iovec(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}
