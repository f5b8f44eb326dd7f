//! From what was sealed to a value that may be stored: everything up to the vault.

use std::ops::Range;

use base64::{
    Engine as _,
    engine::{Simd, general_purpose::PAD},
};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Binding, Error, Identity, KeyStatus, Keyring, KeyringError, Plaintext,
    UnixTime, cms::Cms, jwe, jwe::Jwe, text, wrapper,
};
use sealpost_protocol::{Outcome, OwnedContext, Owner, Sealed, SingleUse, mismatches};
use sealpost_validator::{MAX_MEMBERS, Naming, Slot, Violations, validate_value};

use crate::{
    believe::LEEWAY,
    digests::{self, Digest},
};

/// What was opened, and found to break no rule.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Whose value it is: what the sealed bytes were bound to.
    pub(crate) context: OwnedContext,
    pub(crate) value: Value,
    /// For what was sealed at the source.
    pub(crate) single_use: Option<Used>,
    /// Whether the key that opened it is the current one.
    pub(crate) key: KeyStatus,
}

/// A use, and the digest of the sealed bytes that claim it.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) once: SingleUse,
    pub(crate) payload: Digest,
}

/// An opened value that breaks no rule. It is wiped when dropped.
#[derive(Debug)]
pub(crate) struct Value {
    plaintext: Plaintext,
    /// The object, without whitespace around it.
    object: Range<usize>,
}

impl Value {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.plaintext.get(self.object.clone()).unwrap_or_default()
    }
}

/// Opens for its context and no other, and validates what is inside. An RSA operation: not for an async thread.
pub(crate) fn open(
    keyring: &Keyring<Identity<AwsLc>>,
    sealed: Sealed,
    now: UnixTime,
) -> Result<Opened, Outcome> {
    match sealed {
        Sealed::Native { context, envelope } => native(keyring, context, &envelope),
        Sealed::Jwe { context, jwe } => open_jwe(keyring, context, &jwe, now),
        Sealed::Cms { owner, cms } => open_cms(keyring, &owner, &cms, now),
    }
}

fn native(
    keyring: &Keyring<Identity<AwsLc>>,
    context: OwnedContext,
    envelope: &str,
) -> Result<Opened, Outcome> {
    let envelope = text::decode(envelope).map_err(|error| unreadable(&error))?;
    let opened = keyring.open(&envelope, &context.borrow(), &mut AwsLcRng);
    let opened = opened.map_err(|error| match error {
        KeyringError::Opening(error) => not_opened(error),
        error => unreadable(&error),
    })?;
    Ok(Opened {
        value: value(
            opened.plaintext,
            None,
            context.key().map(|key| key.as_str()),
        )?,
        context,
        single_use: None,
        key: opened.status,
    })
}

/// The context stands in the protected header, and is compared before the key is used.
fn open_jwe(
    keyring: &Keyring<Identity<AwsLc>>,
    context: OwnedContext,
    text: &str,
    now: UnixTime,
) -> Result<Opened, Outcome> {
    let message = Jwe::parse(text.as_bytes()).map_err(|error| unreadable(&error))?;
    let binding = message
        .binding()
        .ok_or_else(|| unreadable(&jwe::JweError::NoContext))?;
    binding
        .check(&context.borrow())
        .map_err(|error| mismatch(&error))?;
    let single_use = used(binding, text.as_bytes(), now)?;
    let sealing = context.borrow();
    let policy = jwe::ContextPolicy::RequireContext(&sealing);
    let opened = jwe::open(keyring, &message, policy, &mut AwsLcRng).map_err(not_opened)?;
    Ok(Opened {
        value: value(
            opened.plaintext,
            None,
            context.key().map(|key| key.as_str()),
        )?,
        context,
        single_use: Some(single_use),
        key: opened.status,
    })
}

/// The context stands inside, in the wrapper, and is compared before anything else that is inside.
fn open_cms(
    keyring: &Keyring<Identity<AwsLc>>,
    owner: &Owner,
    base64: &str,
    now: UnixTime,
) -> Result<Opened, Outcome> {
    let der = Simd::standard(PAD)
        .decode(base64)
        .map_err(|error| unreadable(&error))?;
    let message = Cms::parse(&der).map_err(|error| unreadable(&error))?;
    let opened =
        sealpost_envelope::cms::open(keyring, &message, &mut AwsLcRng).map_err(not_opened)?;
    let wrapped =
        wrapper::unwrap(&opened.plaintext).map_err(|error| refused(format!("#: {error}")))?;
    let context = wrapped.binding.context();
    let violations = mismatches(owner, &context);
    if !violations.is_empty() {
        return Err(Outcome::ContextMismatch { violations });
    }
    let context = OwnedContext::check(&context).map_err(|broken| Outcome::Refused {
        violations: broken.iter().map(ToString::to_string).collect(),
    })?;
    let single_use = used(&wrapped.binding, &der, now)?;
    Ok(Opened {
        value: value(
            opened.plaintext,
            Some(wrapped.value),
            context.key().map(|key| key.as_str()),
        )?,
        context,
        single_use: Some(single_use),
        key: opened.status,
    })
}

fn used(binding: &Binding, sealed: &[u8], now: UnixTime) -> Result<Used, Outcome> {
    match SingleUse::of(binding, now, LEEWAY) {
        Ok(once) => Ok(Used {
            once,
            payload: digests::sealed(sealed),
        }),
        Err(violations) => Err(Outcome::Refused { violations }),
    }
}

/// The value in a plaintext, or in a part of it.
fn value(
    plaintext: Plaintext,
    part: Option<Range<usize>>,
    key: Option<&str>,
) -> Result<Value, Outcome> {
    let part = part.unwrap_or(0..plaintext.len());
    let text = plaintext.get(part.clone()).unwrap_or_default();
    let object = validate(text, key)?;
    let object = part.start + object.start..part.start + object.end;
    Ok(Value { plaintext, object })
}

fn validate(value: &[u8], key: Option<&str>) -> Result<Range<usize>, Outcome> {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    // The reply passes through the broker: members' names stay here.
    match validate_value(value, key, Naming::Withhold, &mut scratch, &mut violations) {
        Some(object) => Ok(object.span()),
        None => {
            let violations = violations.iter().map(ToString::to_string).collect();
            Err(Outcome::Refused { violations })
        }
    }
}

fn not_opened(error: Error) -> Outcome {
    match error {
        Error::Open(_) => Outcome::DoesNotOpen,
        Error::Rng | Error::KeyUnavailable => Outcome::Failed,
        Error::Jwe(jwe::JweError::Binding(error)) => mismatch(&error),
        error => unreadable(&error),
    }
}

fn mismatch(error: &dyn ToString) -> Outcome {
    Outcome::ContextMismatch {
        violations: vec![format!("#: {}", error.to_string())],
    }
}

fn unreadable(error: &dyn ToString) -> Outcome {
    Outcome::Unreadable {
        reason: error.to_string(),
    }
}

fn refused(violation: String) -> Outcome {
    Outcome::Refused {
        violations: vec![violation],
    }
}
