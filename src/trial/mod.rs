//! One trial, from start to drained counters.
