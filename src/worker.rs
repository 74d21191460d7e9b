//! The hot loop.
