//! The other formats' parsers on large and hostile inputs: memory stays below a small multiple of the input, and grows
//! as it does. How much work they do is counted in `growth.rs`.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

use proptest::{prelude::*, test_runner::FileFailurePersistence};
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{SecretContext, UnixTime, binding::Binding, cms::Cms, jwe::Jwe, wrapper};
use sealpost_testkit::counting::{Counting, measure};

mod shapes;

use shapes::{content_info, der, ktri, oaep, parse, shapes};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes that `act` has allocated at a time, and all of them.
fn allocated(act: impl FnOnce()) -> (usize, usize) {
    let ((), allocated) = measure(act);
    (allocated.most, allocated.bytes)
}

#[test]
fn memory_stays_a_small_multiple_of_the_input_and_grows_with_it() {
    let sizes = [64 << 10, 128 << 10, 256 << 10, 512 << 10, (1 << 20) - 4096];
    let mut before: Vec<(usize, usize)> = Vec::new();
    for size in sizes {
        let mut now = Vec::new();
        for (n, (name, input)) in shapes(size).into_iter().enumerate() {
            let (most, all) = allocated(|| parse(&input));
            assert!(
                most <= 2 * input.len() + SLACK,
                "{most} bytes at a time for {} of {name}",
                input.len()
            );
            // Every parser gets it, so a few times as much in all.
            assert!(
                all <= 4 * input.len() + SLACK,
                "{all} bytes for {} of {name}",
                input.len()
            );
            if let Some((length, less)) = before.get(n) {
                let grown = input.len().div_ceil(*length);
                assert!(
                    all <= grown * less + SLACK,
                    "{less} bytes for {length}, {all} for {} of {name}",
                    input.len()
                );
            }
            now.push((input.len(), all));
        }
        assert_eq!(now.len(), SHAPES);
        before = now;
    }
}

