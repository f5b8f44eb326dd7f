//! What errors say, each in full, in one list to read; and that `Debug` shows nothing of what is secret.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(all(feature = "aws-lc", feature = "std"))]

use std::fmt::{Debug, Write as _};

use sealpost_envelope::{
    AwsLc, AwsLcRng, Envelope, Error, Fingerprint, Format, Identity, Keyring, OpenError, OsRng,
    Recipient, SealError, Sealer, SecretContext, Trust, UnixTime,
    backend::BackendError,
    binding::{self, BindingError, BindingMember},
    certificate::{CertificateError, DateFault, ValidityEnd},
    cms::{self, Cms, CmsError, KeyEncryption},
    error::ParseError,
    jwe::{self, HeaderParameter, Jwe, JweError, JwePart, KeyAlgorithm, Serialization},
    key::{
        FileKind, IdentityError, JwkError, KeyAnswer, KeyId, KeyringError, OtherAlgorithm,
        PublicKeyError,
    },
    native::Opener,
    open,
    rand_core::TryRng as _,
    seal,
    trust::{ChainError, TrustAnchorsError, TrustError},
    wrapper::{self, WrapperError},
};

const KEY_ID: KeyId = KeyId::from_bytes([0xab; 32]);
const CONTEXT: SecretContext<'_> = SecretContext::unchecked("agent-1", "db");
const NOW: UnixTime = UnixTime::from_secs(2_000_000_000);
const SECRET: &[u8] = b"correct horse battery";

