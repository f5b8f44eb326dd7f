//! The secrets of an operation, worked out again beside it.
//!
//! Nothing here may leave a secret in the heap. Rust's blocks are wiped by the allocator; what is handed
//! out is on the stack.

use pkcs8::PrivateKeyInfoRef;
use rsa::{
    BoxedUint, RsaPrivateKey,
    hazmat::rsa_decrypt,
    pkcs1::{self, der::Decode},
    pkcs8::{self, DecodePrivateKey},
    sha2::block_api::compress256,
    traits::PublicKeyParts,
};
use sealpost_envelope::{
    backend::{Backend, BackendError},
    rand_core::{TryCryptoRng, TryRng},
};

use super::canaries::Canaries;

/// The message that is sealed: no 16 bytes of it occur anywhere else.
pub(crate) const MESSAGE: &[u8] = b"{\"user\":\"billing\",\"password\":\"Zw9#kQ2v!mX7pL4r\",\"host\":\"db-7.eu.example\",\"port\":5432}";

pub(crate) const PLAINTEXT: &str = "plaintext";
pub(crate) const SEED: &str = "seed";
pub(crate) const PRK: &str = "prk";
pub(crate) const AEAD_KEY: &str = "key";
pub(crate) const BASE_NONCE: &str = "base nonce";
pub(crate) const COMMIT_KEY: &str = "commit key";
pub(crate) const COMMIT_STATE: &str = "commit key as absorbed by HMAC";
pub(crate) const ENCODED: &str = "OAEP encoding of the seed";
pub(crate) const ENCODED_MONTGOMERY: &str = "OAEP encoding of the seed in Montgomery form";
pub(crate) const D: &str = "d";
pub(crate) const P: &str = "p";
pub(crate) const Q: &str = "q";
pub(crate) const DP: &str = "dP";
pub(crate) const DQ: &str = "dQ";
pub(crate) const QINV: &str = "qInv";
pub(crate) const PEM_TEXT: &str = "PEM text of the private key";

/// Randomness that can be repeated, SplitMix64 (Steele et al., OOPSLA 2014). All of its state is in it.
pub(crate) struct Scripted {
    state: u64,
    /// Fails after so many calls.
    calls: usize,
}

impl Scripted {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            calls: usize::MAX,
        }
    }

    pub(crate) fn failing_after(seed: u64, calls: usize) -> Self {
        Self { state: seed, calls }
    }

    /// What it gives first: the seed when sealing, the substitute when opening.
    pub(crate) fn first_32_bytes(seed: u64) -> [u8; 32] {
        let mut bytes = [0; 32];
        Self::new(seed)
            .try_fill_bytes(&mut bytes)
            .expect("it does not fail at once");
        bytes
    }
}

impl TryRng for Scripted {
    type Error = BackendError;

    fn try_next_u32(&mut self) -> Result<u32, BackendError> {
        self.try_next_u64().map(|number| (number >> 32) as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, BackendError> {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Ok(z ^ (z >> 31))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), BackendError> {
        self.calls = self.calls.checked_sub(1).ok_or(BackendError)?;
        for chunk in bytes.chunks_mut(8) {
            let number = self.try_next_u64()?.to_le_bytes();
            chunk.copy_from_slice(&number[..chunk.len()]);
        }
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}

/// The keys of one envelope, by the page of the format. On the stack.
pub(crate) struct Schedule {
    prk: [u8; 32],
    pub(crate) key: [u8; 32],
    pub(crate) base_nonce: [u8; 12],
    commit_key: [u8; 32],
}

impl Schedule {
    pub(crate) fn derive<B: Backend>(header: &[u8], seed: &[u8; 32]) -> Self {
        let salt = B::sha256(&[b"sealpost/v1/header", header]);
        let prk = B::hmac(&B::hmac_key(&salt), &[seed]);
        // RFC 5869 §2.3: T(1) = HMAC-Hash(PRK, info | 0x01)
        let expand = |label: &[u8]| B::hmac(&B::hmac_key(&prk), &[label, &[1]]);
        let mut base_nonce = [0; 12];
        base_nonce.copy_from_slice(&expand(b"\x05nonce")[..12]);
        Self {
            prk,
            key: expand(b"\x03key"),
            base_nonce,
            commit_key: expand(b"\x06commit"),
        }
    }
}

impl Canaries {
    /// The seed and what is derived from it.
    pub(crate) fn add_schedule<B: Backend>(&mut self, header: &[u8], seed: &[u8; 32]) {
        let schedule = Schedule::derive::<B>(header, seed);
        self.add(SEED, seed);
        self.add(PRK, &schedule.prk);
        self.add(AEAD_KEY, &schedule.key);
        self.add(BASE_NONCE, &schedule.base_nonce);
        self.add(COMMIT_KEY, &schedule.commit_key);
        for pad in [0x36, 0x5c] {
            self.add(COMMIT_STATE, &absorbed(&schedule.commit_key, pad));
        }
    }

    /// What the RSA operation makes of the seed before it is encrypted; whoever has it has the seed.
    pub(crate) fn add_encoding(&mut self, pkcs8_der: &[u8], encapsulation: &[u8]) {
        let key = RsaPrivateKey::from_pkcs8_der(pkcs8_der).expect("a test key");
        let ciphertext =
            BoxedUint::from_be_slice(encapsulation, key.n_bits_precision()).expect("as long as n");
        let encoded = rsa_decrypt(None::<&mut Scripted>, &key, &ciphertext).expect("less than n");
        self.add_number(ENCODED, &encoded.to_be_bytes());
        let montgomery = encoded.mul_mod(key.n_params().as_ref().one(), key.n());
        self.add_number(ENCODED_MONTGOMERY, &montgomery.to_be_bytes());
    }

    /// The secret numbers of a private key.
    pub(crate) fn add_private_key(&mut self, pkcs8_der: &[u8]) {
        let info = PrivateKeyInfoRef::from_der(pkcs8_der).expect("a test key");
        let key =
            pkcs1::RsaPrivateKeyRef::from_der(info.private_key.as_bytes()).expect("a test key");
        self.add_number(D, key.private_exponent.as_bytes());
        self.add_number(P, key.prime1.as_bytes());
        self.add_number(Q, key.prime2.as_bytes());
        self.add_number(DP, key.exponent1.as_bytes());
        self.add_number(DQ, key.exponent2.as_bytes());
        self.add_number(QINV, key.coefficient.as_bytes());
    }
}

/// The state of SHA-256 after the block `key XOR pad` (RFC 2104 §2), as machines keep it. Whoever has both
/// can compute what the key can.
fn absorbed(key: &[u8; 32], pad: u8) -> [u8; 32] {
    let mut block = [pad; 64];
    for (byte, key) in block.iter_mut().zip(key) {
        *byte ^= key;
    }
    // FIPS 180-4 §5.3.3.
    let mut state = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    compress256(&mut state, &[block]);
    let mut bytes = [0; 32];
    for (bytes, word) in bytes.chunks_exact_mut(4).zip(state) {
        bytes.copy_from_slice(&u32::to_ne_bytes(word));
    }
    bytes
}
