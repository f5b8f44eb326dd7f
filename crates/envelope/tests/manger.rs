//! Manger's attack (CRYPTO 2001): who is told whether the first byte of a decrypted OAEP block is zero decrypts any
//! ciphertext with about a thousand questions. It is run here in full, against an opener that tells, and against ours.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(all(feature = "aws-lc", feature = "rustcrypto"))]

use base64ct::{Base64UrlUnpadded, Encoding as _};
use num_bigint::BigUint;
use rand::{SeedableRng, rngs::ChaCha20Rng};
use rsa::{RsaPublicKey, pkcs8::DecodePublicKey as _, traits::PublicKeyParts as _};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, ContextPolicy, Envelope, Identity, Keyring, Message, Recipient,
    RustCrypto, SecretContext, Trust, UnixTime,
    backend::Backend,
    cms,
    jwe::{self, Serialization},
};

/// A public key, and whatever can be seen of what its owner makes of a ciphertext.
struct Target<'t> {
    modulus: BigUint,
    exponent: BigUint,
    see: &'t mut dyn FnMut(&BigUint) -> String,
}

impl Target<'_> {
    /// The modulus's length in bytes.
    fn length(&self) -> u32 {
        u32::try_from(self.modulus.bits().div_ceil(8)).unwrap()
    }

    /// The least number whose first byte is not zero.
    fn bound(&self) -> BigUint {
        BigUint::from(256_u32).pow(self.length() - 1)
    }

    fn encrypt(&self, block: &BigUint) -> BigUint {
        block.modpow(&self.exponent, &self.modulus)
    }

    /// What is seen of blocks that the attacker made, whose first byte is zero, and is not. Every attack of this kind
    /// needs the two to differ.
    fn calibrate(&mut self) -> (String, String) {
        let bound = self.bound();
        let zero = self.encrypt(&(&bound - 12_345_u32));
        let other = self.encrypt(&(&bound + 12_345_u32));
        ((self.see)(&zero), (self.see)(&other))
    }
}

/// The block that `ciphertext` decrypts to, and the number of questions; `None` if there is nothing to be seen.
fn attack(target: &mut Target<'_>, ciphertext: &BigUint) -> Option<(BigUint, usize)> {
    let (zero, other) = target.calibrate();
    if zero == other {
        return None;
    }
    let (n, b) = (target.modulus.clone(), target.bound());
    let mut questions = 0;
    // Is f·m mod n below B?
    let mut below = |f: &BigUint| {
        questions += 1;
        let question = ciphertext * target.encrypt(f) % &n;
        (target.see)(&question) == zero
    };
    // Step 1: f1·m in [B, 2B)
    let mut f1 = BigUint::from(2_u32);
    while below(&f1) {
        f1 *= 2_u32;
    }
    // Step 2: f2·m in [n, n + B)
    let half = f1 / 2_u32;
    let mut f2 = (&n + &b) / &b * &half;
    while !below(&f2) {
        f2 += &half;
    }
    // Step 3: halve what m can be, until it is one number.
    let mut least = n.clone().div_ceil(&f2);
    let mut most = (&n + &b) / &f2;
    while least < most {
        let width = &b * 2_u32 / (&most - &least);
        let i = width * &least / &n;
        let f3 = (&i * &n).div_ceil(&least);
        let border = &i * &n + &b;
        if below(&f3) {
            most = border / f3;
        } else {
            least = border.div_ceil(&f3);
        }
    }
    Some((least, questions))
}

trait DivCeil {
    fn div_ceil(self, divisor: &Self) -> Self;
}

impl DivCeil for BigUint {
    fn div_ceil(self, divisor: &Self) -> Self {
        (self + divisor - 1_u32) / divisor
    }
}

