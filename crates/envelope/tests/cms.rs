//! CMS, with the `openssl` command on the other side; and what is refused, each with its own reason.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![allow(clippy::print_stderr)] // a test that is not run says so
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

use std::path::{Path, PathBuf};
use std::process::Command;

use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::{
    Certificate, ContextPolicy, Error, Identity, Keyring, Message, OpenError, Recipient, SealError,
    Trust, UnixTime,
    backend::Backend,
    cms::{self, Cms, CmsError, KeyEncryption, RecipientName},
    key::{KeyAnswer, KeyringError, PublicIdentity},
};
use tempfile::TempDir;

#[allow(dead_code)] // `formats.rs` uses the rest
mod shapes;

#[cfg(feature = "aws-lc")]
use sealpost_envelope::AwsLc;
#[cfg(feature = "rustcrypto")]
use sealpost_envelope::RustCrypto;

/// Whichever there is, where it does not matter.
#[cfg(feature = "aws-lc")]
type Any = AwsLc;
#[cfg(not(feature = "aws-lc"))]
type Any = RustCrypto;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../testdata/keys")
        .join(name)
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&std::fs::read(path(&format!("agent-{name}.pem"))).unwrap()).unwrap()
}

fn recipient<B: Backend>(name: &str) -> Recipient<B> {
    let now = UnixTime::from_secs(2_000_000_000);
    Recipient::from_certificate(&certificate(name), &Trust::DangerAnyCertificate, now).unwrap()
}

fn identity<B: Backend>(name: &str) -> Identity<B> {
    let key = std::fs::read(path(&format!("agent-{name}.key.pem"))).unwrap();
    let mut identity = Identity::from_pem(&key).unwrap();
    identity.add_certificate(certificate(name)).unwrap();
    identity
}

fn open<B: Backend>(name: &str, message: &[u8]) -> Result<Vec<u8>, Error> {
    open_with(&Keyring::new(identity::<B>(name)), Cms::parse(message)?)
}

fn open_with<'a, B: Backend>(
    ring: &Keyring<Identity<B>>,
    message: impl Into<Message<'a>>,
) -> Result<Vec<u8>, Error> {
    let policy = ContextPolicy::AcceptUnbound(None);
    match message.into().open(ring, policy, &mut rng()) {
        Ok(opened) => Ok(opened.plaintext.to_vec()),
        Err(KeyringError::Opening(error)) => Err(error),
        Err(error) => panic!("of CMS: {error}"),
    }
}

const OAEP: [&str; 6] = [
    "-keyopt",
    "rsa_padding_mode:oaep",
    "-keyopt",
    "rsa_oaep_md:sha256",
    "-keyopt",
    "rsa_mgf1_md:sha256",
];

/// `openssl`, in a folder of its own; `None` where there is none, which only a developer's machine may have.
struct OpenSsl(TempDir);

impl OpenSsl {
    fn find() -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_ok() {
            return Some(Self(tempfile::tempdir().unwrap()));
        }
        assert!(std::env::var_os("CI").is_none(), "openssl is not installed");
        eprintln!("!!! NOT RUN: openssl is not installed, and this test compares with it !!!");
        None
    }

    fn run(&self, arguments: &[&str], input: &[u8]) -> Result<Vec<u8>, String> {
        let (from, to) = (self.0.path().join("in"), self.0.path().join("out"));
        std::fs::write(&from, input).unwrap();
        let _ = std::fs::remove_file(&to);
        let done = Command::new("openssl")
            .arg("cms")
            .args(arguments)
            .arg("-in")
            .arg(&from)
            .arg("-out")
            .arg(&to)
            .output()
            .unwrap();
        match done.status.success() {
            true => Ok(std::fs::read(&to).unwrap()),
            false => Err(String::from_utf8_lossy(&done.stderr).into_owned()),
        }
    }

    /// Encrypts with what `options` add to the usual.
    fn encrypt(&self, names: &[&str], options: &[&str], message: &[u8]) -> Vec<u8> {
        let mut arguments = vec!["-encrypt", "-binary"];
        arguments.extend(options);
        let certificates: Vec<_> = names
            .iter()
            .map(|name| path(&format!("agent-{name}.pem")).display().to_string())
            .collect();
        for certificate in &certificates {
            arguments.extend(["-recip", certificate]);
            if options.contains(&"-aes-256-gcm") {
                arguments.extend(OAEP);
            }
        }
        self.run(&arguments, message).unwrap()
    }
}

const GCM_DER: [&str; 3] = ["-aes-256-gcm", "-outform", "DER"];

