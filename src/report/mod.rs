//! The versioned result, and one file per output.

pub mod model;
