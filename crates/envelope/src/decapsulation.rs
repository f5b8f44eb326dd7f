//! From what a private key says of an RSA-OAEP ciphertext to 32 secret bytes.
//!
//! ```text
//! OAEP message = secret [32]               a content key of JWE or CMS, the shared secret of a KEM
//!              | prefix ‖ secret [32]      the seed of a native envelope: the prefix is the stanza's type
//! ```
//!
//! Every private-key operation of this crate is here, and so is the choice of what to go on with after it failed.
//! The library's OAEP decoding is what closes Manger's attack: it joins all ways to fail into one bit, which is
//! public. Going on with a random secret makes all failures take one way out; it does no more than that.

use alloc::vec::Vec;
use core::fmt;

use rand_core::TryCryptoRng;
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _};
use zeroize::Zeroizing;

use crate::{
    backend::{Backend, Decrypted, MAX_MODULUS},
    bytes::copy,
    error::Error,
    header::StanzaType,
    identity::Identity,
};

/// Decrypts one RSA-OAEP ciphertext with a private key in memory, as a key store does: for a program that holds keys on
/// behalf of others. Returns the bytes, whatever they are, or `None` if the ciphertext is rejected.
/// [`open`](crate::open) and [`Message::open`](crate::Message::open) do everything at once.
///
/// `rng` blinds the operation where the backend needs it.
///
/// # Security
///
/// Who may ask this may open everything that is sealed to the key.
pub fn decrypt<B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    ciphertext: &[u8],
    rng: &mut R,
) -> Option<Zeroizing<Vec<u8>>> {
    // What has another length or range is not passed to the library, whose answers to it differ.
    if identity.public_key().check_ciphertext(ciphertext).is_err() {
        return None;
    }
    let mut message = Zeroizing::new([0; MAX_MODULUS]);
    let decrypted = private_operation(identity, ciphertext, rng, message.as_mut_slice());
    if !bool::from(decrypted.valid) {
        return None;
    }
    // Of the right capacity from the start: growing leaves copies behind.
    let bytes = message.get(..decrypted.len).unwrap_or_default();
    Some(Zeroizing::new(bytes.to_vec()))
}

/// What a private key said of a ciphertext.
#[non_exhaustive]
pub enum KeyAnswer<'k> {
    /// It decrypted the ciphertext to these bytes, whatever they are.
    Seed(&'k [u8]),
    /// It could not decrypt the ciphertext. Final: asking again is what an attacker would do.
    Rejected,
    /// It did not answer. The question may be put again.
    Unavailable,
}

/// What the message of a ciphertext must look like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    /// The secret alone.
    #[cfg(any(feature = "jwe", feature = "cms", test))]
    Bare,
    /// The stanza's type before the secret.
    Prefixed(StanzaType),
}

/// The 32 bytes that a ciphertext holds.
pub(crate) type Secret = Zeroizing<[u8; SECRET_LEN]>;

/// Writes to `secret` what the ciphertext holds, or a random value; returns whether the former.
///
/// # Errors
///
/// [`Error::Rng`].
pub(crate) fn decapsulate<B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    ciphertext: &[u8],
    form: Form,
    rng: &mut R,
    secret: &mut Secret,
) -> Result<Choice, Error> {
    // Before the decryption, so that a failing generator says nothing about it.
    random(rng, secret)?;
    let mut message = Message::new(form);
    let out = message.expected_mut();
    let decrypted = private_operation(identity, ciphertext, rng, out);
    let valid = decrypted.exactly(out.len());
    Ok(message.choose(valid, secret))
}

/// The same with the answer of a key that lives elsewhere.
///
/// # Errors
///
/// [`Error::KeyUnavailable`], [`Error::Rng`].
pub(crate) fn answered<R: TryCryptoRng + ?Sized>(
    answer: &KeyAnswer<'_>,
    form: Form,
    rng: &mut R,
    secret: &mut Secret,
) -> Result<Choice, Error> {
    random(rng, secret)?;
    let mut message = Message::new(form);
    let out = message.expected_mut();
    let valid = match answer {
        KeyAnswer::Unavailable => return Err(Error::KeyUnavailable),
        KeyAnswer::Seed(bytes) if bytes.len() == out.len() => {
            copy(out, bytes);
            Choice::from(1)
        }
        KeyAnswer::Seed(_) | KeyAnswer::Rejected => Choice::from(0),
    };
    Ok(message.choose(valid, secret))
}

