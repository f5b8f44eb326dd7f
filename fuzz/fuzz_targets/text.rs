//! The text form: what decodes, encoded again, is the same text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_envelope::text;

fuzz_target!(|line: &str| {
    if let Ok(bytes) = text::decode(line) {
        assert_eq!(text::encode(&bytes), line);
    }
});
