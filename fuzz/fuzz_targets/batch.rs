//! A batch that was tampered with. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (sealpost_oracles::target("batch").check)(bytes));
