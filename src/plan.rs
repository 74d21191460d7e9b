//! Which worker sends what.
