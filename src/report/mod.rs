//! The versioned result, and one file per output. Every output is made from
//! [`model::RunResult`] alone; the distributions of [`hgrm`] come beside it.

pub mod benchmark;
pub mod benchmark_csv;
pub mod benchmark_hgrm;
pub mod calibration;
pub mod compare;
pub mod csv;
pub mod file;
pub mod format;
pub mod hgrm;
pub mod histogram;
pub mod html;
pub mod json;
pub mod model;
mod percentiles;
pub mod progress;
pub mod read;
pub mod statement;
pub mod study;
pub mod study_csv;
pub mod suite_progress;
pub mod terminal;

pub use percentiles::percentiles;
