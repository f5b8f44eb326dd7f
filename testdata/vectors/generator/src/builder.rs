//! Envelopes in pieces, so that a piece can be wrong.

use rand::{Rng, SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::{RustCrypto, backend::Backend, native::padded_len};

use crate::vector::{Context, Values};

/// An agent's key in `testdata/keys`.
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) public: sealpost_envelope::key::PublicKey,
    rsa: <RustCrypto as Backend>::PublicKey,
}

impl Key {
    pub(crate) fn load(name: &'static str) -> Self {
        let path = format!(
            "{}/../../keys/agent-{name}.key.pem",
            env!("CARGO_MANIFEST_DIR")
        );
        let pem = std::fs::read(path).unwrap();
        let identity = sealpost_envelope::Identity::<RustCrypto>::from_pem(&pem).unwrap();
        let public = identity.public_key().clone();
        let rsa = RustCrypto::public_key(public.spki_der()).unwrap();
        Self { name, public, rsa }
    }

    /// The modulus, big-endian.
    pub(crate) fn modulus(&self) -> Vec<u8> {
        let spki = self.public.spki_der();
        // It ends in modulus ‖ 02 03 01 00 01.
        spki[spki.len() - 5 - self.public.modulus_len()..spki.len() - 5].to_vec()
    }

    pub(crate) fn rsa(&self) -> &rsa::RsaPublicKey {
        &self.rsa
    }

    /// `OAEP-Encrypt(key, message)`
    pub(crate) fn encrypt(&self, message: &[u8], rng: &mut ChaCha20Rng) -> Vec<u8> {
        let mut body = vec![0; self.public.modulus_len()];
        RustCrypto::oaep_encrypt(&self.rsa, rng, message, &mut body).unwrap();
        body
    }
}

/// A stanza, right or wrong.
#[derive(Clone)]
pub(crate) struct Stanza {
    pub(crate) stanza_type: u8,
    pub(crate) key_id: [u8; 32],
    pub(crate) body: Vec<u8>,
}

impl Stanza {
    pub(crate) fn write(&self) -> Vec<u8> {
        let length = u16::try_from(self.body.len()).unwrap();
        [
            &[self.stanza_type][..],
            &self.key_id,
            &length.to_be_bytes(),
            &self.body,
        ]
        .concat()
    }
}

/// Randomness for one vector, by its name: adding a vector changes no other.
pub(crate) fn rng(name: &str) -> ChaCha20Rng {
    ChaCha20Rng::from_seed(RustCrypto::sha256(&[
        b"sealpost vectors v1",
        name.as_bytes(),
    ]))
}

pub(crate) fn bytes<const N: usize>(rng: &mut ChaCha20Rng) -> [u8; N] {
    let mut bytes = [0; N];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// A right stanza of type 1.
pub(crate) fn stanza(key: &Key, seed: &[u8; 32], rng: &mut ChaCha20Rng) -> Stanza {
    let message = [&[1][..], seed].concat();
    Stanza {
        stanza_type: 1,
        key_id: *key.public.key_id().as_bytes(),
        body: key.encrypt(&message, rng),
    }
}

/// A stanza for somebody who can't be asked.
pub(crate) fn stranger(stanza_type: u8, length: usize, rng: &mut ChaCha20Rng) -> Stanza {
    let mut body = vec![0; length];
    let key_id = bytes(rng);
    rng.fill_bytes(&mut body);
    Stanza {
        stanza_type,
        key_id,
        body,
    }
}

/// `magic ‖ version ‖ count ‖ stanzas`
pub(crate) fn header(stanzas: &[Stanza]) -> Vec<u8> {
    let mut header = b"sealpost\x01".to_vec();
    header.push(u8::try_from(stanzas.len()).unwrap());
    for stanza in stanzas {
        header.extend(stanza.write());
    }
    header
}

/// The key schedule, FORMAT.md §5.
pub(crate) struct Schedule {
    pub(crate) values: Values,
    aead: <RustCrypto as Backend>::AeadKey,
    hmac: <RustCrypto as Backend>::HmacKey,
}

impl Schedule {
    pub(crate) fn new(header: &[u8], seed: &[u8; 32]) -> Self {
        type B = RustCrypto;
        let salt = B::sha256(&[b"sealpost/v1/header", header]);
        let prk = B::hkdf_extract(&salt, seed);
        let mut values = Values {
            seed: *seed,
            salt,
            prk: B::hmac(&B::hmac_key(&salt), &[seed]),
            ..Values::default()
        };
        B::hkdf_expand(&prk, &[b"\x03key"], &mut values.key).unwrap();
        B::hkdf_expand(&prk, &[b"\x05nonce"], &mut values.base_nonce).unwrap();
        B::hkdf_expand(&prk, &[b"\x06commit"], &mut values.commit_key).unwrap();
        let aead = B::aead_key(&values.key).unwrap();
        let hmac = B::hmac_key(&values.commit_key);
        Self { values, aead, hmac }
    }

    pub(crate) fn commitment(&self, index: u64, last: u8, context: &Context) -> [u8; 32] {
        RustCrypto::hmac(
            &self.hmac,
            &[&index.to_be_bytes(), &[last], &context.encode()],
        )
    }

    pub(crate) fn nonce(&self, index: u32) -> [u8; 12] {
        let mut nonce = self.values.base_nonce;
        for (byte, index) in nonce[8..].iter_mut().zip(index.to_be_bytes()) {
            *byte ^= index;
        }
        nonce
    }

    pub(crate) fn seal(&self, nonce: &[u8; 12], aad: &[u8], padded: &[u8]) -> Vec<u8> {
        let mut ciphertext = padded.to_vec();
        let tag = RustCrypto::aead_seal(&self.aead, nonce, aad, &mut ciphertext).unwrap();
        ciphertext.extend(tag);
        ciphertext
    }

    /// A right frame.
    pub(crate) fn frame(&self, index: u32, last: u8, context: &Context, message: &[u8]) -> Vec<u8> {
        self.frame_padded(index, last, context, &pad(message))
    }

    /// A frame whose padding may be wrong.
    pub(crate) fn frame_padded(
        &self,
        index: u32,
        last: u8,
        context: &Context,
        padded: &[u8],
    ) -> Vec<u8> {
        let com = self.commitment(index.into(), last, context);
        write_frame(
            index,
            last,
            &com,
            &self.seal(&self.nonce(index), &com, padded),
        )
    }
}

pub(crate) fn write_frame(index: u32, last: u8, com: &[u8; 32], ct: &[u8]) -> Vec<u8> {
    let length = u32::try_from(ct.len()).unwrap();
    [
        &index.to_be_bytes()[..],
        &[last],
        com,
        &length.to_be_bytes(),
        ct,
    ]
    .concat()
}

pub(crate) fn pad(message: &[u8]) -> Vec<u8> {
    let mut padded = u32::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    padded.extend_from_slice(message);
    padded.resize(padded_len(message.len()).unwrap(), 0);
    padded
}
