//! Facts about this folder.
