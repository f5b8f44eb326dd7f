//! Recognizes files by their first bytes, by the labels of their PEM, and by the first fields of their DER.

use alloc::{vec, vec::Vec};

use base64ct::{Base64, Base64Unpadded, Base64UrlUnpadded, Encoding as _};
use der::{
    Decode as _, Header, Reader as _, SliceReader, Tag, Tagged as _, asn1::AnyRef,
    oid::ObjectIdentifier,
};
use sealpost_context::hex;
use sealpost_json::members;
use zeroize::Zeroizing;

use super::FileKind;
use crate::pem;

impl FileKind {
    /// What these bytes are, if they are of one of the kinds. A guess, good enough to say what to do.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let text = pem::trimmed(bytes);
        Self::plain(bytes)
            .or_else(|| encoded(text))
            .or_else(|| of_no_kind(bytes))
    }

    /// As [`of`](Self::of), for what is not encoded once more.
    fn plain(bytes: &[u8]) -> Option<Self> {
        by_magic(bytes)
            .or_else(|| by_fields(bytes))
            .or_else(|| by_text(pem::trimmed(bytes)))
    }

    /// Returns whether it is an archive, which may hold PEM as it stands in a file.
    pub(crate) fn is_archive(bytes: &[u8]) -> bool {
        by_magic(bytes) == Some(Self::Archive)
    }

    /// What a block of PEM is, by its label.
    pub(crate) fn of_label(block: &pem::Block<'_>) -> Option<Self> {
        if block.has_escaped_lines() {
            return Some(Self::EscapedLines);
        }
        Some(match block.label {
            "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE" => Self::Certificate,
            "TRUSTED CERTIFICATE" => Self::TrustedCertificate,
            "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST" => Self::CertificateRequest,
            "X509 CRL" => Self::Crl,
            "PKCS7" | "PKCS #7 SIGNED DATA" => Self::Pkcs7,
            "PKCS12" | "PKCS #12" => Self::Pkcs12Pem,
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Self::PublicKey,
            "ENCRYPTED PRIVATE KEY" => Self::Encrypted,
            "TSS2 PRIVATE KEY" | "TSS2 KEY BLOB" => Self::Tpm,
            // "openssh-key-v1", and the public key with its algorithm before what is secret.
            "OPENSSH PRIVATE KEY" => match block.decode() {
                Ok(key) if !contains(&key, b"ssh-rsa") => Self::SshOther,
                _ => Self::OpenSsh,
            },
            label if label.starts_with("PGP ") => Self::OpenPgp,
            label if label.ends_with("PRIVATE KEY") => match block.is_encrypted() {
                true => Self::Encrypted,
                false => Self::PrivateKey,
            },
            _ => return None,
        })
    }
}