#[test]
fn errors_say_what_is_wrong_and_what_to_do() {
    let malformed = wrapper::unwrap(b"{").unwrap_err();
    let WrapperError::Json(malformed) = malformed else {
        panic!("{malformed}")
    };
    let mut all = Texts::default();
    all.list("OpenError", &[OpenError]);
    all.list(
        "ParseError",
        &[
            ParseError::Magic,
            ParseError::Version { found: 2 },
            ParseError::Truncated {
                position: 5,
                missing: 7,
            },
            ParseError::RecipientCount { found: 17 },
            ParseError::DuplicateRecipient { position: 40 },
            ParseError::NoMessage,
            ParseError::FrameIndex {
                position: 300,
                expected: 1,
                found: 2,
            },
            ParseError::FrameFlag { position: 301 },
            ParseError::FrameLength {
                position: 302,
                found: 3,
            },
            ParseError::TrailingBytes { position: 700 },
            ParseError::TextPrefix,
            ParseError::TextEncoding,
        ],
    );
    all.list(
        "Error",
        &[
            Error::BufferTooSmall { needed: 256 },
            Error::Cms(CmsError::TooLarge),
            Error::ContextNeeded,
            Error::Cut { messages: 3 },
            Error::EncapsulationLength {
                expected: 256,
                found: 384,
            },
            Error::EncapsulationRange,
            Error::FormatNotBuilt {
                format: Format::JweCompact,
            },
            Error::Jwe(JweError::Zip),
            Error::KeyUnavailable,
            Error::NoMatchingKey {
                key_id: KEY_ID,
                recipients: 2,
            },
            Error::NotSingle { messages: 3 },
            Error::Open(OpenError),
            Error::OtherFormat {
                expected: Format::CmsPem,
            },
            Error::Parse(ParseError::Magic),
            Error::Rng,
            Error::StanzaType {
                key_id: KEY_ID,
                found: 9,
            },
            Error::UnknownFormat,
            Error::Wrapper(WrapperError::Members),
        ],
    );
    all.list(
        "SealError",
        &[
            SealError::Backend,
            SealError::BufferTooSmall { needed: 600 },
            SealError::DuplicateRecipient { key_id: KEY_ID },
            SealError::Finished,
            SealError::MessageTooLong {
                length: 70_000,
                limit: 65_536,
            },
            SealError::NoCertificate { key_id: KEY_ID },
            SealError::OneRecipient { given: 2 },
            SealError::RecipientCount { given: 17 },
            SealError::Rng,
        ],
    );
    all.list(
        "JweError",
        &[
            JweError::Aad,
            JweError::Base64(JwePart::Whole),
            JweError::Binding(BindingError::UnknownMember),
            JweError::Compact { parts: 3 },
            JweError::Critical,
            JweError::Duplicate,
            JweError::Encryption,
            JweError::Length {
                part: JwePart::Iv,
                found: 11,
            },
            JweError::Length {
                part: JwePart::Tag,
                found: 15,
            },
            JweError::Json(malformed),
            JweError::KeyNames,
            JweError::Mixed,
            JweError::NoContext,
            JweError::NoKeyName,
            JweError::NoMatchingKey { recipients: 2 },
            JweError::RecipientCount,
            JweError::Zip,
        ],
    );
    all.list(
        "JweError::Algorithm",
        &[
            KeyAlgorithm::Rsa15,
            KeyAlgorithm::RsaOaepSha1,
            KeyAlgorithm::RsaOaepOther,
            KeyAlgorithm::Direct,
            KeyAlgorithm::Password,
            KeyAlgorithm::EllipticCurve,
            KeyAlgorithm::KeyWrap,
            KeyAlgorithm::None,
            KeyAlgorithm::Unknown,
        ]
        .map(JweError::Algorithm),
    );
    all.list(
        "JweError::Unprotected",
        &[
            HeaderParameter::Alg,
            HeaderParameter::Enc,
            HeaderParameter::Zip,
            HeaderParameter::Crit,
            HeaderParameter::Sealpost,
        ]
        .map(JweError::Unprotected),
    );
    all.list(
        "JweError::Missing",
        &[
            JwePart::Protected,
            JwePart::EncryptedKey,
            JwePart::Iv,
            JwePart::Ciphertext,
            JwePart::Tag,
            JwePart::Alg,
            JwePart::Enc,
        ]
        .map(JweError::Missing),
    );
    all.list(
        "JweError::Type",
        &[
            JwePart::Unprotected,
            JwePart::Header,
            JwePart::Recipients,
            JwePart::Kid,
            JwePart::X5tS256,
        ]
        .map(JweError::Type),
    );
    all.list("JweError::TooLarge", &[JweError::TooLarge(JwePart::Whole)]);
    all.list(
        "CmsError",
        &[
            CmsError::AuthAttributes,
            CmsError::Ber,
            CmsError::EnvelopedData,
            CmsError::ContentType,
            CmsError::ContentEncryption,
            CmsError::Detached,
            CmsError::InnerType,
            CmsError::NonceLength { found: 11 },
            CmsError::MacLength { found: 15 },
            CmsError::Malformed,
            CmsError::NoMatchingKey {
                recipients: 2,
                certificates: true,
            },
            CmsError::NoMatchingKey {
                recipients: 2,
                certificates: false,
            },
            CmsError::OriginatorInfo,
            CmsError::Pem,
            CmsError::RecipientKind,
            CmsError::RecipientCount,
            CmsError::Smime,
            CmsError::TooLarge,
            CmsError::UnauthAttributes,
        ],
    );
    all.list(
        "CmsError::KeyEncryption",
        &[
            KeyEncryption::Pkcs1v15,
            KeyEncryption::OaepSha1,
            KeyEncryption::OaepMgf1Sha1,
            KeyEncryption::OaepLabel,
            KeyEncryption::OaepOther,
            KeyEncryption::Unknown,
        ]
        .map(CmsError::KeyEncryption),
    );
    all.list(
        "BindingError",
        &[
            BindingError::Differs(BindingMember::Agent),
            BindingError::Duplicate(BindingMember::Project),
            BindingError::Form(BindingMember::Exp),
            BindingError::Form(BindingMember::Project),
            BindingError::Form(BindingMember::Jti),
            BindingError::Json(malformed),
            BindingError::Missing(BindingMember::Name),
            BindingError::NotAString(BindingMember::Key),
            BindingError::NotAString(BindingMember::Type),
            BindingError::UnknownMember,
        ],
    );
    all.list(
        "WrapperError",
        &[
            WrapperError::Binding(BindingError::UnknownMember),
            WrapperError::Json(malformed),
            WrapperError::Members,
        ],
    );
    all.list(
        "CertificateError",
        &[
            CertificateError::AgentId,
            CertificateError::Block { number: 2 },
            CertificateError::Date {
                end: ValidityEnd::NotBefore,
                fault: DateFault::Offset,
            },
            CertificateError::DuplicateExtension,
            CertificateError::File(FileKind::Pkcs7),
            CertificateError::Malformed,
            CertificateError::NoCertificate,
            CertificateError::NotDer,
            CertificateError::PublicKey(PublicKeyError::Encoding),
            CertificateError::SerialNumber { length: 24 },
            CertificateError::TooLong { length: 70_000 },
            CertificateError::TooMany { found: 17 },
            CertificateError::TrailingBytes { length: 3 },
        ],
    );
    all.list(
        "TrustError",
        &[
            TrustError::Expired {
                not_after: UnixTime::from_secs(1_999_999_990),
                now: NOW,
            },
            TrustError::KeyUsage,
            TrustError::NeverValid {
                not_before: UnixTime::from_secs(2_000_000_060),
                not_after: NOW,
            },
            TrustError::NotPinned {
                fingerprint: Fingerprint::from_bytes([0xcd; 32]),
            },
            TrustError::NotYetValid {
                not_before: UnixTime::from_secs(2_000_000_060),
                now: NOW,
            },
        ],
    );
    all.list(
        "TrustError::Chain",
        &[
            ChainError::Authority,
            ChainError::CriticalExtension,
            ChainError::ExtendedKeyUsage,
            ChainError::NoAgent,
            ChainError::SelfSigned,
            ChainError::Version,
            ChainError::IssuerCriticalExtension,
            ChainError::IssuerExpired {
                not_after: UnixTime::from_secs(1_999_999_990),
                now: NOW,
            },
            ChainError::IssuerExtendedKeyUsage,
            ChainError::IssuerKey,
            ChainError::IssuerKeyUsage,
            ChainError::IssuerMalformed,
            ChainError::IssuerNameEncoding,
            ChainError::IssuerNeverValid,
            ChainError::IssuerNotAuthority,
            ChainError::IssuerNotDer,
            ChainError::IssuerUnreadable {
                reason: CertificateError::SerialNumber { length: 24 },
            },
            ChainError::IssuerNotYetValid {
                not_before: UnixTime::from_secs(2_000_000_060),
                now: NOW,
            },
            ChainError::NameConstraints,
            ChainError::NameConstraintsForm,
            ChainError::PathLength,
            ChainError::Signature,
            ChainError::SignatureAlgorithm,
            ChainError::TooComplex,
            ChainError::UnknownAuthority,
            ChainError::UnknownIssuer,
        ]
        .map(TrustError::Chain),
    );
    all.list(
        "TrustAnchorsError",
        &[
            TrustAnchorsError::CriticalExtension { number: 1 },
            TrustAnchorsError::File(FileKind::Pkcs7Der),
            TrustAnchorsError::Key { number: 2 },
            TrustAnchorsError::KeyUsage { number: 3 },
            TrustAnchorsError::Malformed { number: 4 },
            TrustAnchorsError::NoCertificate,
            TrustAnchorsError::NotAuthority {
                number: 5,
                self_issued: false,
            },
            TrustAnchorsError::NotAuthority {
                number: 5,
                self_issued: true,
            },
            TrustAnchorsError::NotDer { number: 6 },
            TrustAnchorsError::OtherBlock {
                kind: FileKind::TrustedCertificate,
            },
            TrustAnchorsError::Pem { number: 7 },
            TrustAnchorsError::TooLong { length: 2_000_000 },
            TrustAnchorsError::Unreadable {
                number: 8,
                reason: CertificateError::SerialNumber { length: 24 },
            },
            TrustAnchorsError::Version { number: 9 },
        ],
    );
    all.list(
        "PublicKeyError",
        &[
            PublicKeyError::Algorithm(OtherAlgorithm::MlKem),
            PublicKeyError::Algorithm(OtherAlgorithm::Unknown),
            PublicKeyError::Modulus { bits: 1024 },
            PublicKeyError::Exponent,
            PublicKeyError::ExponentTooLarge { bits: 33 },
            PublicKeyError::Encoding,
            PublicKeyError::Parameters,
            PublicKeyError::Refused,
            PublicKeyError::SignatureOnly,
        ],
    );
    all.list(
        "IdentityError",
        &[
            IdentityError::CertificateMismatch { key_id: KEY_ID },
            IdentityError::File(FileKind::Encrypted),
            IdentityError::Jwk(JwkError::Public),
            IdentityError::Label,
            IdentityError::Malformed,
            IdentityError::MultiPrime,
            IdentityError::NoPrivateKey,
            IdentityError::PublicKey(PublicKeyError::Exponent),
            IdentityError::Refused,
            IdentityError::SeveralPrivateKeys,
            IdentityError::TrailingBytes {
                length: 3,
                in_pem: false,
            },
            IdentityError::TrailingBytes {
                length: 3,
                in_pem: true,
            },
        ],
    );
    all.list("IdentityError::File", &FILE_KINDS.map(IdentityError::File));
    all.list(
        "CertificateError::File",
        &FILE_KINDS.map(CertificateError::File),
    );
    all.list(
        "TrustAnchorsError::File",
        &FILE_KINDS.map(TrustAnchorsError::File),
    );
    all.list(
        "JwkError",
        &[
            JwkError::Duplicate,
            JwkError::Json(malformed),
            JwkError::KeyType,
            JwkError::Missing { member: "qi" },
            JwkError::MultiPrime,
            JwkError::Number { member: "n" },
            JwkError::Public,
            JwkError::TooLarge,
            JwkError::Use { member: "key_ops" },
        ],
    );
    let envelope = seal(&[recipient("a2048")], &CONTEXT, SECRET, &mut AwsLcRng).unwrap();
    let ring = Keyring::new(identity("b2048"));
    let other = ring.open(&envelope, &CONTEXT, &mut AwsLcRng).unwrap_err();
    let duplicate = Keyring::new(identity("b2048"))
        .add_old(identity("b2048"))
        .unwrap_err();
    all.list(
        "KeyringError",
        &[
            other,
            KeyringError::from(Error::KeyUnavailable),
            KeyringError::from(OpenError),
            KeyringError::from(ParseError::Magic),
        ],
    );
    all.list("DuplicateKey", &[duplicate]);
    all.list("BackendError", &[BackendError]);
    all.list("InvalidDigest", &["ab".parse::<KeyId>().unwrap_err()]);
    insta::assert_snapshot!(all.0);
}

