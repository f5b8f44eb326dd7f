//! The context in JSON. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (sealpost_oracles::target("binding").check)(bytes));