fn by_magic(bytes: &[u8]) -> Option<FileKind> {
    Some(match bytes {
        [0xfe, 0xed, 0xfe, 0xed, ..] | [0xce, 0xce, 0xce, 0xce, ..] => FileKind::Jks,
        // Version, and the length of the salt.
        [0, 0, 0, 1 | 2, 0, 0, 0, 20, ..] => FileKind::BouncyCastle,
        [0x1f, 0x8b, ..] => FileKind::Gzip,
        // Zip, bzip2, xz, Zstandard, 7z, tar
        [b'P', b'K', 3, 4, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x31, ..]
        | [0xfd, b'7', b'z', b'X', b'Z', 0, ..]
        | [0x28, 0xb5, 0x2f, 0xfd, ..]
        | [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => FileKind::Archive,
        _ if bytes
            .get(TAR..)
            .is_some_and(|rest| rest.starts_with(b"ustar\0") || rest.starts_with(b"ustar ")) =>
        {
            FileKind::Archive
        }
        // RFC 9580 §4.2: a packet of type 5 or 6, a secret or a public key, its length, and its version.
        [0x94 | 0x98, _, 3..=6, ..]
        | [0x95 | 0x99, _, _, 3..=6, ..]
        | [0xc5 | 0xc6, 0..=191, 3..=6, ..]
        | [0xc5 | 0xc6, 192..=223, _, 3..=6, ..] => FileKind::OpenPgp,
        [0x1e, 0xf1, 0xb5, 0xb0, ..] => FileKind::Pvk,
        // BLOBHEADER: PRIVATEKEYBLOB or PUBLICKEYBLOB, version 2, CALG_RSA_KEYX or CALG_RSA_SIGN
        [7, 2, 0, 0, 0, 0xa4 | 0x24, 0, 0, b'R', b'S', b'A', b'2', ..] => FileKind::MsBlob,
        [6, 2, 0, 0, 0, 0xa4 | 0x24, 0, 0, b'R', b'S', b'A', b'1', ..] => FileKind::PublicKey,
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => FileKind::Utf32,
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => FileKind::Utf16,
        [b'\t'..=b'~', 0, b'\t'..=b'~', 0, ..] => FileKind::Utf16Le,
        [0, b'\t'..=b'~', 0, b'\t'..=b'~', ..] => FileKind::Utf16Be,
        [b'\t'..=b'~', 0, 0, 0, ..] | [0, 0, 0, b'\t'..=b'~', ..] => FileKind::Utf32,
        _ => return None,
    })
}

/// DER; PKCS#7 and PKCS#12 in BER, too.
fn by_fields(der: &[u8]) -> Option<FileKind> {
    let signed_data = |id: &[u8]| id == SIGNED_DATA.as_bytes();
    match der {
        [0x30, 0x80, 0x06, length, rest @ ..] => {
            return signed_data(rest.get(..usize::from(*length))?).then_some(FileKind::Pkcs7Der);
        }
        [0x30, 0x80, 0x02, 0x01, 0x03, ..] => return Some(FileKind::Pkcs12),
        _ => {}
    }
    let (first, second) = first_two(der)?;
    Some(match (first.tag(), first.value(), second) {
        // RFC 2315 §7: ContentInfo ::= SEQUENCE { OBJECT IDENTIFIER, [0] … }
        (Tag::ObjectIdentifier, id, _) if signed_data(id) => FileKind::Pkcs7Der,
        // RFC 5958 §3: EncryptedPrivateKeyInfo ::= SEQUENCE { SEQUENCE { … }, OCTET STRING }
        (Tag::Sequence, _, Tag::OctetString) => FileKind::Encrypted,
        // RFC 5280 §4.1: SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { … }, BIT STRING }
        (Tag::Sequence, _, Tag::BitString) => FileKind::PublicKey,
        // Certificate, CertificationRequest and CertificateList ::= SEQUENCE { SEQUENCE { … }, SEQUENCE { … }, BIT STRING }
        (Tag::Sequence, signed, Tag::Sequence) => by_signed_fields(signed)?,
        // RFC 7292 §4: PFX ::= SEQUENCE { INTEGER (3), SEQUENCE { … }, … }
        (Tag::Integer, [3], Tag::Sequence) => FileKind::Pkcs12,
        // RFC 5958 §2: OneAsymmetricKey ::= SEQUENCE { INTEGER (0 or 1), SEQUENCE { … }, … }; RFC 8017 appendix A.1.2:
        // RSAPrivateKey ::= SEQUENCE { INTEGER (0 or 1), INTEGER, … }; RFC 5915 §3: ECPrivateKey ::= SEQUENCE { INTEGER (1), … }
        (Tag::Integer, [0 | 1], _) => FileKind::PrivateKey,
        // RFC 8017 appendix A.1.1: RSAPublicKey ::= SEQUENCE { INTEGER, INTEGER }
        (Tag::Integer, [_, _, ..], Tag::Integer) => FileKind::PublicKey,
        _ => return None,
    })
}

/// What is signed, by the types of its first fields: a CRL (RFC 5280 §5.1.2) has a time, with a version before or without;
/// a certificate without a version, of X.509 version 1, has another SEQUENCE there.
fn by_signed_fields(signed: &[u8]) -> Option<FileKind> {
    let mut reader = SliceReader::new(signed).ok()?;
    let mut tags = core::iter::from_fn(|| reader.tlv_bytes().ok()?.first().copied());
    let tags: [Option<u8>; 4] = core::array::from_fn(|_| tags.next());
    Some(match tags.map(Option::unwrap_or_default) {
        [0xa0, ..] | [0x02, 0x30, 0x30, 0x30] => FileKind::Certificate,
        [0x02, 0x30, 0x30, 0xa0] => FileKind::CertificateRequest,
        [0x02, 0x30, 0x30, 0x17 | 0x18] | [0x30, 0x30, 0x17 | 0x18, _] => FileKind::Crl,
        _ => return None,
    })
}

/// The first field of a SEQUENCE, and the tag of the second.
fn first_two(der: &[u8]) -> Option<(AnyRef<'_>, Tag)> {
    let mut reader = SliceReader::new(der).ok()?;
    let outer = Header::decode(&mut reader).ok()?;
    let first = AnyRef::decode(&mut reader).ok()?;
    let second = Header::decode(&mut reader).ok()?;
    (outer.tag() == Tag::Sequence).then_some((first, second.tag()))
}

fn by_text(text: &[u8]) -> Option<FileKind> {
    if text.is_empty() {
        return Some(FileKind::Empty);
    }
    if text.starts_with(b"{") {
        return by_members(text);
    }
    if text.starts_with(b"[") {
        return by_elements(text);
    }
    if let Some(kind) = by_label(text) {
        return Some(kind);
    }
    let starts = |prefix: &str| text.starts_with(prefix.as_bytes());
    let has = |part: &str| contains(text, part.as_bytes());
    if starts("PuTTY-User-Key-File-") {
        let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
        return Some(match contains(first, b"ssh-rsa") {
            true => FileKind::Putty,
            false => FileKind::SshOther,
        });
    }
    Some(
        if starts("---- BEGIN SSH2 PUBLIC KEY") || SSH_PUBLIC.iter().any(|key| starts(key)) {
            FileKind::SshPublicKey
        } else if starts("---- BEGIN SSH2 ") {
            FileKind::Ssh2
        } else if has("<RSAKeyValue") || has("<RSAParameters") {
            FileKind::Xml
        } else if starts("<") {
            match is_html(text) {
                true => FileKind::Html,
                false => FileKind::XmlOther,
            }
        } else if has("AGE-SECRET-KEY-") || starts("age1") {
            FileKind::Age
        } else {
            return None;
        },
    )
}

fn is_html(text: &[u8]) -> bool {
    let head = text.get(..HEAD).unwrap_or(text).to_ascii_lowercase();
    head.starts_with(b"<!doctype html") || contains(&head, b"<html") || contains(&head, b"<head")
}

/// A JWK by its members, also one that lacks its type; none if it is not JSON.
fn by_members(json: &[u8]) -> Option<FileKind> {
    let mut kind = FileKind::Json;
    for member in members(json) {
        let (name, _) = member.ok()?;
        if name == *"keys" {
            kind = FileKind::JwkSet;
        } else if JWK.iter().any(|known| name == **known) {
            return Some(FileKind::Jwk);
        }
    }
    Some(kind)
}

/// An array: what the object at its beginning is.
fn by_elements(array: &[u8]) -> Option<FileKind> {
    let first = array.get(1..)?.trim_ascii_start();
    let is_jwk = first.starts_with(b"{") && contains(first, b"\"kty\"");
    // Text that begins with a bracket is not JSON for that.
    let is_json = array.ends_with(b"]")
        && matches!(
            first,
            [
                b'{' | b'[' | b'"' | b']' | b'0'..=b'9' | b'-' | b'n' | b't' | b'f',
                ..
            ]
        );
    if is_jwk {
        Some(FileKind::JwkList)
    } else {
        is_json.then_some(FileKind::Json)
    }
}

/// By the first block whose label says something.
fn by_label(file: &[u8]) -> Option<FileKind> {
    pem::blocks(file).find_map(|block| FileKind::of_label(&block))
}

/// A file of some kind that was encoded once more, in hexadecimal digits or in base64.
fn encoded(text: &[u8]) -> Option<FileKind> {
    // It may be a private key. No buffer may grow: growing leaves copies behind.
    let mut digits = Zeroizing::new(Vec::with_capacity(text.len()));
    digits.extend(text.iter().filter(|byte| !byte.is_ascii_whitespace()));
    let mut plain = Zeroizing::new(vec![0; digits.len()]);
    if let Ok(decoded) = Base64::decode(&*digits, &mut plain)
        && FileKind::plain(decoded).is_some()
    {
        return Some(FileKind::Base64);
    }
    // Without padding, or in the alphabet of RFC 4648 §5.
    let end = digits.iter().rposition(|byte| *byte != b'=');
    let unpadded = digits.get(..end.map_or(0, |end| end + 1))?;
    let is_known =
        |plain: &[u8]| FileKind::plain(plain).is_some_and(|kind| kind != FileKind::Empty);
    if Base64Unpadded::decode(unpadded, &mut plain).is_ok_and(is_known)
        || Base64UrlUnpadded::decode(unpadded, &mut plain).is_ok_and(is_known)
    {
        return Some(FileKind::Base64Other);
    }
    digits.retain(|byte| *byte != b':');
    let length = digits.len() / 2;
    hex::decode(&digits, plain.get_mut(..length)?)?;
    FileKind::plain(plain.get(..length)?).map(|_| FileKind::Hex)
}

/// What can be said of a file of no kind; nothing of one that was cut off, or of PEM, whose blocks say more.
fn of_no_kind(bytes: &[u8]) -> Option<FileKind> {
    let is_text = core::str::from_utf8(bytes).is_ok_and(|text| !text.contains(is_binary));
    // A digit 0 is no SEQUENCE for that.
    if let [0x30, ..] = bytes
        && !is_text
    {
        let mut reader = SliceReader::new(bytes).ok()?;
        let whole = reader
            .tlv_bytes()
            .is_ok_and(|field| field.len() == bytes.len());
        return whole.then_some(FileKind::Der);
    }
    if core::str::from_utf8(bytes).is_err() || bytes.contains(&0) {
        return Some(FileKind::Binary);
    }
    let is_json = matches!(pem::trimmed(bytes), [b'{', ..]);
    (!is_json && !contains(bytes, b"-----BEGIN ")).then_some(FileKind::Text)
}

/// Characters that text has not.
fn is_binary(c: char) -> bool {
    c.is_control() && !matches!(c, '\t'..='\r')
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// id-signedData (RFC 5652 §5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const SSH_PUBLIC: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
/// Members by which a JWK is known (RFC 7517 §4, RFC 7518 §6.3).
const JWK: [&str; 4] = ["kty", "n", "d", "qi"];
/// Where an archive of tar says what it is.
const TAR: usize = 257;
/// Bytes in which a web page says what it is.
const HEAD: usize = 1024;
