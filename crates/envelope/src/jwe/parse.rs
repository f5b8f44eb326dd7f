//! The three serialisations (RFC 7516 §7), read.

use alloc::{vec, vec::Vec};

use sealpost_json::{JsonStr, members};

use super::{
    Jwe, JweError, JwePart, Serialization,
    header::{self, KeyName, note, text},
};
use crate::{
    base64url,
    content::{NONCE_LEN, TAG_LEN},
    header::MAX_RECIPIENTS,
};

/// One recipient: how its key is named, and the content key encrypted to it.
pub(super) struct Recipient {
    pub(super) key: KeyName,
    pub(super) encrypted_key: Vec<u8>,
}

/// The parts of which each serialisation has one, still encoded.
struct Parts<'a> {
    protected: &'a str,
    iv: &'a str,
    ciphertext: &'a str,
    tag: &'a str,
}

pub(super) fn parse(bytes: &[u8]) -> Result<Jwe<'_>, JweError> {
    if bytes.len() > super::MAX_JWE {
        return Err(JweError::TooLarge(JwePart::Whole));
    }
    if bytes.trim_ascii_start().starts_with(b"{") {
        json(bytes)
    } else {
        // Whatever is not ASCII is not base64url either.
        compact(str::from_utf8(bytes).map_err(|_| JweError::Base64(JwePart::Whole))?)
    }
}

/// `protected.encrypted_key.iv.ciphertext.tag`
fn compact(text: &str) -> Result<Jwe<'_>, JweError> {
    let mut parts = text.split('.');
    let (Some(protected), Some(key), Some(iv), Some(ciphertext), Some(tag), None) = (
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
        parts.next(),
    ) else {
        return Err(JweError::Compact {
            parts: text.split('.').count(),
        });
    };
    let parts = Parts {
        protected,
        iv,
        ciphertext,
        tag,
    };
    let header = decode(protected, JwePart::Protected, MAX_HEADER)?;
    let protected = header::protected(&header, &mut Vec::new())?;
    let recipients = vec![Recipient {
        key: protected.key,
        encrypted_key: encrypted_key(key)?,
    }];
    jwe(Serialization::Compact, &parts, protected, recipients)
}

/// RFC 7516 §7.2: flattened if there is no `recipients`.
fn json(bytes: &[u8]) -> Result<Jwe<'_>, JweError> {
    let mut found: [Option<&str>; MEMBERS.len()] = [None; MEMBERS.len()];
    let mut names = Vec::new();
    for member in members(bytes) {
        let (name, value) = member.map_err(JweError::Json)?;
        note(name, &mut names, JwePart::Whole)?;
        if name == *"aad" {
            return Err(JweError::Aad);
        }
        // RFC 7516 §7.2.1: other members are ignored.
        let mut places = MEMBERS.iter().zip(&mut found);
        if let Some((_, place)) = places.find(|(known, _)| name == ***known) {
            *place = Some(value.as_str());
        }
    }
    let [protected, iv, ciphertext, tag, shared, key, own, recipients] = found;
    let truly = |error| match error {
        JweError::Missing(JwePart::Protected | JwePart::Alg | JwePart::Enc) => {
            misplaced([shared, own], recipients).unwrap_or(error)
        }
        _ => error,
    };
    let parts = Parts {
        protected: encoded(protected, JwePart::Protected).map_err(truly)?,
        iv: encoded(iv, JwePart::Iv)?,
        ciphertext: encoded(ciphertext, JwePart::Ciphertext)?,
        tag: encoded(tag, JwePart::Tag)?,
    };
    if parts.protected.is_empty() {
        return Err(truly(JweError::Missing(JwePart::Protected)));
    }
    let header = decode(parts.protected, JwePart::Protected, MAX_HEADER)?;
    let mut seen = Vec::new();
    let protected = header::protected(&header, &mut seen).map_err(truly)?;
    let shared = match shared {
        Some(shared) => header::unprotected(limited(shared)?, JwePart::Unprotected, &mut seen)?,
        None => KeyName::default(),
    };
    let common = protected.key.or(shared);
    let (serialization, recipients) = match recipients {
        None => {
            let one = recipient(key, own, common, &mut seen)?;
            (Serialization::Flattened, vec![one])
        }
        Some(_) if key.is_some() || own.is_some() => return Err(JweError::Mixed),
        Some(array) => (Serialization::General, general(array, common, &seen)?),
    };
    jwe(serialization, &parts, protected, recipients)
}

/// The parameter that the protected header lacks because it stands in another one.
fn misplaced(headers: [Option<&str>; 2], recipients: Option<&str>) -> Option<JweError> {
    let own = |object| {
        let mut members = members(str::as_bytes(object)).map_while(Result::ok);
        let header = members.find(|(name, _)| *name == *"header");
        header.map(|(_, value)| value.as_str())
    };
    let recipients = recipients.and_then(|array| elements(array).ok());
    let recipients = recipients.into_iter().flatten().filter_map(own);
    let mut headers = headers.into_iter().flatten().chain(recipients);
    headers
        .find_map(header::misplaced)
        .map(JweError::Unprotected)
}

