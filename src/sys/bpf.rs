//! The bpf(2) calls that libbpf-rs does not wrap: an XDP link with its mode, and a test run whose
//! context is an XDP frame's.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::time::Duration;

/// How an XDP program sits in the receive path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XdpMode {
    /// In the driver, before an skb exists.
    Native,
    /// After the skb was made.
    Generic,
}

/// Attaches an XDP program to an interface of the calling thread's network namespace. It is
/// attached for as long as the descriptor is open: a process that dies leaves nothing.
///
/// # Errors
/// `EBUSY` or `EEXIST` when another XDP program is attached, `EOPNOTSUPP` when the driver has no
/// XDP, `EPERM` without CAP_NET_ADMIN and CAP_BPF.
pub fn attach_xdp(program: BorrowedFd<'_>, ifindex: u32, mode: XdpMode) -> io::Result<OwnedFd> {
    let flags = match mode {
        XdpMode::Native => libbpf_sys::XDP_FLAGS_DRV_MODE,
        XdpMode::Generic => libbpf_sys::XDP_FLAGS_SKB_MODE,
    };
    let options = libbpf_sys::bpf_link_create_opts {
        sz: size_of::<libbpf_sys::bpf_link_create_opts>() as _,
        flags,
        ..Default::default()
    };
    // SAFETY: the program's descriptor is open, and `options` is a valid structure whose size is
    // told; both only have to live for the call.
    let fd = unsafe {
        libbpf_sys::bpf_link_create(
            program.as_raw_fd(),
            ifindex as i32,
            libbpf_sys::BPF_XDP,
            &options,
        )
    };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Runs an XDP program `repeat` times on a frame that arrives on receive queue 0 of the loopback
/// device, and returns its last verdict and the mean time of a run. The frame as a program left it
/// is what the next run sees.
///
/// # Errors
/// `EINVAL` for frames shorter than an Ethernet header or longer than a page, `EPERM` without
/// CAP_BPF.
pub fn test_run(program: BorrowedFd<'_>, frame: &[u8], repeat: u32) -> io::Result<(u32, Duration)> {
    // SAFETY: all-zero is a valid value of this structure of integers and pointers.
    let mut options = unsafe { mem::zeroed::<libbpf_sys::bpf_test_run_opts>() };
    options.sz = size_of::<libbpf_sys::bpf_test_run_opts>() as _;
    options.data_in = frame.as_ptr().cast();
    options.data_size_in = frame.len() as u32;
    options.repeat = repeat as i32;
    // SAFETY: the descriptor is open and `data_in` points to `data_size_in` readable bytes that
    // outlive the call; no output buffer is named.
    let result = unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &mut options) };
    if result < 0 {
        return Err(io::Error::from_raw_os_error(-result));
    }
    Ok((options.retval, Duration::from_nanos(options.duration.into())))
}
