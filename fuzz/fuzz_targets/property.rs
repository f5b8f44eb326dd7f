//! A stored value and a key: no panic; what is found is a span of the value and stands there once;
//! and the resolver finds a property exactly where validation says that there is one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealpost_validator::{
    MAX_MEMBERS, Naming, Slot, Violations, find_property, validate_key, validate_value,
};

fuzz_target!(|input: (&str, &[u8])| {
    let (key, value) = input;
    let found = find_property(value, key);
    match found {
        Ok(Some(span)) => {
            let within = value.as_ptr_range();
            let span = span.as_bytes().as_ptr_range();
            assert!(within.start < span.start && span.end < within.end);
        }
        Ok(None) => {}
        Err(error) => assert!(error.position() <= value.len()),
    }

    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let mut violations = Violations::<4>::new();
    if validate_value(value, None, Naming::List, &mut scratch, &mut violations).is_some() {
        let found = found.expect("what is valid can be read");
        let sound = validate_key(key).is_ok();
        let has = validate_value(
            value,
            Some(key),
            Naming::List,
            &mut scratch,
            &mut violations,
        );
        assert_eq!(has.is_some(), sound && found.is_some(), "{violations:?}");
    }
});
