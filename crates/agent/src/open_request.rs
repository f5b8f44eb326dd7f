//! Opens what a request carries: from sealed bytes to a value that may be stored.

use std::ops::Range;

use sealpost_channel::Outcome;
use sealpost_context::{OwnedContext, Owner, PropertyKey};
use sealpost_envelope::{
    AwsLc, AwsLcRng, ContextPolicy, Error, Format, Message, Plaintext,
    binding::Binding,
    jwe::JweError,
    key::{KeyStatus, KeyringError},
    message::{Declared, PendingMessage},
    wrapper::{self, Wrapped},
};
use sealpost_protocol::{mismatches, single_use::SingleUse};
use sealpost_validator::{MAX_MEMBERS, Naming, Slot, Violations, validate_value};
use tokio::time::{Instant, timeout_at};
use tracing::{error, warn};

use crate::{
    answer::refused,
    callers::Callers,
    digests::{self, Digest},
    job::Job,
    key_holder::{KeyAnswer, KeyHolder},
    sealed::Sealed,
    time::LEEWAY,
};

/// What was opened, and found to break no rule.
#[derive(Debug)]
pub(crate) struct Opened<'r> {
    /// Whose value it is: what the sealed bytes were bound to.
    pub(crate) context: OwnedContext,
    pub(crate) value: Value<'r>,
    /// For what was sealed at the source.
    pub(crate) single_use: Option<Used>,
}

/// A use, and the digest of the sealed bytes that claim it.
#[derive(Debug)]
pub(crate) struct Used {
    pub(crate) once: SingleUse,
    pub(crate) payload: Digest,
}

/// An opened value that breaks no rule: the object, without whitespace around it.
#[derive(Debug)]
pub(crate) enum Value<'r> {
    /// In the request's body, which is wiped when dropped.
    Sent(&'r [u8]),
    /// What was sealed within it, which is wiped when dropped.
    Opened {
        plaintext: Plaintext,
        object: Range<usize>,
    },
}

impl Value<'_> {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Sent(object) => object,
            Self::Opened { plaintext, object } => plaintext.get(object.clone()).unwrap_or_default(),
        }
    }
}

/// Opens for its context and no other, and validates what is inside.
///
/// The private-key operation is the key holder's, on whatever thread it has for it. The rest runs here, between two
/// awaits: at most some 100 µs for AES-GCM and the rules of a value of 64 KiB, which is less than a hop to another thread
/// and back costs under load.
pub(crate) async fn open<'r>(
    holder: &dyn KeyHolder,
    callers: &Callers,
    job: &Job<'r>,
) -> Result<Opened<'r>, Outcome> {
    let (format, bytes, context) = match &job.sealed {
        Sealed::Clear { context, value } => {
            let object = validate(value, context.key().map(|key| key.as_str()))?;
            return Ok(Opened {
                context: context.clone(),
                value: Value::Sent(value.get(object).unwrap_or_default()),
                single_use: None,
            });
        }
        Sealed::Jwe { context, jwe } => (jwe_format(jwe), *jwe, Some(context)),
        Sealed::Cms { der, .. } => (Format::Cms, *der, None),
    };
    let message = Message::parse_as(format, bytes).map_err(|e| unreadable(&e))?;
    let borrowed = context.map(OwnedContext::borrow);
    let policy = match &borrowed {
        Some(context) => ContextPolicy::RequireContext(context),
        // Only its owner is known: the rest stands inside, and is compared as soon as it is opened.
        None => ContextPolicy::AcceptUnbound(None),
    };
    let single_use = match message.declared() {
        Declared::Committed | Declared::Inside => None,
        Declared::Header(binding) => {
            let binding = binding.ok_or_else(|| unreadable(&JweError::NoContext))?;
            if let Some(context) = &borrowed {
                binding.check(context).map_err(|e| mismatch(&e))?;
            }
            Some(used(binding, bytes, job)?)
        }
    };
    let pending = message.pending(&*holder.keys(), policy);
    let pending = pending.map_err(not_pending)?;
    let permit = callers.acquire(&job.caller, job.now, job.deadline).await?;
    let answer = ask(holder, &pending, job.deadline).await?;
    drop(permit);
    let opened = pending.finish::<AwsLc, _>(answer.as_envelope(), &mut AwsLcRng);
    let opened = opened.map_err(not_opened)?;
    if opened.status == KeyStatus::Old {
        warn!(
            "sealed to an old key: the sender needs the new certificate before the old key is deleted"
        );
    }
    match &job.sealed {
        Sealed::Clear { context, .. } | Sealed::Jwe { context, .. } => Ok(Opened {
            value: value(opened.plaintext, None, context.key())?,
            context: context.clone(),
            single_use,
        }),
        Sealed::Cms { owner, der } => {
            let (context, wrapped) = unwrap(&opened, owner)?;
            let single_use = Some(used(&wrapped.binding, der, job)?);
            Ok(Opened {
                value: value(opened.plaintext, Some(wrapped.value), context.key())?,
                context,
                single_use,
            })
        }
    }
}

fn jwe_format(jwe: &[u8]) -> Format {
    match jwe.trim_ascii_start().starts_with(b"{") {
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
        return Err(Outcome::ContextMismatch(violations));
    }
    let context = OwnedContext::check(&context)
        .map_err(|broken| Outcome::Refused(broken.iter().map(ToString::to_string).collect()))?;
    Ok((context, wrapped))
}

fn used(binding: &Binding, sealed: &[u8], job: &Job<'_>) -> Result<Used, Outcome> {
    match SingleUse::parse(binding, job.now, LEEWAY) {
        Ok(once) => Ok(Used {
            once,
            payload: digests::sealed(sealed),
        }),
        Err(violations) => Err(Outcome::Refused(violations)),
    }
}

/// The value in a plaintext, or in a part of it.
fn value(
    plaintext: Plaintext,
    part: Option<Range<usize>>,
    key: Option<PropertyKey<'_>>,
) -> Result<Value<'static>, Outcome> {
    let part = part.unwrap_or(0..plaintext.len());
    let text = plaintext.get(part.clone()).unwrap_or_default();
    let object = validate(text, key.map(|key| key.as_str()))?;
    let object = part.start + object.start..part.start + object.end;
    Ok(Value::Opened { plaintext, object })
}

fn validate(value: &[u8], key: Option<&str>) -> Result<Range<usize>, Outcome> {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    // Nothing of a value leaves the agent, and no name of a member.
    match validate_value(value, key, Naming::Withhold, &mut scratch, &mut violations) {
        Some(object) => Ok(object.span()),
        None => {
            let violations = violations.iter().map(ToString::to_string).collect();
            Err(Outcome::Refused(violations))
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
    Outcome::ContextMismatch(vec![format!("#: {}", error.to_string())])
}

fn unreadable(error: &dyn ToString) -> Outcome {
    Outcome::Unreadable(error.to_string())
}
