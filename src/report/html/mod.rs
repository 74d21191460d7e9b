//! The report as one HTML file that needs nothing else: no network, no scripts for its content.
//!
//! [`page`] is what a page shows, [`render`] its HTML; [`run`] makes the page of a run,
//! [`benchmark`] that of a benchmark, [`study`] that of a fragmentation study and [`comparison`] that of a comparison. Scripts and style are inlined, and a content security policy
//! lets the browser run and fetch nothing but them.

pub mod benchmark;
pub mod comparison;
mod escape;
pub mod page;
mod render;
pub mod run;
mod run_charts;
mod run_tables;
mod scale;
pub mod study;
mod svg;

pub use render::render;
