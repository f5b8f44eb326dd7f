//! The agent's road by key size and value: from the bytes of a message to the vault's call and the signed reply.

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use sealpost_benches::{agent::Road, keys::RSA_BITS};

fn road(c: &mut Criterion) {
    let mut group = c.benchmark_group("agent");
    group.sample_size(20);
    for bits in RSA_BITS {
        for bytes in [256, 4096, 65_536] {
            let road = Road::new(bits, bytes);
            group.bench_function(BenchmarkId::new(format!("rsa-{bits}"), bytes), |b| {
                b.iter_batched(
                    || road.message(),
                    |message| road.handle(&message),
                    BatchSize::SmallInput,
                );
            });
        }
    }
}

criterion_group!(benches, road);
criterion_main!(benches);