/// The one call of a backend's decryption.
#[inline]
fn private_operation<B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    ciphertext: &[u8],
    rng: &mut R,
    out: &mut [u8],
) -> Decrypted {
    B::oaep_decrypt(&identity.private, rng, ciphertext, out)
}

/// Fills `secret` with random bytes.
///
/// # Errors
///
/// [`Error::Rng`].
pub(crate) fn random<R: TryCryptoRng + ?Sized>(
    rng: &mut R,
    secret: &mut Secret,
) -> Result<(), Error> {
    rng.try_fill_bytes(secret.as_mut_slice())
        .map_err(|_| Error::Rng)
}

/// A decrypted message: a prefix and a secret. The bare form has a prefix that was set here.
struct Message {
    bytes: Zeroizing<[u8; 1 + SECRET_LEN]>,
    form: Form,
}

impl Message {
    fn new(form: Form) -> Self {
        Self {
            bytes: Zeroizing::new([0; 1 + SECRET_LEN]),
            form,
        }
    }

    /// The part that is decrypted.
    fn expected_mut(&mut self) -> &mut [u8] {
        let start = match self.form {
            #[cfg(any(feature = "jwe", feature = "cms", test))]
            Form::Bare => 1,
            Form::Prefixed(_) => 0,
        };
        self.bytes.get_mut(start..).unwrap_or_default()
    }

    /// Replaces the random value in `substitute` by the secret if all is right. No branch depends on whether it is.
    fn choose(&self, decrypted: Choice, substitute: &mut Secret) -> Choice {
        let [prefix, secret @ ..] = &*self.bytes;
        let expected = match self.form {
            #[cfg(any(feature = "jwe", feature = "cms", test))]
            Form::Bare => 0,
            Form::Prefixed(stanza_type) => stanza_type.number(),
        };
        let valid = decrypted & prefix.ct_eq(&expected);
        for (chosen, secret) in substitute.iter_mut().zip(secret) {
            chosen.conditional_assign(secret, valid);
        }
        valid
    }
}

impl fmt::Debug for KeyAnswer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyAnswer")
    }
}

/// Bytes of a seed or content key.
const SECRET_LEN: usize = 32;

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use rand_core::TryRng;

    use super::*;

    const TYPE: u8 = StanzaType::RsaOaep.number();

    #[test]
    fn whatever_is_not_right_goes_on_with_the_random_value() {
        let prefixed = Form::Prefixed(StanzaType::RsaOaep);
        let mut good = [7; 33];
        good[0] = TYPE;
        let mut other_prefix = good;
        other_prefix[0] = TYPE + 1;
        for (form, answer, valid) in [
            (prefixed, KeyAnswer::Seed(&good), true),
            (prefixed, KeyAnswer::Seed(&other_prefix), false),
            (prefixed, KeyAnswer::Seed(&[7; 33]), false),
            (prefixed, KeyAnswer::Seed(&good[..32]), false),
            (prefixed, KeyAnswer::Seed(&[TYPE; 34]), false),
            (prefixed, KeyAnswer::Seed(&[]), false),
            (prefixed, KeyAnswer::Rejected, false),
            (Form::Bare, KeyAnswer::Seed(&[7; 32]), true),
            (Form::Bare, KeyAnswer::Seed(&good), false),
            (Form::Bare, KeyAnswer::Seed(&[7; 31]), false),
            (Form::Bare, KeyAnswer::Rejected, false),
        ] {
            let mut secret = Secret::default();
            let chosen = answered(&answer, form, &mut Nines, &mut secret).unwrap();
            assert_eq!(bool::from(chosen), valid);
            assert_eq!(*secret, if valid { [7; 32] } else { [9; 32] });
        }
    }

    #[test]
    fn no_answer_is_not_a_rejection() {
        let answered = answered(
            &KeyAnswer::Unavailable,
            Form::Bare,
            &mut Nines,
            &mut Secret::default(),
        );
        assert_eq!(answered.map(|_| ()), Err(Error::KeyUnavailable));
    }

    struct Nines;

    impl TryRng for Nines {
        type Error = Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Infallible> {
            Ok(9)
        }

        fn try_next_u64(&mut self) -> Result<u64, Infallible> {
            Ok(9)
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
            bytes.fill(9);
            Ok(())
        }
    }

    impl TryCryptoRng for Nines {}
}
