//! The memory of a BPF array map, shared with the programs that use it.

use std::io;
use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;

/// A `repr(C)` type that several parties may read and write at a time.
///
/// # Safety
/// All its fields are atomics without padding in between, and any bytes are a valid value.
pub unsafe trait SharedMemory {}

/// The first value of an array map with BPF_F_MMAPABLE, mapped.
#[derive(Debug)]
pub struct MappedValue<T: SharedMemory> {
    value: NonNull<T>,
}

// SAFETY: the mapping belongs to the process, not to a thread; what it holds is shared memory.
unsafe impl<T: SharedMemory + Send> Send for MappedValue<T> {}
// SAFETY: a reference to it gives nothing but `&T`, atomics.
unsafe impl<T: SharedMemory + Sync> Sync for MappedValue<T> {}

impl<T: SharedMemory> MappedValue<T> {
    /// Maps the value of `map`, `value_size` bytes.
    ///
    /// # Errors
    /// When the map is smaller than `T` or cannot be mapped.
    pub fn new(map: BorrowedFd<'_>, value_size: u32) -> io::Result<Self> {
        if (value_size as usize) < size_of::<T>() {
            return Err(io::Error::other(format!(
                "a value of {value_size} bytes where {} are needed",
                size_of::<T>()
            )));
        }
        // SAFETY: a fresh shared mapping of a descriptor that is open.
        let at = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                map.as_raw_fd(),
                0,
            )
        };
        if at == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        NonNull::new(at.cast()).map(|value| Self { value }).ok_or(io::ErrorKind::Other.into())
    }
}

impl<T: SharedMemory> Deref for MappedValue<T> {
    type Target = T;

    #[inline(always)]
    fn deref(&self) -> &T {
        // SAFETY: the mapping is as long as `T`, page-aligned, alive as long as `self`, and every
        // content of it is a `T` that others may change.
        unsafe { self.value.as_ref() }
    }
}

impl<T: SharedMemory> Drop for MappedValue<T> {
    fn drop(&mut self) {
        // SAFETY: the range is the one that `new` mapped, and no reference outlives `self`.
        unsafe { libc::munmap(self.value.as_ptr().cast(), size_of::<T>()) };
    }
}