/// The shapes are what they are called: they get as far as they are meant to.
#[test]
fn the_largest_shapes_are_well_formed() {
    let shapes = shapes(256 << 10);
    let good = |name: &str| &shapes.iter().find(|(n, _)| *n == name).unwrap().1;
    for name in [
        "compact: ciphertext",
        "JSON: ciphertext",
        "JSON: 16 recipients that may be ignored for the most part",
    ] {
        Jwe::parse(good(name)).unwrap();
    }
    for name in [
        "CMS: content",
        "CMS: a name of many parts",
        "CMS: a part of many attributes",
        "CMS: a name that is nested",
        "CMS: 16 recipients",
        "CMS: a long key id",
        "PEM: content",
        "PEM: short lines",
        "PEM: one line",
    ] {
        Cms::parse(good(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    for name in [
        "wrapper: a value of many members",
        "wrapper: a value of escapes",
        "wrapper: levels",
        "binding: a name of escapes",
        "binding: a name of four bytes a character",
    ] {
        wrapper::unwrap(good(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// Well-formed messages of each kind, to be changed.
fn seeds() -> Vec<Vec<u8>> {
    let binding = Binding::new(
        &SecretContext::unchecked("agent-1", "db")
            .with_unchecked_key("k")
            .with_project(ProjectId::from_bytes([7; 16])),
    );
    let binding = binding.with_use("j-1", UnixTime::from_secs(7)).unwrap();
    let header = format!(
        r#"{{"alg":"RSA-OAEP-256","enc":"A256GCM","sealpost":{}}}"#,
        binding.to_json()
    );
    let header =
        <base64ct::Base64UrlUnpadded as base64ct::Encoding>::encode_string(header.as_bytes());
    let rest = r#""iv":"AAAAAAAAAAAAAAAA","ciphertext":"AAAA","tag":"AAAAAAAAAAAAAAAAAAAAAA""#;
    let kid = r#"{"kid":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}"#;
    let name = der(0x30, &[&der(0x30, &[])[..], &[2, 1, 1]].concat());
    let recipients = [
        ktri(&der(0x80, &[1; 20]), &oaep(&[]), &[7; 64]),
        ktri(&name, &oaep(&[]), &[7; 64]),
    ];
    let cms = content_info(&[recipients[0].clone()], &[7; 12], b"message", &[7; 16]);
    let two = content_info(
        &[recipients[1].clone(), recipients[0].clone()],
        &[7; 12],
        b"message",
        &[7; 16],
    );
    let seeds = vec![
        format!("{header}.AAAA.AAAAAAAAAAAAAAAA.AAAA.AAAAAAAAAAAAAAAAAAAAAA").into_bytes(),
        format!(r#"{{"protected":"{header}","encrypted_key":"AAAA",{rest},"header":{kid}}}"#).into_bytes(),
        format!(r#"{{"protected":"{header}",{rest},"unprotected":{{"x":1}},"recipients":[{{"header":{kid},"encrypted_key":"AAAA"}},{{"encrypted_key":"AA"}}]}}"#).into_bytes(),
        sealpost_envelope::cms::to_pem(&cms).into_bytes(),
        cms,
        two,
        wrapper::wrap(&binding, br#"{"password":"x","n":[1,{"a":"\u00e9"}]}"#).to_vec(),
        binding.to_json().into_bytes(),
    ];
    assert!(seeds[..3].iter().all(|seed| Jwe::parse(seed).is_ok()));
    assert!(seeds[3..5].iter().all(|seed| Cms::parse(seed).is_ok()));
    wrapper::unwrap(&seeds[6]).unwrap();
    seeds
}

/// A change at a place, given as a fraction of the length.
#[derive(Clone, Debug)]
enum Change {
    Set(f64, u8),
    Insert(f64, Vec<u8>),
    Remove(f64, usize),
    Repeat(f64, usize, usize),
    Cut(f64),
}

fn change() -> impl Strategy<Value = Change> {
    let place = 0.0..1.0;
    let tokens = prop::sample::select(vec![
        "\"", "{", "}", "[", "]", ",", ".", "\\u0061", "\\", "=", "0\u{80}", "-----",
    ]);
    prop_oneof![
        (place.clone(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (place.clone(), tokens).prop_map(|(at, token)| Change::Insert(at, token.into())),
        (place.clone(), prop::collection::vec(any::<u8>(), 1..6))
            .prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (place.clone(), 1_usize..20).prop_map(|(at, count)| Change::Remove(at, count)),
        (place.clone(), 1_usize..40, 1_usize..40)
            .prop_map(|(at, count, times)| Change::Repeat(at, count, times)),
        place.prop_map(Change::Cut),
    ]
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss
)] // a place in a test's input
fn apply(bytes: &mut Vec<u8>, change: &Change) {
    let place = |at: f64| (at * bytes.len() as f64) as usize;
    match change {
        Change::Set(at, byte) => {
            let at = place(*at);
            if let Some(place) = bytes.get_mut(at) {
                *place = *byte;
            }
        }
        Change::Insert(at, new) => {
            let at = place(*at);
            bytes.splice(at..at, new.iter().copied());
        }
        Change::Remove(at, count) => {
            let at = place(*at);
            bytes.drain(at..(at + count).min(bytes.len()));
        }
        Change::Repeat(at, count, times) => {
            let at = place(*at);
            let piece = bytes[at..(at + count).min(bytes.len())].repeat(*times);
            bytes.splice(at..at, piece);
        }
        Change::Cut(at) => bytes.truncate(place(*at)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: Some(Box::new(FileFailurePersistence::WithSource("regressions"))),
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_make_a_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let (most, _) = allocated(|| parse(&bytes));
        prop_assert!(most <= 2 * bytes.len() + SLACK);
    }

    #[test]
    fn no_change_makes_a_parser_panic(seed in 0_usize..8, changes in prop::collection::vec(change(), 1..6)) {
        let mut bytes = seeds().swap_remove(seed);
        changes.iter().for_each(|change| apply(&mut bytes, change));
        let (most, _) = allocated(|| parse(&bytes));
        prop_assert!(most <= 2 * bytes.len() + SLACK);
    }
}

/// For the lists of recipients and header parameters, whose lengths are limited.
const SLACK: usize = 16 * 1024;
const SHAPES: usize = 49;
