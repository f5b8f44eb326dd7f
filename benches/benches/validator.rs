//! Validation by shape and size, each beside its floor: `core::str::from_utf8` and a skip by
//! `serde_json` over the same bytes. The floor checks less (no limits, no duplicates, no lone
//! surrogates); it is the price of looking at every byte twice.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealpost_benches::{
    floor,
    shapes::{realistic, request, shapes},
};
use sealpost_json::find_property;
use sealpost_validator::{
    MAX_MEMBERS, MAX_VALUE, Naming, Slot, Violations, validate_request, validate_value,
};

fn validation(c: &mut Criterion) {
    let mut group = c.benchmark_group("validate_request");
    group
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(500));
    let sizes = [1, 4, 16, 64].map(|kib| (format!("realistic, {kib} KiB"), realistic(kib << 10)));
    let shapes = shapes(MAX_VALUE).map(|(name, value)| (name.to_owned(), value));
    for (name, value) in shapes.into_iter().chain(sizes) {
        let body = request(&value);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("ours", &name), |b| {
            let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
            let mut violations = Violations::<64>::new();
            b.iter(|| {
                let request = validate_request(black_box(&body), &mut scratch, &mut violations);
                request.expect("shapes are valid").value.span().len()
            });
        });
        group.bench_function(BenchmarkId::new("floor", &name), |b| {
            b.iter(|| floor::validate(black_box(&body)));
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
