//! Requests and values, against a second implementation that is slow and obvious.

use sealpost_context::{PropertyKey, SecretName, SecretType};
use sealpost_json::find_property;
use sealpost_validator::{
    JsonStr, MAX_MEMBERS, MAX_NAME, Naming, Slot, ViolationKind, Violations, validate_request,
    validate_value,
};

use crate::{
    allocations::bounded,
    input,
    reference::{self, Parts, Verdict},
};

/// More than an input of a few kilobytes has.
type Room<'a> = Violations<'a, 512>;

/// A body: the reference says the same, in every violation and every span; and what was accepted is accepted again as a
/// value alone, field by field.
pub(crate) fn request(body: &[u8]) {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Room::new();
    let request = linear(body.len(), || {
        validate_request(body, &mut scratch, &mut violations)
    });
    assert_eq!(request.is_some(), violations.is_empty());
    let parts = request.map(|request| Parts {
        name: Some(text(request.name)),
        key: request.key.map(text),
        secret_type: request.secret_type.map(text),
        value: request.value.span(),
    });
    compare(&violations, parts, body, || {
        reference::request(body, MAX_MEMBERS)
    });
    if let Some(request) = request {
        let mut buffer = [0; MAX_NAME];
        let name = request.name.decode_into(&mut buffer);
        let name = name.expect("names have at most MAX_NAME bytes");
        assert!(SecretName::try_from(name).is_ok());
        if let Some(secret_type) = request.secret_type {
            assert!(SecretType::try_from(&*text(secret_type)).is_ok());
        }
        let key: Option<String> = request.key.map(text);
        let value = request.value.as_bytes();
        let mut violations = Room::new();
        let (key, naming) = (key.as_deref(), Naming::Withhold);
        let again = validate_value(value, key, naming, &mut scratch, &mut violations);
        assert_eq!(
            again.map(|again| again.as_str()),
            Some(request.value.as_str()),
            "{violations:?}"
        );
        if let Some(key) = key {
            assert!(PropertyKey::try_from(key).is_ok());
            assert!(find_property(value, key).expect("validated").is_some());
        }
    }
}

/// A key and a stored value: the reference says the same; what is found is a span of the value, and the resolver finds a
/// property exactly where validation says that there is one.
pub(crate) fn property(bytes: &[u8]) {
    let [key, value] = input::parts(bytes);
    let Ok(key) = str::from_utf8(key) else { return };
    let found = linear(value.len() + key.len(), || find_property(value, key));
    match found {
        Ok(Some(property)) => {
            assert_eq!(&value[property.span()], property.as_bytes());
            assert!(0 < property.span().start && property.span().end < value.len());
        }
        Ok(None) => {}
        Err(error) => assert!(error.position() <= value.len()),
    }

    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    for naming in [Naming::List, Naming::Withhold] {
        for key in [None, Some(key)] {
            let mut violations = Room::new();
            let length = value.len() + key.map_or(0, str::len);
            let valid = linear(length, || {
                validate_value(value, key, naming, &mut scratch, &mut violations)
            });
            let parts = valid.map(|valid| Parts {
                value: valid.span(),
                ..Parts::default()
            });
            compare(&violations, parts, value, || {
                reference::value(value, key, naming == Naming::List, MAX_MEMBERS)
            });
        }
    }
    let mut violations = Room::new();
    if validate_value(value, None, Naming::List, &mut scratch, &mut violations).is_some() {
        let found = found.expect("what is valid can be read");
        let sound = PropertyKey::try_from(key).is_ok();
        let key = Some(key);
        let has = validate_value(value, key, Naming::List, &mut scratch, &mut violations);
        assert_eq!(has.is_some(), sound && found.is_some(), "{violations:?}");
    }
}

fn compare(
    violations: &Room<'_>,
    parts: Option<Parts>,
    text: &[u8],
    reference: impl FnOnce() -> Verdict,
) {
    let mut last = Some(0);
    let mut triples: Vec<(String, Option<usize>, ViolationKind)> = Vec::new();
    for violation in violations {
        assert!(violation.position() >= last || violation.position().is_none());
        assert!(violation.position() <= Some(text.len()));
        last = violation.position();
        let line = violation.to_string();
        assert!(line.starts_with('#') && !line.contains(char::is_control));
        assert!(line.len() < 10_000);
        let (pointer, _) = line.split_once(": ").expect("a pointer, a colon, a text");
        triples.push((pointer.to_owned(), violation.position(), violation.kind()));
    }
    // The reference compares every name with every other: not for long inputs, nor for more than there is room for.
    if text.len() > 1 << 14 || violations.overflowed() {
        return;
    }
    let ours = Verdict {
        violations: triples,
        parts,
    };
    assert_eq!(ours, reference(), "{}", String::from_utf8_lossy(text));
}

fn text(string: JsonStr<'_>) -> String {
    string.chars().collect()
}

/// Allocates nothing, and takes steps in proportion to the input. They are counted where the reader counts them:
/// under a fuzzer.
fn linear<R>(length: usize, validate: impl FnOnce() -> R) -> R {
    #[cfg(fuzzing)]
    let _ = sealpost_json::take_steps();
    let result = bounded(length, 0, 0, validate);
    #[cfg(fuzzing)]
    {
        let steps = sealpost_json::take_steps();
        assert!(
            steps <= 16 * length + 64,
            "{steps} steps for {length} bytes"
        );
    }
    result
}
