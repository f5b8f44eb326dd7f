//! The wrapper: a value with its context, in one JSON object, to be sealed in a format that binds no context.
//!
//! ```json
//! {"sealpost":{"agent":"agent-1","name":"db-login","jti":"5c8ad1f0","exp":"1800000000"},"value":{"password":"…"}}
//! ```
//!
//! CMS carries the plaintext and nothing else: anyone who holds a message could submit it again under another name.
//! An agent therefore takes CMS only with this inside, and compares the context before anything else.

use core::{fmt, ops::Range};

use sealpost_json::{Malformed, members};
use zeroize::Zeroizing;

use alloc::vec::Vec;

use crate::binding::{Binding, BindingError};

/// What was in a wrapper.
#[derive(Debug)]
#[non_exhaustive]
pub struct Wrapped {
    /// The context, and what else is said of the value.
    pub binding: Binding,
    /// Where the value's JSON text stands in what was given, byte for byte as it was wrapped.
    pub value: Range<usize>,
}

/// Wraps a value, which is a JSON text, in a buffer that is wiped when dropped.
///
/// It is taken as it is: what is no JSON text does not [`unwrap`].
#[must_use]
pub fn wrap(binding: &Binding, value: &[u8]) -> Zeroizing<Vec<u8>> {
    let binding = binding.to_json();
    let parts = [START, binding.as_bytes(), MIDDLE, value, b"}"];
    // As long as it gets at once: a growing buffer would leave copies behind.
    let length = parts.iter().map(|part| part.len()).sum();
    let mut wrapper = Zeroizing::new(Vec::with_capacity(length));
    for part in parts {
        wrapper.extend_from_slice(part);
    }
    wrapper
}

/// Reads a wrapper. Its two members may stand in either order, with white space around them.
///
/// # Errors
///
/// [`WrapperError`]. None holds anything of the value.
pub fn unwrap(wrapper: &[u8]) -> Result<Wrapped, WrapperError> {
    let (mut binding, mut value) = (None, None);
    for member in members(wrapper) {
        let (name, text) = member.map_err(WrapperError::Json)?;
        let place = if name == *"sealpost" {
            &mut binding
        } else if name == *"value" {
            &mut value
        } else {
            return Err(WrapperError::Members);
        };
        if place.replace(text).is_some() {
            return Err(WrapperError::Members);
        }
    }
    let (Some(binding), Some(value)) = (binding, value) else {
        return Err(WrapperError::Members);
    };
    Ok(Wrapped {
        binding: Binding::parse(binding.as_str()).map_err(WrapperError::Binding)?,
        value: value.span(),
    })
}

/// Why a plaintext is not a wrapper.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WrapperError {
    /// Its context is refused.
    Binding(BindingError),
    /// It is no JSON object.
    Json(Malformed),
    /// It does not have exactly the members `sealpost` and `value`.
    Members,
}

impl fmt::Display for WrapperError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Binding(error) => error.fmt(f),
            Self::Json(error) => write!(f, "what was sealed is not a wrapper: {error}; `sealpost wrap` makes one"),
            Self::Members => f.write_str(
                "what was sealed is not a wrapper: it must be an object with exactly the members \"sealpost\" and \"value\"; \
                 `sealpost wrap` makes one",
            ),
        }
    }
}

impl core::error::Error for WrapperError {}

const START: &[u8] = br#"{"sealpost":"#;
const MIDDLE: &[u8] = br#","value":"#;

#[cfg(test)]
mod tests {
    use super::*;
    use sealpost_context::SecretContext;

    #[test]
    fn a_value_comes_out_as_it_went_in() {
        let binding = Binding::new(&SecretContext::unchecked("agent-1", "na\"me"));
        for value in ["{}", "{\"a\": 1.50}", " [1,\n2] "] {
            let wrapper = wrap(&binding, value.as_bytes());
            assert_eq!(wrapper.len(), wrapper.capacity());
            let wrapped = unwrap(&wrapper).unwrap();
            assert_eq!(wrapped.binding, binding);
            assert_eq!(&wrapper[wrapped.value], value.trim().as_bytes());
        }
    }

    #[test]
    fn what_is_no_wrapper_is_refused() {
        let good = r#"{"agent":"a","name":"n"}"#;
        for (text, expected) in [
            (
                alloc::format!(r#"{{"sealpost":{good}}}"#),
                WrapperError::Members,
            ),
            (
                alloc::format!(r#"{{"value":{{}},"sealpost":{good},"x":1}}"#),
                WrapperError::Members,
            ),
            (
                alloc::format!(r#"{{"value":1,"value":2,"sealpost":{good}}}"#),
                WrapperError::Members,
            ),
            (r#"{"password":"x"}"#.into(), WrapperError::Members),
            (
                r#"{"sealpost":{"agent":"a","name":"n","nam\u0065":"m"},"value":{}}"#.into(),
                WrapperError::Binding(BindingError::Duplicate(crate::binding::BindingMember::Name)),
            ),
        ] {
            assert_eq!(unwrap(text.as_bytes()).map(|_| ()), Err(expected), "{text}");
        }
        assert!(matches!(unwrap(b"hunter2"), Err(WrapperError::Json(_))));
        assert!(
            unwrap(alloc::format!(r#"{{"sealpost":{good},"value":{{}}}}x"#).as_bytes()).is_err()
        );
        assert!(unwrap(alloc::format!(r#"{{"value":{{}},"sealpost":{good}}}"#).as_bytes()).is_ok());
    }
}
