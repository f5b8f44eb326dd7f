//! One member of an object, found by its name.

use crate::MAX_DEPTH;
use crate::malformed::{Cause, Malformed};
use crate::scan::{JsonKind, Scanner};
use crate::value::JsonValue;

/// Finds one top-level member of an object: its value as it stands there, a string with its quotes and escapes, and
/// where. The member's name is compared decoded.
///
/// ```
/// use sealpost_json::find_property;
///
/// let value = br#"{"user": "ada", "p\u0069n": 0042e0}"#;
/// assert!(find_property(value, "user").is_err()); // 0042 is not a number
///
/// let value = br#"{"user": "ada", "p\u0069n": 4.20}"#;
/// let pin = find_property(value, "pin").unwrap().unwrap();
/// assert_eq!((pin.as_str(), &value[pin.span()]), ("4.20", &b"4.20"[..]));
/// assert_eq!(find_property(value, "ada"), Ok(None));
/// ```
///
/// # Errors
///
/// If the text is not one well-formed JSON object, also behind the member, escapes half of a surrogate pair, or has
/// the member twice. Duplicates of other names are not looked for.
pub fn find_property<'a>(value: &'a [u8], key: &str) -> Result<Option<JsonValue<'a>>, Malformed> {
    let mut scan = Scanner::new(value);
    let fail = |cause, at| Err(Malformed::within(cause, at));
    if scan.kind()? != JsonKind::Object {
        return fail(Cause::OBJECT, scan.at());
    }
    scan.open_object();
    let mut first = true;
    let mut found = None;
    while let Some(token) = scan.member(&mut first)? {
        scan.kind()?;
        let start = scan.at();
        scan.skip_value(MAX_DEPTH - 1)?;
        if let Some(at) = scan.take_lone_surrogate() {
            return fail(Cause::LoneSurrogate, at);
        }
        if scan.json_str(token) == *key && found.replace(scan.since(start)).is_some() {
            return fail(Cause::Duplicate, token.position());
        }
    }
    scan.finish()?;
    Ok(found)
}
