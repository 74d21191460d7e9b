//! Plain old data: types that are nothing but their bytes, to be copied to and from the kernel.

/// A `repr(C)` type without padding, pointers or invalid bit patterns.
///
/// # Safety
/// Every byte of a value is initialised, and every bit pattern is a valid value.
pub unsafe trait Pod: Copy + 'static {}

// SAFETY: integers have neither padding nor invalid values.
unsafe impl Pod for u8 {}
// SAFETY: as above.
unsafe impl Pod for u32 {}
// SAFETY: as above.
unsafe impl Pod for u64 {}
// SAFETY: an array has no padding that its elements have not.
unsafe impl<T: Pod, const N: usize> Pod for [T; N] {}

/// The bytes of a slice of plain data.
pub fn bytes_of<T: Pod>(values: &[T]) -> &[u8] {
    // SAFETY: `Pod` promises that all bytes are initialised; the lifetime is that of `values`.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_in_memory_order() {
        assert_eq!(bytes_of(&[0x0102_0304_u32.to_be(), 0]), [1, 2, 3, 4, 0, 0, 0, 0]);
    }
}
