//! Why a JWE is refused before a key is touched.

use core::fmt;

use sealpost_json::Malformed;

use crate::binding::BindingError;

/// Why a JWE is refused. No private key has been touched; each text says how to fix it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JweError {
    /// The JSON member `aad`, which this product never authenticates anything with.
    Aad,
    /// `alg` is another than RSA-OAEP-256.
    Algorithm(KeyAlgorithm),
    /// A part is not canonical unpadded base64url.
    Base64(JwePart),
    /// The context is refused, or is another than the one that is asked for.
    Binding(BindingError),
    /// There are not five parts between dots.
    Compact {
        /// The parts found.
        parts: usize,
    },
    /// A header parameter whose place is the protected header stands outside.
    Unprotected(HeaderParameter),
    /// There is a `crit`, and nothing that it can name is understood here.
    Critical,
    /// A header parameter or member is there twice, in one header or in two.
    Duplicate,
    /// `enc` is another than A256GCM.
    Encryption,
    /// `iv` does not have 12 bytes, or `tag` not 16.
    Length {
        /// The part.
        part: JwePart,
        /// Its length in bytes.
        found: usize,
    },
    /// It is not JSON where it must be.
    Json(Malformed),
    /// `kid` and `x5t#S256` of one recipient name different keys, or only one of the two is known.
    KeyNames,
    /// `recipients` stands beside `encrypted_key` or `header`: it is neither the general nor the flattened form.
    Mixed,
    /// A required member or header parameter is not there.
    Missing(JwePart),
    /// There is no context in the protected header, and one is required.
    NoContext,
    /// No recipient is named, and there is more than one key or the policy forbids to guess.
    NoKeyName,
    /// None of the recipients named is a key that is at hand.
    NoMatchingKey {
        /// How many recipients there are.
        recipients: usize,
    },
    /// The number of recipients is not in 1–16.
    RecipientCount,
    /// A part, or the whole, is larger than any that is written.
    TooLarge(JwePart),
    /// A member is of another JSON type than it must be.
    Type(JwePart),
    /// There is a `zip`: what is compressed is not taken.
    Zip,
}

/// An `alg` that is refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyAlgorithm {
    /// `RSA1_5`: PKCS#1 v1.5.
    Rsa15,
    /// `RSA-OAEP`: OAEP with SHA-1.
    RsaOaepSha1,
    /// `RSA-OAEP-384` or `RSA-OAEP-512`.
    RsaOaepOther,
    /// `dir`: a shared key.
    Direct,
    /// `PBES2-…`: a password.
    Password,
    /// `ECDH-ES…`: elliptic curves.
    EllipticCurve,
    /// `A128KW`, `A256GCMKW` and the like: a shared key.
    KeyWrap,
    /// `none`.
    None,
    /// Any other.
    Unknown,
}

/// A part of a JWE.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // each is the part that it is called
pub enum JwePart {
    Whole,
    Protected,
    Unprotected,
    Header,
    Recipients,
    EncryptedKey,
    Iv,
    Ciphertext,
    Tag,
    Alg,
    Enc,
    Kid,
    X5tS256,
    /// Another parameter that RFC 7515 §4.1 registers.
    Parameter(&'static str),
}

/// A header parameter that must be protected.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(missing_docs)] // each is the parameter that it is called
pub enum HeaderParameter {
    Alg,
    Enc,
    Zip,
    Crit,
    Sealpost,
}

impl KeyAlgorithm {
    pub(crate) fn parse(alg: &str) -> Self {
        match alg {
            "RSA1_5" => Self::Rsa15,
            "RSA-OAEP" => Self::RsaOaepSha1,
            "RSA-OAEP-384" | "RSA-OAEP-512" => Self::RsaOaepOther,
            "dir" => Self::Direct,
            "none" => Self::None,
            _ if alg.starts_with("PBES2-") => Self::Password,
            _ if alg.starts_with("ECDH-") => Self::EllipticCurve,
            _ if alg.ends_with("KW") => Self::KeyWrap,
            _ => Self::Unknown,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::Rsa15 => "RSA1_5, which leaks through its padding",
            Self::RsaOaepSha1 => "RSA-OAEP, which is the one with SHA-1",
            Self::RsaOaepOther => "RSA-OAEP with another hash",
            Self::Direct => "dir, a key that both sides share",
            Self::Password => "PBES2, a password",
            Self::EllipticCurve => "ECDH-ES, an elliptic curve",
            Self::KeyWrap => "a key wrap, for a key that both sides share",
            Self::None => "none",
            Self::Unknown => "one that is not known here",
        }
    }
}

impl JwePart {
    /// What to do where it is of the wrong type. What is required can't be left out.
    fn remedy(self) -> &'static str {
        match self {
            Self::Protected => {
                "it must be a JSON object, in a JWE in JSON as a string of base64url"
            }
            Self::Alg => "it must be the string \"RSA-OAEP-256\"",
            Self::Enc => "it must be the string \"A256GCM\"",
            Self::EncryptedKey | Self::Iv | Self::Ciphertext | Self::Tag => "it must be a string",
            Self::Recipients => "it must be an array of objects",
            Self::Parameter("sealpost") => "it must be an object",
            _ => "leave it out, or write it as it must be",
        }
    }
}

