//! Messages by channels, with their openings. What is promised stands in `oracles/`.
#![no_main]

libfuzzer_sys::fuzz_target!(
    |bytes: &[u8]| (sealpost_oracles::target("channel_opening").check)(bytes)
);
