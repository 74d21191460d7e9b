//! The outputs of hand-made results, byte for byte.

mod csv;
mod fixtures;
mod hgrm;
mod json;
mod terminal;
