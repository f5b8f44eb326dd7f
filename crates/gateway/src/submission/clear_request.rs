//! A request in clear, ready to be sealed.

use std::ops::Range;

use sealpost_context::{
    InvalidIdentifier, OwnedContext, Owner, PropertyKey, SecretId, SecretName, SecretType,
};
use sealpost_rest::ProblemType;
use sealpost_validator::{
    JsonStr, MAX_MEMBERS, Request, Slot, Violation, ViolationKind, Violations, validate_request,
};
use zeroize::Zeroizing;

use crate::rejection::Rejection;

/// The body of a request, checked, and where its parts are.
///
/// The value stays in the buffer that it was read into: it is never copied on its way to the envelope.
pub(crate) struct ClearRequest {
    body: Zeroizing<Vec<u8>>,
    value: Range<usize>,
    secret: SecretId,
}

impl ClearRequest {
    /// Checks a body.
    ///
    /// # Errors
    ///
    /// Returns the violations in document order, and the type of problem that they are.
    pub(crate) fn check(body: Zeroizing<Vec<u8>>) -> Result<Self, Rejection> {
        let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
        let mut few = Violations::<64>::new();
        let Some(request) = validate_request(&body, &mut scratch, &mut few) else {
            if few.overflowed() {
                // Rare and long: check again, with room for nearly everything that a body can hold.
                let mut all = Box::new(Violations::<MANY>::new());
                validate_request(&body, &mut scratch, &mut all);
                return Err(reject(&all));
            }
            return Err(reject(&few));
        };
        let Request {
            name,
            key,
            secret_type,
            value,
        } = request;
        let value = value.span();
        let secret = secret_id(name, key, secret_type)
            .map_err(|broken| Rejection::one(ProblemType::InvalidRequest, broken.to_string()))?;
        Ok(Self {
            body,
            value,
            secret,
        })
    }

    /// Returns the value, byte for byte as it was sent.
    pub(crate) fn value(&self) -> &[u8] {
        self.body.get(self.value.clone()).unwrap_or_default()
    }

    pub(crate) fn name(&self) -> &str {
        self.secret.name().as_str()
    }

    /// Returns the context of the value for this owner.
    pub(crate) fn context(&self, owner: Owner) -> OwnedContext {
        OwnedContext::new(owner, self.secret.clone())
    }
}

fn secret_id(
    name: JsonStr<'_>,
    key: Option<JsonStr<'_>>,
    secret_type: Option<JsonStr<'_>>,
) -> Result<SecretId, InvalidIdentifier> {
    let mut secret = SecretId::new(SecretName::try_from(&*decode(name))?);
    if let Some(key) = key {
        secret = secret.with_key(PropertyKey::try_from(&*decode(key))?);
    }
    if let Some(secret_type) = secret_type {
        secret = secret.with_type(SecretType::try_from(&*decode(secret_type))?);
    }
    Ok(secret)
}

fn reject<const N: usize>(violations: &Violations<'_, N>) -> Rejection {
    let kinds = || violations.iter().map(Violation::kind);
    let kind = if kinds().any(|kind| kind == ViolationKind::TooLarge) {
        ProblemType::TooLarge
    } else if kinds().any(|kind| kind == ViolationKind::Syntax) {
        ProblemType::MalformedJson
    } else {
        ProblemType::InvalidRequest
    };
    let mut texts: Vec<_> = violations.iter().map(ToString::to_string).collect();
    if violations.overflowed() {
        texts.push("#: there are more violations; fix these first".into());
    }
    Rejection::new(kind, texts)
}

fn decode(text: JsonStr<'_>) -> String {
    text.chars().collect()
}

/// One for each of the 64 + 64 + 1,024 members that are read, and as many again.
const MANY: usize = 2048;
