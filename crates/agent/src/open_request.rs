//! Opens what a request carries: from sealed bytes to a value that may be stored.

use std::ops::Range;

use base64::{
    Engine as _,
    engine::{Simd, general_purpose::PAD},
};
use sealpost_context::{OwnedContext, Owner, PropertyKey};
use sealpost_envelope::{
    AwsLc, AwsLcRng, ContextPolicy, Error, Format, Message, Plaintext, UnixTime,
    binding::Binding,
    jwe::JweError,
    key::{KeyStatus, KeyringError},
    message::{Declared, PendingMessage},
    wrapper::{self, Wrapped},
};
use sealpost_protocol::{Outcome, Sealed, sealed::mismatches, single_use::SingleUse};
use sealpost_validator::{MAX_MEMBERS, Naming, Slot, Violations, validate_value};
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use crate::{
    believe::LEEWAY,
    digests::{self, Digest},
    key_holder::{KeyAnswer, KeyHolder},
};

/// What was opened, and found to break no rule.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Whose value it is: what the sealed bytes were bound to.
    pub(crate) context: OwnedContext,
    pub(crate) value: Value,
    /// For what was sealed at the source.
    pub(crate) single_use: Option<Used>,
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

/// Opens for its context and no other, and validates what is inside.
///
/// The private-key operation is the key holder's, on whatever thread it has for it. The rest runs here, between two
/// awaits: at most some 100 µs for AES-GCM and the rules of a value of 64 KiB, which is less than a hop to another thread
/// and back costs under load.
pub(crate) async fn open(
    holder: &dyn KeyHolder,
    sealed: Sealed,
    now: UnixTime,
    deadline: Instant,
) -> Result<Opened, Outcome> {
    let decoded = decode(&sealed)?;
    let (opened, single_use) = {
        let (format, bytes, context) = match &sealed {
            Sealed::Native { context, envelope } => {
                (Format::NativeText, envelope.as_bytes(), Some(context))
            }
            Sealed::Jwe { context, jwe } => (jwe_format(jwe), jwe.as_bytes(), Some(context)),
            Sealed::Cms { .. } => (Format::Cms, decoded.as_slice(), None),
        };
        let message = Message::parse_as(format, bytes).map_err(|e| unreadable(&e))?;
        let context = context.map(OwnedContext::borrow);
        let policy = match &context {
            Some(context) => ContextPolicy::RequireContext(context),
            // Only its owner is known: the rest stands inside, and is compared as soon as it is opened.
            None => ContextPolicy::AcceptUnbound(None),
        };
        let single_use = match message.declared() {
            Declared::Committed | Declared::Inside => None,
            Declared::Header(binding) => {
                let binding = binding.ok_or_else(|| unreadable(&JweError::NoContext))?;
                if let Some(context) = &context {
                    binding.check(context).map_err(|e| mismatch(&e))?;
                }
                Some(used(binding, bytes, now)?)
            }
        };
        let pending = message.pending(&*holder.keys(), policy);
        let pending = pending.map_err(not_pending)?;
        let answer = ask(holder, &pending, deadline).await?;
        let opened = pending.finish::<AwsLc, _>(answer.as_envelope(), &mut AwsLcRng);
        (opened.map_err(not_opened)?, single_use)
    };
    if opened.status == KeyStatus::Old {
        warn!(
            "sealed to an old key: the sender needs the new certificate before the old key is deleted"
        );
    }
    match sealed {
        Sealed::Native { context, .. } | Sealed::Jwe { context, .. } => Ok(Opened {
            value: value(opened.plaintext, None, context.key())?,
            context,
            single_use,
        }),
        Sealed::Cms { owner, cms: _ } => {
            let (context, wrapped) = unwrap(&opened, &owner)?;
            let single_use = Some(used(&wrapped.binding, &decoded, now)?);
            Ok(Opened {
                value: value(opened.plaintext, Some(wrapped.value), context.key())?,
                context,
                single_use,
            })
        }
    }
}

/// The bytes of a format that travels in base64; the others travel as they are.
fn decode(sealed: &Sealed) -> Result<Vec<u8>, Outcome> {
    match sealed {
        Sealed::Native { .. } | Sealed::Jwe { .. } => Ok(Vec::new()),
        Sealed::Cms { owner: _, cms } => Simd::standard(PAD)
            .decode(cms)
            .map_err(|error| unreadable(&error)),
    }
}

fn jwe_format(jwe: &str) -> Format {
    match jwe.trim_ascii_start().starts_with('{') {
        true => Format::JweJson,
        false => Format::JweCompact,
    }
}

/// Asks once, for as long as somebody waits.
async fn ask(
    holder: &dyn KeyHolder,
    pending: &PendingMessage<'_>,
    deadline: Instant,
) -> Result<KeyAnswer, Outcome> {
    if Instant::now() >= deadline {
        return Err(Outcome::Expired);
    }
    let key_id = pending.key_id();
    let asking = holder.decrypt(key_id, pending.encapsulation());
    let answer = timeout_at(deadline, asking).await;
    let answer = answer.map_err(|_| Outcome::Expired)?;
    match &answer {
        KeyAnswer::Seed(_) | KeyAnswer::Rejected => {}
        KeyAnswer::Unavailable => error!(%key_id, "the key holder did not answer"),
        KeyAnswer::Unusable => error!(%key_id, "the key can't be used: check the key holder"),
    }
    Ok(answer)
}

/// The wrapper in a CMS message. Its context is compared before anything else that is inside.
fn unwrap(
    opened: &sealpost_envelope::key::Opened,
    owner: &Owner,
) -> Result<(OwnedContext, Wrapped), Outcome> {
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
    Ok((context, wrapped))
}

fn used(binding: &Binding, sealed: &[u8], now: UnixTime) -> Result<Used, Outcome> {
    match SingleUse::parse(binding, now, LEEWAY) {
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
    key: Option<PropertyKey<'_>>,
) -> Result<Value, Outcome> {
    let part = part.unwrap_or(0..plaintext.len());
    let text = plaintext.get(part.clone()).unwrap_or_default();
    let object = validate(text, key.map(|key| key.as_str()))?;
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

/// Before the key is asked.
fn not_pending(error: KeyringError) -> Outcome {
    if let KeyringError::Opening(Error::Jwe(JweError::Binding(error))) = error {
        mismatch(&error)
    } else {
        unreadable(&error)
    }
}

/// After the key was asked: whatever is wrong with the message, the outcome is one.
fn not_opened(error: Error) -> Outcome {
    if matches!(error, Error::Rng | Error::KeyUnavailable) {
        Outcome::Failed
    } else {
        Outcome::DoesNotOpen
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
