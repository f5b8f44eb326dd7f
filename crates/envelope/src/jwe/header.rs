//! JOSE headers: the protected one, and those that anybody could change.

use alloc::{string::String, vec::Vec};

use sealpost_json::{JsonStr, members};

use super::{HeaderParameter, JweError, JwePart, KeyAlgorithm};
use crate::{
    base64url,
    binding::{Binding, Object},
    fingerprint::{Fingerprint, KeyId},
};

/// Which key a recipient is, as a header names it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct KeyName {
    /// `kid`: a key's id or its thumbprint; the inner `None` is one that no key of ours has.
    pub(super) kid: Option<Option<KeyId>>,
    /// `x5t#S256`; likewise.
    pub(super) x5t: Option<Option<Fingerprint>>,
}

impl KeyName {
    /// `kid` (RFC 7516 §4.1.6) where it is the id of a key, in base64url; or a key's thumbprint (RFC 7638), as such or
    /// as a URI (RFC 9278), which looks the same.
    #[must_use]
    pub fn key_id(&self) -> Option<KeyId> {
        self.kid.flatten()
    }

    /// `x5t#S256` (RFC 7516 §4.1.8): SHA-256 of the certificate.
    #[must_use]
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.x5t.flatten()
    }

    /// Returns whether there is neither.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.kid.is_none() && self.x5t.is_none()
    }

    /// The parameters of two headers together; a name is in one of them only.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            kid: self.kid.or(other.kid),
            x5t: self.x5t.or(other.x5t),
        }
    }
}

/// A protected header that was found in order.
pub(super) struct Protected {
    pub(super) key: KeyName,
    pub(super) binding: Option<Binding>,
}

/// Reads a protected header, decoded.
pub(super) fn protected<'a>(
    json: &'a [u8],
    seen: &mut Vec<JsonStr<'a>>,
) -> Result<Protected, JweError> {
    // JSON of another type, as far as its ends tell.
    if let [b'"', .., b'"'] | [b'[', .., b']'] | [b't' | b'f' | b'n' | b'-' | b'0'..=b'9', ..] =
        json.trim_ascii()
    {
        return Err(JweError::Type(JwePart::Protected));
    }
    let (mut alg, mut enc, mut binding) = (None, None, None);
    let mut key = KeyName::default();
    for member in members(json) {
        let (name, value) = member.map_err(JweError::Json)?;
        let value = value.as_str();
        note(name, seen, JwePart::Header)?;
        if name == *"alg" {
            alg = Some(text(value, JwePart::Alg)?);
        } else if name == *"enc" {
            enc = Some(text(value, JwePart::Enc)?);
        } else if name == *"zip" {
            return Err(JweError::Zip);
        } else if name == *"crit" {
            return Err(JweError::Critical);
        } else if name == *"sealpost" {
            if !value.starts_with('{') {
                return Err(JweError::Type(JwePart::Parameter("sealpost")));
            }
            binding = Some(Binding::parse(value)?);
        } else {
            key.note(name, value)?;
        }
    }
    let alg: String = alg
        .ok_or(JweError::Missing(JwePart::Alg))?
        .chars()
        .take(MAX_NAME)
        .collect();
    if alg != ALG {
        return Err(JweError::Algorithm(KeyAlgorithm::parse(&alg)));
    }
    if enc.ok_or(JweError::Missing(JwePart::Enc))? != *ENC {
        return Err(JweError::Encryption);
    }
    Ok(Protected { key, binding })
}

/// Reads a header that is not protected: it may name a key, and nothing that matters beyond that.
pub(super) fn unprotected<'a>(
    json: &'a str,
    part: JwePart,
    seen: &mut Vec<JsonStr<'a>>,
) -> Result<KeyName, JweError> {
    if !json.starts_with('{') {
        return Err(JweError::Type(part));
    }
    let mut key = KeyName::default();
    for member in members(json.as_bytes()) {
        let (name, value) = member.map_err(JweError::Json)?;
        let value = value.as_str();
        for (forbidden, parameter) in PROTECTED_ONLY {
            if name == *forbidden {
                return Err(JweError::Unprotected(parameter));
            }
        }
        note(name, seen, JwePart::Header)?;
        key.note(name, value)?;
    }
    Ok(key)
}

/// What stands in a header that is not protected, though its place is the protected one. A header that is not read says
/// nothing.
pub(super) fn misplaced(json: &str) -> Option<HeaderParameter> {
    members(json.as_bytes())
        .map_while(Result::ok)
        .find_map(|(name, _)| {
            let mut parameters = PROTECTED_ONLY.into_iter();
            parameters.find_map(|(forbidden, parameter)| (name == *forbidden).then_some(parameter))
        })
}

