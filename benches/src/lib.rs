//! Benchmarks of the core crates live in `benches/`; this library holds what they share.

pub mod agent;
pub mod envelope;
pub mod floor;
pub mod keys;
pub mod shapes;
