//! JWE: what is written opens, in every serialisation and across backends; what is not exactly right is refused, each
//! with its own reason.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

use base64ct::{Base64UrlUnpadded, Encoding as _};
use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::{
    Backend, Binding, Certificate, Error, Identity, KeyAnswer, Keyring, OpenError, Recipient,
    SealError, SecretContext, Trust, UnixTime,
    binding::{BindingError, BindingMember},
    jwe::{
        self, ContextPolicy, HeaderParameter, Jwe, JweError, JwePart, KeyAlgorithm, Serialization,
    },
};

#[cfg(feature = "aws-lc")]
use sealpost_envelope::AwsLc;
#[cfg(feature = "rustcrypto")]
use sealpost_envelope::RustCrypto;

/// Whichever there is, where it does not matter.
#[cfg(feature = "aws-lc")]
type Any = AwsLc;
#[cfg(not(feature = "aws-lc"))]
type Any = RustCrypto;

const CONTEXT: SecretContext<'_> = SecretContext::new("agent-1", "db-login")
    .with_key("password")
    .with_type("PASSWORD");
const BOUND: ContextPolicy<'_> = ContextPolicy::RequireContext(&CONTEXT);
const UNBOUND: ContextPolicy<'_> = ContextPolicy::AcceptUnbound(None);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!(
        "{}/../../testdata/keys/{name}",
        env!("CARGO_MANIFEST_DIR")
    ))
    .unwrap()
}

fn certificate<B: Backend>(name: &str) -> Certificate {
    Certificate::from_pem::<B>(&file(&format!("agent-{name}.pem"))).unwrap()
}

fn recipient<B: Backend>(name: &str) -> Recipient<B> {
    let now = UnixTime::from_secs(2_000_000_000);
    Recipient::from_certificate(&certificate::<B>(name), &Trust::DangerAnyCertificate, now).unwrap()
}

fn identity<B: Backend>(name: &str) -> Identity<B> {
    let mut identity = Identity::from_pem(&file(&format!("agent-{name}.key.pem"))).unwrap();
    identity.add_certificate(certificate::<B>(name)).unwrap();
    identity
}

fn seal<B: Backend>(names: &[&str], serialization: Serialization, message: &[u8]) -> String {
    let recipients: Vec<_> = names.iter().map(|name| recipient::<B>(name)).collect();
    let binding = Binding::new(&CONTEXT);
    jwe::seal(
        &recipients,
        Some(&binding),
        serialization,
        message,
        &mut rng(),
    )
    .unwrap()
}

fn open<B: Backend>(name: &str, text: &str, policy: ContextPolicy<'_>) -> Result<Vec<u8>, Error> {
    let ring = Keyring::new(identity::<B>(name));
    let jwe = Jwe::parse(text.as_bytes())?;
    jwe::open(&ring, &jwe, policy, &mut rng()).map(|opened| opened.plaintext.to_vec())
}

#[test]
fn every_backend_opens_what_every_backend_seals() {
    fn both<S: Backend, O: Backend>() {
        for name in ["a2048", "a2049", "a3072", "a4096"] {
            for message in [&b""[..], b"{}", &[7; 65_536]] {
                for (names, serialization) in [
                    (&[name][..], Serialization::Compact),
                    (&[name], Serialization::Flattened),
                    (&[name], Serialization::General),
                    (&["b2048", name], Serialization::General),
                ] {
                    let text = seal::<S>(names, serialization, message);
                    assert_eq!(
                        Jwe::parse(text.as_bytes()).unwrap().serialization(),
                        serialization
                    );
                    assert_eq!(open::<O>(name, &text, BOUND).unwrap(), message);
                }
            }
        }
    }
    #[cfg(feature = "aws-lc")]
    both::<AwsLc, AwsLc>();
    #[cfg(feature = "rustcrypto")]
    both::<RustCrypto, RustCrypto>();
    #[cfg(all(feature = "aws-lc", feature = "rustcrypto"))]
    {
        both::<AwsLc, RustCrypto>();
        both::<RustCrypto, AwsLc>();
    }
}

