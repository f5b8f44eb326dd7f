//! An agent, from a message to its vault. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (sealpost_oracles::target("open_request").check)(bytes));
