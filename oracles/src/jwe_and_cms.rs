//! JWE and CMS, the formats of others.

use std::ops::Range;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealpost_envelope::{
    AwsLc, AwsLcRng, ContextPolicy, Error, Format, Message, Plaintext, RustCrypto,
    backend::Backend,
    cms::{self, Cms, RecipientName},
    jwe::{Jwe, Serialization},
    key::{KeyAnswer, KeyringError, Opened},
    message::{Declared, PendingMessage},
};
use serde_json::Value;

use crate::{
    allocations::bounded,
    contexts::distinct,
    envelope::CONTEXT,
    keys::{AWS_LC, RUST_CRYPTO},
    seeds,
};

/// The content key that the stubbed private key answers with. No fuzzer makes a tag that fits: some seeds are sealed with
/// it, the others with one that only a real key decrypts.
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
    let stubbed = unsealed(&decoded[2], parts[0].as_bytes(), &decoded[3], &decoded[4]);
    let compact = jwe.serialization() == Serialization::Compact;
    let message = Message::from(jwe);
    open_jwe(&message, stubbed.as_deref());
    with_the_real_key(&message, compact, bytes);
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
    let aad = text(&whole, "protected");
    protected(&canonical(aad));
    let [nonce, ciphertext, tag] =
        ["iv", "ciphertext", "tag"].map(|name| canonical(text(&whole, name)));
    assert_eq!(nonce.len(), 12);
    assert_eq!(ciphertext.len(), jwe.message_len());
    assert_eq!(tag.len(), 16);
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
    let stubbed = unsealed(&nonce, aad.as_bytes(), &ciphertext, &tag);
    let compact = jwe.serialization() == Serialization::Compact;
    let message = Message::from(jwe);
    open_jwe(&message, stubbed.as_deref());
    with_the_real_key(&message, compact, bytes);
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
fn open_jwe(jwe: &Message<'_>, expected: Option<&[u8]>) {
    let unbound = jwe.pending(&AWS_LC, ContextPolicy::AcceptUnbound(None));
    let bound = jwe.pending(&AWS_LC, ContextPolicy::RequireContext(&CONTEXT));
    if bound.is_ok() {
        assert!(unbound.is_ok(), "what is bound is accepted unbound, too");
        let Declared::Header(Some(binding)) = jwe.declared() else {
            panic!("a context is required");
        };
        assert_eq!(binding.check(&CONTEXT), Ok(()));
        let Message::Jwe(jwe) = jwe else {
            panic!("it was made of a JWE")
        };
        assert!(jwe.recipients().any(|name| !name.is_empty()));
    }
    if let Ok(pending) = unbound {
        assert_eq!(finish(&pending).as_deref(), expected);
    }
}

/// Both libraries say the same, what opens is what was sealed with the stub's key, and nothing opens where the key rejects
/// or answers with another length.
fn finish(pending: &PendingMessage<'_>) -> Option<Plaintext> {
    fn open<B: Backend>(pending: &PendingMessage<'_>, answer: KeyAnswer<'_>) -> Option<Plaintext> {
        match pending.finish::<B, _>(answer, &mut AwsLcRng) {
            Ok(opened) => Some(opened.plaintext),
            Err(Error::Open(_)) => None,
            Err(other) => panic!("after the key was asked: {other:?}"),
        }
    }
    let opened = open::<AwsLc>(pending, KeyAnswer::Seed(&CONTENT_KEY));
    let other = open::<RustCrypto>(pending, KeyAnswer::Seed(&CONTENT_KEY));
    assert_eq!(opened.as_deref(), other.as_deref());
    if let Some(opened) = &opened {
        assert_eq!(&**opened, seeds::PLAINTEXT);
    }
    assert!(open::<AwsLc>(pending, KeyAnswer::Rejected).is_none());
    assert!(open::<RustCrypto>(pending, KeyAnswer::Seed(&[7; 33])).is_none());
    opened
}

/// With the real key only what was sealed opens, with both libraries. In JSON, what is around it may have been changed.
fn with_the_real_key(jwe: &Message<'_>, compact: bool, bytes: &[u8]) {
    let policy = ContextPolicy::AcceptUnbound(None);
    let opened = same(
        jwe.open(&AWS_LC, policy, &mut AwsLcRng),
        jwe.open(&RUST_CRYPTO, policy, &mut AwsLcRng),
    );
    if opened && compact {
        assert!(seeds::jwe_compact().iter().any(|seed| seed == bytes));
    }
}

