//! The kernel's own words for an error number.

use std::io;

/// `error` without Rust's ` (os error N)`: `Operation not permitted`.
pub fn words(error: &io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_left_out() {
        assert_eq!(words(&io::Error::from_raw_os_error(libc::EPERM)), "Operation not permitted");
        assert_eq!(words(&io::Error::other("no answer")), "no answer");
    }
}
