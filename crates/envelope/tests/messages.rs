//! Messages of each format through the one way to open them.
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]
#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test

use std::{fs, path::Path};

use rand::{SeedableRng as _, rngs::ChaCha20Rng};
#[cfg(feature = "aws-lc")]
use sealpost_envelope::AwsLc as Any;
#[cfg(not(feature = "aws-lc"))]
use sealpost_envelope::RustCrypto as Any;
use sealpost_envelope::{
    Certificate, ContextPolicy, Error, Format, Identity, Keyring, Message, OpenError, Recipient,
    Sealer, SecretContext, Trust, UnixTime,
    binding::{Binding, BindingError, BindingMember},
    cms,
    error::ParseError,
    jwe::{self, JweError, Serialization},
    key::{KeyAnswer, KeyStatus, KeyringError, PublicIdentity, decrypt},
    message::Declared,
    seal, text,
    wrapper::{self, WrapperError},
};

const CONTEXT: SecretContext<'_> = SecretContext::unchecked("agent-1", "db-login");
const OTHER: SecretContext<'_> = SecretContext::unchecked("agent-1", "db-logout");
const VALUE: &[u8] = br#"{"password":"x"}"#;
const BOUND: ContextPolicy<'_> = ContextPolicy::RequireContext(&CONTEXT);
const UNBOUND: ContextPolicy<'_> = ContextPolicy::AcceptUnbound(None);

/// The value in each format, bound to the context.
fn sealed() -> [(Format, Vec<u8>); 7] {
    let (recipients, rng) = ([recipient()], &mut rng());
    let native = seal(&recipients, &CONTEXT, VALUE, rng).unwrap();
    let native_text = text::encode(&native).into_bytes();
    let binding = Binding::new(&CONTEXT);
    let [compact, flattened, general] = [
        Serialization::Compact,
        Serialization::Flattened,
        Serialization::General,
    ]
    .map(|how| jwe::seal(&recipients, Some(&binding), how, VALUE, rng).unwrap());
    let cms = cms::seal(&recipients, &wrapper::wrap(&binding, VALUE), rng).unwrap();
    let pem = cms::to_pem(&cms).into_bytes();
    [
        (Format::Native, native),
        (Format::NativeText, native_text),
        (Format::JweCompact, compact.into_bytes()),
        (Format::JweJson, flattened.into_bytes()),
        (Format::JweJson, general.into_bytes()),
        (Format::Cms, cms),
        (Format::CmsPem, pem),
    ]
}

#[test]
fn each_format_opens_for_its_context_and_no_other() {
    let ring = Keyring::new(identity());
    for (format, sealed) in sealed() {
        let message = Message::parse(&sealed).unwrap();
        assert_eq!(message.format(), format);
        assert_eq!(message.recipient_count(), 1);
        assert!(message.names_every_key());
        let opened = message.open(&ring, BOUND, &mut rng()).unwrap();
        assert_eq!(opened.value(), VALUE, "{format}");
        assert_eq!(opened.status, KeyStatus::Current);
        assert_eq!(opened.key_id, ring.current().key_id());
        let other = ContextPolicy::RequireContext(&OTHER);
        let refused = message.open(&ring, other, &mut rng()).unwrap_err();
        let differs = BindingError::Differs(BindingMember::Name);
        let expected = match message.declared() {
            Declared::Committed => Error::Open(OpenError),
            Declared::Header(binding) => {
                assert_eq!(binding, Some(&Binding::new(&CONTEXT)));
                JweError::Binding(differs).into()
            }
            Declared::Inside => Error::Wrapper(WrapperError::Binding(differs)),
        };
        assert_eq!(refused, KeyringError::Opening(expected), "{format}");
    }
}

#[test]
fn each_format_opens_with_a_key_that_is_held_elsewhere() {
    let identity = identity();
    let ring = Keyring::new(PublicIdentity::from(&identity));
    for (format, sealed) in sealed() {
        let message = Message::parse(&sealed).unwrap();
        let pending = message.pending(&ring, BOUND).unwrap();
        assert_eq!(pending.key_id(), identity.key_id());
        let finish = |answer| pending.finish::<Any, _>(answer, &mut rng());
        let seed = decrypt(&identity, pending.encapsulation(), &mut rng()).unwrap();
        let opened = finish(KeyAnswer::Seed(&seed)).unwrap();
        assert_eq!(opened.value(), VALUE, "{format}");
        for answer in [
            KeyAnswer::Rejected,
            KeyAnswer::Seed(&[]),
            KeyAnswer::Seed(&[1; 32]),
            KeyAnswer::Seed(&[1; 33]),
        ] {
            assert_eq!(finish(answer).unwrap_err(), Error::Open(OpenError));
        }
        assert_eq!(
            finish(KeyAnswer::Unavailable).unwrap_err(),
            Error::KeyUnavailable
        );
    }
}

#[test]
fn a_key_in_memory_answers_as_a_store_does() {
    let (identity, mut rng) = (identity(), rng());
    let (_, envelope) = &sealed()[0];
    let message = Message::parse(envelope).unwrap();
    let ring = Keyring::new(PublicIdentity::from(&identity));
    let pending = message.pending(&ring, BOUND).unwrap();
    let good = pending.encapsulation();
    let seed = decrypt(&identity, good, &mut rng).unwrap();
    assert_eq!((seed.len(), seed[0]), (33, 1));
    let mut changed = good.to_vec();
    changed[100] ^= 1;
    for bad in [&changed[..], &good[1..], &[], &[0; 256], &[0xff; 256]] {
        assert!(decrypt(&identity, bad, &mut rng).is_none());
    }
}

