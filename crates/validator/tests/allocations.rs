//! Nothing is allocated: not to validate, not to find a property, not to write a violation down. What
//! never was on the heap can't be left there.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{fmt, fs, path::PathBuf};

use sealpost_json::find_property;
use sealpost_testkit::freed::{Allocator, watch};
use sealpost_validator::{MAX_MEMBERS, Naming, Slot, Violations, validate_request, validate_value};

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// Takes text and keeps nothing of it.
struct Discard;

impl fmt::Write for Discard {
    fn write_str(&mut self, _: &str) -> fmt::Result {
        Ok(())
    }
}

/// Every request in `testdata/requests`, valid or not, and each of them cut off everywhere.
fn requests() -> Vec<Vec<u8>> {
    let folder = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../testdata/requests"
    ));
    let files = [folder.join("refused"), folder].map(|folder| fs::read_dir(folder).unwrap());
    let paths = files
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    let json = paths.filter(|path| path.extension().is_some_and(|kind| kind == "json"));
    let whole: Vec<_> = json.map(|path| fs::read(path).unwrap()).collect();
    assert!(whole.len() >= 8, "the requests have moved");
    let cut = whole
        .iter()
        .flat_map(|body| (0..body.len()).map(|end| body[..end].to_vec()));
    let cut: Vec<_> = cut.collect();
    [whole, cut].concat()
}

#[track_caller]
fn allocates_nothing<R>(operation: impl FnOnce() -> R) {
    let (_, watched) = watch(operation);
    assert_eq!(watched.allocations, 0);
}

#[test]
fn allocations_are_counted() {
    let (_, watched) = watch(|| vec![1]);
    assert_eq!(watched.allocations, 1);
}

#[test]
fn requests_are_validated_without() {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let (mut accepted, mut refused) = (0, 0);
    for body in requests() {
        allocates_nothing(|| {
            let mut violations = Violations::<64>::new();
            match validate_request(&body, &mut scratch, &mut violations) {
                Some(_) => accepted += 1,
                None => refused += 1,
            }
            for violation in violations.iter() {
                fmt::write(&mut Discard, format_args!("{violation}")).unwrap();
            }
        });
    }
    assert!(
        accepted >= 4 && refused > 1000,
        "{accepted} accepted, {refused} refused"
    );
}

#[test]
fn values_are_validated_and_searched_without() {
    let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
    let value = br#"{"user":"billing","pass\u0077ord":"x\"y","nested":{"a":[1,2,3]}}"#;
    allocates_nothing(|| {
        let mut violations = Violations::<8>::new();
        let naming = Naming::List;
        assert!(
            validate_value(
                value,
                Some("password"),
                naming,
                &mut scratch,
                &mut violations
            )
            .is_some()
        );
        assert!(
            validate_value(value, Some("absent"), naming, &mut scratch, &mut violations).is_none()
        );
        assert!(find_property(value, "password").unwrap().is_some());
        assert!(find_property(value, "absent").unwrap().is_none());
    });
}
