//! Bind mounts of namespaces, as `ip netns` makes them, and their removal.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Mounts the namespace behind `fd` on the existing file `target`.
///
/// # Errors
/// `EPERM` without CAP_SYS_ADMIN; `ENOENT` when `target` is missing.
pub fn bind_namespace(fd: BorrowedFd<'_>, target: &Path) -> io::Result<()> {
    let source = CString::new(format!("/proc/self/fd/{}", fd.as_raw_fd()))?;
    let target = CString::new(target.as_os_str().as_bytes())?;
    // SAFETY: both paths are NUL-terminated and live over the call; a bind mount takes neither a
    // type nor data, so null is allowed for them.
    let result = unsafe {
        libc::mount(
            source.as_ptr(),
            target.as_ptr(),
            std::ptr::null(),
            libc::MS_BIND,
            std::ptr::null(),
        )
    };
    if result != 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Detaches what is mounted on `target`.
///
/// # Errors
/// `EINVAL` when nothing is mounted there; `EPERM` without CAP_SYS_ADMIN.
pub fn detach(target: &Path) -> io::Result<()> {
    let target = CString::new(target.as_os_str().as_bytes())?;
    // SAFETY: the path is NUL-terminated and lives over the call.
    if unsafe { libc::umount2(target.as_ptr(), libc::MNT_DETACH) } != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}
