//! JWE and CMS, the formats of others.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Backend, Error, Format, KeyAnswer, PendingContent, Plaintext, RustCrypto,
    cms::{self, Cms, RecipientName},
    jwe::{ContextPolicy, Jwe, Serialization},
};
use serde_json::Value;

use crate::{
    allocations::bounded,
    contexts::distinct,
    envelope::CONTEXT,
    keys::{AWS_LC, PUBLIC},
    seeds,
};

/// The content key that the stubbed private key answers with; seeds are sealed with another one, by a real key.
const CONTENT_KEY: [u8; 32] = [7; 32];

/// JWE in compact serialisation: what is accepted has the one suite, is written in one way, and opens only if it was
/// sealed.
pub(crate) fn jwe_compact(bytes: &[u8]) {
    let Some(jwe) = jwe(bytes) else { return };
    if jwe.serialization() != Serialization::Compact {
        return;
    }
    let text = str::from_utf8(bytes).expect("base64url and dots");
    let parts: Vec<_> = text.split('.').collect();
    assert_eq!(parts.len(), 5);
    let decoded: Vec<_> = parts.iter().map(|part| canonical(part)).collect();
    protected(&decoded[0]);
    assert_eq!(decoded[2].len(), 12);
    assert_eq!(decoded[3].len(), jwe.message_len());
    assert_eq!(decoded[4].len(), 16);
    assert_eq!(jwe.recipients().count(), 1);
    if let Some(plaintext) = open_jwe(&jwe) {
        // Nobody could have sealed it with the stub's key but the fuzzer: then it is exactly what sealing gives.
        let nonce = decoded[2].as_slice().try_into().expect("12 bytes");
        let mut sealed = plaintext.to_vec();
        let key = AwsLc::aead_key(&CONTENT_KEY).expect("there is memory");
        let tag = AwsLc::aead_seal(&key, nonce, parts[0].as_bytes(), &mut sealed);
        assert_eq!(tag.expect("it is short").as_slice(), decoded[4]);
        assert_eq!(sealed, decoded[3]);
    }
    with_the_real_key(&jwe, bytes);
}

/// JWE in flattened and general serialisation: what is accepted is JSON with one of each, has the one suite in its
/// protected header, and nothing that matters outside it.
pub(crate) fn jwe_json(bytes: &[u8]) {
    let Some(jwe) = jwe(bytes) else { return };
    if jwe.serialization() == Serialization::Compact {
        return;
    }
    let whole: Value = serde_json::from_slice(bytes).expect("what is accepted is JSON");
    distinct(bytes);
    assert!(whole.get("aad").is_none());
    protected(&canonical(text(&whole, "protected")));
    assert_eq!(canonical(text(&whole, "iv")).len(), 12);
    assert_eq!(
        canonical(text(&whole, "ciphertext")).len(),
        jwe.message_len()
    );
    assert_eq!(canonical(text(&whole, "tag")).len(), 16);
    let mut outside: Vec<_> = ["unprotected", "header"]
        .iter()
        .filter_map(|name| whole.get(name))
        .collect();
    match jwe.serialization() {
        Serialization::General => {
            let recipients = whole["recipients"].as_array().expect("an array");
            assert_eq!(recipients.len(), jwe.recipients().count());
            assert!((1..=16).contains(&recipients.len()));
            for recipient in recipients {
                canonical(text(recipient, "encrypted_key"));
                outside.extend(recipient.get("header"));
            }
        }
        _ => {
            assert!(whole.get("recipients").is_none());
            canonical(text(&whole, "encrypted_key"));
        }
    }
    for header in outside {
        for name in ["alg", "enc", "zip", "crit", "sealpost"] {
            assert!(header.get(name).is_none(), "{name} is not protected");
        }
    }
    open_jwe(&jwe);
    with_the_real_key(&jwe, bytes);
}

fn jwe(bytes: &[u8]) -> Option<Jwe<'_>> {
    // Decoded parts, their JSON decoded, and what each recipient costs.
    let jwe = bounded(bytes.len(), 8, 256, || Jwe::parse(bytes)).ok()?;
    let format = match jwe.serialization() {
        Serialization::Compact => Format::JweCompact,
        _ => Format::JweJson,
    };
    assert_eq!(Format::detect(bytes), Some(format));
    Some(jwe)
}

/// The protected header, read by another reader of JSON.
fn protected(json: &[u8]) {
    let header: Value = serde_json::from_slice(json).expect("what is accepted is JSON");
    distinct(json);
    assert_eq!(header["alg"], "RSA-OAEP-256");
    assert_eq!(header["enc"], "A256GCM");
    assert!(header.get("zip").is_none() && header.get("crit").is_none());
}

fn text<'a>(object: &'a Value, name: &str) -> &'a str {
    object[name].as_str().expect("a string")
}

/// Decoded by another decoder than the one that read it, and written again the same way.
fn canonical(text: &str) -> Vec<u8> {
    let decoded = Base64UrlUnpadded::decode_vec(text).expect("base64url without padding");
    assert_eq!(Base64UrlUnpadded::encode_string(&decoded), text);
    decoded
}

