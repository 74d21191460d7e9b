//! hgrm
