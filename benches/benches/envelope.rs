//! Sealing and opening by message size, key size and backend. For the ratio to the bare primitives, which
//! needs both in one loop, see `report.rs`.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealpost_benches::{
    envelope::{Keys, message},
    keys::{RSA_BITS, certificate_pem, key_pem},
};
use sealpost_envelope::{
    AwsLc, Identity, Recipient, RustCrypto, Trust, UnixTime, backend::Backend,
};

fn messages<B: Backend>(c: &mut Criterion, backend: &str) {
    for bits in RSA_BITS {
        let keys = Keys::<B>::load(bits);
        let mut group = c.benchmark_group(format!("{backend}/rsa-{bits}"));
        group
            .measurement_time(Duration::from_secs(2))
            .warm_up_time(Duration::from_millis(300))
            .sample_size(30);
        for bytes in [0, 256, 4096, 65_536] {
            let message = message(bytes);
            let envelope = keys.seal(&message);
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(BenchmarkId::new("seal", bytes), |b| {
                b.iter(|| keys.seal(black_box(&message)));
            });
            group.bench_function(BenchmarkId::new("open", bytes), |b| {
                b.iter(|| keys.open(black_box(&envelope)));
            });
        }
    }
}

/// Batches of 1 to 10,000 messages of 256 bytes, opened in order.
fn batches<B: Backend>(c: &mut Criterion, backend: &str) {
    let keys = Keys::<B>::load(2048);
    let mut group = c.benchmark_group(format!("{backend}/batch"));
    group
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(300))
        .sample_size(10);
    for count in [1, 10, 100, 1000, 10_000] {
        let messages = vec![message(256); count];
        let envelope = keys.seal_batch(&messages);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("seal", count), |b| {
            b.iter(|| keys.seal_batch(black_box(&messages)));
        });
        group.bench_function(BenchmarkId::new("open", count), |b| {
            b.iter(|| {
                keys.open_batch(black_box(&envelope), |message| {
                    black_box(message);
                });
            });
        });
    }
}

/// What is done once a key: certificate to recipient, file to identity.
fn keys<B: Backend>(c: &mut Criterion, backend: &str) {
    let mut group = c.benchmark_group(format!("{backend}/keys"));
    group
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300))
        .sample_size(20);
    for bits in RSA_BITS {
        let (certificate, key) = (certificate_pem(bits), key_pem(bits));
        let now = UnixTime::from_secs(2_000_000_000);
        group.bench_function(BenchmarkId::new("recipient", bits), |b| {
            let trust = Trust::DangerAnyCertificate;
            b.iter(|| Recipient::<B>::from_certificate_pem(black_box(&certificate), &trust, now));
        });
        group.bench_function(BenchmarkId::new("identity", bits), |b| {
            b.iter(|| Identity::<B>::from_pem(black_box(&key)));
        });
    }
}

fn aws_lc(c: &mut Criterion) {
    messages::<AwsLc>(c, "aws-lc");
    batches::<AwsLc>(c, "aws-lc");
    keys::<AwsLc>(c, "aws-lc");
}

fn rustcrypto(c: &mut Criterion) {
    messages::<RustCrypto>(c, "rustcrypto");
    batches::<RustCrypto>(c, "rustcrypto");
    keys::<RustCrypto>(c, "rustcrypto");
}

criterion_group!(benches, aws_lc, rustcrypto);
criterion_main!(benches);
