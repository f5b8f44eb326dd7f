//! Sealing.

use alloc::{vec, vec::Vec};
use core::fmt;

use rand_core::TryCryptoRng;
use sealpost_context::SecretContext;
use zeroize::{Zeroize, Zeroizing};

use crate::{
    backend::Backend,
    bytes::copy,
    error::SealError,
    frame::{self, FRAME_LEN, TAG_LEN},
    header::{self, FIXED_LEN, STANZA_LEN, StanzaType},
    key_schedule::{KeySchedule, Seed},
    padding::{self, MAX_MESSAGE},
    reader::Writer,
    recipient::{Recipient, check_recipients},
};

/// Seals one message to up to 16 recipients, any of which can open it.
///
/// # Errors
///
/// A [`SealError`]; nothing was sealed.
///
/// # Security
///
/// Envelopes are anonymous: anyone who has a certificate can seal to it. The message's length is hidden up
/// to a step of at most a sixteenth; the number of recipients and their key ids show.
#[must_use = "the envelope is the only copy of what was sealed"]
pub fn seal<B: Backend, R: TryCryptoRng + ?Sized>(
    recipients: &[Recipient<B>],
    context: &SecretContext<'_>,
    plaintext: &[u8],
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    let mut envelope = vec![0; sealed_len(recipients, plaintext.len())?];
    seal_into(recipients, context, plaintext, rng, &mut envelope)?;
    Ok(envelope)
}

/// [`seal`] into the front of a caller's buffer; returns how many bytes were written.
///
/// # Errors
///
/// A [`SealError`]; [`SealError::BufferTooSmall`] tells the length needed, which is [`sealed_len`]. The
/// buffer then holds no plaintext.
pub fn seal_into<B: Backend, R: TryCryptoRng + ?Sized>(
    recipients: &[Recipient<B>],
    context: &SecretContext<'_>,
    plaintext: &[u8],
    rng: &mut R,
    out: &mut [u8],
) -> Result<usize, SealError> {
    let needed = sealed_len(recipients, plaintext.len())?;
    let too_small = SealError::BufferTooSmall { needed };
    let out = out.get_mut(..needed).ok_or(too_small)?;
    let (header, frame) = out
        .split_at_mut_checked(header_len(recipients))
        .ok_or(too_small)?;
    let mut sealer = Sealer::start(recipients, rng, header)?;
    sealer.frame(context, plaintext, true, frame)?;
    Ok(needed)
}

/// The length in bytes of one message's envelope.
///
/// # Errors
///
/// [`SealError::MessageTooLong`].
pub fn sealed_len<B: Backend>(
    recipients: &[Recipient<B>],
    plaintext_len: usize,
) -> Result<usize, SealError> {
    Ok(header_len(recipients) + frame_len(plaintext_len)?)
}

/// Seals a batch: many messages, each with a context of its own, behind one RSA operation a recipient.
///
/// The messages are numbered as they come, and the last one is marked, so that a batch that was cut is
/// noticed. A sealer is not `Clone`, and its numbers only go up: no nonce is used twice.
///
/// A batch that was started but not ended with [`seal_last`](Self::seal_last) is one that was cut.
///
/// # Example
///
/// ```
/// # #[cfg(all(feature = "rustcrypto", feature = "std"))]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use sealpost_envelope::{Envelope, OsRng, Sealer, SecretContext};
/// # use sealpost_envelope::{Identity, Recipient, RustCrypto, Trust, UnixTime};
/// # macro_rules! file { ($name:literal) => {
/// #     include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys/", $name))
/// # } }
/// # let recipients = [Recipient::<RustCrypto>::from_certificate_pem(
/// #     file!("agent-a2048.pem"), &Trust::DangerAnyCertificate, UnixTime::now())?];
/// # let identity = Identity::<RustCrypto>::from_pem(file!("agent-a2048.key.pem"))?;
/// let context = |name| SecretContext::unchecked("agent-1", name);
///
/// let mut envelope = Vec::new();
/// let mut sealer = Sealer::new(&recipients, &mut OsRng, &mut envelope)?;
/// sealer.seal(&context("first"), b"one", &mut envelope)?;
/// sealer.seal_last(&context("second"), b"two", &mut envelope)?;
///
/// let envelope = Envelope::parse(&envelope)?;
/// let opener = envelope.pending(identity.public_key())?.decrypt(&identity, &mut OsRng)?;
/// let mut messages = opener.sequence(&envelope);
/// for (name, expected) in [("first", b"one"), ("second", b"two")] {
///     let message = messages.open_next(&context(name)).expect("there are two")?;
///     assert_eq!(&*message, expected);
/// }
/// messages.finish()?; // none is missing
///
/// // Or only the second one.
/// let frame = envelope.frames().nth(1).expect("there are two");
/// assert_eq!(&*opener.open(&frame, &context("second"))?, b"two");
/// # Ok(())
/// # }
/// # #[cfg(not(all(feature = "rustcrypto", feature = "std")))]
/// # fn main() {}
/// ```
pub struct Sealer<B: Backend> {
    schedule: KeySchedule<B>,
    /// The next message's index; `None` after the last one.
    next: Option<u32>,
}

impl<B: Backend> Sealer<B> {
    /// Starts an envelope: appends its header to `out`.
    ///
    /// # Errors
    ///
    /// A [`SealError`]; `out` is as it was.
    pub fn new<R: TryCryptoRng + ?Sized>(
        recipients: &[Recipient<B>],
        rng: &mut R,
        out: &mut Vec<u8>,
    ) -> Result<Self, SealError> {
        append(out, header_len(recipients), |header| {
            Self::start(recipients, rng, header)
        })
    }

