//! What [`socket2`] leaves out of sockets for ICMP: plain socket options by number, and `recvmsg`
//! into initialised buffers with the control messages and the error queue.

use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, BorrowedFd};

use socket2::{MaybeUninitSlice, MsgHdrMut, SockAddr, Socket};

use super::pod::{Pod, bytes_of};

/// `ICMP_FILTER` at level `SOL_RAW` (include/uapi/linux/icmp.h): a bit a type that is *not* wanted.
pub const ICMP_FILTER: libc::c_int = 1;
/// `SOL_RAW` (include/linux/socket.h).
pub const SOL_RAW: libc::c_int = 255;
/// `ICMPV6_FILTER` at level `SOL_ICMPV6` (include/uapi/linux/icmpv6.h): a bit a type that is *not*
/// wanted.
pub const ICMPV6_FILTER: libc::c_int = 1;
/// `SO_BINDTOIFINDEX` (include/uapi/asm-generic/socket.h; Linux 5.0).
pub const SO_BINDTOIFINDEX: libc::c_int = 62;
/// `IP_NODEFRAG` (include/uapi/linux/in.h): connection tracking leaves outgoing fragments alone.
pub const IP_NODEFRAG: libc::c_int = 22;

/// `IP_RECVFRAGSIZE` (include/uapi/linux/in.h): a control message says the longest fragment.
pub const IP_RECVFRAGSIZE: libc::c_int = 25;
/// `IPV6_RECVFRAGSIZE` (include/uapi/linux/in6.h).
pub const IPV6_RECVFRAGSIZE: libc::c_int = 77;

/// What one `recvmsg` gave.
#[derive(Clone, Copy, Debug)]
pub struct Received {
    /// Bytes of the message.
    pub len: usize,
    /// Bytes of the control messages.
    pub control_len: usize,
    /// Where it is from; from the error queue: where the packet in question was sent to.
    pub from: Option<SocketAddr>,
}

/// Sets a socket option.
///
/// # Errors
/// The kernel's: `ENOPROTOOPT` for an option that it does not have.
pub fn set_option<T: Pod>(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: T,
) -> io::Result<()> {
    let values = [value];
    let bytes = bytes_of(&values);
    // SAFETY: the pointer and the length are those of initialised bytes that outlive the call.
    let result = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            level,
            name,
            bytes.as_ptr().cast(),
            bytes.len() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Reads a socket option that is an int.
///
/// # Errors
/// The kernel's: `ENOTCONN` for what only a connected socket has.
pub fn number_option(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
) -> io::Result<libc::c_int> {
    let mut value: libc::c_int = 0;
    let mut len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: both pointers are to values that outlive the call, and `len` is the size of the first.
    let result = unsafe {
        libc::getsockopt(fd.as_raw_fd(), level, name, (&raw mut value).cast(), &raw mut len)
    };
    if result == 0 { Ok(value) } else { Err(io::Error::last_os_error()) }
}

/// `SK_MEMINFO_VARS` and the last of them (include/uapi/linux/sock_diag.h).
const MEMINFO_VARS: usize = 9;
const MEMINFO_DROPS: usize = 8;

/// How many messages the kernel dropped that came for a socket: it had no room, or their checksum was
/// wrong.
///
/// # Errors
/// The kernel's.
pub fn dropped(fd: BorrowedFd<'_>) -> io::Result<u32> {
    let mut values = [0_u32; MEMINFO_VARS];
    let mut len = size_of_val(&values) as libc::socklen_t;
    // SAFETY: both pointers are to values that outlive the call, and `len` is the size of the first.
    let result = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            values.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if result == 0 { Ok(values[MEMINFO_DROPS]) } else { Err(io::Error::last_os_error()) }
}

/// Receives one message with its control messages, without waiting; from the error queue with
/// `errors`.
///
/// # Errors
/// `EAGAIN` when there is none; an error that is pending on the socket.
pub fn receive(
    socket: &Socket,
    message: &mut [u8],
    control: &mut [u8],
    errors: bool,
) -> io::Result<Received> {
    let flags = libc::MSG_DONTWAIT | if errors { libc::MSG_ERRQUEUE } else { 0 };
    let mut from = SockAddr::from(SocketAddr::from(([0u16; 8], 0)));
    let mut buffers = [MaybeUninitSlice::new(uninit(message))];
    let mut header = MsgHdrMut::new()
        .with_addr(&mut from)
        .with_buffers(&mut buffers)
        .with_control(uninit(control));
    let len = socket.recvmsg(&mut header, flags)?;
    let control_len = header.control_len();
    Ok(Received { len, control_len, from: from.as_socket() })
}

/// The same bytes for a function that may be given uninitialised ones.
fn uninit(bytes: &mut [u8]) -> &mut [MaybeUninit<u8>] {
    // SAFETY: same size and alignment; `recvmsg` writes initialised bytes alone, so that they all
    // still are afterwards.
    unsafe { &mut *(std::ptr::from_mut(bytes) as *mut [MaybeUninit<u8>]) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;

    #[test]
    fn options_and_messages_go_through() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let at = receiver.local_addr().unwrap();
        let socket = Socket::from(receiver);
        let on = 1u32;
        set_option(socket.as_fd(), libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, on).unwrap();
        assert!(set_option(socket.as_fd(), libc::SOL_SOCKET, 4711, on).is_err());
        let sender = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let (mut message, mut control) = ([0; 64], [0; 256]);
        let none = receive(&socket, &mut message, &mut control, false).unwrap_err();
        assert_eq!(none.kind(), io::ErrorKind::WouldBlock);
        sender.send_to(b"hello", at).unwrap();
        super::super::poll::readable(&[socket.as_fd()], 5_000).unwrap();
        let received = receive(&socket, &mut message, &mut control, false).unwrap();
        assert_eq!(&message[..received.len], b"hello");
        assert_eq!(received.from, sender.local_addr().ok());
        assert!(received.control_len > 0, "the time stamp");
    }
}
