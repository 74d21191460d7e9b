//! The outputs of hand-made results, byte for byte.

mod browser;
mod calibration;
mod compare;
mod csv;
mod fixtures;
mod hgrm;
mod html;
mod json;
mod terminal;
