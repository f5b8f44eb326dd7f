//! JWE: what is written opens, in every serialisation and across backends; what is not exactly right is refused, each
//! with its own reason.

#![allow(clippy::unwrap_used)] // a failed unwrap is a failed test
#![cfg(any(feature = "aws-lc", feature = "rustcrypto"))]

mod draft;
mod syntax;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use rand::{SeedableRng, rngs::ChaCha20Rng};
use sealpost_envelope::context::ProjectId;
use sealpost_envelope::{
    Certificate, ContextPolicy, Error, Identity, Keyring, Message, OpenError, Recipient, SealError,
    SecretContext, Trust, UnixTime,
    backend::Backend,
    binding::{Binding, BindingError, BindingMember},
    jwe::{self, HeaderParameter, Jwe, JweError, JwePart, KeyAlgorithm, Serialization},
    key::{KeyAnswer, KeyringError, PublicIdentity},
};

#[cfg(feature = "aws-lc")]
use sealpost_envelope::AwsLc;
#[cfg(feature = "rustcrypto")]
use sealpost_envelope::RustCrypto;

use draft::{draft, encode};

/// Whichever there is, where it does not matter.
#[cfg(feature = "aws-lc")]
type Any = AwsLc;
#[cfg(not(feature = "aws-lc"))]
type Any = RustCrypto;

const CONTEXT: SecretContext<'_> = SecretContext::unchecked("agent-1", "db-login")
    .with_unchecked_key("password")
    .with_unchecked_type("PASSWORD");
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

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&file(&format!("agent-{name}.pem"))).unwrap()
}

fn recipient<B: Backend>(name: &str) -> Recipient<B> {
    let now = UnixTime::from_secs(2_000_000_000);
    Recipient::from_certificate(&certificate(name), &Trust::DangerAnyCertificate, now).unwrap()
}

fn identity<B: Backend>(name: &str) -> Identity<B> {
    let mut identity = Identity::from_pem(&file(&format!("agent-{name}.key.pem"))).unwrap();
    identity.add_certificate(certificate(name)).unwrap();
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
    open_with(&ring, text, policy)
}

fn open_with<B: Backend>(
    ring: &Keyring<Identity<B>>,
    text: &str,
    policy: ContextPolicy<'_>,
) -> Result<Vec<u8>, Error> {
    let message = Message::from(Jwe::parse(text.as_bytes())?);
    match message.open(ring, policy, &mut rng()) {
        Ok(opened) => Ok(opened.plaintext.to_vec()),
        Err(KeyringError::Opening(error)) => Err(error),
        Err(error) => panic!("of a JWE: {error}"),
    }
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
    let certificate = certificate("a2048");
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
            name => encode(certificate(name).public_key().key_id().as_bytes()),
        };
        let fingerprint = |name: &str| match name {
            "other" => encode(&[9; 32]),
            name => encode(certificate(name).fingerprint().as_bytes()),
        };
        let kid = kid.map(|kid| format!("\"kid\":\"{}\"", id(kid)));
        let x5t = x5t.map(|x5t| format!("\"x5t#S256\":\"{}\"", fingerprint(x5t)));
        let names: Vec<_> = [kid, x5t].into_iter().flatten().collect();
        match names.is_empty() {
            true => text.compact(),
            false => text.add(&names.join(",")).compact(),
        }
    };
    let open = |text: &str, policy| open_with(&ring, text, policy).err();
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
    assert_eq!(open_with(&alone, &text, UNBOUND).err(), tried);
    assert_eq!(open_with(&alone, &text, BOUND).err(), unnamed);
}