#[test]
fn what_is_bound_to_nothing_opens_only_where_that_is_accepted() {
    let (recipients, ring, rng) = ([recipient()], Keyring::new(identity()), &mut rng());
    let jwe = jwe::seal(&recipients, None, Serialization::Compact, VALUE, rng).unwrap();
    let cms = cms::seal(&recipients, VALUE, rng).unwrap();
    let maybe = ContextPolicy::AcceptUnbound(Some(&CONTEXT));
    for (sealed, bound) in [
        (jwe.as_bytes(), Error::Jwe(JweError::NoContext)),
        (&cms, Error::Wrapper(WrapperError::Members)),
    ] {
        let message = Message::parse(sealed).unwrap();
        let opened = message.open(&ring, UNBOUND, rng).unwrap();
        assert_eq!(opened.value(), VALUE);
        let refused = message.open(&ring, BOUND, rng).unwrap_err();
        assert_eq!(refused, bound.into());
    }
    // A context that is given must be inside of CMS; a JWE may have none.
    assert!(
        Message::parse(jwe.as_bytes())
            .unwrap()
            .open(&ring, maybe, rng)
            .is_ok()
    );
    assert!(
        Message::parse(&cms)
            .unwrap()
            .open(&ring, maybe, rng)
            .is_err()
    );
    let native = seal(&recipients, &CONTEXT, VALUE, rng).unwrap();
    let native = Message::parse(&native).unwrap();
    let refused = native.open(&ring, UNBOUND, rng).unwrap_err();
    assert_eq!(refused, Error::ContextNeeded.into());
}

#[test]
fn a_message_is_in_one_format() {
    let all = [
        Format::Native,
        Format::NativeText,
        Format::JweCompact,
        Format::JweJson,
        Format::Cms,
        Format::CmsPem,
    ];
    for (format, sealed) in sealed() {
        for other in all {
            let parsed = Message::parse_as(other, &sealed);
            assert_eq!(parsed.is_ok(), format == other, "{format} as {other}");
        }
        // The strict forms: nothing before them, nothing behind them. White space around JSON and PEM is harmless.
        let padded = [&sealed[..], b"\n"].concat();
        let lenient = matches!(format, Format::JweJson | Format::CmsPem);
        assert_eq!(Message::parse(&padded).is_ok(), lenient, "{format}");
    }
    let twice = text::encode(text::encode(&sealed()[0].1).as_bytes());
    assert_eq!(
        Message::parse(twice.as_bytes()).unwrap_err(),
        Error::Parse(ParseError::Version { found: b'.' })
    );
    for unknown in [&b""[..], b"hello", b"sealpos"] {
        assert_eq!(Message::parse(unknown).unwrap_err(), Error::UnknownFormat);
    }
}

#[test]
fn a_batch_is_not_one_message() {
    let (recipients, rng) = ([recipient()], &mut rng());
    let mut envelope = Vec::new();
    let mut sealer = Sealer::new(&recipients, rng, &mut envelope).unwrap();
    sealer.seal(&CONTEXT, b"one", &mut envelope).unwrap();
    let cut = envelope.clone();
    sealer.seal_last(&CONTEXT, b"two", &mut envelope).unwrap();
    let ring = Keyring::new(identity());
    let open = |bytes: &[u8]| {
        let message = Message::parse(bytes).unwrap();
        let opened = message.open(&ring, BOUND, &mut rand_again());
        opened.map(|_| ()).unwrap_err()
    };
    assert_eq!(open(&envelope), Error::NotSingle { messages: 2 }.into());
    assert_eq!(open(&cut), Error::Cut { messages: 1 }.into());
    let Message::Native(native) = Message::parse(&envelope).unwrap() else {
        panic!("it is in the native format");
    };
    let envelope = native.envelope();
    assert_eq!(
        (envelope.message_count(), envelope.is_complete()),
        (2, true)
    );
    assert_eq!(envelope.frames().count(), 2);
}

/// Every private-key operation, and the choice of what to go on with after it failed, is in one place.
#[test]
fn one_module_decrypts() {
    fn visit(dir: &Path, callers: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                visit(&path, callers);
            } else if fs::read_to_string(&path)
                .unwrap()
                .contains("::oaep_decrypt(")
            {
                callers.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    let mut callers = Vec::new();
    visit(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut callers,
    );
    assert_eq!(callers, ["decapsulation.rs"]);
}

fn recipient() -> Recipient<Any> {
    let now = UnixTime::from_secs(2_000_000_000);
    let trust = Trust::DangerAnyCertificate;
    Recipient::from_certificate_pem(&file("agent-a2048.pem"), &trust, now).unwrap()
}

fn identity() -> Identity<Any> {
    let mut identity = Identity::from_pem(&file("agent-a2048.key.pem")).unwrap();
    let certificate = Certificate::from_pem(&file("agent-a2048.pem"));
    identity.add_certificate(certificate.unwrap()).unwrap();
    identity
}

fn file(name: &str) -> Vec<u8> {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys");
    fs::read(Path::new(keys).join(name)).unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn rand_again() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(2)
}