/// Opens what openssl writes, and openssl what this backend writes; returns how many messages were opened.
fn both_directions<B: Backend>(openssl: &OpenSsl) -> usize {
    let mut opened = 0;
    for name in ["a2048", "a3072", "a4096"] {
        for message in [&b""[..], br#"{"password":"P@ssw0rd123"}"#, &[7; 65_536]] {
            for options in [
                &["-aes-256-gcm", "-outform", "DER"][..],
                &["-aes-256-gcm", "-outform", "PEM"],
                &["-aes-256-gcm", "-outform", "DER", "-keyid"],
            ] {
                let sealed = openssl.encrypt(&[name], options, message);
                assert_eq!(
                    open::<B>(name, &sealed).unwrap(),
                    message,
                    "{name} {options:?}"
                );
                opened += 1;
            }
            let key = path(&format!("agent-{name}.key.pem")).display().to_string();
            let certificate = path(&format!("agent-{name}.pem")).display().to_string();
            let (alone, other) = (
                [recipient::<B>(name)],
                [recipient("b2048"), recipient(name)],
            );
            for recipients in [&alone[..], &other] {
                let sealed = cms::seal(recipients, message, &mut rng()).unwrap();
                let decrypt = [
                    "-decrypt",
                    "-binary",
                    "-inkey",
                    &key,
                    "-recip",
                    &certificate,
                ];
                let der = openssl.run(&[&decrypt[..], &["-inform", "DER"]].concat(), &sealed);
                assert_eq!(der.unwrap(), message);
                let pem = cms::to_pem(&sealed);
                let pem = openssl.run(
                    &[&decrypt[..], &["-inform", "PEM"]].concat(),
                    pem.as_bytes(),
                );
                assert_eq!(pem.unwrap(), message);
                opened += 2;
            }
        }
    }
    opened
}

#[test]
fn what_openssl_seals_opens_and_the_other_way_round() {
    let Some(openssl) = OpenSsl::find() else {
        return;
    };
    #[cfg(feature = "aws-lc")]
    assert_eq!(both_directions::<AwsLc>(&openssl), 3 * 3 * (3 + 4));
    #[cfg(feature = "rustcrypto")]
    assert_eq!(both_directions::<RustCrypto>(&openssl), 3 * 3 * (3 + 4));
}

/// Its length then takes more than one octet (X.690 §8.1.3.5).
#[test]
fn an_issuer_may_have_a_long_name() {
    let Some(openssl) = OpenSsl::find() else {
        return;
    };
    let key = path("agent-a2048.key.pem").display().to_string();
    let file = openssl.0.path().join("long.pem").display().to_string();
    for parts in [2, 5] {
        let subject =
            "/OU=0123456789012345678901234567890123456789012345678901234567".repeat(parts);
        let made = Command::new("openssl")
            .args(["req", "-x509", "-days", "36500", "-subj", &subject])
            .args([
                "-key",
                &key,
                "-out",
                &file,
                "-addext",
                "keyUsage=keyEncipherment",
            ])
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let pem = std::fs::read(&file).unwrap();
        let certificate = Certificate::from_pem(&pem).unwrap();
        let now = UnixTime::from_secs(2_000_000_000);
        let trust = Trust::DangerAnyCertificate;
        let recipient = Recipient::<Any>::from_certificate(&certificate, &trust, now).unwrap();
        let sealed = cms::seal(&[recipient], b"x", &mut rng()).unwrap();
        let decrypt = [
            "-decrypt", "-binary", "-inkey", &key, "-recip", &file, "-inform", "DER",
        ];
        assert_eq!(openssl.run(&decrypt, &sealed).unwrap(), b"x", "{parts}");
        let mut identity = Identity::<Any>::from_pem(&std::fs::read(&key).unwrap()).unwrap();
        identity.add_certificate(certificate).unwrap();
        let cms = Cms::parse(&sealed).unwrap();
        assert_eq!(open_with(&Keyring::new(identity), cms).unwrap(), b"x");
    }
}

#[test]
fn of_several_recipients_each_opens() {
    let Some(openssl) = OpenSsl::find() else {
        return;
    };
    for options in [&GCM_DER[..], &["-aes-256-gcm", "-outform", "DER", "-keyid"]] {
        let sealed = openssl.encrypt(&["a2048", "a3072", "b2048"], options, b"x");
        for name in ["a2048", "a3072", "b2048"] {
            assert_eq!(open::<Any>(name, &sealed).unwrap(), b"x");
        }
        assert_eq!(
            open::<Any>("a4096", &sealed),
            Err(Error::Cms(CmsError::NoMatchingKey {
                recipients: 3,
                certificates: true
            }))
        );
    }
}