impl fmt::Display for JwePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole => "the JWE",
            Self::Protected => "\"protected\"",
            Self::Unprotected => "\"unprotected\"",
            Self::Header => "\"header\"",
            Self::Recipients => "\"recipients\"",
            Self::EncryptedKey => "\"encrypted_key\"",
            Self::Iv => "\"iv\"",
            Self::Ciphertext => "\"ciphertext\"",
            Self::Tag => "\"tag\"",
            Self::Alg => "\"alg\"",
            Self::Enc => "\"enc\"",
            Self::Kid => "\"kid\"",
            Self::X5tS256 => "\"x5t#S256\"",
            Self::Parameter(name) => return write!(f, "the JWE's \"{name}\""),
        })
    }
}

impl fmt::Display for HeaderParameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Alg => "\"alg\"",
            Self::Enc => "\"enc\"",
            Self::Zip => "\"zip\"",
            Self::Crit => "\"crit\"",
            Self::Sealpost => "\"sealpost\"",
        })
    }
}

impl fmt::Display for JweError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aad => f.write_str(
                "the JWE has a member \"aad\": leave it out, the context belongs in the protected header",
            ),
            Self::Algorithm(found) => write!(
                f,
                "the JWE's \"alg\" is {}: seal it with RSA-OAEP-256",
                found.reason()
            ),
            Self::Base64(part) => write!(
                f,
                "{part} is not canonical unpadded base64url: copy all of it again, without spaces or line breaks"
            ),
            Self::Binding(error) => error.fmt(f),
            Self::Compact { parts } => write!(
                f,
                "a compact JWE has five parts between dots, this has {parts}: copy all of it again"
            ),
            // Moved, these would be refused there.
            Self::Unprotected(parameter @ (HeaderParameter::Zip | HeaderParameter::Crit)) => {
                write!(f, "the JWE has {parameter}, which is not taken in any header: seal it without")
            }
            Self::Unprotected(parameter) => write!(
                f,
                "the JWE has {parameter} outside its protected header, where anybody could change it: it must be in that \
                 header alone"
            ),
            Self::Critical => f.write_str(
                "the JWE's \"crit\" asks for something that is not known here: seal it without",
            ),
            Self::Duplicate => f.write_str(
                "the JWE has a header parameter or a member twice: leave one out (RFC 7516 §4)",
            ),
            Self::Encryption => {
                f.write_str("the JWE's \"enc\" is not A256GCM: seal it with A256GCM")
            }
            Self::Length { part, found } => {
                let right = match part {
                    JwePart::Iv => 12,
                    _ => 16,
                };
                write!(f, "{part} has {found} bytes and must have {right}: seal it again")
            }
            Self::Json(error) => write!(f, "the JWE or its header is not read: {error}"),
            Self::KeyNames => f.write_str(
                "the JWE's \"kid\" and \"x5t#S256\" do not both name one key that is here: if its certificate was \
                 renewed, put the one that was sealed to beside the private key, or seal it again",
            ),
            Self::Mixed => f.write_str(
                "the JWE has \"recipients\" beside \"encrypted_key\" or \"header\": move both into \"recipients\" \
                 (RFC 7516 §7.2.1)",
            ),
            Self::Missing(part) => write!(f, "the JWE lacks {part}: seal it again"),
            Self::NoContext => f.write_str(
                "the JWE says in no protected header parameter \"sealpost\" whose secret it is: seal it with its context",
            ),
            Self::NoKeyName => f.write_str(
                "the JWE names no key: seal it with a \"kid\", the key's id in base64url, or \"x5t#S256\"",
            ),
            Self::NoMatchingKey { recipients } => write!(
                f,
                "the JWE is not sealed to a key that is here (it names {recipients} other): inspect it to see which \
                 keys open it"
            ),
            Self::RecipientCount => {
                f.write_str("a JWE must have 1 to 16 recipients: seal it to fewer")
            }
            Self::TooLarge(part) => write!(f, "{part} is larger than any that is taken: seal less"),
            Self::Type(part) => {
                write!(f, "{part} is of the wrong JSON type (RFC 7515 §4.1, RFC 7516 §7.2): ")?;
                f.write_str(part.remedy())
            }
            Self::Zip => f.write_str(
                "the JWE's content is compressed (\"zip\"), which is not taken: seal it without",
            ),
        }
    }
}

impl core::error::Error for JweError {}

impl From<BindingError> for JweError {
    fn from(error: BindingError) -> Self {
        Self::Binding(error)
    }
}
