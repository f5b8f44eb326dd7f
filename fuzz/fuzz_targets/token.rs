//! Bearer tokens, from the header to whom they let in. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (sealpost_oracles::target("token").check)(bytes));
