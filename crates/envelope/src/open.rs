//! Opening in one call, with a private key in memory.

use rand_core::TryCryptoRng;
use sealpost_context::SecretContext;

use crate::{
    backend::Backend, envelope::Envelope, error::Error, frame::Frame, identity::Identity,
    opener::Opener, padding::LENGTH_FIELD, plaintext::Plaintext,
};

/// Opens an envelope of one message.
///
/// `context` is what the caller means to open; it must be the one that the message was sealed for.
/// Whether the certificate has expired does not matter here. `rng` blinds the private-key operation.
///
/// # Errors
///
/// An [`Error`]: rich up to the private-key operation, [`Error::Open`] from there on.
///
/// # Security
///
/// An envelope that opens was sealed to this key for this context by *someone*: there is no sender
/// authentication.
#[must_use = "whether it opened is the result"]
pub fn open<B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    envelope: &[u8],
    context: &SecretContext<'_>,
    rng: &mut R,
) -> Result<Plaintext, Error> {
    let (opener, frame) = opener_of_single(identity, envelope, rng)?;
    Ok(opener.open(&frame, context)?)
}

/// [`open`] into the front of a caller's buffer; returns the message's length.
///
/// # Errors
///
/// As [`open`], and [`Error::BufferTooSmall`] (before the private key is used) if `out` is shorter than
/// the padded message. After an error the buffer holds nothing of the message.
pub fn open_into<B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    envelope: &[u8],
    context: &SecretContext<'_>,
    rng: &mut R,
    out: &mut [u8],
) -> Result<usize, Error> {
    let needed = Envelope::parse(envelope)?.single()?.padded_len();
    if out.len() < needed {
        return Err(Error::BufferTooSmall { needed });
    }
    let (opener, frame) = opener_of_single(identity, envelope, rng)?;
    opener.open_into(&frame, context, out)
}

/// [`open`] inside the envelope's own bytes; returns the part of them that is the message.
///
/// # Errors
///
/// As [`open`]. From the private-key operation on the envelope is used up: on failure its ciphertext is
/// wiped.
///
/// # Example
///
/// On a device without an operating system: key, time and randomness are what the device has. The buffer
/// that a message came in is the one that it is opened in.
///
/// ```
/// # #[cfg(feature = "rustcrypto")]
/// # mod device {
/// use sealpost_envelope::{
///     Error, Identity, RustCrypto, SecretContext, native::open_in_place, rand_core::TryCryptoRng,
/// };
///
/// /// `rng` is the device's true random number generator.
/// pub fn receive<R: TryCryptoRng>(
///     identity: &Identity<RustCrypto>, // from_pkcs8_der, once, at the start
///     buffer: &mut [u8],
///     rng: &mut R,
/// ) -> Result<(), Error> {
///     let context = SecretContext::unchecked("pump-7", "wifi").with_unchecked_key("password");
///     let secret = open_in_place(identity, buffer, &context, rng)?;
///     connect(secret);
///     secret.fill(0);
///     Ok(())
/// }
/// # fn connect(secret: &[u8]) { assert_eq!(secret, b"secret"); }
/// # }
/// # #[cfg(all(feature = "rustcrypto", feature = "std"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # use sealpost_envelope::*;
/// # macro_rules! file { ($name:literal) => {
/// #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
/// # } }
/// # let recipients = [Recipient::<RustCrypto>::from_certificate_pem(
/// #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?];
/// # let identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
/// # let context = SecretContext::unchecked("pump-7", "wifi").with_unchecked_key("password");
/// # let mut envelope = seal(&recipients, &context, b"secret", &mut OsRng)?;
/// # device::receive(&identity, &mut envelope, &mut OsRng)?;
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
/// # fn main() {}
/// ```
pub fn open_in_place<'e, B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    envelope: &'e mut [u8],
    context: &SecretContext<'_>,
    rng: &mut R,
) -> Result<&'e mut [u8], Error> {
    let (opener, frame) = opener_of_single(identity, envelope, rng)?;
    // The frame without its borrow of the ciphertext, which comes right before the tag at the end.
    let (commitment, tag, padded) = (*frame.commitment, *frame.tag, frame.padded_len());
    let start = envelope.len().saturating_sub(padded + tag.len());
    let frame = Frame {
        index: 0,
        last: true,
        commitment: &commitment,
        ciphertext: &[],
        tag: &tag,
    };
    let buffer = envelope.get_mut(start..start + padded).unwrap_or_default();
    let length = opener.open_padded(&frame, context, buffer)?;
    Ok(buffer
        .get_mut(LENGTH_FIELD..LENGTH_FIELD + length)
        .unwrap_or_default())
}

fn opener_of_single<'e, B: Backend, R: TryCryptoRng + ?Sized>(
    identity: &Identity<B>,
    envelope: &'e [u8],
    rng: &mut R,
) -> Result<(Opener<B>, Frame<'e>), Error> {
    let envelope = Envelope::parse(envelope)?;
    let frame = envelope.single()?;
    let opener = envelope
        .pending(identity.public_key())?
        .decrypt(identity, rng)?;
    Ok((opener, frame))
}
