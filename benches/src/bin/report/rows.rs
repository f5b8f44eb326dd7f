//! The rows.

use std::{cell::RefCell, hint::black_box};

use sealpost_benches::{
    agent,
    envelope::{Keys, message},
    floor,
    keys::{NOW, RSA_BITS, certificate_pem, key_pem, pkcs8_der},
    shapes::{realistic, request, shapes, top_level_members},
};
use sealpost_envelope::{AwsLc, Identity, Recipient, RustCrypto, Trust, backend::Backend};
use sealpost_json::find_property;
use sealpost_validator::{MAX_MEMBERS, MAX_VALUE, Slot, Violations, validate_request};
use sealpost_vault_key::{MAX_RESOLVER_REF, ResolverRef, VaultKind, VaultSecretName};

use crate::{Bar, Case, Report};

pub(crate) fn all(report: &mut Report) {
    for bits in RSA_BITS {
        envelope::<AwsLc>(report, "aws-lc", bits);
        envelope::<RustCrypto>(report, "rustcrypto", bits);
    }
    batches::<AwsLc>(report, "aws-lc");
    batches::<RustCrypto>(report, "rustcrypto");
    road(report);
    validator(report);
    names(report);
}

fn envelope<B: Backend>(report: &mut Report, backend: &'static str, bits: usize) {
    let keys = Keys::<B>::load(bits);
    let floor_sealer = floor::Sealer::new(keys.spki_der());
    let floor_opener = floor::Opener::new(&pkcs8_der(bits));
    let is_aws_lc = backend == "aws-lc";
    let case = |op: &str, bytes, bar: Option<f64>| Case {
        op: op.into(),
        bits: Some(bits),
        bytes,
        backend,
        bar: bar.filter(|_| is_aws_lc).map_or(Bar::None, Bar::Ratio),
    };
    for bytes in SIZES {
        let message = message(bytes);
        let (seal_bar, open_bar) = if bytes > 4096 {
            (None, Some(1.05))
        } else {
            (Some(1.10), Some(1.03))
        };
        report.row(
            &case("seal", bytes, seal_bar),
            || keys.seal(&message),
            || floor_sealer.seal(&message),
        );
        let (sealed, floor_sealed) = (keys.seal(&message), floor_sealer.seal(&message));
        let floor = || floor_opener.open(&floor_sealed);
        report.row(&case("open", bytes, open_bar), || keys.open(&sealed), floor);
        if bytes < 4096 {
            continue;
        }
        report.row(
            &case("seal JWE", bytes, None),
            || keys.seal_jwe(&message),
            || floor_sealer.seal(&message),
        );
        let jwe = keys.seal_jwe(&message);
        report.row(
            &case("open JWE", bytes, None),
            || keys.open_jwe(jwe.as_bytes()),
            floor,
        );
        report.row(
            &case("seal CMS", bytes, None),
            || keys.seal_cms(&message),
            || floor_sealer.seal(&message),
        );
        let cms = keys.seal_cms(&message);
        report.row(
            &case("open CMS", bytes, None),
            || keys.open_cms(&cms),
            floor,
        );
    }
    let (certificate, key) = (certificate_pem(bits), key_pem(bits));
    report.row(
        &case("certificate", certificate.len(), None),
        || {
            let trust = Trust::DangerAnyCertificate;
            Recipient::<B>::from_certificate_pem(&certificate, &trust, NOW).expect("a certificate")
        },
        || floor::Sealer::new(keys.spki_der()),
    );
    let der = pkcs8_der(bits);
    report.row(
        &case("private key", key.len(), None),
        || Identity::<B>::from_pem(&key).expect("a private key"),
        || floor::Opener::new(&der),
    );
}

