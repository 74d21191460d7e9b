//! The outputs of hand-made results, byte for byte.

mod calibration;
mod csv;
mod fixtures;
mod hgrm;
mod json;
mod terminal;
