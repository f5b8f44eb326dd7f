//! The certificates that `testdata/certificates/generate.sh` makes with the `openssl` command.

use std::collections::BTreeSet;

use sealpost_envelope::{
    Certificate, Identity, Recipient, SecretContext, Trust,
    backend::Backend,
    certificate::CertificateError,
    key::{FileKind, OtherAlgorithm, PublicKeyError},
    open, seal,
    trust::{
        ChainError::{
            self, CriticalExtension, ExtendedKeyUsage, NameConstraints, NameConstraintsForm,
            NoAgent, OtherAgent, SelfSigned, SignatureAlgorithm, UnknownIssuer, Version,
        },
        ChainPolicy, TrustAnchors, TrustAnchorsError, TrustError,
    },
};

use super::forgery::{NOW, test_file};

use CertificateError::{AgentId, File, PublicKey, SerialNumber};
use TrustError::{Expired, KeyUsage};

/// What a file must do: under a pin of what is in it, and under the chain policy.
enum Expected {
    /// Parsing fails.
    Refused(CertificateError),
    /// A pin is enough, and so is the authority in this file.
    Issued(&'static str),
    /// A pin is enough, the authority is not.
    PinOnly(&'static str, ChainError),
    /// It is parsed and breaks a rule of every policy.
    NotUsable(fn(TrustError) -> bool),
    /// An authority; it is refused as an agent's by its key.
    Authority,
    /// An authority whose key can't be used.
    WeakAuthority,
    /// An authority with an RSA key: it is refused as an agent's by its keyUsage.
    RsaAuthority,
    /// One without keyUsage, which may be pinned.
    PinnableAuthority,
}

use Expected::*;

const FILES: &[(&str, Expected)] = &[
    // Chains.
    ("ca-rsa.pem", RsaAuthority),
    ("chain-rsa.pem", Issued("ca-rsa")),
    ("chain-rsa-with-root.pem", Issued("ca-rsa")),
    ("chain-rsa-cut.pem", PinOnly("ca-rsa", UnknownIssuer)),
    // Signatures.
    ("agent-rsa-sha1.pem", PinOnly("ca-rsa", SignatureAlgorithm)),
    ("agent-rsa-sha256.pem", Issued("ca-rsa")),
    ("agent-rsa-sha384.pem", Issued("ca-rsa")),
    ("agent-rsa-sha512.pem", Issued("ca-rsa")),
    ("ca-pss.pem", RsaAuthority),
    ("agent-pss-sha256.pem", Issued("ca-pss")),
    ("agent-pss-sha384.pem", Issued("ca-pss")),
    ("agent-pss-sha512.pem", Issued("ca-pss")),
    (
        "agent-pss-long-salt.pem",
        PinOnly("ca-pss", SignatureAlgorithm),
    ),
    ("ca-p256.pem", Authority),
    ("agent-p256.pem", Issued("ca-p256")),
    ("ca-p384.pem", Authority),
    ("agent-p384.pem", Issued("ca-p384")),
    ("ca-p521.pem", WeakAuthority),
    ("agent-p521.pem", PinOnly("ca-rsa", UnknownIssuer)),
    ("ca-ed25519.pem", Authority),
    ("agent-ed25519.pem", Issued("ca-ed25519")),
    ("ca-rsa-1024.pem", WeakAuthority),
    // Name constraints.
    ("ca-dns-permitted.pem", Authority),
    ("agent-dns-permitted.pem", Issued("ca-dns-permitted")),
    ("ca-dns-excluded.pem", Authority),
    (
        "agent-dns-excluded.pem",
        PinOnly("ca-dns-excluded", NameConstraints),
    ),
    ("ca-uri-permitted.pem", Authority),
    (
        "agent-uri-permitted.pem",
        PinOnly("ca-uri-permitted", NameConstraintsForm),
    ),
    ("ca-directory-permitted.pem", Authority),
    (
        "agent-directory-permitted.pem",
        PinOnly("ca-directory-permitted", NameConstraintsForm),
    ),
    // Extensions.
    ("usual.pem", Issued("ca-rsa")),
    ("two-agents.pem", Issued("ca-rsa")),
    ("no-agent.pem", PinOnly("ca-rsa", NoAgent)),
    ("bad-agent.pem", Refused(AgentId)),
    ("every-name.pem", Issued("ca-rsa")),
    ("no-key-usage.pem", Issued("ca-rsa")),
    ("signs-only.pem", NotUsable(|error| error == KeyUsage)),
    (
        "data-encipherment.pem",
        NotUsable(|error| error == KeyUsage),
    ),
    ("tls-purpose.pem", PinOnly("ca-rsa", ExtendedKeyUsage)),
    ("any-purpose.pem", Issued("ca-rsa")),
    ("critical-policy.pem", PinOnly("ca-rsa", CriticalExtension)),
    // Keys.
    (
        "key-1024.pem",
        Refused(PublicKey(PublicKeyError::Modulus { bits: 1024 })),
    ),
    ("key-8192.pem", Issued("ca-rsa")),
    ("key-exponent-3.pem", Issued("ca-rsa")),
    (
        "key-p256.pem",
        Refused(PublicKey(PublicKeyError::Algorithm(
            OtherAlgorithm::EllipticCurve,
        ))),
    ),
    (
        "key-pss-only.pem",
        Refused(PublicKey(PublicKeyError::SignatureOnly)),
    ),
    // Names, serial numbers, times.
    ("name-utf8.pem", Issued("ca-rsa")),
    ("name-printable.pem", Issued("ca-rsa")),
    ("name-t61-bmp.pem", Issued("ca-rsa")),
    ("name-multivalued.pem", Issued("ca-rsa")),
    ("name-empty.pem", Issued("ca-rsa")),
    ("serial-zero.pem", PinOnly("ca-rsa", SelfSigned)),
    ("serial-negative.pem", PinOnly("ca-rsa", SelfSigned)),
    ("serial-20-bytes.pem", PinOnly("ca-rsa", SelfSigned)),
    ("serial-24-bytes.pem", Refused(SerialNumber { length: 24 })),
    ("year-9966.pem", PinOnly("ca-rsa", SelfSigned)),
    (
        "expired.pem",
        NotUsable(|error| matches!(error, Expired { .. })),
    ),
    // Forms.
    ("self-signed.pem", PinOnly("ca-rsa", SelfSigned)),
    ("bare.pem", PinOnly("ca-rsa", NoAgent)),
    ("shipped.pem", PinnableAuthority),
    ("with-text.pem", Issued("ca-rsa")),
    ("from-pkcs12.pem", Issued("ca-rsa")),
    ("crlf.pem", Issued("ca-rsa")),
    ("one-line.pem", Issued("ca-rsa")),
    ("width-76.pem", Issued("ca-rsa")),
    ("usual.der", Issued("ca-rsa")),
    ("usual.p7b", Refused(File(FileKind::Pkcs7))),
    (
        "trusted-format.pem",
        Refused(File(FileKind::TrustedCertificate)),
    ),
];

/// That of another agent: its error holds the name, and can't stand in a table.
const OTHER_AGENT: &str = "other-agent.pem";

fn file(name: &str) -> Vec<u8> {
    test_file(&format!("certificates/{name}"))
}

fn anchors(name: &str) -> TrustAnchors {
    TrustAnchors::from_pem_or_der(&file(&format!("{name}.pem"))).unwrap()
}

fn under(certificate: &Certificate, authority: &str) -> Result<(), TrustError> {
    let anchors = anchors(authority);
    Trust::Chain(ChainPolicy::new(&anchors, "a2048")).check(certificate, NOW)
}

#[test]
fn certificates_of_openssl() {
    for (name, expected) in FILES {
        let parsed = Certificate::from_pem_or_der(&file(name));
        let pinned = |certificate: &Certificate| {
            Trust::Pinned(&[certificate.fingerprint()]).check(certificate, NOW)
        };
        match expected {
            Refused(error) => assert_eq!(parsed.unwrap_err(), *error, "{name}"),
            Issued(_) | PinOnly(..) | PinnableAuthority => {
                assert_eq!(pinned(&parsed.unwrap()), Ok(()), "{name}");
            }
            RsaAuthority => assert_eq!(pinned(&parsed.unwrap()), Err(KeyUsage), "{name}"),
            NotUsable(is) => {
                let error = pinned(&parsed.unwrap()).unwrap_err();
                assert!(is(error), "{name}: {error}");
            }
            Authority | WeakAuthority => {
                assert!(matches!(parsed.unwrap_err(), PublicKey(_)), "{name}");
            }
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/certificates");
    let there: BTreeSet<_> = std::fs::read_dir(path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != "generate.sh")
        .collect();
    let mut tried: BTreeSet<_> = FILES.iter().map(|(name, _)| String::from(*name)).collect();
    tried.insert(OTHER_AGENT.into());
    assert_eq!(there, tried);
    assert_eq!(there.len(), 69);
}

#[test]
fn chains_of_openssl() {
    for (name, expected) in FILES {
        let parsed = Certificate::from_pem_or_der(&file(name));
        let as_anchor = TrustAnchors::from_pem_or_der(&file(name));
        match expected {
            Issued(authority) => assert_eq!(under(&parsed.unwrap(), authority), Ok(()), "{name}"),
            PinOnly(authority, error) => {
                let refused = under(&parsed.unwrap(), authority);
                assert_eq!(refused, Err(TrustError::Chain(*error)), "{name}");
                assert!(as_anchor.is_err(), "{name}");
            }
            Authority | RsaAuthority | PinnableAuthority => {
                assert_eq!(as_anchor.unwrap().len(), 1, "{name}");
            }
            WeakAuthority => {
                assert_eq!(
                    as_anchor.unwrap_err(),
                    TrustAnchorsError::Key { number: 1 },
                    "{name}"
                );
            }
            Refused(_) | NotUsable(_) => assert!(as_anchor.is_err(), "{name}"),
        }
    }
    let other = Certificate::from_pem(&file(OTHER_AGENT)).unwrap();
    let error = under(&other, "ca-rsa").unwrap_err();
    let TrustError::Chain(OtherAgent { named }) = error else {
        panic!("{error}")
    };
    assert_eq!(named.as_str(), "b2048");

    // Without the agent's name they pass when the caller says so: then the other rules decide.
    let anchors = anchors("ca-rsa");
    let policy = ChainPolicy::new(&anchors, "a2048").danger_accept_certificate_without_agent_id();
    let unnamed =
        |name| Trust::Chain(policy).check(&Certificate::from_pem(&file(name)).unwrap(), NOW);
    assert_eq!(unnamed("no-agent.pem"), Ok(()));
    assert_eq!(unnamed("ca-rsa.pem"), Err(KeyUsage));
    assert_eq!(
        unnamed("shipped.pem"),
        Err(TrustError::Chain(ChainError::Authority))
    );
    assert!(matches!(
        unnamed("bare.pem"),
        Err(TrustError::Chain(SelfSigned | Version))
    ));
}

pub(crate) fn what_is_accepted_can_be_sealed_to<B: Backend>() {
    let identity = Identity::<B>::from_pem(&test_file("keys/agent-a2048.key.pem")).unwrap();
    let context = SecretContext::unchecked("a2048", "name");
    let rng = &mut rand::SeedableRng::seed_from_u64(1);
    let rng: &mut rand::rngs::ChaCha20Rng = rng;
    let mut sealed_to = 0;
    for (name, expected) in FILES {
        let Issued(authority) = expected else {
            continue;
        };
        let anchors = anchors(authority);
        let trust = Trust::Chain(ChainPolicy::new(&anchors, "a2048"));
        let certificate = Certificate::from_pem_or_der(&file(name)).unwrap();
        let recipient = Recipient::<B>::from_certificate(&certificate, &trust, NOW);
        let recipient = recipient.unwrap_or_else(|error| panic!("{name}: {error}"));
        let envelope = seal(&[recipient], &context, b"secret", rng).unwrap();
        // Two have keys of their own, which nobody kept.
        if certificate.public_key() == identity.public_key() {
            assert_eq!(
                &*open(&identity, &envelope, &context, rng).unwrap(),
                b"secret"
            );
            sealed_to += 1;
        }
    }
    assert_eq!(sealed_to, 28);
}
