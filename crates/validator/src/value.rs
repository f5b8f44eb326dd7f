//! A value on its own: the agent's second look, and one property of a stored value.

use crate::MAX_DEPTH;
use crate::malformed::{Cause, Malformed};
use crate::names::{Key, Names, Slot};
use crate::scan::{JsonKind, Scanner};
use crate::string::JsonStr;
use crate::text::{Facts, key_problems};
use crate::violation::{Place, Problem, Violations};
use crate::walk::{Naming, Value, Walk};

/// Checks a value that was received apart from its request, by the same rules and under the same
/// pointers as [`validate_request`](crate::validate_request): it accepts exactly the values and
/// keys that a request may have. The other fields have [`validate_name`](crate::validate_name) and
/// [`validate_type`](crate::validate_type).
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
) -> Option<&'a str> {
    Walk::run(value, Place::Value, naming, violations.report(), |walk| {
        let mut key = key;
        if let Some(text) = key {
            for problem in key_problems(&Facts::of(text)) {
                walk.report.add(Place::Key, problem, None);
                key = None;
            }
        }
        let mut names = Names::new(walk.scan.text(), scratch);
        let value = walk.value(&mut names)?;
        walk.note_missing_property(key.map(Key::Text), &value, &names, None);
        Ok(value.object)
    })
}

/// Finds one top-level property of a stored value: its bytes as they stand there, a string with
/// its quotes and escapes. The property's name is compared decoded.
///
/// ```
/// use sealpost_validator::find_property;
///
/// let value = br#"{"user": "ada", "p\u0069n": 0042e0}"#;
/// assert!(find_property(value, "user").is_err()); // 0042 is no number
///
/// let value = br#"{"user": "ada", "p\u0069n": 4.20}"#;
/// assert_eq!(find_property(value, "pin"), Ok(Some("4.20")));
/// assert_eq!(find_property(value, "ada"), Ok(None));
/// ```
///
/// # Errors
/// If the value is not one well-formed JSON object as [`validate_value`] accepts it, also behind
/// the property, or if it has the property twice. Limits of size and number are not looked at, nor
/// are duplicates of other names.
pub fn find_property<'a>(value: &'a [u8], key: &str) -> Result<Option<&'a str>, Malformed> {
    let mut scan = Scanner::new(value);
    let fail = |cause, at| {
        Err(Malformed {
            cause,
            at,
            at_end: false,
        })
    };
    if scan.kind()? != JsonKind::Object {
        return fail(Cause::OBJECT, scan.at());
    }
    scan.open_object();
    let mut first = true;
    let mut found = None;
    while let Some(token) = scan.member(&mut first)? {
        let raw = scan.text().get(token.start..token.end).unwrap_or_default();
        scan.kind()?;
        let start = scan.at();
        scan.skip_value(MAX_DEPTH - 1)?;
        if let Some(at) = scan.take_lone_surrogate() {
            return fail(Cause::LoneSurrogate, at);
        }
        if JsonStr::new(raw, token.escapes > 0) == *key
            && found.replace(scan.since(start)).is_some()
        {
            return fail(Cause::Duplicate, token.start - 1);
        }
    }
    scan.finish()?;
    Ok(found)
}

impl<'a> Walk<'_, 'a> {
    /// The value must have the property that a key, itself in order, names.
    pub(crate) fn note_missing_property(
        &mut self,
        key: Option<Key<'_>>,
        value: &Value<'a>,
        names: &Names<'_, 'a>,
        position: Option<usize>,
    ) {
        if let (Some(key), Some(object)) = (key, value.object)
            && value.complete
            && !names.contains(key)
        {
            let listed = (self.naming == Naming::List).then_some(object);
            self.report
                .add(Place::Key, Problem::NoSuchProperty(listed), position);
        }
    }
}