#[test]
fn what_is_written_names_its_key_certificate_and_context() {
    let text = seal::<Any>(&["a2048"], Serialization::Compact, b"{}");
    let jwe = Jwe::parse(text.as_bytes()).unwrap();
    let name = jwe.recipients().next().unwrap();
    let certificate = certificate::<Any>("a2048");
    assert_eq!(name.key_id(), Some(certificate.public_key().key_id()));
    assert_eq!(name.fingerprint(), Some(certificate.fingerprint()));
    assert_eq!(jwe.binding().unwrap().context(), CONTEXT);
    assert_eq!(jwe.message_len(), 2);
    let header = Base64UrlUnpadded::decode_vec(text.split('.').next().unwrap()).unwrap();
    let header: serde_json::Value = serde_json::from_slice(&header).unwrap();
    assert_eq!(header["alg"], "RSA-OAEP-256");
    assert_eq!(header["enc"], "A256GCM");
    assert_eq!(header["typ"], "JWE");
    assert_eq!(header["sealpost"]["key"], "password");
}

#[test]
fn a_serialisation_for_one_takes_one() {
    let recipients = [recipient::<Any>("a2048"), recipient("b2048")];
    let seal = |recipients: &[_], serialization| {
        jwe::seal(recipients, None, serialization, b"{}", &mut rng()).err()
    };
    for serialization in [Serialization::Compact, Serialization::Flattened] {
        assert_eq!(
            seal(&recipients, serialization),
            Some(SealError::OneRecipient { given: 2 })
        );
    }
    assert_eq!(
        seal(&[], Serialization::General),
        Some(SealError::RecipientCount { given: 0 })
    );
    let twice = [recipient("a2048"), recipient("a2048")];
    assert!(matches!(
        seal(&twice, Serialization::General),
        Some(SealError::DuplicateRecipient { .. })
    ));
}

/// A JWE whose parts a test changes before they are put together; the cryptography is right unless it is said.
struct Draft {
    header: String,
    key: String,
    iv: String,
    ciphertext: String,
    tag: String,
}

fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

fn draft() -> Draft {
    let text = seal::<Any>(&["a2048"], Serialization::Compact, b"{}");
    let parts: Vec<_> = text.split('.').map(str::to_owned).collect();
    let [header, key, iv, ciphertext, tag] = <[String; 5]>::try_from(parts).unwrap();
    let header = Base64UrlUnpadded::decode_vec(&header).unwrap();
    Draft {
        header: String::from_utf8(header).unwrap(),
        key,
        iv,
        ciphertext,
        tag,
    }
}

impl Draft {
    fn header(mut self, from: &str, to: &str) -> Self {
        assert!(self.header.contains(from), "{}", self.header);
        self.header = self.header.replace(from, to);
        self
    }

    fn add(self, member: &str) -> Self {
        self.header("{\"alg\"", &format!("{{{member},\"alg\""))
    }

    fn compact(&self) -> String {
        let header = encode(self.header.as_bytes());
        [&header, &self.key, &self.iv, &self.ciphertext, &self.tag]
            .map(String::as_str)
            .join(".")
    }

    fn json(&self, extra: &str) -> String {
        format!(
            r#"{{"protected":"{}","encrypted_key":"{}","iv":"{}","ciphertext":"{}","tag":"{}"{extra}}}"#,
            encode(self.header.as_bytes()),
            self.key,
            self.iv,
            self.ciphertext,
            self.tag
        )
    }
}

fn refused(text: &str) -> JweError {
    match open::<Any>("a2048", text, UNBOUND) {
        Err(Error::Jwe(error)) => error,
        other => panic!("{other:?} for {text}"),
    }
}

#[test]
fn other_algorithms_are_refused_by_name() {
    for (alg, expected) in [
        ("RSA1_5", KeyAlgorithm::Rsa15),
        ("RSA-OAEP", KeyAlgorithm::RsaOaepSha1),
        ("RSA-OAEP-512", KeyAlgorithm::RsaOaepOther),
        ("PBES2-HS256+A128KW", KeyAlgorithm::Password),
        ("dir", KeyAlgorithm::Direct),
        ("none", KeyAlgorithm::None),
        ("ECDH-ES+A256KW", KeyAlgorithm::EllipticCurve),
        ("A256KW", KeyAlgorithm::KeyWrap),
        ("A256GCMKW", KeyAlgorithm::KeyWrap),
        ("rsa-oaep-256", KeyAlgorithm::Unknown),
        ("", KeyAlgorithm::Unknown),
    ] {
        let text = draft().header("RSA-OAEP-256", alg).compact();
        assert_eq!(refused(&text), JweError::Algorithm(expected), "{alg}");
    }
    for enc in ["A128GCM", "A128CBC-HS256", "A256CBC-HS512", ""] {
        assert_eq!(
            refused(&draft().header("A256GCM", enc).compact()),
            JweError::Encryption
        );
    }
    let text = draft().header("\"RSA-OAEP-256\"", "1").compact();
    assert_eq!(refused(&text), JweError::Type(JwePart::Alg));
    let text = draft().header("\"alg\":\"RSA-OAEP-256\",", "").compact();
    assert_eq!(refused(&text), JweError::Missing(JwePart::Alg));
    let text = draft().header("\"enc\":\"A256GCM\",", "").compact();
    assert_eq!(refused(&text), JweError::Missing(JwePart::Enc));
}

