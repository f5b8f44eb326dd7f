//! MemberNames are told apart, and what it costs.

use std::collections::{BTreeMap, BTreeSet};
use std::string::String;
use std::vec::Vec;
use std::{format, vec};

use proptest::prelude::*;

use super::*;
use crate::scan::Scanner;
use crate::steps;
use crate::string::JsonStr;

/// An object with these names, as they are sent.
fn object(names: impl IntoIterator<Item = String>) -> String {
    let member = |name| format!("\"{name}\":null");
    format!(
        "{{{}}}",
        names.into_iter().map(member).collect::<Vec<_>>().join(",")
    )
}

/// What the insertion of each name says. Before the one with the number `moves` the names move
/// to the tree, if they are in the table still.
fn insert_all(names: &mut MemberNames<'_, '_>, object: &str, moves: usize) -> Vec<Inserted> {
    let mut scan = Scanner::new(object.as_bytes());
    let mut first = true;
    let mut results = Vec::new();
    scan.open_object();
    while let Some(token) = scan.member(&mut first).unwrap() {
        if results.len() == moves && names.root.is_none() {
            names.move_to_tree();
        }
        results.push(names.insert(token));
        scan.skip_value(1).unwrap();
    }
    results
}

/// A code point, perhaps half a surrogate pair, as sent.
fn raw((code_point, escape): &(u32, bool)) -> String {
    match char::from_u32(*code_point) {
        Some(c @ ('"' | '\\')) if !escape => format!("\\{c}"),
        Some(c) if !escape && c >= ' ' => c.into(),
        Some(c) => c
            .encode_utf16(&mut [0; 2])
            .iter()
            .map(|u| format!("\\u{u:04x}"))
            .collect(),
        None => format!("\\u{code_point:04X}"),
    }
}

