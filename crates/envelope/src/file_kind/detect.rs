//! Recognizes files by their first bytes, by the labels of their PEM, and by the first fields of their DER.

use der::{
    Decode as _, Header, SliceReader, Tag, Tagged as _, asn1::AnyRef, oid::ObjectIdentifier,
};
use sealpost_json::members;

use super::FileKind;
use crate::pem;

impl FileKind {
    /// What these bytes are, if they are of one of the kinds. A guess, good enough to say what to do.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        by_magic(bytes)
            .or_else(|| by_fields(bytes))
            .or_else(|| by_text(pem::trimmed(bytes)))
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
        [0x1e, 0xf1, 0xb5, 0xb0, ..] => FileKind::Pvk,
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
        (Tag::Sequence, [0xa0, ..], Tag::Sequence) => FileKind::Certificate,
        (Tag::Sequence, [0x02, 0x01, 0x00, ..], Tag::Sequence) => FileKind::CertificateRequest,
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

/// The first field of a SEQUENCE, and the tag of the second.
fn first_two(der: &[u8]) -> Option<(AnyRef<'_>, Tag)> {
    let mut reader = SliceReader::new(der).ok()?;
    let outer = Header::decode(&mut reader).ok()?;
    let first = AnyRef::decode(&mut reader).ok()?;
    let second = Header::decode(&mut reader).ok()?;
    (outer.tag() == Tag::Sequence).then_some((first, second.tag()))
}

fn by_text(text: &[u8]) -> Option<FileKind> {
    if text.starts_with(b"{") {
        return by_members(text);
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
        } else if has("<RSAKeyValue") {
            FileKind::Xml
        } else if has("AGE-SECRET-KEY-") || starts("age1") {
            FileKind::Age
        } else if is_base64(text) {
            FileKind::Base64
        } else {
            return None;
        },
    )
}

fn by_members(json: &[u8]) -> Option<FileKind> {
    let mut names = members(json).map_while(Result::ok).map(|(name, _)| name);
    names.find_map(|name| {
        let set = (name == *"keys").then_some(FileKind::JwkSet);
        set.or((name == *"kty").then_some(FileKind::Jwk))
    })
}

/// By the first block whose label says something.
fn by_label(file: &[u8]) -> Option<FileKind> {
    pem::blocks(file).find_map(|block| FileKind::of_label(&block))
}

/// Of PEM, whose beginning is always the same, or of a long SEQUENCE.
fn is_base64(text: &[u8]) -> bool {
    let known = text.starts_with(b"LS0tLS1CRUdJTi") || text.starts_with(b"MII");
    let base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=\r\n".contains(byte);
    known && text.iter().all(base64)
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// id-signedData (RFC 5652 §5.1).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
const SSH_PUBLIC: [&str; 4] = ["ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"];
