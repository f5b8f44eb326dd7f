//! Values of the shapes that cost the validator differently.

use std::fmt::Write as _;

use sealpost_json::{MAX_DEPTH, MAX_MEMBERS};

/// Values of `bytes` bytes, each of another shape, with its name. Members fill the value; there are 1,024 of
/// them at most, and at 64 KiB exactly as many.
///
/// # Panics
///
/// If `bytes` is below 512.
#[must_use]
pub fn shapes(bytes: usize) -> [(&'static str, String); 10] {
    [
        (
            "members, counted",
            members(bytes, |i| format!("member_{i:04}")),
        ),
        (
            "members, scattered",
            members(bytes, |i| format!("{:016x}", scatter(i))),
        ),
        (
            "members, escaped",
            members(bytes, |i| format!(r"member\u005f{i:04}")),
        ),
        ("members, short", short_members(bytes)),
        (
            "one string, ASCII",
            string(bytes, "correct horse battery staple "),
        ),
        ("one string, two-byte", string(bytes, "пароль")),
        ("one string, three-byte", string(bytes, "密码")),
        ("one string, escapes", string(bytes, r#"line\n\"quoted\" "#)),
        ("numbers", numbers(bytes)),
        ("nesting 64 deep", nested(bytes)),
    ]
}

/// A value that looks like people's: strings, numbers, nested objects.
///
/// # Panics
///
/// If `bytes` is below 32.
#[must_use]
pub fn realistic(bytes: usize) -> String {
    let mut value = String::from("{");
    for i in 0.. {
        let mut member = String::new();
        write!(
            member,
            r#""connection_{i}": {{"host": "db-{i}.internal.example", "port": {}, "user": "svc_{i}", "password": "p@ss w0rd {i}", "tls": true, "roles": ["read", "write"]}}, "#,
            5432 + i
        )
        .expect("a string takes any text");
        if value.len() + member.len() + 20 > bytes {
            break;
        }
        value += &member;
    }
    pad(value + r#""end": null}"#, bytes)
}

/// The request to store `value`.
#[must_use]
pub fn request(value: &str) -> Vec<u8> {
    format!(r#"{{"secret":{{"name":"my-secret","type":"PASSWORD","value":{value}}}}}"#).into_bytes()
}

/// How many members `value` has at its top level, if it is one of [`shapes`] or [`realistic`].
///
/// # Panics
///
/// If it is no JSON object.
#[must_use]
pub fn top_level_members(value: &str) -> usize {
    sealpost_json::members(value.as_bytes()).fold(0, |members, member| {
        member.expect("shapes are JSON");
        members + 1
    })
}

fn string(bytes: usize, unit: &str) -> String {
    let text = unit.repeat((bytes - 8) / unit.len());
    pad(format!(r#"{{"a":"{text}"}}"#), bytes)
}

fn members(bytes: usize, name: fn(usize) -> String) -> String {
    const WIDTH: usize = 64;
    let body: Vec<String> = (0..(bytes / WIDTH).min(MAX_MEMBERS))
        .map(|i| {
            let member = format!(r#""{}":"""#, name(i));
            let fill = "x".repeat(WIDTH - 2 - member.len());
            member.replace(r#":"""#, &format!(r#":"{fill}""#))
        })
        .collect();
    pad(format!("{{{}}}", body.join(",")), bytes)
}

/// Shorter than `bytes`, if that would take more members than there may be.
fn short_members(bytes: usize) -> String {
    let body: Vec<String> = (0..MAX_MEMBERS.min(bytes / 11))
        .map(|i| format!(r#""{i:x}":{i}"#))
        .collect();
    format!("{{{}}}", body.join(","))
}

fn numbers(bytes: usize) -> String {
    let numbers = ["0", "-1", "5432", "3.14159265358979", "6.02e23", "1000000"];
    let mut text = String::from(r#"{"a":[0"#);
    for number in numbers.iter().cycle() {
        if text.len() + number.len() + 3 > bytes {
            break;
        }
        text = text + "," + number;
    }
    pad(text + "]}", bytes)
}

fn nested(bytes: usize) -> String {
    let deep = MAX_DEPTH - 2;
    let unit = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
    let count = (bytes - 8) / (unit.len() + 1);
    pad(
        format!(r#"{{"a":[{}]}}"#, vec![unit; count].join(",")),
        bytes,
    )
}

fn pad(mut value: String, bytes: usize) -> String {
    assert!(value.len() <= bytes && value.ends_with('}'));
    value.pop();
    value += &" ".repeat(bytes - value.len() - 1);
    value + "}"
}

fn scatter(i: usize) -> u64 {
    (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}
