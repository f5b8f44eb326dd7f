//! The signatures of authorities that can be verified. This list alone says so.

use rustls_pki_types::SignatureVerificationAlgorithm;
#[cfg(feature = "aws-lc")]
use webpki::aws_lc_rs as algorithms;

// `rustls-webpki` brings verifiers on AWS-LC and on ring, and none in pure Rust.
#[cfg(not(feature = "aws-lc"))]
compile_error!("feature `chain` has no verifiers of its own: enable `aws-lc`, which brings them");

#[cfg(feature = "aws-lc")]
/// What authorities may sign with. Without SHA-1, and without parameters of PSS that are not in use.
pub(super) const SIGNATURE_ALGORITHMS: &[&dyn SignatureVerificationAlgorithm] = &[
    algorithms::RSA_PKCS1_2048_8192_SHA256,
    algorithms::RSA_PKCS1_2048_8192_SHA384,
    algorithms::RSA_PKCS1_2048_8192_SHA512,
    // RFC 4055 §5: parameters may be absent.
    algorithms::RSA_PKCS1_2048_8192_SHA256_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA384_ABSENT_PARAMS,
    algorithms::RSA_PKCS1_2048_8192_SHA512_ABSENT_PARAMS,
    algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY,
    algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY,
    algorithms::ECDSA_P256_SHA256,
    algorithms::ECDSA_P256_SHA384,
    algorithms::ECDSA_P384_SHA256,
    algorithms::ECDSA_P384_SHA384,
    algorithms::ED25519,
];