#[test]
fn formats_are_told_by_how_they_begin() {
    for (start, called) in [
        (&b"sealpost\x01"[..], "sealpost envelope, binary"),
        (b"sealpost.v1.", "sealpost envelope, text"),
        (b"eyJhbGciOi", "JWE, compact serialisation"),
        (b" e yJ.a.b.c.d", "JWE, compact serialisation"),
        (b"IHsi.a.b.c.d", "JWE, compact serialisation"),
        (b"Cgl7.a.b.c.d", "JWE, compact serialisation"),
        (b"DQp7.a.b.c.d", "JWE, compact serialisation"),
        (b"\n{\"protected\"", "JWE, JSON serialisation"),
        (b"\x30\x82\x01", "CMS, DER"),
        (b"MIME-Version: 1.0", "CMS, DER"),
        (b"-----BEGIN CMS-----", "CMS, PEM"),
    ] {
        assert_eq!(Format::detect(start).unwrap().to_string(), called);
    }
    for unknown in [&b""[..], b"e.a.b.c", b"H.a.b.c.d", b"\x30\x7f", b"hello"] {
        assert_eq!(Format::detect(unknown), None);
    }
}

#[test]
fn debug_shows_no_secret() {
    let recipient = recipient("a2048");
    let identity = identity("a2048");
    let envelope = seal(
        std::slice::from_ref(&recipient),
        &CONTEXT,
        SECRET,
        &mut AwsLcRng,
    )
    .unwrap();
    let plaintext = open(&identity, &envelope, &CONTEXT, &mut AwsLcRng).unwrap();
    assert_eq!(plaintext.as_ref(), SECRET);
    assert_eq!(show(&plaintext), "Plaintext { .. }");
    assert!(show(&recipient).starts_with("Recipient { public_key: PublicKey"));
    let jwe = jwe::seal(
        &[recipient],
        None,
        Serialization::Compact,
        SECRET,
        &mut AwsLcRng,
    )
    .unwrap();
    let jwe = Jwe::parse(jwe.as_bytes()).unwrap();
    assert_eq!(
        show(&jwe),
        "Jwe { serialization: Compact, binding: None, .. }"
    );
    assert_eq!(show(&KeyAnswer::Seed(SECRET)), "KeyAnswer");
    assert_eq!(
        show(&binding::Binding::new(&CONTEXT).context()),
        show(&CONTEXT)
    );
    let cms = cms::seal(&[self::recipient("a2048")], SECRET, &mut AwsLcRng).unwrap();
    let cms = Cms::parse(&cms).unwrap();
    assert_eq!(show(&cms), "Cms { recipients: 1, .. }");
    assert_eq!(cms.message_len(), SECRET.len());
    let parsed = Envelope::parse(&envelope).unwrap();
    let ring = Keyring::new(identity);
    let selected = ring.select(&parsed).unwrap();
    assert_eq!(selected.pending().encapsulation().len(), 256);
    assert!(show(&selected.clone()).starts_with("Selected { key_id: "));
    let opener: Opener<AwsLc> = selected.decrypt(&mut AwsLcRng).unwrap();
    assert_eq!(show(&opener), "Opener { .. }");
    assert_eq!(
        show(&opener.sequence(&parsed)),
        "Sequence { opened: 0, .. }"
    );
    let sealer = Sealer::new(&[self::recipient("a2048")], &mut AwsLcRng, &mut Vec::new()).unwrap();
    assert_eq!(show(&sealer), "Sealer { next: Some(0), .. }");
    assert!(!show(&ring).contains("private"));
}