fn general(array: &str, common: KeyName, seen: &[JsonStr<'_>]) -> Result<Vec<Recipient>, JweError> {
    let mut recipients = Vec::new();
    for object in elements(array)? {
        let (mut key, mut own) = (None, None);
        let mut names = Vec::new();
        for member in members(object.as_bytes()) {
            let (name, value) = member.map_err(JweError::Json)?;
            note(name, &mut names, JwePart::Recipients)?;
            if name == *"encrypted_key" {
                key = Some(value.as_str());
            } else if name == *"header" {
                own = Some(value.as_str());
            }
        }
        recipients.push(recipient(key, own, common, &mut seen.to_vec())?);
    }
    match recipients.len() {
        1..=MAX_RECIPIENTS => Ok(recipients),
        _ => Err(JweError::RecipientCount),
    }
}

fn recipient<'a>(
    key: Option<&str>,
    own: Option<&'a str>,
    common: KeyName,
    seen: &mut Vec<JsonStr<'a>>,
) -> Result<Recipient, JweError> {
    let own = match own {
        Some(own) => header::unprotected(limited(own)?, JwePart::Header, seen)?,
        None => KeyName::default(),
    };
    Ok(Recipient {
        key: common.or(own),
        encrypted_key: encrypted_key(encoded(key, JwePart::EncryptedKey)?)?,
    })
}

/// The objects of an array that was found to be well formed. They are found by their braces: strings, which alone have
/// backslashes, are stepped over, and no more than 16 objects are looked at.
fn elements(array: &str) -> Result<Vec<&str>, JweError> {
    let wrong = JweError::Type(JwePart::Recipients);
    let inner = array
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let inner = inner.ok_or(wrong)?;
    let mut objects = Vec::new();
    let (mut depth, mut start, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for (at, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' if depth == 0 => return Err(wrong),
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'{' | b'[' => {
                if depth == 0 {
                    start = at;
                }
                depth += 1;
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    objects.push(inner.get(start..=at).ok_or(wrong)?);
                }
            }
            b',' | b' ' | b'\t' | b'\n' | b'\r' => {}
            _ if depth == 0 => return Err(wrong),
            _ => {}
        }
        if objects.len() > MAX_RECIPIENTS {
            return Err(JweError::RecipientCount);
        }
    }
    if in_string || objects.iter().any(|object| !object.starts_with('{')) {
        return Err(wrong);
    }
    Ok(objects)
}

fn jwe<'a>(
    serialization: Serialization,
    parts: &Parts<'a>,
    protected: header::Protected,
    recipients: Vec<Recipient>,
) -> Result<Jwe<'a>, JweError> {
    Ok(Jwe {
        serialization,
        protected: parts.protected,
        binding: protected.binding,
        recipients,
        iv: exact::<NONCE_LEN>(parts.iv, JwePart::Iv)?,
        ciphertext: decode(parts.ciphertext, JwePart::Ciphertext, usize::MAX)?,
        tag: exact::<TAG_LEN>(parts.tag, JwePart::Tag)?,
    })
}

/// A member that is a string. What needs an escape is not base64url.
fn encoded(member: Option<&str>, part: JwePart) -> Result<&str, JweError> {
    let member = member.ok_or(JweError::Missing(part))?;
    text(member, part)?.as_str().ok_or(JweError::Base64(part))
}

fn encrypted_key(text: &str) -> Result<Vec<u8>, JweError> {
    decode(text, JwePart::EncryptedKey, MAX_KEY)
}

fn exact<const N: usize>(text: &str, part: JwePart) -> Result<[u8; N], JweError> {
    let bytes = decode(text, part, MAX_KEY)?;
    let found = bytes.len();
    bytes
        .try_into()
        .map_err(|_| JweError::Length { part, found })
}

/// Canonical unpadded base64url (RFC 7515 §2, RFC 4648 §3.5).
fn decode(text: &str, part: JwePart, max: usize) -> Result<Vec<u8>, JweError> {
    if text.len() * 3 / 4 > max {
        return Err(JweError::TooLarge(part));
    }
    base64url::decode(text).ok_or(JweError::Base64(part))
}

fn limited(header: &str) -> Result<&str, JweError> {
    if header.len() > MAX_HEADER {
        return Err(JweError::TooLarge(JwePart::Header));
    }
    Ok(header)
}

const MEMBERS: [&str; 8] = [
    "protected",
    "iv",
    "ciphertext",
    "tag",
    "unprotected",
    "encrypted_key",
    "header",
    "recipients",
];
/// Bytes of a header in JSON: three times what is ever written.
const MAX_HEADER: usize = 16 * 1024;
/// Bytes of the longest modulus.
const MAX_KEY: usize = 1024;
