//! When the next packet is due, and of which stream.
