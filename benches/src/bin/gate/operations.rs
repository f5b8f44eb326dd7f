//! What is counted.

use std::hint::black_box;

use sealpost_benches::{
    envelope::{CONTEXT, Keys, message},
    keys::{NOW, certificate_pem, key_pem, pkcs8_der},
    shapes::{realistic, request, shapes},
};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Envelope, Identity, Recipient, RustCrypto, Trust, backend::Backend,
    key::KeyAnswer,
};
use sealpost_json::find_property;
use sealpost_validator::{MAX_MEMBERS, MAX_VALUE, Slot, Violations, validate_request};
use sealpost_vault_key::{ResolverRef, VaultKind, VaultSecretName};

use crate::baseline::Baseline;

/// Something to be counted.
pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut()>,
}

/// What an operation may take.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// More instructions than the baseline has.
    pub(crate) percent: u32,
    /// Allocations, whatever the baseline has.
    pub(crate) allocations: u64,
}

/// The limits of the operation with this name.
pub(crate) fn limits(name: &str) -> Limits {
    let standard = name.contains("JWE") || name.contains("CMS");
    let native_with_aws_lc = name.contains("aws-lc") && !standard;
    Limits {
        // The private-key operation is blinded with random numbers, whose inverses take longer or shorter.
        percent: if name.starts_with("open") { 5 } else { 2 },
        allocations: match name.split_whitespace().next() {
            // Of the native format with AWS-LC; the others have the baseline alone.
            Some("open") if native_with_aws_lc => 3,
            Some("seal") if native_with_aws_lc => 4,
            Some("validate" | "name," | "reference," | "find") => 0,
            _ => u64::MAX,
        },
    }
}

/// Every operation, ready to run.
pub(crate) fn all() -> Vec<Operation> {
    let mut all = Vec::new();
    messages::<AwsLc>(&mut all, "aws-lc", 2048, &[256, 65_536]);
    messages::<AwsLc>(&mut all, "aws-lc", 4096, &[256]);
    messages::<RustCrypto>(&mut all, "rustcrypto", 2048, &[256]);
    without_rsa(&mut all);
    batches(&mut all);
    formats(&mut all);
    keys(&mut all);
    validator(&mut all);
    names(&mut all);
    if cfg!(feature = "slowed") {
        // Those that are slowed, and one that is not and must pass.
        all.retain(|operation| SLOWED.contains(&&*operation.name) || operation.name == NOT_SLOWED);
    }
    all
}

impl Operation {
    /// With the feature `slowed`, some operations take a little more than they may.
    pub(crate) fn slow_down(&mut self, baseline: &Baseline) {
        if !cfg!(feature = "slowed") || !SLOWED.contains(&&*self.name) {
            return;
        }
        let allowed = u64::from(limits(&self.name).percent);
        let before = baseline.instructions(&self.name).unwrap_or_default();
        // Each turn takes one instruction at least.
        let turns = before * (allowed + 1) / 100;
        let allocates = self.name == SLOWED[0];
        let mut run = std::mem::replace(&mut self.run, Box::new(|| {}));
        self.run = Box::new(move || {
            run();
            if allocates {
                black_box(Box::new(0_u8));
                black_box(vec![0_u8; 5]);
                black_box(vec![0_u8; 5]);
                black_box(vec![0_u8; 5]);
            }
            for turn in 0..turns {
                black_box(turn);
            }
        });
    }
}

/// The first allocates as well.
const SLOWED: [&str; 3] = [
    "seal 256 B, RSA-2048, aws-lc",
    "open 256 B, RSA-2048, aws-lc",
    "validate 64 KiB, realistic",
];

const NOT_SLOWED: &str = "validate 1 KiB, realistic";

fn add(all: &mut Vec<Operation>, name: impl Into<String>, run: impl FnMut() + 'static) {
    all.push(Operation {
        name: name.into(),
        run: Box::new(run),
    });
}

fn messages<B: Backend + 'static>(
    all: &mut Vec<Operation>,
    backend: &str,
    bits: usize,
    sizes: &[usize],
) {
    for &bytes in sizes {
        let (sealing, opening) = (Keys::<B>::load(bits), Keys::<B>::load(bits));
        let message = message(bytes);
        let sealed = opening.seal(&message);
        let size = if bytes < 1024 {
            format!("{bytes} B")
        } else {
            format!("{} KiB", bytes / 1024)
        };
        let name = |op| format!("{op} {size}, RSA-{bits}, {backend}");
        add(all, name("seal"), move || {
            black_box(sealing.seal(&message));
        });
        add(all, name("open"), move || {
            black_box(opening.open(&sealed));
        });
    }
}

