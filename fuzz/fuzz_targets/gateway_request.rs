//! The gateway, from a request to its response. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    |bytes: &[u8]| (sealpost_oracles::target("gateway_request").check)(bytes)
);
