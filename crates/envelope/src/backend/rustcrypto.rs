//! The pure-Rust backend: `rsa`, `aes-gcm`, `hkdf`, `hmac`, `sha2`.

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{AeadInOut, inout::InOutBuf},
};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use rand_core::TryCryptoRng;
use rsa::{
    Oaep, RsaPrivateKey, RsaPublicKey,
    pkcs8::{DecodePrivateKey, DecodePublicKey},
    traits::{PaddingScheme, PublicKeyParts},
};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{Backend, BackendError, Decrypted, sealed::Sealed};
use crate::bytes::copy;

/// The pure-Rust backend: no_std, no C compiler, every target that Rust has.
///
/// # Security
///
/// Private-key operations are always blinded. `rsa` is built on fixed-width arithmetic and is "designed,
/// not verified" to be free of timing leaks (RUSTSEC-2023-0071 lists every version of it). On hosts use
/// `AwsLc`.
///
/// `rsa` does not wipe its intermediate values (<https://github.com/RustCrypto/RSA/issues/507>): the seed as
/// padded for RSA, and the primes of a private key, stay in heap memory that was freed. Where that memory
/// may be read by others, use `AwsLc`, or a global allocator that wipes what it frees. Plaintext and
/// derived keys are wiped with both.
#[derive(Clone, Copy, Debug)]
pub struct RustCrypto;

impl Sealed for RustCrypto {}

impl Backend for RustCrypto {
    type PublicKey = RsaPublicKey;
    type PrivateKey = RsaPrivateKey;
    type Prk = Hkdf<Sha256>;
    type HmacKey = Hmac<Sha256>;
    type AeadKey = Aes256Gcm;

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }

    fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> Self::Prk {
        Hkdf::new(Some(salt), ikm)
    }

    fn hkdf_expand(prk: &Self::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), BackendError> {
        prk.expand_multi_info(info, out).map_err(|_| BackendError)
    }

    fn hmac_key(key: &[u8]) -> Self::HmacKey {
        <Hmac<Sha256> as KeyInit>::new_from_slice(key).expect("HMAC takes keys of every length")
    }

    fn hmac(key: &Self::HmacKey, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = key.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    fn aead_key(key: &[u8; 32]) -> Result<Self::AeadKey, BackendError> {
        Ok(Aes256Gcm::new(key.into()))
    }

    fn aead_seal(
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], BackendError> {
        key.encrypt_inout_detached(nonce.into(), aad, InOutBuf::from(in_out))
            .map(Into::into)
            .map_err(|_| BackendError)
    }

    fn aead_open(
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), BackendError> {
        key.decrypt_inout_detached(nonce.into(), aad, InOutBuf::from(in_out), tag.into())
            .map_err(|_| BackendError)
    }

    fn public_key(spki_der: &[u8]) -> Result<Self::PublicKey, BackendError> {
        RsaPublicKey::from_public_key_der(spki_der).map_err(|_| BackendError)
    }

    fn private_key(pkcs8_der: &[u8]) -> Result<Self::PrivateKey, BackendError> {
        RsaPrivateKey::from_pkcs8_der(pkcs8_der).map_err(|_| BackendError)
    }

    fn oaep_encrypt<R: TryCryptoRng + ?Sized>(
        key: &Self::PublicKey,
        rng: &mut R,
        message: &[u8],
        out: &mut [u8],
    ) -> Result<(), BackendError> {
        let ciphertext = Oaep::<Sha256>::new()
            .encrypt(rng, key, message)
            .map_err(|_| BackendError)?;
        if out.len() != ciphertext.len() {
            return Err(BackendError);
        }
        copy(out, &ciphertext);
        Ok(())
    }

    fn oaep_decrypt<R: TryCryptoRng + ?Sized>(
        key: &Self::PrivateKey,
        rng: &mut R,
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Decrypted {
        debug_assert_eq!(ciphertext.len(), key.size());
        match Oaep::<Sha256>::new().decrypt(Some(rng), key, ciphertext) {
            // The library returns a plain Vec.
            Ok(plaintext) => Decrypted::to(&Zeroizing::new(plaintext), out),
            Err(_) => Decrypted::rejected(),
        }
    }
}