/// `bytes` is that of one message.
fn batches<B: Backend>(report: &mut Report, backend: &'static str) {
    const BITS: usize = 2048;
    const BYTES: usize = 256;
    let keys = Keys::<B>::load(BITS);
    let floor_sealer = floor::Sealer::new(keys.spki_der());
    let floor_opener = floor::Opener::new(&pkcs8_der(BITS));
    let mut alone = None;
    for count in [1, 10, 100, 1000, 10_000] {
        let messages = vec![message(BYTES); count];
        // The pure-Rust backend has no bars. Below 1,000 the RSA operation hides what is ours; above, new pages do.
        let has_bar = count == 1000 && backend == "aws-lc";
        let case = |op, bar| Case {
            op: format!("{op} batch of {count}"),
            bits: Some(BITS),
            bytes: BYTES,
            backend,
            bar: if has_bar { Bar::Ratio(bar) } else { Bar::None },
        };
        report.row(
            &case("seal", 1.3),
            || keys.seal_batch(&messages),
            || floor_sealer.seal_batch(&messages),
        );
        let (sealed, floor_sealed) = (
            keys.seal_batch(&messages),
            floor_sealer.seal_batch(&messages),
        );
        let opened = report.row(
            &case("open", 1.2),
            || {
                keys.open_batch(&sealed, |message| {
                    black_box(message);
                });
            },
            || {
                let mut buffer = [0; BYTES];
                floor_opener.open_batch(&floor_sealed, &mut buffer, |message| {
                    black_box(message);
                });
            },
        );
        match (count, alone, opened) {
            (1, ..) => alone = opened,
            (1000, Some(alone), Some(opened)) if backend == "aws-lc" => {
                let name = "opened in a batch of 1000, a secret costs at most 1/100 of one alone, RSA-2048";
                report.bar(name, opened / 1000.0 <= alone / 100.0);
            }
            _ => {}
        }
    }
}

/// From the bytes of a message to the vault's call and the signed reply.
fn road(report: &mut Report) {
    for bits in RSA_BITS {
        for bytes in [256, 4096, 65_536] {
            let case = Case {
                op: "agent".into(),
                bits: Some(bits),
                bytes,
                backend: "aws-lc",
                bar: Bar::None,
            };
            let road = agent::Road::new(bits, bytes);
            let floor = agent::Floor::new(bits, bytes, &road.message());
            report.row(&case, || road.next(), || floor.run());
        }
    }
}

fn validator(report: &mut Report) {
    let sizes = [1, 4, 16, 64].map(|kib| kib << 10);
    for bytes in sizes {
        let others = shapes(bytes).into_iter();
        for (name, value) in others.chain([("realistic", realistic(bytes))]) {
            let body = request(&value);
            let case = Case {
                op: format!("validate {name}"),
                bits: None,
                bytes,
                backend: "-",
                bar: Bar::Members(1.5, top_level_members(&value)),
            };
            let memory = RefCell::new(([Slot::EMPTY; MAX_MEMBERS], Violations::<64>::new()));
            report.row(
                &case,
                || {
                    let (scratch, violations) = &mut *memory.borrow_mut();
                    // Of this body's lifetime, as the list's must be.
                    let request = validate_request(black_box(&body), scratch, violations);
                    request.expect("shapes are valid").value.span().len()
                },
                || floor::validate(black_box(&body)),
            );
        }
    }
    let value = realistic(MAX_VALUE);
    let case = Case {
        op: "find a property".into(),
        bits: None,
        bytes: MAX_VALUE,
        backend: "-",
        bar: Bar::None,
    };
    report.row(
        &case,
        || find_property(black_box(value.as_bytes()), "end").expect("it is JSON"),
        || floor::validate(black_box(value.as_bytes())),
    );
}

fn names(report: &mut Report) {
    let case = |op: &str, text: &str| Case {
        op: op.into(),
        bits: None,
        bytes: text.len(),
        backend: "-",
        bar: Bar::None,
    };
    let long = "Größe 7 ".repeat(51);
    let project = Some(&[0xab; 16]);
    for (op, kind, project, name) in [
        (
            "name, as it stands",
            VaultKind::KV2,
            None,
            "prod/db-password",
        ),
        (
            "name, with a project",
            VaultKind::KV2,
            project,
            "prod/db-password",
        ),
        (
            "name, rewritten",
            VaultKind::AZURE,
            project,
            "prod/db-password",
        ),
        ("name, rewritten, long", VaultKind::AWS, None, &long[..]),
    ] {
        report.row_without_floor(&case(op, name), || {
            VaultSecretName::derive(black_box(kind), project, black_box(name))
        });
    }
    let reference = ResolverRef::new("prod/db-password", Some("user name"))
        .expect("neither is empty or too long");
    let text = reference.to_string();
    report.row_without_floor(&case("reference, written", &text), || {
        let mut buffer = [0; MAX_RESOLVER_REF];
        black_box(&reference).encode_into(&mut buffer).map(str::len)
    });
    report.row_without_floor(&case("reference, read", &text), || {
        ResolverRef::parse(black_box(&text)).is_ok()
    });
}

const SIZES: [usize; 4] = [0, 256, 4096, 65_536];
