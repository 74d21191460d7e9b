//! Plain memory in the role of the kernel.