impl KeyName {
    fn note(&mut self, name: JsonStr<'_>, value: &str) -> Result<(), JweError> {
        if name == *"kid" {
            let id = text(value, JwePart::Kid)?;
            let id = id
                .as_str()
                .map(|id| id.strip_prefix(THUMBPRINT_URI).unwrap_or(id));
            self.kid = Some(id.and_then(base64url::decode_array).map(KeyId::from_bytes));
        } else if name == *"x5t#S256" {
            let fingerprint = text(value, JwePart::X5tS256)?;
            let fingerprint = fingerprint.as_str().and_then(base64url::decode_array);
            self.x5t = Some(fingerprint.map(Fingerprint::from_bytes));
        } else {
            check_type(name, value)?;
        }
        Ok(())
    }
}

/// Fails if a parameter that is registered, and is not needed here, is not of its type (RFC 7515 §4.1, which RFC 7516 §4.1
/// refers to). What is not registered may be anything.
fn check_type(name: JsonStr<'_>, value: &str) -> Result<(), JweError> {
    let mut registered = REGISTERED.iter();
    match registered.find(|(known, _)| name == **known) {
        Some((known, begins)) if !value.starts_with(*begins) => {
            Err(JweError::Type(JwePart::Parameter(known)))
        }
        _ => Ok(()),
    }
}

/// The protected header that is written, in JSON.
pub(super) fn write(
    key: Option<(KeyId, Option<Fingerprint>)>,
    binding: Option<&Binding>,
) -> String {
    let mut header = Object::new();
    header.text("alg", ALG);
    header.text("enc", ENC);
    header.text("typ", "JWE");
    if let Some(key) = key {
        write_key(&mut header, key);
    }
    if let Some(binding) = binding {
        header.json(CONTEXT, &binding.to_json());
    }
    header.finish()
}

pub(super) fn write_key(header: &mut Object, (key_id, fingerprint): (KeyId, Option<Fingerprint>)) {
    header.text("kid", &base64url::encode(key_id.as_bytes()));
    if let Some(fingerprint) = fingerprint {
        header.text("x5t#S256", &base64url::encode(fingerprint.as_bytes()));
    }
}

/// No name twice: in an object, or in all headers that apply to one recipient. Few are allowed, so comparing all is cheap.
pub(super) fn note<'a>(
    name: JsonStr<'a>,
    seen: &mut Vec<JsonStr<'a>>,
    part: JwePart,
) -> Result<(), JweError> {
    if seen.len() >= MAX_NAMES {
        return Err(JweError::TooLarge(part));
    }
    let twice = match name.as_str() {
        Some(name) => seen.iter().any(|other| *other == *name),
        None => seen.iter().any(|other| other.chars().eq(name.chars())),
    };
    if twice {
        return Err(JweError::Duplicate);
    }
    seen.push(name);
    Ok(())
}

pub(super) fn text(value: &str, part: JwePart) -> Result<JsonStr<'_>, JweError> {
    JsonStr::from_json(value).ok_or(JweError::Type(part))
}

pub(super) const ALG: &str = "RSA-OAEP-256";
pub(super) const ENC: &str = "A256GCM";
/// The private header parameter (RFC 7516 §4.3) with the context.
const CONTEXT: &str = "sealpost";
/// RFC 9278 §3.
const THUMBPRINT_URI: &str = "urn:ietf:params:oauth:jwk-thumbprint:sha-256:";
/// Names in an object, or in all headers of one recipient; unknown ones count.
const MAX_NAMES: usize = 32;
/// Longer than the name of any algorithm.
const MAX_NAME: usize = 64;
const PROTECTED_ONLY: [(&str, HeaderParameter); 5] = [
    ("alg", HeaderParameter::Alg),
    ("enc", HeaderParameter::Enc),
    ("zip", HeaderParameter::Zip),
    ("crit", HeaderParameter::Crit),
    (CONTEXT, HeaderParameter::Sealpost),
];
/// How the values of registered parameters begin: a string, an object, an array.
const REGISTERED: [(&str, char); 7] = [
    ("typ", '"'),
    ("cty", '"'),
    ("jku", '"'),
    ("x5u", '"'),
    ("x5t", '"'),
    ("jwk", '{'),
    ("x5c", '['),
];
