//! BPF_PROG_RUN, with and without live frames, and the two attachments that live frames need.
//! Kernel: net/bpf/test_run.c, kernel/bpf/syscall.c.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libbpf_sys as sys;

/// Frames of one batch of live frames at most (TEST_XDP_MAX_BATCH).
pub const MAX_LIVE_BATCH: u32 = 256;

/// Loads an XDP program given as its instructions (`struct bpf_insn`, 8 bytes each).
///
/// # Errors
/// `EPERM` without CAP_BPF; `EACCES` or `EINVAL` when the verifier does not accept it.
pub fn load_xdp(name: &CStr, instructions: &[u64]) -> io::Result<OwnedFd> {
    let mut options = sys::bpf_prog_load_opts {
        sz: size_of::<sys::bpf_prog_load_opts>() as sys::size_t,
        ..Default::default()
    };
    // SAFETY: names and instructions are alive during the call, which only reads them; `options` has
    // its own size in `sz`.
    let program = unsafe {
        sys::bpf_prog_load(
            sys::BPF_PROG_TYPE_XDP,
            name.as_ptr(),
            c"Dual MIT/GPL".as_ptr(),
            instructions.as_ptr().cast(),
            instructions.len() as sys::size_t,
            &mut options,
        )
    };
    // SAFETY: a descriptor that bpf_prog_load has just made is nobody else's.
    check(program).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Runs an XDP program `repeat` times on pages that begin as a copy of `image`; what it redirects
/// is really sent. Redirected frames reach their device when 16 have come together or `batch` runs
/// are over. The calling thread's network namespace is the program's.
///
/// # Errors
/// `EINTR` when a signal ended it early, `EINVAL` when the image does not fit into a page,
/// `ENOMEM` when pages ran out, `EPERM` without CAP_NET_ADMIN and CAP_BPF.
pub fn run_live(program: BorrowedFd<'_>, image: &[u8], repeat: u32, batch: u32) -> io::Result<()> {
    let mut options = sys::bpf_test_run_opts {
        sz: size_of::<sys::bpf_test_run_opts>() as sys::size_t,
        data_in: image.as_ptr().cast(),
        data_size_in: image.len() as u32,
        repeat: i32::try_from(repeat).unwrap_or(i32::MAX),
        flags: sys::BPF_F_TEST_XDP_LIVE_FRAMES,
        batch_size: batch.min(MAX_LIVE_BATCH),
        ..Default::default()
    };
    // SAFETY: `options` has its own size in `sz`; the kernel only reads `image`, for the call.
    check(unsafe { sys::bpf_prog_test_run_opts(program.as_raw_fd(), &mut options) }).map(drop)
}

/// What one dry run of an XDP program gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DryRun {
    /// The program's verdict: XDP_DROP, XDP_REDIRECT …
    pub verdict: u32,
    /// The packet as the program left it.
    pub data: Vec<u8>,
}

/// Runs an XDP program once on a copy of `image`; nothing is sent.
///
/// # Errors
/// `EINVAL` when the image does not fit, `EPERM` without CAP_BPF.
pub fn run_dry(program: BorrowedFd<'_>, image: &[u8]) -> io::Result<DryRun> {
    let mut data = vec![0; image.len().max(4096)];
    let mut options = sys::bpf_test_run_opts {
        sz: size_of::<sys::bpf_test_run_opts>() as sys::size_t,
        data_in: image.as_ptr().cast(),
        data_size_in: image.len() as u32,
        data_out: data.as_mut_ptr().cast(),
        data_size_out: data.len() as u32,
        repeat: 1,
        ..Default::default()
    };
    // SAFETY: the kernel reads `image` and writes at most `data_size_out` bytes to `data`, both
    // alive during the call.
    check(unsafe { sys::bpf_prog_test_run_opts(program.as_raw_fd(), &mut options) })?;
    data.truncate(options.data_size_out as usize);
    Ok(DryRun { verdict: options.retval, data })
}

/// Attaches an XDP program in native mode to an interface of the calling thread's network
/// namespace, for as long as the returned link lives.
///
/// # Errors
/// `EBUSY` when another program is attached, `EOPNOTSUPP` when the driver has no native XDP.
pub fn attach_native_xdp(program: BorrowedFd<'_>, ifindex: u32) -> io::Result<OwnedFd> {
    let options = sys::bpf_link_create_opts {
        sz: size_of::<sys::bpf_link_create_opts>() as sys::size_t,
        flags: sys::XDP_FLAGS_DRV_MODE,
        ..Default::default()
    };
    let ifindex = i32::try_from(ifindex).map_err(io::Error::other)?;
    // SAFETY: `options` has its own size in `sz` and outlives the call.
    let link =
        unsafe { sys::bpf_link_create(program.as_raw_fd(), ifindex, sys::BPF_XDP, &options) };
    // SAFETY: a link descriptor that bpf_link_create has just made is nobody else's.
    check(link).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Attaches a loaded `tp_btf` program to its tracepoint, for as long as the returned link lives.
///
/// # Errors
/// `EPERM` without CAP_PERFMON.
pub fn attach_tracepoint(program: BorrowedFd<'_>) -> io::Result<OwnedFd> {
    // SAFETY: a null name is what the kernel asks for when the program knows its tracepoint.
    let link = unsafe { sys::bpf_raw_tracepoint_open(std::ptr::null(), program.as_raw_fd()) };
    // SAFETY: a descriptor that bpf_raw_tracepoint_open has just made is nobody else's.
    check(link).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The XDP features of an interface of the calling thread's network namespace (`NETDEV_XDP_ACT_*`
/// of linux/netdev.h), as its driver states them just now.
///
/// # Errors
/// When the kernel does not tell (before 6.3).
pub fn xdp_features(ifindex: u32) -> io::Result<u64> {
    let mut options = sys::bpf_xdp_query_opts {
        sz: size_of::<sys::bpf_xdp_query_opts>() as sys::size_t,
        ..Default::default()
    };
    let ifindex = i32::try_from(ifindex).map_err(io::Error::other)?;
    // SAFETY: `options` has its own size in `sz` and outlives the call.
    check(unsafe { sys::bpf_xdp_query(ifindex, 0, &mut options) })?;
    Ok(options.feature_flags)
}

/// The index of an interface of the calling thread's network namespace.
///
/// # Errors
/// `ENODEV`.
pub fn interface_index(name: &str) -> io::Result<u32> {
    let name = CString::new(name).map_err(io::Error::other)?;
    // SAFETY: `name` is a C string that outlives the call.
    match unsafe { libc::if_nametoindex(name.as_ptr()) } {
        0 => Err(io::Error::last_os_error()),
        index => Ok(index),
    }
}

/// The calling thread's id, in its pid namespace.
#[inline]
pub fn thread_id() -> u32 {
    // SAFETY: gettid has no arguments and cannot fail.
    unsafe { libc::gettid() as u32 }
}

/// libbpf's convention: a negative result is -errno.
fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(result) }
}
