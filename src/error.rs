//! The one error of everything that touches the machine: it names the operation, the thing it was
//! done to, the cause, and what to do next.

use std::fmt;

/// An operation that failed, told the way a user can act on it.
///
/// Displayed as `OPERATION SUBJECT: CAUSE; REMEDY`.
#[derive(Debug)]
pub struct Error {
    /// What was being done, in the infinitive: `open an AF_XDP socket on`.
    pub operation: String,
    /// The interface, file, path or YAML path it was done to: `eth1 queue 0`.
    pub subject: String,
    /// Why it failed: mostly the kernel's own words.
    pub cause: String,
    /// What the user can do next. Empty when there is nothing to add.
    pub remedy: String,
}

/// Result with [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error without a remedy; add one with [`Error::remedy`].
    pub fn new(
        operation: impl Into<String>,
        subject: impl Into<String>,
        cause: impl fmt::Display,
    ) -> Self {
        Self {
            operation: operation.into(),
            subject: subject.into(),
            cause: cause.to_string(),
            remedy: String::new(),
        }
    }

    /// Says what to do next.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}", self.operation)?;
        if !self.subject.is_empty() {
            write!(f, " {}", self.subject)?;
        }
        write!(f, ": {}", self.cause)?;
        if !self.remedy.is_empty() {
            write!(f, "; {}", self.remedy)?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_operation_subject_cause_and_remedy() {
        let error = Error::new("attach XDP to", "eth1", "Operation not supported")
            .remedy("use --engine packet-mmap");
        assert_eq!(
            error.to_string(),
            "cannot attach XDP to eth1: Operation not supported; use --engine packet-mmap"
        );
    }
}
