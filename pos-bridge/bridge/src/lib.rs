//! The daemon at the till.