/// The order of a SET OF (X.690 §11.6) is that of the bytes, whatever the recipients' names and sizes are.
#[test]
fn what_is_sealed_to_several_is_in_order() {
    let names = ["a2048", "a3072", "a4096", "b2048"];
    for first in names {
        for second in names.into_iter().filter(|name| *name != first) {
            let recipients = [recipient::<Any>(first), recipient::<Any>(second)];
            let sealed = cms::seal(&recipients, b"x", &mut rng()).unwrap();
            for name in [first, second] {
                assert_eq!(
                    open::<Any>(name, &sealed).unwrap(),
                    b"x",
                    "{first} {second}"
                );
            }
        }
    }
}

#[test]
fn what_openssl_does_by_default_is_refused_with_what_to_add() {
    let Some(openssl) = OpenSsl::find() else {
        return;
    };
    let recipient = path("agent-a2048.pem").display().to_string();
    let refused = |options: &[&str]| {
        let arguments = [&["-encrypt", "-binary"][..], options].concat();
        let sealed = openssl.run(&arguments, b"x").unwrap();
        Cms::parse(&sealed).unwrap_err()
    };
    let gcm = ["-aes-256-gcm", "-outform", "DER", "-recip", &recipient];
    let with = |more: &[&'static str]| [&gcm[..], more].concat();
    for (options, expected) in [
        (with(&[]), CmsError::KeyEncryption(KeyEncryption::Pkcs1v15)),
        (
            with(&OAEP[..2]),
            CmsError::KeyEncryption(KeyEncryption::OaepSha1),
        ),
        (
            with(&[
                "-keyopt",
                "rsa_padding_mode:oaep",
                "-keyopt",
                "rsa_oaep_md:sha256",
                "-keyopt",
                "rsa_mgf1_md:sha1",
            ]),
            CmsError::KeyEncryption(KeyEncryption::OaepMgf1Sha1),
        ),
        (
            with(&[
                "-keyopt",
                "rsa_padding_mode:oaep",
                "-keyopt",
                "rsa_oaep_md:sha512",
            ]),
            CmsError::KeyEncryption(KeyEncryption::OaepOther),
        ),
        (
            [&gcm[..], &OAEP, &["-keyopt", "rsa_oaep_label:6c"]].concat(),
            CmsError::KeyEncryption(KeyEncryption::OaepLabel),
        ),
        ([&gcm[..], &OAEP, &["-stream"]].concat(), CmsError::Ber),
        (
            [
                &["-aes-256-cbc", "-outform", "DER", "-recip", &recipient][..],
                &OAEP,
            ]
            .concat(),
            CmsError::EnvelopedData,
        ),
        (
            [
                &["-aes-128-gcm", "-outform", "DER", "-recip", &recipient][..],
                &OAEP,
            ]
            .concat(),
            CmsError::ContentEncryption,
        ),
        (
            [
                "-aes-256-gcm",
                "-outform",
                "DER",
                "-secretkey",
                "00112233445566778899aabbccddeeff",
                "-secretkeyid",
                "01",
            ]
            .to_vec(),
            CmsError::RecipientKind,
        ),
    ] {
        assert_eq!(refused(&options), expected, "{options:?}");
    }
}

/// Where a piece of DER stands in a message.
fn place(message: &[u8], piece: &[u8]) -> usize {
    message
        .windows(piece.len())
        .position(|window| window == piece)
        .unwrap()
}

#[test]
fn what_is_not_exactly_right_is_refused() {
    let good = cms::seal(&[recipient::<Any>("a2048")], b"message", &mut rng()).unwrap();
    assert!(Cms::parse(&good).is_ok());
    let change = |at: usize, to: &[u8]| {
        let mut message = good.clone();
        message[at..at + to.len()].copy_from_slice(to);
        Cms::parse(&message).unwrap_err()
    };
    // GCMParameters: OCTET STRING of 12, INTEGER 16.
    let parameters = place(&good, &[0x30, 17, 4, 12]);
    assert_eq!(
        change(parameters + 18, &[12]),
        CmsError::MacLength { found: 12 }
    );
    assert_eq!(change(parameters + 16, &[4]), CmsError::Malformed);
    assert_eq!(change(parameters, &[0x31]), CmsError::Malformed);
    // The type of the content: pkcs7-data.
    let data = place(&good, &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 1]);
    assert_eq!(change(data + 8, &[2]), CmsError::InnerType);
    let kind = place(
        &good,
        &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 23],
    );
    assert_eq!(change(kind + 10, &[24]), CmsError::ContentType);
    let with_end = [&good[..], &[0]].concat();
    for bad in [
        &good[1..],
        &good[..good.len() - 1],
        &with_end,
        &[],
        b"hello",
    ] {
        assert_eq!(Cms::parse(bad).unwrap_err(), CmsError::Malformed);
    }
    for (length, expected) in [
        (1 << 20, CmsError::Malformed),
        ((1 << 20) + 1, CmsError::TooLarge),
    ] {
        assert_eq!(Cms::parse(&vec![0x30; length]).unwrap_err(), expected);
    }
    let pem = cms::to_pem(&good);
    assert!(Cms::parse(pem.as_bytes()).is_ok());
    assert!(Cms::parse(pem.replace("CMS", "PKCS7").as_bytes()).is_ok());
    for bad in [
        pem.replace("CMS", "CERTIFICATE"),
        pem.repeat(2),
        pem.replace("-----END", "-----BEGIN"),
    ] {
        assert_eq!(Cms::parse(bad.as_bytes()).unwrap_err(), CmsError::Pem);
    }
    let bare = Recipient::<Any>::danger_from_public_key(certificate("a2048").public_key().clone());
    assert!(matches!(
        cms::seal(&[bare.unwrap()], b"x", &mut rng()),
        Err(SealError::NoCertificate { .. })
    ));
    let without = Keyring::new(
        Identity::<Any>::from_pem(&std::fs::read(path("agent-a2048.key.pem")).unwrap()).unwrap(),
    );
    assert_eq!(
        open_with(&without, Cms::parse(&good).unwrap()).err(),
        Some(Error::Cms(CmsError::NoMatchingKey {
            recipients: 1,
            certificates: false
        }))
    );
}

