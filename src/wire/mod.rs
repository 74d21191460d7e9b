//! One file a protocol: header layout, build, parse; and the Internet checksum.

pub mod field;