#[test]
fn what_changes_the_meaning_is_refused() {
    for (member, expected) in [
        (r#""zip":"DEF""#, JweError::Zip),
        (r#""crit":["exp"],"exp":1"#, JweError::Critical),
        (r#""crit":[]"#, JweError::Critical),
        (r#""enc":"A256GCM""#, JweError::Duplicate),
        (r#""k\u0069d":"x""#, JweError::Duplicate),
        (r#""x":1,"x":1"#, JweError::Duplicate),
    ] {
        assert_eq!(
            refused(&draft().add(member).compact()),
            expected,
            "{member}"
        );
    }
    assert!(matches!(
        refused(&draft().header("{\"alg\"", "[\"alg\"").compact()),
        JweError::Json(_)
    ));
    let many: Vec<_> = (0..40).map(|n| format!("\"x{n}\":1")).collect();
    let text = draft().add(&many.join(",")).compact();
    assert_eq!(refused(&text), JweError::TooLarge(JwePart::Header));
    // Unknown parameters are ignored (RFC 7516 §4.2), but they are authenticated.
    let text = draft().add("\"x\":[{}]").compact();
    assert_eq!(
        open::<Any>("a2048", &text, BOUND),
        Err(Error::Open(OpenError))
    );
}

#[test]
fn encodings_and_lengths_are_exact() {
    let change = |change: fn(&mut Draft)| {
        let mut draft = draft();
        change(&mut draft);
        draft.compact()
    };
    for (text, expected) in [
        (
            change(|d| d.key.push('=')),
            JweError::Base64(JwePart::EncryptedKey),
        ),
        (change(|d| d.iv.push('A')), JweError::Base64(JwePart::Iv)),
        (
            change(|d| d.ciphertext = "e30+".into()),
            JweError::Base64(JwePart::Ciphertext),
        ),
        // Bits that decode to nothing.
        (
            change(|d| d.ciphertext = "e31".into()),
            JweError::Base64(JwePart::Ciphertext),
        ),
        (
            change(|d| d.tag.insert(4, '\n')),
            JweError::Base64(JwePart::Tag),
        ),
        (
            change(|d| d.iv = encode(&[0; 13])),
            JweError::Length {
                part: JwePart::Iv,
                found: 13,
            },
        ),
        (
            change(|d| d.iv.clear()),
            JweError::Length {
                part: JwePart::Iv,
                found: 0,
            },
        ),
        (
            change(|d| d.tag = encode(&[0; 15])),
            JweError::Length {
                part: JwePart::Tag,
                found: 15,
            },
        ),
        (
            change(|d| d.key = encode(&[7; 4096])),
            JweError::TooLarge(JwePart::EncryptedKey),
        ),
        (
            change(|d| d.header = " ".repeat(20_000)),
            JweError::TooLarge(JwePart::Protected),
        ),
        (change(|d| d.tag.push('.')), JweError::Compact { parts: 6 }),
        ("a.b.c.d".into(), JweError::Compact { parts: 4 }),
        ("".into(), JweError::Compact { parts: 1 }),
        (
            "x".repeat((1 << 20) + 1),
            JweError::TooLarge(JwePart::Whole),
        ),
    ] {
        let error = Jwe::parse(text.as_bytes()).unwrap_err();
        assert_eq!(error, expected);
    }
    assert_eq!(
        Jwe::parse(&[0xff; 8]).unwrap_err(),
        JweError::Base64(JwePart::Whole)
    );
    let text = change(|d| d.key = encode(&[7; 255]));
    assert_eq!(
        open::<Any>("a2048", &text, BOUND),
        Err(Error::EncapsulationLength {
            expected: 256,
            found: 255
        })
    );
    for range in [[0; 256], [0xff; 256]] {
        let mut draft = draft();
        draft.key = encode(&range);
        assert_eq!(
            open::<Any>("a2048", &draft.compact(), BOUND),
            Err(Error::EncapsulationRange)
        );
    }
}

#[test]
fn json_serialisations_are_read_strictly() {
    assert!(open::<Any>("a2048", &draft().json(""), BOUND).is_ok());
    assert!(
        open::<Any>(
            "a2048",
            &format!(" {}\n", draft().json(r#","other":[1]"#)),
            BOUND
        )
        .is_ok()
    );
    for (extra, expected) in [
        (r#","aad":"eA""#, JweError::Aad),
        (
            r#","unprotected":{"zip":"DEF"}"#,
            JweError::Unprotected(HeaderParameter::Zip),
        ),
        (
            r#","header":{"alg":"RSA-OAEP-256"}"#,
            JweError::Unprotected(HeaderParameter::Alg),
        ),
        (
            r#","header":{"enc":"A256GCM"}"#,
            JweError::Unprotected(HeaderParameter::Enc),
        ),
        (
            r#","unprotected":{"crit":[]}"#,
            JweError::Unprotected(HeaderParameter::Crit),
        ),
        (
            r#","unprotected":{"sealpost":{}}"#,
            JweError::Unprotected(HeaderParameter::Sealpost),
        ),
        (r#","header":{"kid":"x"}"#, JweError::Duplicate),
        (r#","unprotected":{"typ":"x"}"#, JweError::Duplicate),
        (
            r#","unprotected":{"a":1},"header":{"\u0061":1}"#,
            JweError::Duplicate,
        ),
        (r#","header":[]"#, JweError::Type(JwePart::Header)),
        (
            r#","unprotected":null"#,
            JweError::Type(JwePart::Unprotected),
        ),
        (r#","iv":"x""#, JweError::Duplicate),
        (r#","recipients":[]"#, JweError::Mixed),
    ] {
        assert_eq!(refused(&draft().json(extra)), expected, "{extra}");
    }
    let good = draft();
    let general = |recipients: &str| {
        let text = good.json("").replace("\"encrypted_key\"", "\"ignored\"");
        text.replace(
            "{\"protected\"",
            &format!("{{\"recipients\":{recipients},\"protected\""),
        )
    };
    let key = &good.key;
    assert!(
        open::<Any>(
            "a2048",
            &general(&format!(r#"[ {{"encrypted_key":"{key}"}} ]"#)),
            BOUND
        )
        .is_ok()
    );
    for (recipients, expected) in [
        ("[]".to_owned(), JweError::RecipientCount),
        (
            format!("[{}]", vec!["{\"encrypted_key\":\"AAAA\"}"; 17].join(",")),
            JweError::RecipientCount,
        ),
        ("{}".into(), JweError::Type(JwePart::Recipients)),
        ("[1]".into(), JweError::Type(JwePart::Recipients)),
        ("[[]]".into(), JweError::Type(JwePart::Recipients)),
        (r#"["x"]"#.into(), JweError::Type(JwePart::Recipients)),
        // What is no recipient is not passed over beside one that is.
        (
            format!(r#"["{{]", {{"encrypted_key":"{key}"}}]"#),
            JweError::Type(JwePart::Recipients),
        ),
        (
            format!(r#"[{{"encrypted_key":"{key}"}}, ""]"#),
            JweError::Type(JwePart::Recipients),
        ),
        ("[{}]".into(), JweError::Missing(JwePart::EncryptedKey)),
        (
            r#"[{"encrypted_key":"AAAA","encrypted_key":"AAAA"}]"#.into(),
            JweError::Duplicate,
        ),
        (
            r#"[{"encrypted_key":"AAAA","header":{"alg":"dir"}}]"#.into(),
            JweError::Unprotected(HeaderParameter::Alg),
        ),
        (
            r#"[{"encrypted_key":"AAAA","header":{"kid":"x"}}]"#.into(),
            JweError::Duplicate,
        ),
        (
            r#"[{"encrypted_key":"AAAA","encrypted_ke\u0079":"AAAA"}]"#.into(),
            JweError::Duplicate,
        ),
        // What stands behind many others is not overlooked.
        (
            format!(
                r#"[{{"encrypted_key":"AAAA",{}"encrypted_key":"BBBB"}}]"#,
                (0..40).map(|n| format!("\"x{n}\":1,")).collect::<String>()
            ),
            JweError::TooLarge(JwePart::Recipients),
        ),
    ] {
        assert_eq!(refused(&general(&recipients)), expected, "{recipients}");
    }
    assert_eq!(
        refused(&draft().json("").replace("\"tag\"", "\"gat\"")),
        JweError::Missing(JwePart::Tag)
    );
    assert!(matches!(refused("{\"a\":1"), JweError::Json(_)));
}

#[test]
fn of_several_recipients_the_first_that_is_named_and_known_is_used() {
    let ours = draft();
    let start = ours.header.find(",\"kid\"").unwrap();
    let end = ours.header.find(",\"sealpost\"").unwrap();
    let names = ours.header[start + 1..end].to_owned();
    let key = ours.key.clone();
    let general = |recipients: &[String]| {
        let mut draft = draft();
        draft.header.replace_range(start..end, "");
        let text = draft.json("").replace("\"encrypted_key\"", "\"ignored\"");
        text.replace(
            "{\"protected\"",
            &format!("{{\"recipients\":[{}],\"protected\"", recipients.join(",")),
        )
    };
    let unnamed = format!(r#"{{"encrypted_key":"{key}"}}"#);
    let other = format!(r#"{{"header":{{"kid":"somebody"}},"encrypted_key":"{key}"}}"#);
    let named = format!(r#"{{"header":{{{names}}},"encrypted_key":"{key}"}}"#);
    let open = |recipients: &[&String]| {
        let recipients: Vec<_> = recipients.iter().map(|r| (*r).clone()).collect();
        open::<Any>("a2048", &general(&recipients), UNBOUND)
    };
    // The header is not the one that was sealed, so it does not open: what matters is that the key is tried.
    let tried = Err(Error::Open(OpenError));
    assert_eq!(open(&[&other, &unnamed, &named]), tried);
    assert_eq!(open(&[&unnamed]), tried);
    let refused = |error| Err(Error::Jwe(error));
    assert_eq!(open(&[&unnamed, &unnamed]), refused(JweError::NoKeyName));
    assert_eq!(
        open(&[&other, &other]),
        refused(JweError::NoMatchingKey { recipients: 2 })
    );
}

#[test]
fn both_names_of_a_key_must_name_the_same() {
    let mut ring = Keyring::new(identity::<Any>("a2048"));
    ring.add_old(identity("b2048")).unwrap();
    let name = |kid: Option<&str>, x5t: Option<&str>| {
        let mut text = draft();
        let start = text.header.find(",\"kid\"").unwrap();
        let end = text.header.find(",\"sealpost\"").unwrap();
        text.header.replace_range(start..end, "");
        let id = |name: &str| match name {
            "other" => encode(&[9; 32]),
            name => encode(certificate::<Any>(name).public_key().key_id().as_bytes()),
        };
        let fingerprint = |name: &str| match name {
            "other" => encode(&[9; 32]),
            name => encode(certificate::<Any>(name).fingerprint().as_bytes()),
        };
        let kid = kid.map(|kid| format!("\"kid\":\"{}\"", id(kid)));
        let x5t = x5t.map(|x5t| format!("\"x5t#S256\":\"{}\"", fingerprint(x5t)));
        let names: Vec<_> = [kid, x5t].into_iter().flatten().collect();
        match names.is_empty() {
            true => text.compact(),
            false => text.add(&names.join(",")).compact(),
        }
    };
    let open = |text: &str, policy| {
        jwe::open(
            &ring,
            &Jwe::parse(text.as_bytes()).unwrap(),
            policy,
            &mut rng(),
        )
        .err()
    };
    // The header is authenticated, so a new one doesn't open: what matters is that the key is tried.
    let tried = Some(Error::Open(OpenError));
    assert_eq!(open(&name(Some("a2048"), None), BOUND), tried);
    // What is sealed to one key may be out of another's range.
    assert!(matches!(
        open(&name(None, Some("b2048")), BOUND),
        Some(Error::Open(_) | Error::EncapsulationRange)
    ));
    assert_eq!(open(&name(Some("a2048"), Some("a2048")), BOUND), tried);
    for (kid, x5t) in [("a2048", "b2048"), ("a2048", "other"), ("other", "a2048")] {
        assert_eq!(
            open(&name(Some(kid), Some(x5t)), BOUND),
            Some(Error::Jwe(JweError::KeyNames))
        );
    }
    let nobody = Some(Error::Jwe(JweError::NoMatchingKey { recipients: 1 }));
    assert_eq!(open(&name(Some("other"), None), BOUND), nobody);
    assert_eq!(open(&name(Some("other"), Some("other")), BOUND), nobody);
    let unnamed = Some(Error::Jwe(JweError::NoKeyName));
    assert_eq!(open(&name(None, None), BOUND), unnamed);
    assert_eq!(
        open(&name(None, None), UNBOUND),
        unnamed,
        "there are two keys"
    );

    let alone = Keyring::new(identity::<Any>("a2048"));
    let text = name(None, None);
    let jwe = Jwe::parse(text.as_bytes()).unwrap();
    assert_eq!(jwe::open(&alone, &jwe, UNBOUND, &mut rng()).err(), tried);
    assert_eq!(jwe::open(&alone, &jwe, BOUND, &mut rng()).err(), unnamed);
}

#[test]
fn the_context_is_compared_before_a_key_is_used() {
    let text = seal::<Any>(&["a2048"], Serialization::Compact, b"{}");
    let differs = |member| Err(Error::Jwe(JweError::Binding(BindingError::Differs(member))));
    for (context, member) in [
        (
            SecretContext::new("agent-2", "db-login"),
            BindingMember::Agent,
        ),
        (SecretContext::new("agent-1", "other"), BindingMember::Name),
        (
            SecretContext::new("agent-1", "db-login"),
            BindingMember::Key,
        ),
        (CONTEXT.with_type("TOKEN"), BindingMember::Type),
        (CONTEXT.with_project([1; 16]), BindingMember::Project),
    ] {
        // Even by somebody who has none of the keys.
        assert_eq!(
            open::<Any>("b2048", &text, ContextPolicy::RequireContext(&context)),
            differs(member)
        );
        assert_eq!(
            open::<Any>("a2048", &text, ContextPolicy::AcceptUnbound(Some(&context))),
            differs(member)
        );
    }
    let unbound = [recipient::<Any>("a2048")];
    let unbound = jwe::seal(&unbound, None, Serialization::Compact, b"x", &mut rng()).unwrap();
    assert_eq!(
        open::<Any>("a2048", &unbound, BOUND),
        Err(Error::Jwe(JweError::NoContext))
    );
    assert_eq!(open::<Any>("a2048", &unbound, UNBOUND).unwrap(), b"x");
}

#[test]
fn from_the_private_key_on_there_is_one_error() {
    fn all<B: Backend>() {
        let flip = |text: &str| {
            let mut bytes = Base64UrlUnpadded::decode_vec(text).unwrap();
            bytes[0] ^= 1;
            encode(&bytes)
        };
        let mut drafts = Vec::from_iter((0..5).map(|_| draft()));
        drafts[0].tag = flip(&drafts[0].tag);
        drafts[1].ciphertext = flip(&drafts[1].ciphertext);
        drafts[2].iv = flip(&drafts[2].iv);
        // Not OAEP.
        drafts[3].key = encode(&[2; 256]);
        // OAEP of the wrong length: the seed of the native format.
        let mut key = [0; 256];
        B::oaep_encrypt(
            &B::public_key(certificate::<B>("a2048").public_key().spki_der()).unwrap(),
            &mut rng(),
            &[1; 33],
            &mut key,
        )
        .unwrap();
        drafts[4].key = encode(&key);
        for draft in drafts {
            assert_eq!(
                open::<B>("a2048", &draft.compact(), BOUND),
                Err(Error::Open(OpenError))
            );
        }
        let jwe = draft().compact();
        let jwe = Jwe::parse(jwe.as_bytes()).unwrap();
        let identity = identity::<B>("a2048");
        let pending = jwe
            .pending(identity.public_key(), identity.certificates(), BOUND)
            .unwrap();
        let finish = |answer| pending.finish::<B, _>(answer, &mut rng()).err();
        for answer in [&[7; 32][..], &[7; 33], &[]] {
            assert_eq!(
                finish(KeyAnswer::Seed(answer)),
                Some(Error::Open(OpenError))
            );
        }
        assert_eq!(finish(KeyAnswer::Rejected), Some(Error::Open(OpenError)));
        assert_eq!(finish(KeyAnswer::Unavailable), Some(Error::KeyUnavailable));
        assert_eq!(&*pending.decrypt(&identity, &mut rng()).unwrap(), b"{}");
    }
    #[cfg(feature = "aws-lc")]
    all::<AwsLc>();
    #[cfg(feature = "rustcrypto")]
    all::<RustCrypto>();
}
