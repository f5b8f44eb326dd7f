//! The crate and the slow reference agree on random requests, sound, nearly sound and broken.

#[path = "support/generate.rs"]
mod generate;
#[path = "support/reader.rs"]
mod reader;
#[path = "support/reference.rs"]
mod reference;

use proptest::prelude::*;
use sealpost_json::find_property;
use sealpost_validator::{
    JsonStr, MAX_MEMBERS, Naming, Request, Slot, Violation, ViolationKind, Violations,
    validate_request, validate_value,
};

use crate::reference::{Parts, Verdict};

/// More than is usual, unless the environment says how many.
fn cases() -> ProptestConfig {
    let config = ProptestConfig::default();
    let said = std::env::var_os("PROPTEST_CASES").is_some();
    ProptestConfig {
        cases: if said { config.cases } else { 4096 },
        ..config
    }
}

/// More violations than any generated input has.
type Room<'a> = Violations<'a, 512>;

fn triples(violations: &Room<'_>) -> Vec<(String, Option<usize>, ViolationKind)> {
    assert!(!violations.overflowed());
    let triple = |violation: &Violation<'_>| {
        let message = violation.to_string();
        let (pointer, _) = message
            .split_once(": ")
            .expect("a pointer, a colon, a text");
        (pointer.to_owned(), violation.position(), violation.kind())
    };
    violations.iter().map(triple).collect()
}

fn text(string: JsonStr<'_>) -> String {
    string.chars().collect()
}

fn parts(request: Request<'_>, body: &[u8]) -> Parts {
    assert_eq!(&body[request.value.span()], request.value.as_bytes());
    Parts {
        name: Some(text(request.name)),
        key: request.key.map(text),
        secret_type: request.secret_type.map(text),
        value: request.value.span(),
    }
}

fn check_request(body: &[u8], limit: usize) -> Verdict {
    let mut scratch = vec![Slot::EMPTY; limit];
    let mut violations = Room::new();
    let request = validate_request(body, &mut scratch, &mut violations);
    let ours = Verdict {
        parts: request.map(|request| parts(request, body)),
        violations: triples(&violations),
    };
    let theirs = reference::request(body, limit);
    assert_eq!(ours, theirs, "{}", String::from_utf8_lossy(body));
    ours
}

fn check_value(value: &[u8], key: Option<&str>, naming: Naming, limit: usize) -> bool {
    let mut scratch = vec![Slot::EMPTY; limit];
    let mut violations = Room::new();
    let found = validate_value(value, key, naming, &mut scratch, &mut violations);
    let range = found.map(|found| {
        assert_eq!(&value[found.span()], found.as_bytes());
        found.span()
    });
    let theirs = reference::value(value, key, naming == Naming::List, limit);
    assert_eq!(
        triples(&violations),
        theirs.violations,
        "{}",
        String::from_utf8_lossy(value)
    );
    assert_eq!(range, theirs.parts.map(|parts| parts.value));
    found.is_some()
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn agrees_on_requests(body in generate::request(), limit in generate::limit()) {
        check_request(&body, limit);
    }

    #[test]
    fn agrees_on_mutated_requests(
        body in generate::mutated(generate::request()),
        limit in generate::limit(),
    ) {
        check_request(&body, limit);
    }

    #[test]
    fn agrees_on_values(
        value in generate::mutated(generate::value()),
        key in proptest::option::of(generate::key()),
        list in any::<bool>(),
        limit in generate::limit(),
    ) {
        let naming = if list { Naming::List } else { Naming::Withhold };
        check_value(&value, key.as_deref(), naming, limit);
    }

    /// The agent's second look agrees with the gateway's first, with the same pointers.
    #[test]
    fn a_value_is_judged_alike_in_a_request_and_alone(
        value in generate::value(),
        key in proptest::option::of(generate::key()),
    ) {
        let mut body = br#"{"secret":{"name":"n","#.to_vec();
        if let Some(key) = &key {
            body.extend(format!(r#""key":{},"#, generate::quote(key)).into_bytes());
        }
        body.extend(br#""value":"#);
        let offset = body.len();
        body.extend(&value);
        body.extend(b"}}");
        let within = check_request(&body, MAX_MEMBERS);

        let alone = reference::value(&value, key.as_deref(), true, MAX_MEMBERS);
        let accepted = check_value(&value, key.as_deref(), Naming::List, MAX_MEMBERS);
        prop_assert_eq!(within.parts.is_some(), accepted);
        let mut moved = alone.violations;
        for (pointer, position, _) in &mut moved {
            let in_key = pointer == "#/secret/key";
            *position = if in_key { Some(28) } else { position.map(|at| at + offset) };
        }
        // A value that ends too early is followed by the rest of the request.
        if !within.violations.iter().any(|(_, _, kind)| *kind == ViolationKind::Syntax) {
            prop_assert_eq!(within.violations, moved);
        }
    }

    /// What was accepted with a key has the property, and no other name is found.
    #[test]
    fn finds_what_was_accepted(body in generate::request(), other in generate::key()) {
        let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
        let mut violations = Violations::<1>::new();
        if let Some(request) = validate_request(&body, &mut scratch, &mut violations) {
            let value = request.value.as_bytes();
            let has = |key: &str| find_property(value, key).expect("validated").is_some();
            if let Some(key) = request.key {
                prop_assert!(has(&text(key)));
            }
            let mut violations = Violations::<1>::new();
            let accepted =
                validate_value(value, Some(&other), Naming::List, &mut scratch, &mut violations);
            let sound = sealpost_context::PropertyKey::try_from(&*other).is_ok();
            prop_assert_eq!(accepted.is_some(), sound && has(&other));
        }
    }

    #[test]
    fn no_bytes_make_it_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        key in any::<String>(),
        limit in generate::limit(),
    ) {
        check_request(&bytes, limit);
        check_value(&bytes, Some(&key), Naming::List, limit);
        let _ = find_property(&bytes, &key);
    }
}

/// The generators reach what they are for: enough requests are accepted, and every kind of
/// violation comes up.
#[test]
fn generated_requests_are_worth_their_while() {
    use std::collections::HashSet;

    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut accepted = 0;
    let mut kinds = HashSet::new();
    for _ in 0..4000 {
        let request = generate::request()
            .new_tree(&mut runner)
            .expect("a tree")
            .current();
        let verdict = reference::request(&request, 8);
        accepted += usize::from(verdict.parts.is_some());
        kinds.extend(verdict.violations.into_iter().map(|(_, _, kind)| kind));
    }
    assert!(
        (400..3600).contains(&accepted),
        "{accepted} of 4000 accepted"
    );
    // All but two: these requests are JSON, and too large ones would take long.
    assert_eq!(kinds.len(), 14, "{kinds:?}");
    assert!(!kinds.contains(&ViolationKind::Syntax) && !kinds.contains(&ViolationKind::TooLarge));
}
