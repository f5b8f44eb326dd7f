//! The hash of what is public: certificates and public keys.
//!
//! It needs no backend parameter, because every library gives the same digest. Secrets are hashed by the backend of
//! their key.

/// `SHA-256(bytes)` (FIPS 180-4), by AWS-LC where it is linked.
#[cfg(feature = "aws-lc")]
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    crate::bytes::copy(
        &mut digest,
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref(),
    );
    digest
}

/// `SHA-256(bytes)` (FIPS 180-4).
#[cfg(not(feature = "aws-lc"))]
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).into()
}

#[cfg(test)]
mod tests {
    use super::sha256;

    #[test]
    fn it_is_sha_256() {
        // FIPS 180-4, the example "abc".
        let digest = sha256(b"abc");
        assert_eq!(digest[..4], [0xba, 0x78, 0x16, 0xbf]);
        #[cfg(feature = "rustcrypto")]
        assert_eq!(digest, {
            use crate::backend::Backend as _;
            crate::backend::rustcrypto::RustCrypto::sha256(&[b"a", b"bc"])
        });
    }
}
