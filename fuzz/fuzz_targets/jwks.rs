//! The issuer's key set, as it comes from the network. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| (sealpost_oracles::target("jwks").check)(bytes));
