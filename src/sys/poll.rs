//! Waiting for descriptors.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

/// Waits until one of the descriptors can be read or is in error, at most `timeout_ms`. A signal
/// ends the wait early; that is no error.
///
/// # Errors
/// `ENOMEM`, `EINVAL` for more descriptors than the process may have.
pub fn readable(fds: &[BorrowedFd<'_>], timeout_ms: i32) -> io::Result<bool> {
    let mut polled: Vec<_> = fds
        .iter()
        .map(|fd| libc::pollfd { fd: fd.as_raw_fd(), events: libc::POLLIN, revents: 0 })
        .collect();
    // SAFETY: the array is as long as told, and writable.
    let ready = unsafe { libc::poll(polled.as_mut_ptr(), polled.len() as _, timeout_ms) };
    if ready < 0 {
        let error = io::Error::last_os_error();
        return if error.kind() == io::ErrorKind::Interrupted { Ok(false) } else { Err(error) };
    }
    Ok(ready > 0)
}
