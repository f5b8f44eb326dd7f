//! Call the endpoint from Rust
