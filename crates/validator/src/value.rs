//! A value on its own, apart from its request.

use sealpost_context::rules::{self, Measure};
use sealpost_json::{JsonValue, Key, MemberNames, Slot};

use crate::violation::{Place, Problem, Violations};
use crate::walk::{Naming, Value, Walk};

/// Checks a value that was received apart from its request, by the same rules and under the same
/// pointers as [`validate_request`](crate::validate_request): it accepts exactly the values and
/// keys that a request may have. The other fields have types in [`sealpost_context`].
///
/// Returns the object without whitespace around it, and only if there is no violation. What the
/// list held before is forgotten. Violations of the key have no position and come first.
///
/// ```
/// use sealpost_validator::{Naming, Slot, Violations, validate_value};
///
/// let value = br#"{"password": "correct horse"}"#;
/// let mut scratch = [Slot::EMPTY; 64];
/// let mut violations = Violations::<8>::new();
/// let found = validate_value(value, Some("user"), Naming::Withhold, &mut scratch, &mut violations);
/// assert!(found.is_none());
/// assert_eq!(
///     violations.iter().next().unwrap().to_string(),
///     r#"#/secret/key: the value has no such top-level property; name one that it has, or leave "key" out"#
/// );
/// ```
pub fn validate_value<'a, const N: usize>(
    value: &'a [u8],
    key: Option<&'a str>,
    naming: Naming,
    scratch: &mut [Slot],
    violations: &mut Violations<'a, N>,
) -> Option<JsonValue<'a>> {
    Walk::run(value, Place::Value, naming, violations.report(), |walk| {
        let mut key = key;
        if let Some(text) = key {
            for broken in rules::key(&Measure::from(text)) {
                walk.report
                    .add(Place::Key, Problem::Identifier(broken), None);
                key = None;
            }
        }
        let mut names = MemberNames::new(walk.scan.text(), scratch);
        let value = walk.value(&mut names)?;
        walk.note_missing_property(key.map(Key::Decoded), &value, &names, None);
        Ok(value.object)
    })
}

impl<'a> Walk<'_, 'a> {
    /// The value must have the property that a key, itself in order, names.
    pub(crate) fn note_missing_property(
        &mut self,
        key: Option<Key<'_>>,
        value: &Value<'a>,
        names: &MemberNames<'_, 'a>,
        position: Option<usize>,
    ) {
        if let (Some(key), Some(object)) = (key, value.object)
            && value.complete
            && !names.contains(key)
        {
            let listed = (self.naming == Naming::List).then_some(object.as_str());
            let dotted = match key {
                Key::Sent(name) => name.chars().any(|c| c == '.'),
                Key::Decoded(text) => text.contains('.'),
            };
            let problem = Problem::NoSuchProperty { listed, dotted };
            self.report.add(Place::Key, problem, position);
        }
    }
}
