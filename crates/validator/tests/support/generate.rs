//! Random requests that get deep: nearly all JSON, mostly of the right shape, with names that
//! meet, and then bytes changed at random.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::strategy::BoxedStrategy;

/// The body of a request.
pub(crate) fn request() -> impl Strategy<Value = Vec<u8>> {
    let member = prop_oneof![
        8 => (name(&["secret"]), secret()),
        1 => (name(&["secret"]), json()),
        2 => (name(&["x", "y"]), json()),
    ];
    let members = prop_oneof![
        9 => (Just(r#""secret""#.to_owned()), secret()).prop_map(|member| vec![member]),
        3 => vec(member, 0..4),
        1 => many(),
    ];
    (mark(), space(), object_of(members), space()).prop_map(|(mark, before, object, behind)| {
        (mark + &before + &object + &behind).into_bytes()
    })
}

/// A value, now and then none.
pub(crate) fn value() -> impl Strategy<Value = Vec<u8>> {
    (
        mark(),
        space(),
        prop_oneof![9 => value_text(), 1 => json()],
        space(),
    )
        .prop_map(|(mark, before, value, behind)| (mark + &before + &value + &behind).into_bytes())
}

/// Changes, drops, doubles or cuts a few bytes.
pub(crate) fn mutated(input: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![
        6 => select(br#"{}[]",:\u0eE+-.n "#.to_vec()),
        1 => Just(b'\n'),
        1 => any::<u8>(),
    ];
    let mutation = (any::<prop::sample::Index>(), 0..5_u8, byte);
    (input, vec(mutation, 1..4)).prop_map(|(mut bytes, mutations)| {
        for (index, what, byte) in mutations {
            let at = index.index(bytes.len() + 1);
            match what {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => _ = bytes.remove(at),
                3 => bytes.truncate(at),
                _ => bytes.extend_from_within(at..bytes.len().min(at + 9)),
            }
        }
        bytes
    })
}

/// How many slots there are.
pub(crate) fn limit() -> impl Strategy<Value = usize> {
    prop_oneof![3 => 0..8_usize, 1 => Just(1024)]
}

/// A key that is decoded, often one that values have.
pub(crate) fn key() -> impl Strategy<Value = String> {
    let known = [
        "a", "b", "ab", "é", "\"", "\\", "a.b", "", "\0", "😀", "\u{7F}",
    ];
    prop_oneof![
        select(known.to_vec()).prop_map(str::to_owned),
        any::<String>()
    ]
}

/// A text as JSON.
pub(crate) fn quote(text: &str) -> String {
    let escape = |c: char| match c {
        '"' | '\\' | '\0'..='\x1F' => format!("\\u{:04x}", u32::from(c)),
        _ => c.to_string(),
    };
    format!("\"{}\"", text.chars().map(escape).collect::<String>())
}

fn mark() -> impl Strategy<Value = String> {
    prop_oneof![40 => Just(""), 1 => Just("\u{FEFF}")].prop_map(str::to_owned)
}

fn secret() -> impl Strategy<Value = String> {
    let text = prop_oneof![4 => string(), 1 => json()];
    let simple = (Just(r#""name""#.to_owned()), Just(r#""n""#.to_owned()));
    let value = (Just(r#""value""#.to_owned()), value_text().boxed());
    let key = select(vec!["a", "b", "ab", "\\u0061", "é", "\\\"", "\\\\"])
        .prop_map(|key| format!("\"{key}\""));
    let kind = select(vec![r#""PASSWORD""#, r#""a_1""#]).prop_map(str::to_owned);
    let member = prop_oneof![
        3 => (name_of("name"), text.clone()),
        3 => (name_of("key"), text.clone()),
        3 => (name_of("type"), text),
        3 => (name_of("value"), value_text()),
        1 => (name(&["value"]), json()),
        1 => (string(), json()),
        1 => Just((r#""name""#.to_owned(), format!("\"{}\"", "é".repeat(300)))),
    ];
    let sound = prop_oneof![
        (simple.clone(), value.clone()).prop_map(|(name, value)| vec![name, value]),
        (simple.clone(), value.clone(), key.clone())
            .prop_map(|(name, value, key)| { vec![name, (r#""key""#.to_owned(), key), value] }),
        (simple.clone(), value.clone(), key, kind).prop_map(|(name, value, key, kind)| {
            let (key, kind) = ((r#""key""#.to_owned(), key), (r#""type""#.to_owned(), kind));
            vec![value, kind, key, name]
        }),
    ];
    object_of(prop_oneof![8 => sound, 4 => vec(member, 0..6), 1 => many()])
}

/// More members than a request may have.
fn many() -> impl Strategy<Value = Vec<(String, String)>> {
    (60..70_usize, name(&["secret", "name", "value"])).prop_map(|(count, known)| {
        let member = |i| (format!("\"{}\"", i % 66), "1".to_owned());
        (0..count)
            .map(member)
            .chain([(known, "{}".to_owned())])
            .collect()
    })
}

fn value_text() -> BoxedStrategy<String> {
    let long = || {
        let units = select(vec!["a", "\\u0061", "é", "\\u00e9\\n"]);
        (units, 60..70_usize, select(vec!["", "x", "y"]))
            .prop_map(|(unit, count, end)| format!("\"{}{end}\"", unit.repeat(count)))
    };
    let names =
        prop_oneof![12 => name(&["a", "a", "b", "ab", "é", "c", "d"]), 2 => string(), 1 => long()];
    let member = (names, prop_oneof![9 => scalar(), 2 => json(), 1 => deep()]);
    let few = prop_oneof![5 => 0..3_usize, 1 => 0..10_usize];
    object_of(few.prop_flat_map(move |count| vec(member.clone(), count))).boxed()
}

/// Near the limit of depth.
fn deep() -> impl Strategy<Value = String> {
    (60..67_usize, any::<bool>()).prop_map(|(levels, objects)| {
        let (open, close) = if objects {
            (r#"{"a":"#, "}")
        } else {
            ("[", "]")
        };
        format!(
            "{}{}{}",
            open.repeat(levels - 1),
            "[]",
            close.repeat(levels - 1)
        )
    })
}

fn json() -> BoxedStrategy<String> {
    prop_oneof![scalar(), deep()]
        .prop_recursive(4, 24, 4, |inner| {
            let items = vec((space(), inner.clone()), 0..4).prop_map(|items| {
                let items: Vec<String> = items.into_iter().map(|(s, item)| s + &item).collect();
                format!("[{}]", items.join(","))
            });
            prop_oneof![items, object_of(vec((string(), inner), 0..4))]
        })
        .boxed()
}

fn object_of(
    members: impl Strategy<Value = Vec<(String, String)>>,
) -> impl Strategy<Value = String> {
    (members, space(), space()).prop_map(|(members, before, behind)| {
        let members: Vec<String> = members
            .into_iter()
            .map(|(name, value)| format!("{before}{name}{behind}:{before}{value}"))
            .collect();
        format!("{{{}{behind}}}", members.join(","))
    })
}

fn scalar() -> impl Strategy<Value = String> {
    let other = select(vec![
        "null",
        "true",
        "false",
        "0",
        "-0",
        "1.50",
        "-12e+3",
        "1E400",
        "12345678901234567890",
    ]);
    prop_oneof![other.prop_map(str::to_owned), string()]
}

fn string() -> impl Strategy<Value = String> {
    let piece = select(vec![
        "a",
        "b",
        "A",
        ".",
        "_",
        "1",
        "é",
        "😀",
        " ",
        "~",
        "/",
        "\u{7F}",
        "\u{2028}",
        "correct horse",
        "\\u0061",
        "\\n",
        "\\\"",
        "\\\\",
        "\\/",
        "\\ud83d\\ude00",
        "\\u0000",
        "\\u00E9",
    ]);
    let half = select(vec!["\\ud83d", "\\ude00", "\\uDBFF\\u0041"]);
    let piece = prop_oneof![40 => piece, 1 => half];
    vec(piece, 0..6).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![8 => Just(""), 1 => Just(" "), 1 => Just("\n\t\r ")].prop_map(str::to_owned)
}

/// One of the names, as it is, with an escape, or in another case.
fn name(names: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    (select(names.to_vec()), 0..20_u8).prop_map(|(name, how)| {
        let mut chars = name.chars();
        let first = chars.next().expect("no name here is empty");
        let rest = chars.as_str();
        match how {
            0 => format!("\"{}{rest}\"", first.to_ascii_uppercase()),
            1 => format!("\"{}\"", name.to_ascii_uppercase()),
            2..6 => format!("\"\\u{:04x}{rest}\"", u32::from(first)),
            _ => format!("\"{name}\""),
        }
    })
}

fn name_of(name_text: &'static str) -> impl Strategy<Value = String> + use<> {
    name(&[name_text])
}
