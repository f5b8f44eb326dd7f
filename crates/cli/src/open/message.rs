//! A message in any format: parsed, and opened for a context, or without one where the user insists.

use std::io::Write as _;

use sealpost_envelope::{
    AwsLc, AwsLcRng, ContextPolicy, Error, Format, Identity, Keyring, Message, SecretContext,
    UnixTime,
    binding::Binding,
    jwe::JweError,
    key::{KeyringError, Opened},
    message::Declared,
    pem,
    wrapper::WrapperError,
};

use super::unsealed;
use crate::error::Failure;
use crate::io::Input;

/// Parses a message. Blank lines and other white space may stand around a text form, as they do where it was pasted.
pub(crate) fn parse<'a>(input: &Input, sealed: &'a [u8]) -> Result<Message<'a>, Failure> {
    let sealed = without_text(sealed);
    let bytes = match detect(sealed) {
        Some(Format::NativeText | Format::JweCompact | Format::JweJson | Format::CmsPem) => {
            sealed.trim_ascii()
        }
        // Each byte of a binary form counts.
        Some(Format::Native | Format::Cms) | None => sealed,
    };
    Message::parse(bytes).map_err(|error| {
        if let Some(instead) = unsealed::instead(bytes) {
            return instead.context(&input.name());
        }
        let failure = Failure::refused(format!("{}: {error}", input.name()));
        match error {
            Error::Jwe(_) | Error::Cms(_) => failure,
            Error::UnknownFormat if bytes.trim_ascii().is_empty() => {
                Failure::refused(format!("{} is empty", input.name())).hint(
                    "give what was sealed; if it is the output of another command, that one may have failed",
                )
            }
            _ => failure.hint(
                "give an envelope as `sealpost seal` writes it, as text or binary, or a JWE or CMS message",
            ),
        }
    })
}

/// Returns a message in PEM from its beginning: text may stand before it (RFC 7468 §2).
fn without_text(sealed: &[u8]) -> &[u8] {
    let is_message = |label: &str| matches!(label, "CMS" | "PKCS7");
    if Format::detect(sealed).is_some()
        || !pem::blocks(sealed)
            .next()
            .is_some_and(|block| is_message(block.label()))
    {
        return sealed;
    }
    let begin = sealed.windows(BEGIN.len()).position(|text| text == BEGIN);
    &sealed[begin.unwrap_or_default()..]
}

/// The format that a file begins like, behind white space if it is a text form.
pub(super) fn detect(sealed: &[u8]) -> Option<Format> {
    Format::detect(sealed).or_else(|| {
        Format::detect(sealed.trim_ascii_start()).filter(|format| *format == Format::NativeText)
    })
}

/// Opens a message. With a context, a CMS message must hold a wrapper.
pub(super) fn open(
    keyring: &Keyring<Identity<AwsLc>>,
    message: &Message<'_>,
    context: Option<&SecretContext<'_>>,
) -> Result<Opened, Failure> {
    let binding = match message.declared() {
        Declared::Header(None) if context.is_some() => {
            return Err(Failure::cannot_open(JweError::NoContext).hint(UNBOUND));
        }
        Declared::Header(binding) => binding,
        Declared::Committed | Declared::Inside => None,
    };
    // An agent asks for a named key besides; here the user has chosen the keys.
    let policy = ContextPolicy::AcceptUnbound(context);
    let opened = message.open(keyring, policy, &mut AwsLcRng);
    let opened = opened.map_err(|error| match (message.declared(), error) {
        (Declared::Header(_) | Declared::Inside, KeyringError::Opening(error)) => failure(error),
        (_, error) => Failure::of_opening(error),
    })?;
    let wrapped = opened.wrapped.as_ref().map(|wrapped| &wrapped.binding);
    binding.or(wrapped).into_iter().for_each(note_expired);
    Ok(opened)
}

/// Why a JWE or a CMS message did not open.
fn failure(error: Error) -> Failure {
    let failure = Failure::cannot_open(error);
    match error {
        Error::Open(_) => Failure::cannot_open(
            "the message does not open: it was changed, or not sealed to the key that it names",
        )
        .hint("transfer it again, or have it sealed again"),
        Error::Jwe(JweError::KeyNames) => failure.hint("give that certificate with --certificate"),
        Error::Jwe(JweError::NoKeyName) => failure.hint("give only the --identity that it is for"),
        Error::Wrapper(WrapperError::Json(_) | WrapperError::Members) => failure.hint(UNBOUND),
        _ => failure,
    }
}

fn note_expired(binding: &Binding) {
    if binding
        .expires_at()
        .is_some_and(|end| end <= UnixTime::now())
    {
        // Nothing is lost if stderr is closed.
        let _ = writeln!(
            std::io::stderr(),
            "note: its time is over; an agent does not take it any more"
        );
    }
}

const BEGIN: &[u8] = b"-----BEGIN ";
const UNBOUND: &str =
    "have it sealed for its context, or give --danger-accept-unbound in place of the context";