/// Did it open? Both libraries say the same of it, and what opens is what was sealed.
fn same(first: Result<Opened, KeyringError>, second: Result<Opened, KeyringError>) -> bool {
    match (first, second) {
        (Ok(first), Ok(second)) => {
            assert_eq!(&*first.plaintext, seeds::PLAINTEXT);
            assert_eq!(&*second.plaintext, seeds::PLAINTEXT);
            assert_eq!(first.key_id, second.key_id);
            true
        }
        (Err(first), Err(second)) => {
            assert_eq!(first, second);
            false
        }
        (first, second) => panic!("{first:?} and {second:?}"),
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
    let message_len = message.message_len();
    let message = Message::from(message);
    assert_eq!(Some(message.format()), format);
    let policy = ContextPolicy::AcceptUnbound(None);
    if let Ok(pending) = message.pending(&AWS_LC, policy) {
        let opened = finish(&pending);
        if format == Some(Format::Cms) {
            let [nonce, ciphertext, tag] = cms_parts(bytes, message_len).map(|part| &bytes[part]);
            let expected = unsealed(nonce, b"", ciphertext, tag);
            assert_eq!(opened.as_deref(), expected.as_deref());
        }
    }
    same(
        message.open(&AWS_LC, policy, &mut AwsLcRng),
        message.open(&RUST_CRYPTO, policy, &mut AwsLcRng),
    );
}

/// What the stub's key opens, by a library itself.
fn unsealed(nonce: &[u8], aad: &[u8], ciphertext: &[u8], tag: &[u8]) -> Option<Vec<u8>> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).expect("12 bytes");
    let mut sealed = [ciphertext, tag].concat();
    let opened = stub().open_in_place(nonce, Aad::from(aad), &mut sealed);
    opened.ok().map(|plaintext| plaintext.to_vec())
}

/// The tag of `plaintext`, which becomes the ciphertext: sealed with the key that the stub answers with.
fn seal(nonce: &[u8], aad: &[u8], plaintext: &mut [u8]) -> Vec<u8> {
    let nonce = Nonce::try_assume_unique_for_key(nonce).expect("12 bytes");
    let tag = stub().seal_in_place_separate_tag(nonce, Aad::from(aad), plaintext);
    tag.expect("it is short").as_ref().to_vec()
}

fn stub() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &CONTENT_KEY).expect("32 bytes"))
}

/// Where nonce, ciphertext and tag stand in CMS of a message of this length, which nothing optional follows:
///
/// ```text
/// … OCTET STRING nonce, INTEGER 16 } } [0] ciphertext } OCTET STRING tag } } }
/// ```
fn cms_parts(der: &[u8], length: usize) -> [Range<usize>; 3] {
    let tag = der.len() - 16..der.len();
    let ciphertext = tag.start - 2 - length..tag.start - 2;
    // As many bytes of length as it takes (X.690 §8.1.3).
    let header = 2 + match length {
        0..0x80 => 0,
        0x80..0x100 => 1,
        0x100..0x1_0000 => 2,
        _ => 3,
    };
    let nonce = ciphertext.start - header - 3 - 12;
    [nonce..nonce + 12, ciphertext, tag]
}

/// The compact JWE `text`, its message sealed with the stub's key instead of the one that is encrypted in it.
pub(crate) fn compact_for_the_stub(text: &str) -> Vec<u8> {
    let parts: Vec<_> = text.split('.').collect();
    let [sealed, tag] = encoded(parts[2], parts[0]);
    [parts[0], parts[1], parts[2], &sealed, &tag]
        .join(".")
        .into_bytes()
}

/// The same for a JWE in JSON.
pub(crate) fn json_for_the_stub(json: &[u8]) -> Vec<u8> {
    let whole: Value = serde_json::from_slice(json).expect("it was sealed");
    let json = str::from_utf8(json).expect("JSON");
    let [sealed, tag] = encoded(text(&whole, "iv"), text(&whole, "protected"));
    let put = |json: String, name, value: &str| json.replace(text(&whole, name), value);
    let json = put(json.to_owned(), "ciphertext", &sealed);
    put(json, "tag", &tag).into_bytes()
}

/// The same for CMS in DER.
pub(crate) fn cms_for_the_stub(der: &[u8]) -> Vec<u8> {
    let [nonce, ciphertext, tag] = cms_parts(der, seeds::PLAINTEXT.len());
    let mut sealed = seeds::PLAINTEXT.to_vec();
    let fits = seal(&der[nonce], b"", &mut sealed);
    let mut der = der.to_vec();
    der[ciphertext].copy_from_slice(&sealed);
    der[tag].copy_from_slice(&fits);
    der
}

/// Ciphertext and tag of the seeds' plaintext, from and in base64url.
fn encoded(nonce: &str, aad: &str) -> [String; 2] {
    let mut sealed = seeds::PLAINTEXT.to_vec();
    let tag = seal(&canonical(nonce), aad.as_bytes(), &mut sealed);
    [sealed, tag].map(|part| Base64UrlUnpadded::encode_string(&part))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Otherwise the libraries would agree on nothing but refusals.
    #[test]
    fn the_stub_opens_what_is_sealed_for_it() {
        let policy = ContextPolicy::AcceptUnbound(None);
        let jwes = ["jwe_compact", "jwe_json"].map(seeds::for_target).concat();
        let jwes = jwes.iter().filter(|(_, sealed)| {
            Message::parse(sealed).is_ok_and(|jwe| {
                let pending = jwe.pending(&AWS_LC, policy);
                pending.is_ok_and(|pending| finish(&pending).is_some())
            })
        });
        assert_eq!(jwes.count(), 4);
        let messages = seeds::for_target("cms");
        let messages = messages.iter().filter(|(_, sealed)| {
            let cms = Message::parse(sealed).expect("it was sealed");
            let pending = cms.pending(&AWS_LC, policy);
            pending.is_ok_and(|pending| finish(&pending).is_some())
        });
        assert_eq!(messages.count(), 3);
    }
}