/// The attack works: from an opener that says more than it should, it gets the plaintext of a toy of 512 bits.
#[test]
fn a_leaky_opener_gives_the_plaintext_away() {
    let number = |hex: &str| BigUint::parse_bytes(hex.as_bytes(), 16).unwrap();
    let (p, q) = (number(P), number(Q));
    let one = BigUint::from(1_u32);
    let modulus = &p * &q;
    let exponent = BigUint::from(65_537_u32);
    let private = exponent.modinv(&((&p - &one) * (&q - &one))).unwrap();
    // 0x00, and what OAEP would have masked.
    let mut block = [0x5a; 64];
    block[0] = 0;
    block[64 - TOY.len()..].copy_from_slice(TOY);
    let ciphertext = BigUint::from_bytes_be(&block).modpow(&exponent, &modulus);

    let bound = BigUint::from(256_u32).pow(63);
    let mut target = Target {
        modulus: modulus.clone(),
        exponent,
        see: &mut |ciphertext| {
            let block = ciphertext.modpow(&private, &modulus);
            let reason = if block < bound {
                "label hash"
            } else {
                "first byte"
            };
            format!("does not open: {reason}")
        },
    };
    let (recovered, questions) = attack(&mut target, &ciphertext).expect("the opener tells");
    let recovered = recovered.to_bytes_be();
    assert_eq!(recovered, block[1..]);
    assert_eq!(recovered[recovered.len() - TOY.len()..], *TOY);
    assert!((400..2_000).contains(&questions), "{questions} questions");
}

/// Ours tells nothing, whichever library is behind it and in whichever format.
#[test]
fn ours_gives_nothing_away() {
    fn all<B: Backend>() {
        nothing_in_an_envelope::<B>();
        nothing_in_a_jwe::<B>();
        nothing_in_a_cms::<B>();
    }
    all::<AwsLc>();
    all::<RustCrypto>();
}

fn nothing_in_an_envelope<B: Backend>() {
    let identity = identity::<B>();
    let sealed = sealpost_envelope::seal(&[recipient()], &CONTEXT, b"secret", &mut rng()).unwrap();
    let parsed = Envelope::parse(&sealed).unwrap();
    let encapsulation = BigUint::from_bytes_be(parsed.stanzas().next().unwrap().body());
    nothing(&encapsulation, |block| {
        let mut changed = sealed.clone();
        changed[45..301].copy_from_slice(block);
        let opened = sealpost_envelope::open(&identity, &changed, &CONTEXT, &mut AwsLcRng);
        opened
            .map(|_| ())
            .map_err(|error| format!("{error:?} {error}"))
    });
}

fn nothing_in_a_jwe<B: Backend>() {
    let ring = Keyring::new(identity::<B>());
    let sealed = jwe::seal(
        &[recipient()],
        None,
        Serialization::Compact,
        b"secret",
        &mut rng(),
    );
    let sealed = sealed.unwrap();
    let parts: Vec<_> = sealed.split('.').collect();
    let encrypted = Base64UrlUnpadded::decode_vec(parts[1]).unwrap();
    nothing(&BigUint::from_bytes_be(&encrypted), |block| {
        let key = Base64UrlUnpadded::encode_string(block);
        let changed = [parts[0], &key, parts[2], parts[3], parts[4]].join(".");
        let jwe = Message::parse(changed.as_bytes()).unwrap();
        let policy = ContextPolicy::AcceptUnbound(None);
        let opened = jwe.open(&ring, policy, &mut AwsLcRng);
        opened
            .map(|_| ())
            .map_err(|error| format!("{error:?} {error}"))
    });
}

fn nothing_in_a_cms<B: Backend>() {
    let ring = Keyring::new(identity::<B>());
    let sealed = cms::seal(&[recipient()], b"secret", &mut rng()).unwrap();
    // The OCTET STRING of 256 bytes; there is one.
    let tag = [4, 0x82, 1, 0];
    let mut places = (0..sealed.len() - 4).filter(|at| sealed[*at..*at + 4] == tag);
    let (start, None) = (places.next().unwrap() + 4, places.next()) else {
        panic!("two encapsulations");
    };
    let encapsulation = BigUint::from_bytes_be(&sealed[start..start + 256]);
    nothing(&encapsulation, |block| {
        let mut changed = sealed.clone();
        changed[start..start + 256].copy_from_slice(block);
        let policy = ContextPolicy::AcceptUnbound(None);
        let opened = Message::parse(&changed)
            .unwrap()
            .open(&ring, policy, &mut AwsLcRng);
        opened
            .map(|_| ())
            .map_err(|error| format!("{error:?} {error}"))
    });
}

