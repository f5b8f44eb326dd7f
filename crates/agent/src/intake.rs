//! From an envelope to a value that may be stored: everything up to the vault.

use std::ops::Range;

use sealpost_envelope::{AwsLc, AwsLcRng, Error, Identity, Plaintext, open, text};
use sealpost_protocol::{Context, Outcome};
use sealpost_validator::{
    MAX_MEMBERS, Naming, Slot, Violations, validate_key, validate_name, validate_type,
    validate_value,
};

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

/// Checks what travels in clear, by the gateway's rules: before any private key is used.
pub(crate) fn check_context(context: &Context) -> Result<(), Outcome> {
    let checks = [
        validate_name(&context.name).err(),
        context
            .key
            .as_deref()
            .and_then(|key| validate_key(key).err()),
        context
            .secret_type
            .as_deref()
            .and_then(|kind| validate_type(kind).err()),
    ];
    let violations: Vec<_> = checks.iter().flatten().map(ToString::to_string).collect();
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Outcome::Refused { violations })
    }
}

/// Opens the envelope for this context and no other, and validates what is in it. An RSA operation: not for an
/// async thread.
pub(crate) fn open_value(
    identity: &Identity<AwsLc>,
    context: &Context,
    envelope: &str,
) -> Result<Value, Outcome> {
    let unreadable = |error: &dyn ToString| Outcome::Unreadable {
        reason: error.to_string(),
    };
    let envelope = text::decode(envelope).map_err(|error| unreadable(&error))?;
    let opened = open(identity, &envelope, &context.sealing(), &mut AwsLcRng);
    let plaintext = opened.map_err(|error| match error {
        Error::Open(_) => Outcome::DoesNotOpen,
        Error::Rng | Error::KeyUnavailable => Outcome::Failed,
        error => unreadable(&error),
    })?;
    let object = validate(&plaintext, context.key.as_deref())?;
    Ok(Value { plaintext, object })
}

fn validate(value: &[u8], key: Option<&str>) -> Result<Range<usize>, Outcome> {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    // The reply passes through the broker: members' names stay here.
    match validate_value(value, key, Naming::Withhold, &mut scratch, &mut violations) {
        Some(object) => {
            let start = object.as_ptr().addr() - value.as_ptr().addr();
            Ok(start..start + object.len())
        }
        None => {
            let violations = violations.iter().map(ToString::to_string).collect();
            Err(Outcome::Refused { violations })
        }
    }
}
