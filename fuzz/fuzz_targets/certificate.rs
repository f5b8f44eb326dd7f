//! Certificates, PEM and DER, with both backends: no panic, and the same answer.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_envelope::{AwsLc, Certificate, RustCrypto, Trust, UnixTime};

fuzz_target!(|bytes: &[u8]| {
    let aws = Certificate::from_pem_or_der::<AwsLc>(bytes);
    let rust = Certificate::from_pem_or_der::<RustCrypto>(bytes);
    match (aws, rust) {
        (Ok(aws), Ok(rust)) => {
            assert_eq!(aws.fingerprint(), rust.fingerprint());
            assert_eq!(aws.public_key(), rust.public_key());
            let now = UnixTime::from_secs(2_000_000_000);
            assert_eq!(
                aws.check(&Trust::DangerAnyCertificate, now),
                rust.check(&Trust::DangerAnyCertificate, now)
            );
        }
        (Err(aws), Err(rust)) => assert_eq!(aws, rust),
        (aws, rust) => panic!("{aws:?} and {rust:?}"),
    }
});