/// The generators give something, of each size, and not twice the same.
#[test]
fn the_generators() {
    assert_ne!(
        AwsLcRng.try_next_u64().unwrap(),
        AwsLcRng.try_next_u64().unwrap()
    );
    let words: Vec<_> = (0..4).map(|_| AwsLcRng.try_next_u32().unwrap()).collect();
    assert!(words.iter().any(|word| *word != words[0]));
    let mut bytes = [[0; 32]; 2];
    for bytes in &mut bytes {
        OsRng.try_fill_bytes(bytes).unwrap();
    }
    assert_ne!(bytes[0], bytes[1]);
    assert_ne!(OsRng.try_next_u64().unwrap(), OsRng.try_next_u64().unwrap());
    let words: Vec<_> = (0..4).map(|_| OsRng.try_next_u32().unwrap()).collect();
    assert!(words.iter().any(|word| *word != words[0]));
    assert!(UnixTime::now().as_secs() > 1_700_000_000);
}

#[derive(Default)]
struct Texts(String);

impl Texts {
    fn list(&mut self, kind: &str, errors: &[impl std::error::Error]) {
        writeln!(self.0, "{kind}").unwrap();
        for error in errors {
            let text = error.to_string();
            assert!(!text.contains('\n') && !text.ends_with('.'), "{text}");
            writeln!(self.0, "  {text}").unwrap();
        }
    }
}