/// RFC 5083 §2.1: what may stand beside what is needed, and has no meaning here.
#[test]
fn optional_fields_are_refused_by_name() {
    let good = cms::seal(&[recipient::<Any>("a2048")], b"message", &mut rng()).unwrap();
    // ContentInfo, its object identifier, [0], AuthEnvelopedData: the lengths have two octets.
    let lengths = [2, 19, 23];
    let version = 25;
    assert_eq!(good[version..version + 3], [2, 1, 0]);
    let mac = good.len() - 18;
    assert_eq!(good[mac..mac + 2], [4, 16]);
    let insert = |at: usize, field: &[u8]| {
        let mut message = good.clone();
        for at in lengths {
            let length = u16::from_be_bytes([message[at], message[at + 1]]) + 2;
            message[at..at + 2].copy_from_slice(&length.to_be_bytes());
        }
        message.splice(at..at, field.iter().copied());
        Cms::parse(&message).unwrap_err()
    };
    for (at, field, expected) in [
        (version + 3, [0xa0, 0], CmsError::OriginatorInfo),
        (mac, [0xa1, 0], CmsError::AuthAttributes),
        (good.len(), [0xa2, 0], CmsError::UnauthAttributes),
        // None of them, or not in its place.
        (good.len(), [0xa3, 0], CmsError::Malformed),
        (version, [0xa0, 0], CmsError::Malformed),
    ] {
        assert_eq!(insert(at, &field), expected, "{field:x?} at {at}");
    }
    let mut other_version = good.clone();
    other_version[version + 2] = 1;
    assert_eq!(Cms::parse(&other_version).err(), Some(CmsError::Malformed));
}

#[test]
fn no_message_of_one_format_is_one_of_another() {
    use base64ct::{Base64UrlUnpadded, Encoding as _};
    use sealpost_envelope::jwe::{self, Jwe, Serialization};

    let encode = Base64UrlUnpadded::encode_string;
    let decode = |text: &str| Base64UrlUnpadded::decode_vec(text).unwrap();
    let recipients = [recipient::<Any>("a2048")];
    let good = cms::seal(&recipients, b"message", &mut rng()).unwrap();
    let parsed = Cms::parse(&good).unwrap();
    let RecipientName::IssuerAndSerialNumber(name) = parsed.recipients().next().unwrap() else {
        panic!("another name");
    };

    // The parts of a JWE as CMS.
    let text = jwe::seal(
        &recipients,
        None,
        Serialization::Compact,
        b"message",
        &mut rng(),
    )
    .unwrap();
    let parts: Vec<_> = text.split('.').map(decode).collect();
    let [_, key, nonce, content, tag] = <[Vec<u8>; 5]>::try_from(parts).unwrap();
    let ktri = shapes::ktri(name, &shapes::oaep(&[]), &key);
    let moved = shapes::content_info(&[ktri], &nonce, &content, &tag);
    assert_eq!(open::<Any>("a2048", &moved), Err(Error::Open(OpenError)));

    // The parts of a CMS message as JWE, under a header that is right.
    let at = |start: usize, length: usize| encode(&good[start..start + length]);
    let header = text.split('.').next().unwrap();
    let moved = [
        header,
        &at(place(&good, &[4, 0x82, 1, 0]) + 4, 256),
        &at(place(&good, &[0x30, 17, 4, 12]) + 4, 12),
        &at(place(&good, &[0x80, 7]) + 2, 7),
        &at(good.len() - 16, 16),
    ]
    .join(".");
    let ring = Keyring::new(identity::<Any>("a2048"));
    let open = |text: &str| open_with(&ring, Jwe::parse(text.as_bytes()).unwrap());
    assert_eq!(open(&moved), Err(Error::Open(OpenError)));
    assert_eq!(open(&text), Ok(b"message".to_vec()));
}

