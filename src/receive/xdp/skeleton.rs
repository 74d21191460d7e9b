//! The compiled receiving program, and its shared structures as libbpf-cargo reads them from the
//! program's own type information.

#![allow(
    unsafe_code,
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::undocumented_unsafe_blocks
)]

include!(concat!(env!("OUT_DIR"), "/rx.skel.rs"));

pub use self::rx_types::*;

mod rx_types {
    /// A structure of integers that any bytes are a value of.
    ///
    /// # Safety
    /// Only for `repr(C)` structures of integers without padding.
    pub unsafe trait Plain: Copy {}
    // SAFETY: nothing but u64 fields.
    unsafe impl Plain for super::types::rx_row {}
    // SAFETY: nothing but u64 fields, arrays and structures of them.
    unsafe impl Plain for super::types::rx_stream_row {}
    // SAFETY: nothing but u64 fields and arrays of them.
    unsafe impl Plain for super::types::rx_flow {}

    /// Reads a structure from the bytes that a map lookup returned. None if the sizes differ.
    pub fn read<T: Plain>(bytes: &[u8]) -> Option<T> {
        // SAFETY: the length is checked, the read needs no alignment, and any bytes are a T.
        (bytes.len() == size_of::<T>())
            .then(|| unsafe { bytes.as_ptr().cast::<T>().read_unaligned() })
    }
}
