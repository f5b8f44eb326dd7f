//! No body makes validation panic, and what it says holds together: the list is in order and
//! printable, and what was accepted is accepted again as a value alone, field by field.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_validator::{
    MAX_MEMBERS, MAX_NAME, Naming, Slot, Violations, find_property, validate_key, validate_name,
    validate_request, validate_type, validate_value,
};

fuzz_target!(|body: &[u8]| {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<64>::new();
    let request = validate_request(body, &mut scratch, &mut violations);
    assert_eq!(request.is_some(), violations.is_empty());

    let mut last = Some(0);
    for violation in &violations {
        assert!(violation.position() >= last && violation.position() <= Some(body.len()));
        last = violation.position();
        let line = violation.to_string();
        assert!(line.starts_with('#') && line.contains(": ") && !line.contains(char::is_control));
        assert!(line.len() < 10_000);
    }

    let Some(request) = request else { return };
    let mut buffer = [0; MAX_NAME];
    let name = request
        .name
        .decode_into(&mut buffer)
        .expect("names have at most MAX_NAME bytes");
    assert!(validate_name(name).is_ok());
    if let Some(secret_type) = request.secret_type {
        let text: String = secret_type.chars().collect();
        assert!(validate_type(&text).is_ok());
    }
    let key: Option<String> = request.key.map(|key| key.chars().collect());
    let mut violations = Violations::<64>::new();
    let value = request.value.as_bytes();
    let again = validate_value(
        value,
        key.as_deref(),
        Naming::Withhold,
        &mut scratch,
        &mut violations,
    );
    assert_eq!(again, Some(request.value), "{violations:?}");
    if let Some(key) = key {
        assert!(validate_key(&key).is_ok());
        assert!(find_property(value, &key).expect("validated").is_some());
    }
});