/// Nothing is seen but that it does not open; and that what was sealed does.
fn nothing(encapsulation: &BigUint, open: impl Fn(&[u8]) -> Result<(), String>) {
    let key = RsaPublicKey::from_public_key_der(recipient().public_key().spki_der()).unwrap();
    let see = |ciphertext: &BigUint| {
        let bytes = ciphertext.to_bytes_be();
        let mut block = vec![0; 256 - bytes.len()];
        block.extend(bytes);
        open(&block)
    };
    assert_eq!(see(encapsulation), Ok(()));
    let mut target = Target {
        modulus: BigUint::from_bytes_be(&key.n_bytes()),
        exponent: BigUint::from_bytes_be(&key.e_bytes()),
        see: &mut |ciphertext| format!("{:?}", see(ciphertext)),
    };
    let (zero, other) = target.calibrate();
    assert_eq!(zero, other);
    assert!(zero.contains("Open"), "the private key was used: {zero}");
    // Nor of any other way in which the block can be wrong, or good for something else.
    for (what, block) in wrong_blocks() {
        let ciphertext = target.encrypt(&BigUint::from_bytes_be(&block));
        assert_eq!((target.see)(&ciphertext), zero, "{what}");
    }
    // Which says no more than that `zero` and `other` are equal: without two answers there is no question to ask.
    assert_eq!(attack(&mut target, encapsulation), None);
}

/// RFC 8017 §7.1.1: `EM = 0x00 ‖ maskedSeed ‖ maskedDB`, `DB = lHash ‖ zeros ‖ 0x01 ‖ message`, each wrong in one place; and
/// right, but of a message that is none of ours.
fn wrong_blocks() -> Vec<(&'static str, Vec<u8>)> {
    let label = AwsLc::sha256(&[]);
    let mut other_label = label;
    other_label[31] ^= 1;
    [
        ("first byte", 1, label, 1, &[1; 33][..]),
        ("label hash", 0, other_label, 1, &[1; 33]),
        ("separator", 0, label, 2, &[1; 33]),
        ("no separator at all", 0, label, 0, &[0; 33]),
        ("no message", 0, label, 1, &[]),
        ("the other formats' length", 0, label, 1, &[1; 32]),
        ("another key", 0, label, 1, &[1; 33]),
        ("a byte more", 0, label, 1, &[1; 34]),
        ("another prefix", 0, label, 1, &[2; 33]),
    ]
    .into_iter()
    .map(|(what, first, label, separator, message)| {
        let zeros = vec![0; 256 - 33 - 32 - 1 - message.len()];
        let mut data = [&label[..], &zeros, &[separator], message].concat();
        let mut seed = [9; 32];
        mask(&seed, &mut data);
        mask(&data, &mut seed);
        (what, [&[first], &seed[..], &data].concat())
    })
    .collect()
}

/// `target ⊕ MGF1(seed)` (RFC 8017 appendix B.2.1)
fn mask(seed: &[u8], target: &mut [u8]) {
    for (counter, chunk) in (0_u32..).zip(target.chunks_mut(32)) {
        let mask = AwsLc::sha256(&[seed, &counter.to_be_bytes()]);
        chunk
            .iter_mut()
            .zip(mask)
            .for_each(|(byte, mask)| *byte ^= mask);
    }
}

fn recipient() -> Recipient<RustCrypto> {
    let now = UnixTime::from_secs(2_000_000_000);
    Recipient::from_certificate_pem(CERTIFICATE, &Trust::DangerAnyCertificate, now).unwrap()
}

fn identity<B: Backend>() -> Identity<B> {
    let key = include_bytes!("../../../testdata/keys/agent-a2048.key.pem");
    let mut identity = Identity::from_pem(key).unwrap();
    let certificate = Certificate::from_pem(CERTIFICATE).unwrap();
    identity.add_certificate(certificate).unwrap();
    identity
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

const CONTEXT: SecretContext<'_> = SecretContext::unchecked("agent-1", "db-login");
const CERTIFICATE: &[u8] = include_bytes!("../../../testdata/keys/agent-a2048.pem");
const TOY: &[u8] = b"toy plaintext";
/// Two primes of 256 bits, made for this test.
const P: &str = "e02fdaa1ad864c44e049548e8a0a8c9632ea6928f6236bf2504b74ba4a0fe75d";
const Q: &str = "c45dab24e9813f745813987b92c1fc2def72c85372789150808e32c1afec042d";
