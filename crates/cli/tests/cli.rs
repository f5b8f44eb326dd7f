//! Runs the real binary: what it prints, what it refuses, what it leaves behind.

#![allow(
    clippy::unwrap_used,
    reason = "what goes wrong in a test's own steps fails the test"
)]

mod cli {
    mod support;

    mod batch;
    mod foreign;
    mod formats;
    mod inspect;
    mod keygen;
    mod name;
    mod pasted;
    mod seal_open;
    mod trust;
    mod validate;

    // What runs a gateway and an agent is for Unix.
    #[cfg(unix)]
    mod audit_sinks;
    #[cfg(unix)]
    mod canary;
    #[cfg(unix)]
    mod demo;
    #[cfg(target_os = "linux")]
    mod descriptors;
    #[cfg(unix)]
    mod dev;
    #[cfg(unix)]
    mod endpoint;
    #[cfg(target_os = "linux")]
    mod faults;
    #[cfg(target_os = "linux")]
    mod first_start;
    #[cfg(unix)]
    mod gateway;
    #[cfg(unix)]
    mod gateway_check;
    #[cfg(unix)]
    mod gateway_server;
    #[cfg(unix)]
    mod log_sinks;
    #[cfg(target_os = "linux")]
    mod lost_files;
    #[cfg(target_os = "linux")]
    mod memory;
    #[cfg(unix)]
    mod rehearsal;
    #[cfg(target_os = "linux")]
    mod rehearsal_places;
    #[cfg(unix)]
    mod resolve;
    #[cfg(unix)]
    mod secret_create;
    #[cfg(unix)]
    mod secret_import;
    #[cfg(unix)]
    mod server;
    #[cfg(unix)]
    mod small_disk;
    #[cfg(target_os = "linux")]
    mod strace;
    #[cfg(unix)]
    mod streams;
    #[cfg(unix)]
    mod stub;
    #[cfg(unix)]
    mod usage;
    #[cfg(unix)]
    mod vault;
}