fn show(value: &impl Debug) -> String {
    let shown = format!("{value:?}");
    assert!(
        !shown.contains("correct") && !shown.contains("99, 111, 114"),
        "{shown}"
    );
    shown
}

fn recipient(name: &str) -> Recipient<AwsLc> {
    let pem = file(&format!("agent-{name}.pem"));
    Recipient::from_certificate_pem(&pem, &Trust::DangerAnyCertificate, NOW).unwrap()
}

fn identity(name: &str) -> Identity<AwsLc> {
    Identity::from_pem(&file(&format!("agent-{name}.key.pem"))).unwrap()
}

fn file(name: &str) -> Vec<u8> {
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/keys");
    std::fs::read(format!("{keys}/{name}")).unwrap()
}

const FILE_KINDS: [FileKind; 43] = [
    FileKind::Age,
    FileKind::Archive,
    FileKind::Base64,
    FileKind::Base64Other,
    FileKind::Binary,
    FileKind::BouncyCastle,
    FileKind::Certificate,
    FileKind::CertificateRequest,
    FileKind::Crl,
    FileKind::Der,
    FileKind::Empty,
    FileKind::Encrypted,
    FileKind::EscapedLines,
    FileKind::Gzip,
    FileKind::Hex,
    FileKind::Html,
    FileKind::Jks,
    FileKind::Json,
    FileKind::Jwk,
    FileKind::JwkList,
    FileKind::JwkSet,
    FileKind::MsBlob,
    FileKind::OpenPgp,
    FileKind::OpenSsh,
    FileKind::Pkcs12,
    FileKind::Pkcs12Pem,
    FileKind::Pkcs7,
    FileKind::Pkcs7Der,
    FileKind::PrivateKey,
    FileKind::PublicKey,
    FileKind::Putty,
    FileKind::Pvk,
    FileKind::Ssh2,
    FileKind::SshOther,
    FileKind::SshPublicKey,
    FileKind::Text,
    FileKind::Tpm,
    FileKind::TrustedCertificate,
    FileKind::Utf16,
    FileKind::Utf16Le,
    FileKind::Utf32,
    FileKind::Xml,
    FileKind::XmlOther,
];