#[test]
fn what_names_a_recipient_wrongly_is_refused() {
    let (oaep, key) = (shapes::oaep(&[]), [7; 256]);
    let parse = |recipients: &[Vec<u8>]| {
        Cms::parse(&shapes::content_info(recipients, &[7; 12], b"x", &[7; 16])).map(|_| ())
    };
    let name = shapes::der(0x30, &[&shapes::der(0x30, &[])[..], &[2, 1, 1]].concat());
    let good = shapes::ktri(&name, &oaep, &key);
    assert_eq!(parse(std::slice::from_ref(&good)), Ok(()));
    for name in [
        &[][..],
        &shapes::der(0x30, &[]),
        &shapes::der(0x30, &[2, 1, 1]),
        &shapes::der(
            0x30,
            &[&shapes::der(0x30, &[])[..], &[2, 1, 1, 5, 0]].concat(),
        ),
        &shapes::der(0x31, &[&shapes::der(0x30, &[])[..], &[2, 1, 1]].concat()),
        &shapes::der(0x81, &[1; 20]),
    ] {
        let bad = shapes::ktri(name, &oaep, &key);
        assert_eq!(parse(&[bad]), Err(CmsError::Malformed), "{name:x?}");
    }
    // The version must be that of the kind of name.
    let mut version = good.clone();
    let at = place(&version, &[2, 1, 0]) + 2;
    version[at] = 2;
    assert_eq!(parse(&[version]), Err(CmsError::Malformed));
    assert_eq!(parse(&[]), Err(CmsError::RecipientCount));
    assert_eq!(
        parse(&vec![good.clone(); 17]),
        Err(CmsError::RecipientCount)
    );
    // DER sorts a SET (X.690 §11.6).
    let last = shapes::ktri(&shapes::der(0x80, &[9; 20]), &oaep, &key);
    let mut sorted = [good, last];
    sorted.sort();
    assert_eq!(parse(&sorted), Ok(()));
    sorted.reverse();
    assert_eq!(parse(&sorted), Err(CmsError::Malformed));
    assert_eq!(
        Cms::parse(b"MIME-Version: 1.0\n").unwrap_err(),
        CmsError::Smime
    );
}

#[test]
fn from_the_private_key_on_there_is_one_error() {
    fn all<B: Backend>() {
        let good = cms::seal(&[recipient::<B>("a2048")], b"message", &mut rng()).unwrap();
        let key = place(&good, &[4, 0x82, 1, 0]) + 4;
        let nonce = place(&good, &[0x30, 17, 4, 12]) + 4;
        let content = place(&good, &[0x80, 7]) + 2;
        for at in [key + 100, nonce, content, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            assert_eq!(
                open::<B>("a2048", &bad),
                Err(Error::Open(OpenError)),
                "{at}"
            );
        }
        let cms = Message::parse(&good).unwrap();
        let identity = identity::<B>("a2048");
        let ring = Keyring::new(PublicIdentity::from(&identity));
        let pending = cms
            .pending(&ring, ContextPolicy::AcceptUnbound(None))
            .unwrap();
        for answer in [
            KeyAnswer::Seed(&[7; 32]),
            KeyAnswer::Seed(&[7; 33]),
            KeyAnswer::Rejected,
        ] {
            let opened = pending.finish::<B, _>(answer, &mut rng());
            assert_eq!(opened.err(), Some(Error::Open(OpenError)));
        }
        assert_eq!(
            &*pending.decrypt(&identity, &mut rng()).unwrap().plaintext,
            b"message"
        );
        let mut out_of_range = good.clone();
        out_of_range[key..key + 256].fill(0);
        assert_eq!(
            open::<B>("a2048", &out_of_range),
            Err(Error::EncapsulationRange)
        );
    }
    #[cfg(feature = "aws-lc")]
    all::<AwsLc>();
    #[cfg(feature = "rustcrypto")]
    all::<RustCrypto>();
}
