//! JWE and CMS, opened for a context, or without one where the user insists.

use std::io::Write as _;
use std::ops::Range;

use sealpost_envelope::{
    AwsLc, AwsLcRng, Binding, Error, Identity, Keyring, Opened, SecretContext, UnixTime,
    cms::{self, Cms},
    jwe::{self, ContextPolicy, Jwe, JweError},
    wrapper,
};

use crate::error::Failure;
use crate::io::Input;

/// A JWE, which carries its context.
pub(super) fn jwe(
    keyring: &Keyring<Identity<AwsLc>>,
    input: &Input,
    sealed: &[u8],
    context: Option<&SecretContext<'_>>,
) -> Result<Opened, Failure> {
    let jwe = parse_jwe(input, sealed)?;
    if context.is_some() && jwe.binding().is_none() {
        return Err(Failure::cannot_open(JweError::NoContext).hint(UNBOUND));
    }
    // An agent asks for a named key besides; here the user has chosen the keys.
    let policy = ContextPolicy::AcceptUnbound(context);
    let opened = jwe::open(keyring, &jwe, policy, &mut AwsLcRng).map_err(failure)?;
    jwe.binding().into_iter().for_each(note_expired);
    Ok(opened)
}

/// A CMS message; with a context, it must hold a wrapper, and the range is that of the value in it.
pub(super) fn cms(
    keyring: &Keyring<Identity<AwsLc>>,
    input: &Input,
    sealed: &[u8],
    context: Option<&SecretContext<'_>>,
) -> Result<(Opened, Range<usize>), Failure> {
    let cms = parse_cms(input, sealed)?;
    let opened = cms::open(keyring, &cms, &mut AwsLcRng).map_err(failure)?;
    let Some(context) = context else {
        let all = 0..opened.plaintext.len();
        return Ok((opened, all));
    };
    let wrapped =
        wrapper::unwrap(&opened.plaintext).map_err(|e| Failure::cannot_open(e).hint(UNBOUND))?;
    wrapped
        .binding
        .check(context)
        .map_err(Failure::cannot_open)?;
    note_expired(&wrapped.binding);
    Ok((opened, wrapped.value))
}

/// The refusal of what is no JWE.
pub(crate) fn parse_jwe<'a>(input: &Input, sealed: &'a [u8]) -> Result<Jwe<'a>, Failure> {
    // A line break may end the compact form, as it may the native text.
    let line = match sealed.strip_suffix(b"\n") {
        Some(line) => line.strip_suffix(b"\r").unwrap_or(line),
        None => sealed,
    };
    Jwe::parse(line).map_err(|e| Failure::refused(format!("{}: {e}", input.name())))
}

/// The refusal of what is no CMS message.
pub(crate) fn parse_cms(input: &Input, sealed: &[u8]) -> Result<Cms, Failure> {
    Cms::parse(sealed).map_err(|e| Failure::refused(format!("{}: {e}", input.name())))
}

fn failure(error: Error) -> Failure {
    let failure = Failure::cannot_open(error);
    match error {
        Error::Open(_) => Failure::cannot_open(
            "the message does not open: it was changed, or not sealed to the key that it names",
        )
        .hint("transfer it again, or have it sealed again"),
        Error::Jwe(JweError::KeyNames) => failure.hint("give that certificate with --certificate"),
        Error::Jwe(JweError::NoKeyName) => failure.hint("give only the --identity that it is for"),
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

const UNBOUND: &str =
    "have it sealed for its context, or give --danger-accept-unbound in place of the context";