/// What JOSE libraries make of a key when they are not told its name (RFC 7638), also as a URI (RFC 9278).
#[test]
fn kid_as_a_thumbprint_is_known_as_the_keys() {
    let mut ring = Keyring::new(identity::<Any>("b2048"));
    ring.add_old(identity("a2048")).unwrap();
    let id = encode(certificate("a2048").public_key().key_id().as_bytes());
    let x5t = encode(certificate("b2048").fingerprint().as_bytes());
    let open = |kid: &str, x5t_of_other: bool| {
        let mut text = draft().header(&id, kid);
        if x5t_of_other {
            let own = encode(certificate("a2048").fingerprint().as_bytes());
            text = text.header(&own, &x5t);
        }
        open_with(&ring, &text.compact(), BOUND).err()
    };
    // The header is authenticated, so a new one doesn't open: what matters is that the key is tried.
    let tried = Some(Error::Open(OpenError));
    let thumbprint = thumbprint("a2048");
    let uri = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:";
    assert_eq!(open(&thumbprint, false), tried);
    assert_eq!(open(&format!("{uri}{thumbprint}"), false), tried);
    let differ = Some(Error::Jwe(JweError::KeyNames));
    for (kid, x5t_of_other) in [
        (thumbprint.clone(), true),
        (encode(&[9; 32]), false),
        (format!("{uri}{}", encode(&[9; 32])), false),
        (format!("{thumbprint}="), false),
        (
            format!("urn:ietf:params:oauth:jwk-thumbprint:sha-512:{thumbprint}"),
            false,
        ),
    ] {
        assert_eq!(open(&kid, x5t_of_other), differ, "{kid}");
    }
}

/// RFC 7638 §3, of the key in this certificate.
fn thumbprint(name: &str) -> String {
    use sha2::{Digest as _, Sha256};
    // SEQUENCE { …, BIT STRING { SEQUENCE { INTEGER n, INTEGER 65537 } } }
    let certificate = certificate(name);
    let spki = certificate.public_key().spki_der();
    let (front, exponent) = spki.split_at(spki.len() - 3);
    let modulus = &front[front.len() - 2 - 256..front.len() - 2];
    let (e, n) = (encode(exponent), encode(modulus));
    encode(&Sha256::digest(format!(
        r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#
    )))
}

#[test]
fn the_context_is_compared_before_a_key_is_used() {
    let text = seal::<Any>(&["a2048"], Serialization::Compact, b"{}");
    let differs = |member| Err(Error::Jwe(JweError::Binding(BindingError::Differs(member))));
    for (context, member) in [
        (
            SecretContext::unchecked("agent-2", "db-login"),
            BindingMember::Agent,
        ),
        (
            SecretContext::unchecked("agent-1", "other"),
            BindingMember::Name,
        ),
        (
            SecretContext::unchecked("agent-1", "db-login"),
            BindingMember::Key,
        ),
        (CONTEXT.with_unchecked_type("TOKEN"), BindingMember::Type),
        (
            CONTEXT.with_project(ProjectId::from_bytes([1; 16])),
            BindingMember::Project,
        ),
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
            &B::public_key(certificate("a2048").public_key().spki_der()).unwrap(),
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
        let jwe = Message::parse(jwe.as_bytes()).unwrap();
        let identity = identity::<B>("a2048");
        let ring = Keyring::new(PublicIdentity::from(&identity));
        let pending = jwe.pending(&ring, BOUND).unwrap();
        let finish = |answer| pending.finish::<B, _>(answer, &mut rng()).err();
        for answer in [&[7; 32][..], &[7; 33], &[]] {
            assert_eq!(
                finish(KeyAnswer::Seed(answer)),
                Some(Error::Open(OpenError))
            );
        }
        assert_eq!(finish(KeyAnswer::Rejected), Some(Error::Open(OpenError)));
        assert_eq!(finish(KeyAnswer::Unavailable), Some(Error::KeyUnavailable));
        assert_eq!(
            &*pending.decrypt(&identity, &mut rng()).unwrap().plaintext,
            b"{}"
        );
    }
    #[cfg(feature = "aws-lc")]
    all::<AwsLc>();
    #[cfg(feature = "rustcrypto")]
    all::<RustCrypto>();
}
