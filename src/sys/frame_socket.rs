//! An AF_PACKET socket on one interface for the few frames of address resolution. The transmit
//! engines have their own, with rings.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

use super::netns::Netns;
use super::raw_socket::set_option;

/// `PACKET_IGNORE_OUTGOING` (include/uapi/linux/if_packet.h): own frames don't come back.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

/// Every EtherType (`ETH_P_ALL`).
pub const ALL: u16 = libc::ETH_P_ALL as u16;

/// Whole Ethernet frames of one EtherType on one interface.
#[derive(Debug)]
pub struct FrameSocket {
    fd: OwnedFd,
}

impl FrameSocket {
    /// Opens a socket on interface `index` of `netns` that receives frames of `ether_type`.
    ///
    /// # Errors
    /// `EPERM` without CAP_NET_RAW; `ENETDOWN` when the interface is down; `ENODEV`.
    pub fn open(netns: &Netns, index: u32, ether_type: u16) -> io::Result<Self> {
        netns.run(|| Self::open_here(index, ether_type))?
    }

    fn open_here(index: u32, ether_type: u16) -> io::Result<Self> {
        // Protocol 0 receives nothing before bind names the interface.
        // SAFETY: socket has no memory preconditions.
        let fd = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just opened and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        let on: libc::c_int = 1;
        // SAFETY: `on` is a valid int of the length given.
        let result = unsafe {
            libc::setsockopt(
                fd.as_raw_fd(),
                libc::SOL_PACKET,
                PACKET_IGNORE_OUTGOING,
                (&raw const on).cast(),
                size_of::<libc::c_int>() as libc::socklen_t,
            )
        };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: a sockaddr_ll is plain data, and all zeros is a legal one.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = ether_type.to_be();
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

    /// Gives the socket a receive buffer of so many bytes; as much as an unprivileged socket may have
    /// where CAP_NET_ADMIN is missing.
    ///
    /// # Errors
    /// The kernel's.
    pub fn set_receive_buffer(&self, bytes: u32) -> io::Result<()> {
        let set = |name| set_option(self.fd.as_fd(), libc::SOL_SOCKET, name, bytes);
        set(libc::SO_RCVBUFFORCE).or_else(|_| set(libc::SO_RCVBUF))
    }

    /// Frames that the socket had no room for, since the last call (`PACKET_STATISTICS`).
    ///
    /// # Errors
    /// The kernel's.
    pub fn dropped(&self) -> io::Result<u32> {
        let mut statistics = [0_u32; 2];
        let mut len = size_of_val(&statistics) as libc::socklen_t;
        // SAFETY: both pointers are to values that outlive the call, and `len` is the size of the
        // first; `struct tpacket_stats` is two unsigned ints.
        let result = unsafe {
            libc::getsockopt(
                self.fd.as_raw_fd(),
                libc::SOL_PACKET,
                libc::PACKET_STATISTICS,
                statistics.as_mut_ptr().cast(),
                &raw mut len,
            )
        };
        if result == 0 { Ok(statistics[1]) } else { Err(io::Error::last_os_error()) }
    }

    /// The next frame that is there already, cut to the buffer's length.
    ///
    /// # Errors
    /// `ENETDOWN` when the interface went down.
    pub fn try_receive<'b>(&self, buffer: &'b mut [u8]) -> io::Result<Option<&'b [u8]>> {
        Ok(self.receive_len(buffer)?.map(|len| &buffer[..len]))
    }

    fn receive_len(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        loop {
            // SAFETY: `buffer` is writable for its length.
            let got = unsafe {
                libc::recv(
                    self.fd.as_raw_fd(),
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    libc::MSG_DONTWAIT,
                )
            };
            if got >= 0 {
                return Ok(Some(got as usize));
            }
            let error = io::Error::last_os_error();
            match error.kind() {
                io::ErrorKind::WouldBlock => return Ok(None),
                io::ErrorKind::Interrupted => {}
                _ => return Err(error),
            }
        }
    }

    /// Sends one frame.
    ///
    /// # Errors
    /// `ENETDOWN`, `EMSGSIZE`, `ENOBUFS`.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        // SAFETY: `frame` is readable for its length.
        let sent =
            unsafe { libc::send(self.fd.as_raw_fd(), frame.as_ptr().cast(), frame.len(), 0) };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    /// The next frame before `deadline`, cut to the buffer's length; `None` when there was none.
    ///
    /// # Errors
    /// `ENETDOWN` when the interface went down.
    pub fn receive<'b>(
        &self,
        buffer: &'b mut [u8],
        deadline: Instant,
    ) -> io::Result<Option<&'b [u8]>> {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.readable(left)? {
                return Ok(None);
            }
            if let Some(len) = self.receive_len(buffer)? {
                return Ok(Some(&buffer[..len]));
            }
        }
    }

    fn readable(&self, wait: Duration) -> io::Result<bool> {
        let mut poll = libc::pollfd { fd: self.fd.as_raw_fd(), events: libc::POLLIN, revents: 0 };
        // Rounded up, so that the last millisecond is not spent spinning.
        let millis = wait.as_millis().min(i32::MAX as u128 - 1) as i32 + 1;
        // SAFETY: `poll` is one valid pollfd.
        match unsafe { libc::poll(&mut poll, 1, millis) } {
            0 => Ok(false),
            n if n > 0 => Ok(true),
            _ => {
                let error = io::Error::last_os_error();
                // A signal: the caller's deadline decides whether to wait on.
                if error.kind() == io::ErrorKind::Interrupted { Ok(true) } else { Err(error) }
            }
        }
    }
}

impl AsFd for FrameSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}
