//! Several messages to one socket in one system call.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Hands messages to the kernel without waiting; a signal is no reason to stop. How many of them, from
/// the first on, it took: at least one.
///
/// # Errors
/// Why it did not take the first.
///
/// # Safety
/// The names and the parts of the messages point to memory that is readable until the call returns.
pub(super) unsafe fn send_messages(
    fd: BorrowedFd<'_>,
    messages: &mut [libc::mmsghdr],
) -> io::Result<usize> {
    loop {
        // SAFETY: the messages are as many as told; the caller vouches for what they point to.
        let taken = unsafe {
            libc::sendmmsg(
                fd.as_raw_fd(),
                messages.as_mut_ptr(),
                messages.len() as libc::c_uint,
                libc::MSG_DONTWAIT,
            )
        };
        if taken >= 0 {
            return Ok(taken as usize);
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}
