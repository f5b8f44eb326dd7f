//! Validation by shape and size, each beside its floor: `core::str::from_utf8` and a skip by
//! `serde_json` over the same bytes. The floor checks less (no limits, no duplicates, no lone
//! surrogates); it is the price of looking at every byte twice.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealpost_validator::{
    MAX_DEPTH, MAX_MEMBERS, MAX_VALUE, Naming, Slot, Violations, find_property, validate_request,
    validate_value,
};
use serde::de::IgnoredAny;

/// A value of exactly 64 KiB for each shape that costs differently.
fn shapes() -> Vec<(&'static str, String)> {
    let string = |unit: &str| {
        let text = unit.repeat((MAX_VALUE - 8) / unit.len());
        pad(format!(r#"{{"a":"{text}"}}"#), MAX_VALUE)
    };
    let members = |name: fn(usize) -> String| {
        let width = MAX_VALUE / MAX_MEMBERS;
        let body: Vec<String> = (0..MAX_MEMBERS)
            .map(|i| {
                let member = format!(r#""{}":"""#, name(i));
                let fill = "x".repeat(width - 2 - member.len());
                member.replace(r#":"""#, &format!(r#":"{fill}""#))
            })
            .collect();
        pad(format!("{{{}}}", body.join(",")), MAX_VALUE)
    };
    let nested = {
        let deep = MAX_DEPTH - 2;
        let unit = format!("{}{}", "[".repeat(deep), "]".repeat(deep));
        let count = (MAX_VALUE - 8) / (unit.len() + 1);
        pad(
            format!(r#"{{"a":[{}]}}"#, vec![unit; count].join(",")),
            MAX_VALUE,
        )
    };
    vec![
        (
            "1024 members, counted",
            members(|i| format!("member_{i:04}")),
        ),
        (
            "1024 members, scattered",
            members(|i| format!("{:016x}", scatter(i))),
        ),
        (
            "1024 members, escaped",
            members(|i| format!(r"member\u005f{i:04}")),
        ),
        ("1024 members, short", {
            let members: Vec<String> = (0..MAX_MEMBERS)
                .map(|i| format!(r#""{i:x}":{i}"#))
                .collect();
            format!("{{{}}}", members.join(","))
        }),
        ("one string, ASCII", string("correct horse battery staple ")),
        ("one string, two-byte", string("пароль")),
        ("one string, three-byte", string("密码")),
        ("one string, escapes", string(r#"line\n\"quoted\" "#)),
        ("nesting 64 deep", nested),
    ]
}

/// A value that looks like people's: strings, numbers, nested objects.
fn realistic(bytes: usize) -> String {
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

fn pad(mut value: String, bytes: usize) -> String {
    assert!(value.len() <= bytes && value.ends_with('}'));
    value.pop();
    value += &" ".repeat(bytes - value.len() - 1);
    value + "}"
}

fn scatter(i: usize) -> u64 {
    (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn request(value: &str) -> Vec<u8> {
    format!(r#"{{"secret":{{"name":"my-secret","type":"PASSWORD","value":{value}}}}}"#).into_bytes()
}

fn floor(body: &[u8]) -> usize {
    let text = std::str::from_utf8(body).expect("shapes are UTF-8");
    serde_json::from_str::<IgnoredAny>(text).expect("shapes are JSON");
    text.len()
}

fn validation(c: &mut Criterion) {
    let mut group = c.benchmark_group("validate_request");
    group
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    let sizes = [1, 4, 16, 64].map(|kib| (format!("realistic, {kib} KiB"), realistic(kib << 10)));
    let shapes = shapes()
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value));
    for (name, value) in shapes.chain(sizes) {
        let body = request(&value);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("ours", &name), |b| {
            let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
            let mut violations = Violations::<64>::new();
            b.iter(|| {
                let request = validate_request(black_box(&body), &mut scratch, &mut violations);
                request.expect("shapes are valid").value.len()
            });
        });
        group.bench_function(BenchmarkId::new("floor", &name), |b| {
            b.iter(|| floor(black_box(&body)));
        });
    }
}

fn value_alone(c: &mut Criterion) {
    let value = realistic(64 << 10);
    let mut group = c.benchmark_group("value");
    group
        .measurement_time(Duration::from_secs(2))
        .throughput(Throughput::Bytes(value.len() as u64));
    group.bench_function("validate_value", |b| {
        let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
        let mut violations = Violations::<64>::new();
        b.iter(|| {
            let value = black_box(value.as_bytes());
            let key = Some("end");
            validate_value(value, key, Naming::List, &mut scratch, &mut violations).is_some()
        });
    });
    group.bench_function("find_property", |b| {
        b.iter(|| find_property(black_box(value.as_bytes()), "end").expect("valid"));
    });
}

criterion_group!(benches, validation, value_alone);
criterion_main!(benches);