    /// Appends a message.
    ///
    /// # Errors
    ///
    /// [`SealError::MessageTooLong`] or, after 2³² messages, [`SealError::Finished`]; `out` is as it was.
    pub fn seal(
        &mut self,
        context: &SecretContext<'_>,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        append(out, frame_len(plaintext.len())?, |frame| {
            self.frame(context, plaintext, false, frame)
        })
    }

    /// Appends the last message, which ends the envelope.
    ///
    /// # Errors
    ///
    /// As [`seal`](Self::seal).
    pub fn seal_last(
        mut self,
        context: &SecretContext<'_>,
        plaintext: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), SealError> {
        append(out, frame_len(plaintext.len())?, |frame| {
            self.frame(context, plaintext, true, frame)
        })
    }

    /// Writes the header, exactly as long as `header`.
    fn start<R: TryCryptoRng + ?Sized>(
        recipients: &[Recipient<B>],
        rng: &mut R,
        header: &mut [u8],
    ) -> Result<Self, SealError> {
        check_recipients(recipients)?;
        // The message of type 1: 0x01 ‖ seed. 33 bytes, so that no 32-byte content key of JWE or CMS can
        // be taken for it.
        let mut message = Zeroizing::new([0; 33]);
        let [prefix, seed @ ..] = &mut *message;
        *prefix = StanzaType::RsaOaep.number();
        rng.try_fill_bytes(seed).map_err(|_| SealError::Rng)?;
        let seed: Seed = Zeroizing::new(*seed);

        let mut writer = Writer::new(header);
        write_header(
            &mut writer,
            StanzaType::RsaOaep,
            recipients,
            rng,
            message.as_slice(),
        )?;
        let schedule = KeySchedule::derive(header, &seed).map_err(|_| SealError::Backend)?;
        Ok(Self {
            schedule,
            next: Some(0),
        })
    }

    /// Writes the next frame, exactly as long as `frame`.
    fn frame(
        &mut self,
        context: &SecretContext<'_>,
        plaintext: &[u8],
        last: bool,
        frame: &mut [u8],
    ) -> Result<(), SealError> {
        // Taken before anything can fail: an index that failed is not used again.
        let index = self.next.take().ok_or(SealError::Finished)?;
        self.next = if last { None } else { index.checked_add(1) };

        let commitment = self.schedule.commitment(index, last, context);
        let mut writer = Writer::new(frame);
        let (body, tag) = padding::padded_len(plaintext.len())
            .and_then(|padded| frame::write(&mut writer, index, last, &commitment, padded))
            .ok_or(SealError::MessageTooLong {
                length: plaintext.len(),
                limit: MAX_MESSAGE,
            })?;
        let sealed = padding::pad(plaintext, body)
            .ok_or(SealError::MessageTooLong {
                length: plaintext.len(),
                limit: MAX_MESSAGE,
            })
            .and_then(|()| {
                self.schedule
                    .seal_in_place(index, &commitment, body)
                    .map_err(|_| SealError::Backend)
            });
        match sealed {
            Ok(computed) => {
                copy(tag, &computed);
                Ok(())
            }
            Err(error) => {
                body.zeroize();
                Err(error)
            }
        }
    }
}

impl<B: Backend> fmt::Debug for Sealer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

/// Writes a header of as many bytes as [`header_len`] says: `message` encrypted to each recipient.
pub(crate) fn write_header<B: Backend, R: TryCryptoRng + ?Sized>(
    writer: &mut Writer<'_>,
    stanza_type: StanzaType,
    recipients: &[Recipient<B>],
    rng: &mut R,
    message: &[u8],
) -> Result<(), SealError> {
    let needed = header_len(recipients);
    let too_small = SealError::BufferTooSmall { needed };
    let count = u8::try_from(recipients.len()).map_err(|_| SealError::RecipientCount {
        given: recipients.len(),
    })?;
    header::write_start(writer, count).ok_or(too_small)?;
    for recipient in recipients {
        let length = recipient.public_key().modulus_len();
        let body = header::write_stanza(writer, stanza_type, recipient.key_id(), length)
            .ok_or(too_small)?;
        B::oaep_encrypt(&recipient.key, rng, message, body).map_err(|_| SealError::Backend)?;
    }
    if writer.written() == needed {
        Ok(())
    } else {
        Err(too_small)
    }
}

/// Lengthens `out` by `length` bytes, lets `write` fill them, and takes them back if it fails.
fn append<T>(
    out: &mut Vec<u8>,
    length: usize,
    write: impl FnOnce(&mut [u8]) -> Result<T, SealError>,
) -> Result<T, SealError> {
    let start = out.len();
    out.resize(start + length, 0);
    let written = write(out.get_mut(start..).unwrap_or_default());
    if written.is_err() {
        out.truncate(start);
    }
    written
}

pub(crate) fn header_len<B: Backend>(recipients: &[Recipient<B>]) -> usize {
    recipients.iter().fold(FIXED_LEN, |sum, recipient| {
        sum + STANZA_LEN + recipient.public_key().modulus_len()
    })
}

fn frame_len(plaintext_len: usize) -> Result<usize, SealError> {
    padding::padded_len(plaintext_len)
        .map(|padded| FRAME_LEN + padded + TAG_LEN)
        .ok_or(SealError::MessageTooLong {
            length: plaintext_len,
            limit: MAX_MESSAGE,
        })
}
