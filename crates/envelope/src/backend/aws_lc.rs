//! The AWS-LC backend: `aws-lc-rs`.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest,
    hkdf::{self, HKDF_SHA256, Prk},
    hmac::{self, HMAC_SHA256},
    rsa::{
        OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
        PrivateDecryptingKey, PublicEncryptingKey,
    },
};
use rand_core::{TryCryptoRng, TryRng};
use zeroize::Zeroizing;

use super::{Backend, BackendError, Decrypted, MAX_MODULUS, sealed::Sealed};

/// The AWS-LC backend, for hosts: four to six times as fast at RSA as the pure-Rust one.
///
/// AWS-LC draws the randomness of OAEP and of blinding from its own generator; the one given is used for
/// the seed alone.
#[derive(Clone, Copy, Debug)]
pub struct AwsLc;

impl Sealed for AwsLc {}

impl Backend for AwsLc {
    type PublicKey = OaepPublicEncryptingKey;
    type PrivateKey = OaepPrivateDecryptingKey;
    type Prk = Prk;
    type HmacKey = hmac::Key;
    type AeadKey = LessSafeKey;

    fn sha256(parts: &[&[u8]]) -> [u8; 32] {
        if let Some(message) = join(parts, &mut [0; JOINED_HEADER]) {
            return to_array(digest::digest(&digest::SHA256, message).as_ref());
        }
        let mut hash = digest::Context::new(&digest::SHA256);
        parts.iter().for_each(|part| hash.update(part));
        to_array(hash.finish().as_ref())
    }

    // RFC 5869 §2.2: HKDF-Extract(salt, IKM) = HMAC-Hash(salt, IKM). The library's own Extract is put
    // off until Expand and would be repeated, with a copy of the key on the heap, for each output.
    fn hkdf_extract(salt: &[u8], ikm: &[u8]) -> Self::Prk {
        let prk = Zeroizing::new(Self::hmac(&Self::hmac_key(salt), &[ikm]));
        Prk::new_less_safe(HKDF_SHA256, prk.as_slice())
    }

    fn hkdf_expand(prk: &Self::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), BackendError> {
        prk.expand(info, OutputLength(out.len()))
            .and_then(|okm| okm.fill(out))
            .map_err(|_| BackendError)
    }

    fn hmac_key(key: &[u8]) -> Self::HmacKey {
        hmac::Key::new(HMAC_SHA256, key)
    }

    fn hmac(key: &Self::HmacKey, parts: &[&[u8]]) -> [u8; 32] {
        let mut tag = [0; 32];
        if let Some(message) = join(parts, &mut [0; JOINED_CONTEXT])
            && hmac::sign_to_buffer(key, message, &mut tag).is_ok()
        {
            return tag;
        }
        let mut mac = hmac::Context::with_key(key);
        parts.iter().for_each(|part| mac.update(part));
        to_array(mac.sign().as_ref())
    }

    fn aead_key(key: &[u8; 32]) -> Result<Self::AeadKey, BackendError> {
        UnboundKey::new(&AES_256_GCM, key)
            .map(LessSafeKey::new)
            .map_err(|_| BackendError)
    }

    fn aead_seal(
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
    ) -> Result<[u8; 16], BackendError> {
        key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), in_out)
            .map(|tag| to_array(tag.as_ref()))
            .map_err(|_| BackendError)
    }

    fn aead_open(
        key: &Self::AeadKey,
        nonce: &[u8; 12],
        aad: &[u8],
        in_out: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), BackendError> {
        key.open_in_place_separate_tag(
            Nonce::assume_unique_for_key(*nonce),
            Aad::from(aad),
            tag,
            in_out,
        )
        .map(|_| ())
        .map_err(|_| BackendError)
    }

    fn public_key(spki_der: &[u8]) -> Result<Self::PublicKey, BackendError> {
        PublicEncryptingKey::from_der(spki_der)
            .map_err(|_| BackendError)
            .and_then(|key| OaepPublicEncryptingKey::new(key).map_err(|_| BackendError))
    }

    fn private_key(pkcs8_der: &[u8]) -> Result<Self::PrivateKey, BackendError> {
        PrivateDecryptingKey::from_pkcs8(pkcs8_der)
            .map_err(|_| BackendError)
            .and_then(|key| OaepPrivateDecryptingKey::new(key).map_err(|_| BackendError))
    }

    fn oaep_encrypt<R: TryCryptoRng + ?Sized>(
        key: &Self::PublicKey,
        _rng: &mut R,
        message: &[u8],
        out: &mut [u8],
    ) -> Result<(), BackendError> {
        if out.len() != key.ciphertext_size() {
            return Err(BackendError);
        }
        key.encrypt(&OAEP_SHA256_MGF1SHA256, message, out, None)
            .map(|_| ())
            .map_err(|_| BackendError)
    }

    fn oaep_decrypt<R: TryCryptoRng + ?Sized>(
        key: &Self::PrivateKey,
        _rng: &mut R,
        ciphertext: &[u8],
        out: &mut [u8],
    ) -> Decrypted {
        // The library wants room for a whole modulus.
        let mut buffer = Zeroizing::new([0; MAX_MODULUS]);
        match key.decrypt(
            &OAEP_SHA256_MGF1SHA256,
            ciphertext,
            buffer.as_mut_slice(),
            None,
        ) {
            Ok(plaintext) => Decrypted::to(plaintext, out),
            Err(_) => Decrypted::rejected(),
        }
    }
}

/// AWS-LC's random number generator, as an argument for sealing and opening: no system call a time.
#[derive(Clone, Copy, Debug, Default)]
pub struct AwsLcRng;

impl TryRng for AwsLcRng {
    type Error = BackendError;

    fn try_next_u32(&mut self) -> Result<u32, BackendError> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, BackendError> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), BackendError> {
        aws_lc_rs::rand::fill(bytes).map_err(|_| BackendError)
    }
}

impl TryCryptoRng for AwsLcRng {}

struct OutputLength(usize);

impl hkdf::KeyType for OutputLength {
    fn len(&self) -> usize {
        self.0
    }
}

/// The parts as one, if they fit into `buffer`: one call of the library is faster than several. A single
/// part, which may be secret, is not copied.
fn join<'a>(parts: &[&'a [u8]], buffer: &'a mut [u8]) -> Option<&'a [u8]> {
    if let [part] = parts {
        return Some(part);
    }
    let mut filled = 0;
    for part in parts {
        let end = filled + part.len();
        buffer.get_mut(filled..end)?.copy_from_slice(part);
        filled = end;
    }
    buffer.get(..filled)
}

/// A digest or tag of the fixed length `N`.
fn to_array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes
        .try_into()
        .expect("the algorithm's output has this length")
}

/// A header with one recipient of 2,048 bits, and its label.
const JOINED_HEADER: usize = 384;
/// A context with texts of ordinary length, and its place.
const JOINED_CONTEXT: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_hashed_as_one_of_every_length() {
        let message = [0x5a; 2 * JOINED_HEADER];
        let key = AwsLc::hmac_key(&[1; 32]);
        for length in (0..JOINED_CONTEXT + 40).chain(JOINED_HEADER - 20..message.len()) {
            let whole = &message[..length];
            let (front, back) = whole.split_at(length / 3);
            let parts: &[&[u8]] = &[front, &[], back];
            assert_eq!(
                AwsLc::hmac(&key, parts),
                AwsLc::hmac(&key, &[whole]),
                "{length}"
            );
            assert_eq!(AwsLc::sha256(parts), AwsLc::sha256(&[whole]), "{length}");
        }
    }
}