/// All of opening but the RSA operation, beside which it would not be seen.
fn without_rsa(all: &mut Vec<Operation>) {
    let keys = Keys::<AwsLc>::load(2048);
    let sealed = keys.seal(&message(256));
    // Any seed does the same work up to the commitment, which then does not match: so let it be the right one.
    let seed = {
        let pending = Envelope::parse(&sealed).expect("it parses");
        let pending = pending
            .pending(keys.identity().public_key())
            .expect("it is for this key");
        let private = AwsLc::private_key(&pkcs8_der(2048)).expect("a private key");
        let mut seed = [0; 33];
        let decrypted =
            AwsLc::oaep_decrypt(&private, &mut AwsLcRng, pending.encapsulation(), &mut seed);
        assert!(bool::from(decrypted.exactly(33)), "it is for this key");
        seed
    };
    add(all, "finish 256 B, seed given, aws-lc", move || {
        let envelope = Envelope::parse(&sealed).expect("it parses");
        let frame = envelope.single().expect("one message");
        let opener = envelope
            .pending(keys.identity().public_key())
            .and_then(|pending| pending.finish::<AwsLc, _>(KeyAnswer::Seed(&seed), &mut AwsLcRng))
            .expect("it is for this key");
        black_box(&*opener.open(&frame, &CONTEXT).expect("it opens"));
    });
}

fn batches(all: &mut Vec<Operation>) {
    let (sealing, opening) = (Keys::<AwsLc>::load(2048), Keys::<AwsLc>::load(2048));
    let messages = vec![message(256); 1000];
    let sealed = opening.seal_batch(&messages);
    add(all, "batch seal 1000 × 256 B, aws-lc", move || {
        black_box(sealing.seal_batch(&messages));
    });
    add(all, "batch open 1000 × 256 B, aws-lc", move || {
        opening.open_batch(&sealed, |message| {
            black_box(message);
        });
    });
}

fn formats(all: &mut Vec<Operation>) {
    let keys = || Keys::<AwsLc>::load(2048);
    let (a, b, c, d) = (keys(), keys(), keys(), keys());
    let (jwe, cms) = (a.seal_jwe(&message(4096)), a.seal_cms(&message(4096)));
    add(all, "JWE seal 4 KiB, RSA-2048, aws-lc", move || {
        black_box(a.seal_jwe(&message(4096)));
    });
    add(all, "open JWE 4 KiB, RSA-2048, aws-lc", move || {
        black_box(b.open_jwe(jwe.as_bytes()));
    });
    add(all, "CMS seal 4 KiB, RSA-2048, aws-lc", move || {
        black_box(c.seal_cms(&message(4096)));
    });
    add(all, "open CMS 4 KiB, RSA-2048, aws-lc", move || {
        black_box(d.open_cms(&cms));
    });
}

fn keys(all: &mut Vec<Operation>) {
    let (certificate, key) = (certificate_pem(2048), key_pem(2048));
    add(all, "certificate RSA-2048, aws-lc", move || {
        let trust = Trust::DangerAnyCertificate;
        let recipient = Recipient::<AwsLc>::from_certificate_pem(&certificate, &trust, NOW);
        black_box(recipient.expect("a certificate"));
    });
    add(all, "private key RSA-2048, aws-lc", move || {
        black_box(Identity::<AwsLc>::from_pem(&key).expect("a private key"));
    });
}

fn validator(all: &mut Vec<Operation>) {
    let wanted = [
        "members, counted",
        "one string, two-byte",
        "nesting 64 deep",
    ];
    let shapes = shapes(MAX_VALUE)
        .into_iter()
        .filter(|(name, _)| wanted.contains(name));
    let bodies = [
        ("1 KiB, realistic", realistic(1 << 10)),
        ("64 KiB, realistic", realistic(MAX_VALUE)),
    ];
    for (name, value) in bodies.into_iter().chain(shapes) {
        let body = request(&value);
        let name = if name.contains("KiB") {
            format!("validate {name}")
        } else {
            format!("validate 64 KiB, {name}")
        };
        add(all, name, move || {
            let mut scratch = [Slot::EMPTY; MAX_MEMBERS];
            let mut violations = Violations::<64>::new();
            let request = validate_request(&body, &mut scratch, &mut violations);
            black_box(request.expect("shapes are valid").value);
        });
    }
    let value = realistic(MAX_VALUE);
    add(all, "find a property, 64 KiB", move || {
        black_box(find_property(value.as_bytes(), "end").expect("it is JSON"));
    });
}

fn names(all: &mut Vec<Operation>) {
    add(all, "name, rewritten for Azure", || {
        black_box(VaultSecretName::derive(
            VaultKind::AZURE,
            Some(&[0xab; 16]),
            black_box("prod/db-password"),
        ));
    });
    let reference = ResolverRef::new("prod/db-password", Some("user name"))
        .expect("neither is empty or too long")
        .to_string();
    add(all, "reference, parsed", move || {
        let parsed = ResolverRef::parse(black_box(&reference)).expect("a reference");
        black_box(parsed.vault_secret_name(VaultKind::KV2)).expect("a name");
    });
}