/// With a stubbed private key, under every policy.
fn open_jwe(jwe: &Jwe<'_>) -> Option<Plaintext> {
    let certificates = AWS_LC.current().certificates();
    let unbound = jwe.pending(&PUBLIC, certificates, ContextPolicy::AcceptUnbound(None));
    let bound = jwe.pending(
        &PUBLIC,
        certificates,
        ContextPolicy::RequireContext(&CONTEXT),
    );
    if bound.is_ok() {
        assert!(unbound.is_ok(), "what is bound is accepted unbound, too");
        let binding = jwe.binding().expect("a context is required");
        assert_eq!(binding.check(&CONTEXT), Ok(()));
        assert!(jwe.recipients().any(|name| !name.is_empty()));
    }
    finish(&unbound.ok()?)
}

/// Both libraries say the same, and nothing opens where the key rejects or answers with another length.
fn finish(pending: &PendingContent<'_>) -> Option<Plaintext> {
    fn open<B: Backend>(pending: &PendingContent<'_>, answer: KeyAnswer<'_>) -> Option<Plaintext> {
        match pending.finish::<B, _>(answer, &mut AwsLcRng) {
            Ok(plaintext) => Some(plaintext),
            Err(Error::Open(_)) => None,
            Err(other) => panic!("after the key was asked: {other:?}"),
        }
    }
    let opened = open::<AwsLc>(pending, KeyAnswer::Seed(&CONTENT_KEY));
    let other = open::<RustCrypto>(pending, KeyAnswer::Seed(&CONTENT_KEY));
    assert_eq!(opened.as_deref(), other.as_deref());
    assert!(open::<AwsLc>(pending, KeyAnswer::Rejected).is_none());
    assert!(open::<RustCrypto>(pending, KeyAnswer::Seed(&[7; 33])).is_none());
    opened
}

/// With the real key only what was sealed opens. In JSON, what is around it may have been changed.
fn with_the_real_key(jwe: &Jwe<'_>, bytes: &[u8]) {
    let policy = ContextPolicy::AcceptUnbound(None);
    let opened = sealpost_envelope::jwe::open(&AWS_LC, jwe, policy, &mut AwsLcRng);
    if let Ok(opened) = opened {
        assert_eq!(&*opened.plaintext, seeds::PLAINTEXT);
        let compact = jwe.serialization() == Serialization::Compact;
        assert!(!compact || seeds::jwe_compact().iter().any(|seed| seed == bytes));
    }
}

/// CMS, DER and PEM: what is accepted is read the same in either, has nothing behind it, and opens only if it was
/// sealed.
pub(crate) fn cms(bytes: &[u8]) {
    // A copy of what is encrypted, of the names, and of PEM decoded.
    let parsed = bounded(bytes.len(), 4, 256, || Cms::parse(bytes));
    let Ok(message) = parsed else { return };
    let format = Format::detect(bytes);
    assert!(
        matches!(format, Some(Format::Cms | Format::CmsPem)),
        "{format:?}"
    );
    let names: Vec<_> = message.recipients().collect();
    assert!((1..=16).contains(&names.len()));
    for name in &names {
        if let RecipientName::IssuerAndSerialNumber(der) = name {
            assert_eq!(tlv(der), Some(der.len()), "one element in DER");
        }
    }
    if format == Some(Format::Cms) {
        assert_eq!(tlv(bytes), Some(bytes.len()), "one element in DER");
        assert!(Cms::parse(&[bytes, &[0]].concat()).is_err());
        let pem = cms::to_pem(bytes);
        let again = Cms::parse(pem.as_bytes()).expect("it was accepted in DER");
        assert!(again.recipients().eq(message.recipients()));
        assert_eq!(again.message_len(), message.message_len());
    }
    let certificates = AWS_LC.current().certificates();
    if let Ok(pending) = message.pending(&PUBLIC, certificates) {
        finish(&pending);
    }
    if let Ok(opened) = cms::open(&AWS_LC, &message, &mut AwsLcRng) {
        assert_eq!(&*opened.plaintext, seeds::PLAINTEXT);
    }
}

/// The JWE `text` with another content: sealed with the key that the stub answers with.
pub(crate) fn sealed_with_the_stub(text: &str, plaintext: &[u8]) -> Vec<u8> {
    let parts: Vec<_> = text.split('.').collect();
    let nonce = canonical(parts[2]);
    let nonce = nonce.as_slice().try_into().expect("12 bytes");
    let mut sealed = plaintext.to_vec();
    let key = AwsLc::aead_key(&CONTENT_KEY).expect("there is memory");
    let tag = AwsLc::aead_seal(&key, nonce, parts[0].as_bytes(), &mut sealed);
    let (sealed, tag) = (
        Base64UrlUnpadded::encode_string(&sealed),
        Base64UrlUnpadded::encode_string(&tag.expect("it is short")),
    );
    [parts[0], parts[1], parts[2], &sealed, &tag]
        .join(".")
        .into_bytes()
}

/// The length of the one element that `der` starts with, by X.690 §8.1.3 and §10.1: read by hand, slowly.
fn tlv(der: &[u8]) -> Option<usize> {
    let (_, rest) = der.split_first()?;
    let (first, rest) = rest.split_first()?;
    if *first < 0x80 {
        return Some(2 + usize::from(*first));
    }
    let count = usize::from(*first & 0x7f);
    let digits = rest
        .get(..count)
        .filter(|digits| (1..=4).contains(&digits.len()))?;
    let length = digits
        .iter()
        .fold(0, |n, digit| n << 8 | usize::from(*digit));
    // The shortest form, always.
    (digits[0] != 0 && length >= 0x80).then_some(2 + count + length)
}
