//! Sealing and opening by message size, key size and backend. For the ratio to the bare primitives, which
//! needs both in one loop, see `report.rs`.

use std::{hint::black_box, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use sealpost_benches::keys::{RSA_BITS, certificate_pem, identity, key_pem, recipient};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Backend, Envelope, Identity, Recipient, RustCrypto, Sealer, SecretContext,
    Trust, UnixTime, open, seal,
};

fn messages<B: Backend>(c: &mut Criterion, backend: &str) {
    for bits in RSA_BITS {
        let (recipients, identity) = ([recipient::<B>(bits)], identity::<B>(bits));
        let mut group = c.benchmark_group(format!("{backend}/rsa-{bits}"));
        group
            .measurement_time(Duration::from_secs(2))
            .warm_up_time(Duration::from_millis(300))
            .sample_size(30);
        for bytes in [0, 256, 4096, 65_536] {
            let message = vec![0x5a; bytes];
            let envelope = seal(&recipients, &CONTEXT, &message, &mut AwsLcRng).expect("it seals");
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(BenchmarkId::new("seal", bytes), |b| {
                b.iter(|| seal(&recipients, &CONTEXT, black_box(&message), &mut AwsLcRng));
            });
            group.bench_function(BenchmarkId::new("open", bytes), |b| {
                b.iter(|| open(&identity, black_box(&envelope), &CONTEXT, &mut AwsLcRng));
            });
        }
    }
}

/// Batches of 1 to 10,000 messages of 256 bytes, opened in order.
fn batches<B: Backend>(c: &mut Criterion, backend: &str) {
    let (recipients, identity) = ([recipient::<B>(2048)], identity::<B>(2048));
    let mut group = c.benchmark_group(format!("{backend}/batch"));
    group
        .measurement_time(Duration::from_secs(2))
        .warm_up_time(Duration::from_millis(300))
        .sample_size(10);
    for count in [1, 10, 100, 1000, 10_000] {
        let envelope = seal_batch(&recipients, count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(BenchmarkId::new("seal", count), |b| {
            b.iter(|| seal_batch(&recipients, black_box(count)));
        });
        group.bench_function(BenchmarkId::new("open", count), |b| {
            b.iter(|| open_batch(&identity, black_box(&envelope)));
        });
    }
}

fn seal_batch<B: Backend>(recipients: &[Recipient<B>], count: u64) -> Vec<u8> {
    let mut out = Vec::new();
    let mut sealer = Sealer::new(recipients, &mut AwsLcRng, &mut out).expect("it seals");
    for _ in 1..count {
        sealer
            .seal(&CONTEXT, &[0x5a; 256], &mut out)
            .expect("it seals");
    }
    sealer
        .seal_last(&CONTEXT, &[0x5a; 256], &mut out)
        .expect("it seals");
    out
}

fn open_batch<B: Backend>(identity: &Identity<B>, envelope: &[u8]) {
    let envelope = Envelope::parse(envelope).expect("it parses");
    let opener = envelope
        .pending(identity.public_key())
        .and_then(|pending| pending.decrypt(identity, &mut AwsLcRng))
        .expect("it is for this key");
    let mut sequence = opener.sequence(&envelope);
    while let Some(message) = sequence.open_next(&CONTEXT) {
        black_box(&*message.expect("it opens"));
    }
    sequence.finish().expect("it is complete");
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

const CONTEXT: SecretContext<'static> = SecretContext::new("agent-1", "my-secret")
    .with_project([0x11; 16])
    .with_key("password")
    .with_type("PASSWORD");

criterion_group!(benches, aws_lc, rustcrypto);
criterion_main!(benches);
