//! Names in the vault and references to them: what one request costs.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use sealpost_vault_key::{MAX_RESOLVER_REF, ResolverRef, VaultKind, VaultSecretName};

fn derive(c: &mut Criterion) {
    let project = [0xab; 16];
    let long = "Größe 7 ".repeat(51);
    let mut group = c.benchmark_group("names/derive");
    for (id, kind, project, name) in [
        ("pass-through", VaultKind::KV2, None, "prod/db-password"),
        (
            "pass-through, project",
            VaultKind::KV2,
            Some(&project),
            "prod/db-password",
        ),
        ("rewritten", VaultKind::AZURE, None, "prod/db-password"),
        (
            "rewritten, project",
            VaultKind::AZURE,
            Some(&project),
            "prod/db-password",
        ),
        ("rewritten, 510 bytes", VaultKind::AWS, None, &long[..]),
    ] {
        group.bench_function(id, |b| {
            b.iter(|| VaultSecretName::derive(black_box(kind), project, black_box(name)));
        });
    }
    group.finish();
}

fn references(c: &mut Criterion) {
    let reference = ResolverRef::new("prod/db-password", Some("user name"))
        .expect("neither is empty or too long");
    let text = reference.to_string();
    let mut group = c.benchmark_group("names/reference");
    group.bench_function("format", |b| {
        let mut buffer = [0; MAX_RESOLVER_REF];
        b.iter(|| black_box(&reference).encode_into(&mut buffer).map(str::len));
    });
    group.bench_function("parse", |b| {
        b.iter(|| ResolverRef::parse(black_box(&text)).is_ok());
    });
    group.bench_function("parse and name", |b| {
        b.iter(|| {
            ResolverRef::parse(black_box(&text))
                .ok()?
                .vault_secret_name(VaultKind::KV2)
                .ok()
        });
    });
    group.finish();
}

criterion_group!(benches, derive, references);
criterion_main!(benches);
