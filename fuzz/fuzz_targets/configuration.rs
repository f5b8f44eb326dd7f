//! The gateway's configuration in TOML. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    |bytes: &[u8]| (sealpost_oracles::target("configuration").check)(bytes)
);