/// MemberNames that share much: beginnings, bits, ends; around [`SHORT`] and longer.
fn name() -> impl Strategy<Value = Vec<(u32, bool)>> {
    let pool: Vec<u32> = "aab`c\u{e1}é😁😀\0\"\\/"
        .chars()
        .map(u32::from)
        .chain([0xD83D])
        .collect();
    let unit = (proptest::sample::select(pool), any::<bool>());
    let run = (prop_oneof![0..4_usize, 60..67_usize], any::<bool>());
    (run, proptest::collection::vec(unit, 0..4)).prop_map(|((count, escape), tail)| {
        let run = vec![(u32::from('a'), escape); count];
        run.into_iter().chain(tail).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn names_are_told_apart_by_what_they_decode_to(
        names in proptest::collection::vec(name(), 0..40),
        absent in name(),
        limit in 0..40_usize,
        moves in 0..60_usize,
        junk in 0..1000_usize,
    ) {
        let sent = |name: &Vec<_>| name.iter().map(raw).collect::<String>();
        let decoded = |name: &Vec<(u32, bool)>| name.iter().map(|(c, _)| *c).collect::<Vec<_>>();
        let text = object(names.iter().map(sent));
        let links = [Link::new(junk, junk % 2 == 0), Link::new(junk % 40, true)];
        let mut slots = vec![Slot::new(junk, junk, links); limit];
        let mut tree = MemberNames::new(&text, &mut slots);
        let results = insert_all(&mut tree, &text, moves);

        let mut seen = BTreeMap::new();
        let mut start = "{\"".len();
        for (name, result) in names.iter().zip(results) {
            let expected = match seen.get(&decoded(name)) {
                Some(first) => Inserted::Duplicate(*first),
                None if seen.len() == limit => Inserted::Full,
                None => {
                    seen.insert(decoded(name), start);
                    Inserted::New
                }
            };
            prop_assert_eq!(result, expected);
            start += sent(name).len() + "\":null,\"".len();
        }
        for name in names.iter().chain([&absent]) {
            let known = seen.contains_key(&decoded(name));
            prop_assert_eq!(tree.contains(Key::Sent(JsonStr::new(&sent(name), true))), known);
            let chars = decoded(name).into_iter().map(char::from_u32);
            if let Some(text) = chars.collect::<Option<String>>() {
                prop_assert_eq!(tree.contains(Key::Decoded(&text)), known);
            }
        }
    }
}

/// MemberNames of one bucket, if there are as many buckets as there may be members.
fn in_one_bucket(count: usize) -> Vec<String> {
    let bucket = |name: &String| (hash::hash(name.as_bytes()) * MAX_MEMBERS) >> slot::HASH_BITS;
    let names = (0..).map(|i| format!("member_{i}"));
    names.filter(|name| bucket(name) == 7).take(count).collect()
}

#[test]
fn only_names_that_collide_move_to_the_tree() {
    let scattered = |i: usize| format!("{:016x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    for (names, move_) in [
        ((0..1024).map(scattered).collect(), false),
        ((0..1024).map(|i| format!("member_{i}")).collect(), false),
        ((0..1024).map(|i| format!("{i:x}")).collect(), false),
        (in_one_bucket(11), false),
        (in_one_bucket(40), true),
    ] as [(Vec<String>, bool); 5]
    {
        let text = object(names.iter().chain(&names).cloned());
        let mut slots = [Slot::EMPTY; MAX_MEMBERS];
        let mut tree = MemberNames::new(&text, &mut slots);
        let results = insert_all(&mut tree, &text, usize::MAX);
        assert_eq!(tree.root.is_some(), move_, "{}", names[0]);
        let (new, again) = results.split_at(names.len());
        assert!(new.iter().all(|result| *result == Inserted::New));
        let duplicate = |result: &_| matches!(result, Inserted::Duplicate(_));
        assert!(again.iter().all(duplicate));
    }
}

/// MemberNames that would cost the most: whatever they are, the steps stay below a fixed multiple of
/// the object's bytes, and it is told which are new.
#[test]
fn the_work_is_linear_whatever_the_names_are() {
    // A node for each bit of a name, some of them gone past twice, its bytes read a few times,
    // and, in the table, compared with a chain of names would be the most there could be: about
    // 30. These names stay below 6.
    const STEPS_PER_BYTE: usize = 6;

    let escaped = |name: String| {
        name.bytes()
            .map(|b| format!("\\u{b:04x}"))
            .collect::<String>()
    };
    let flipped = |i: usize| {
        let mut name = vec![b'a'; 64];
        name[i / 5] ^= 1 << (i % 5);
        String::from_utf8(name).unwrap()
    };
    let long = |bytes| "a".repeat(bytes);
    let chain = |count: usize| (0..count).map(move |i| "a".repeat(i));
    let scattered = |i: usize| format!("{:016x}", i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let families: Vec<(&str, Vec<String>)> = vec![
        (
            "long common beginning",
            (0..1024).map(|i| format!("{}{i:04}", long(50))).collect(),
        ),
        ("each the beginning of the next", chain(350).collect()),
        (
            "each the beginning of the one before",
            chain(350).rev().collect(),
        ),
        ("one bit apart, deep", (0..320).map(flipped).collect()),
        (
            "one bit apart, deep, reversed",
            (0..320).rev().map(flipped).collect(),
        ),
        (
            "one bit apart, each twice",
            (0..640).map(|i| flipped(i % 320)).collect(),
        ),
        // Each of the last 55 parts from the others far above the end of its path, and there are names
        // with the same bit that leave the path at many places.
        ("one bit apart, in between, each twice", {
            let other = |i: usize| {
                let mut name = flipped(i / 3);
                let at = 6 + 6 * (i % 3);
                name.replace_range(at..=at, "s");
                name
            };
            let halves = (5..115).step_by(2).chain((6..115).step_by(2));
            let all = (15..345).map(other).chain(halves.map(flipped));
            all.clone().chain(all).collect()
        }),
        (
            "one bit apart, escaped",
            (0..170).map(flipped).map(escaped).collect(),
        ),
        (
            "long, then short",
            [long(50_000)].into_iter().chain(chain(170)).collect(),
        ),
        (
            "short, then long",
            chain(170).chain([long(50_000)]).collect(),
        ),
        ("long, then the same short", {
            let short = (0..1000).map(|_| long(1));
            [escaped(long(9000))].into_iter().chain(short).collect()
        }),
        ("escaped, chained", chain(140).map(escaped).collect()),
        ("counted", (0..1024).map(|i| format!("{i}")).collect()),
        (
            "counted down",
            (0..1024).rev().map(|i| format!("{i}")).collect(),
        ),
        ("scattered", (0..1024).map(scattered).collect()),
        ("in one bucket", in_one_bucket(300)),
        (
            "with one hash",
            (0..1024)
                .map(|i| format!("{}{i:04}", long(SHORT)))
                .collect(),
        ),
        ("all the same", (0..1024).map(|_| long(50)).collect()),
        ("all empty", (0..1024).map(|_| String::new()).collect()),
    ];
    for (family, names) in families {
        let count = names.len();
        let mut seen = BTreeSet::new();
        let spelled = |name| JsonStr::new(name, true).chars().collect::<String>();
        let expected: Vec<_> = names.iter().map(|n| seen.insert(spelled(n))).collect();
        let text = object(names);
        assert!(text.len() < MAX_TEXT, "{family} has {} bytes", text.len());
        let mut slots = [Slot::EMPTY; MAX_MEMBERS];
        let most = STEPS_PER_BYTE * text.len();
        for moves in [0, usize::MAX] {
            let mut names = MemberNames::new(&text, &mut slots);
            let (results, steps) = steps::taken_by(|| insert_all(&mut names, &text, moves));
            let new = results.iter().map(|result| *result == Inserted::New);
            assert!(new.eq(expected.iter().copied()), "{family}");
            assert!(
                steps >= count - 1,
                "{family}: {steps} steps are too few to be true"
            );
            assert!(
                steps <= most,
                "{family}: {steps} steps for {} bytes",
                text.len()
            );
        }
    }
}
