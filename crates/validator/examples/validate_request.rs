//! Checks the body of a request: takes one apart, and names everything that is wrong with another.
//!
//!     cargo run -p sealpost-validator --example validate_request

use sealpost_validator::{MAX_MEMBERS, Slot, Violations, validate_request};

fn main() {
    // Scratch for the names of the value's members: fewer slots, fewer members. Nothing is allocated.
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];

    let good = br#"{"secret": {"name": "prod/db", "key": "password", "value": {"password": "hunter2", "port": 5432}}}"#;
    let mut violations = Violations::<16>::new();
    let request = validate_request(good, &mut scratch, &mut violations).expect("it breaks no rule");
    // The value as it was sent, byte for byte: numbers keep their digits, members their order.
    assert_eq!(
        request.value.as_str(),
        r#"{"password": "hunter2", "port": 5432}"#
    );
    let place = request.value.span();
    println!("good: the value is at {place:?}");

    let bad = br#"{"secret": {"name": "", "key": "user.name", "value": ["hunter2"]}}"#;
    let mut violations = Violations::<16>::new();
    assert!(validate_request(bad, &mut scratch, &mut violations).is_none());
    for violation in violations.iter() {
        // No line repeats a value.
        println!("bad:  {violation}");
    }
}
