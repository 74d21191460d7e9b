//! What the YAML says.

pub mod model;
