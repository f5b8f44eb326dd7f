//! Private keys as JWK (RFC 7517, RFC 7518 §6.3).

use alloc::{vec, vec::Vec};
use core::fmt;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use der::{Encode as _, asn1::UintRef};
use pkcs1::RsaPrivateKey;
use sealpost_json::{JsonStr, Malformed, members};
use zeroize::Zeroizing;

/// Why a JWK is not a private key that may be used here. It says nothing of what the key holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum JwkError {
    /// A member is there twice (RFC 7517 §4).
    Duplicate,
    /// The bytes are not a JSON object.
    Json(Malformed),
    /// `kty` is not `RSA`.
    KeyType,
    /// A member that has to be there is not.
    Missing {
        /// Its name.
        member: &'static str,
    },
    /// `oth` is there: the key has more than two primes.
    MultiPrime,
    /// A member is not a number in base64url without leading zeros (RFC 7518 §2).
    Number {
        /// Its name.
        member: &'static str,
    },
    /// The key is a public one: there is no `d`.
    Public,
    /// There are more members than 64, or the numbers are longer than those of any key that is taken.
    TooLarge,
    /// A member says that the key is for something else than to decrypt with RSA-OAEP-256, or is not of its type.
    Use {
        /// `use`, `key_ops` or `alg`.
        member: &'static str,
    },
}

impl fmt::Display for JwkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate => {
                f.write_str("the JWK has a member twice: leave one out (RFC 7517 §4)")
            }
            Self::Json(error) => write!(f, "the JWK is not read: {error}"),
            Self::KeyType => f.write_str(
                "the JWK is not an RSA key, its \"kty\" is another: make one with \"kty\":\"RSA\", 3072 bits",
            ),
            Self::Missing { member } => write!(
                f,
                "the JWK lacks \"{member}\": export the private key with all of n, e, d, p, q, dp, dq and qi"
            ),
            Self::MultiPrime => f.write_str(
                "the JWK has more than two primes (\"oth\"), which is not taken: make a new key",
            ),
            Self::Number { member } => write!(
                f,
                "the JWK's \"{member}\" is not a number in unpadded base64url without leading zeros (RFC 7518 §2): \
                 export the key with other software, or as PEM"
            ),
            Self::Public => {
                f.write_str("the JWK is a public key, it lacks \"d\": give the private key")
            }
            Self::TooLarge => f.write_str("the JWK is larger than any that is taken: give the key alone"),
            Self::Use { member } => write!(
                f,
                "the JWK's \"{member}\" says that the key is for something else: take one that is made to decrypt with \
                 RSA-OAEP-256 (\"use\":\"enc\", \"key_ops\":[\"decrypt\"], \"alg\":\"RSA-OAEP-256\", or none of them)"
            ),
        }
    }
}

impl core::error::Error for JwkError {}

/// The key as PKCS#1 (RFC 8017 appendix A.1.2). Whether its numbers belong together is not looked at.
pub(super) fn to_pkcs1(json: &[u8]) -> Result<Zeroizing<Vec<u8>>, JwkError> {
    let mut found: [Option<&str>; MEMBERS.len()] = [None; MEMBERS.len()];
    let mut names: Vec<JsonStr<'_>> = Vec::new();
    for member in members(json) {
        let (name, value) = member.map_err(JwkError::Json)?;
        if names.len() >= MAX_MEMBERS {
            return Err(JwkError::TooLarge);
        }
        if names.iter().any(|other| other.chars().eq(name.chars())) {
            return Err(JwkError::Duplicate);
        }
        names.push(name);
        let mut places = MEMBERS.iter().zip(&mut found);
        if let Some((_, place)) = places.find(|(known, _)| name == ***known) {
            *place = Some(value.as_str());
        }
    }
    let [kty, usage, ops, alg, oth, numbers @ ..] = found;
    let is =
        |value: &str, text: &str| JsonStr::from_json(value).is_some_and(|value| value == *text);
    match kty {
        None => return Err(JwkError::Missing { member: "kty" }),
        Some(kty) if is(kty, "RSA") => {}
        Some(_) => return Err(JwkError::KeyType),
    }
    for (member, good) in [
        ("use", usage.is_none_or(|value| is(value, "enc"))),
        ("key_ops", ops.is_none_or(may_decrypt)),
        ("alg", alg.is_none_or(|value| is(value, "RSA-OAEP-256"))),
    ] {
        if !good {
            return Err(JwkError::Use { member });
        }
    }
    if oth.is_some() {
        return Err(JwkError::MultiPrime);
    }
    let [n, e, d, p, q, dp, dq, qi] = numbers;
    encode([
        number("n", n)?,
        number("e", e)?,
        number("d", Some(d.ok_or(JwkError::Public)?))?,
        number("p", p)?,
        number("q", q)?,
        number("dp", dp)?,
        number("dq", dq)?,
        number("qi", qi)?,
    ])
}

/// RFC 7517 §4.3: to decrypt content or keys; the same key may be said to encrypt.
fn may_decrypt(ops: &str) -> bool {
    let Some(ops) = strings(ops) else {
        return false;
    };
    let one_of = |op: &JsonStr<'_>, known: &[&str]| known.iter().any(|known| *op == **known);
    let twice = |(at, op): (usize, &JsonStr<'_>)| {
        ops.iter()
            .take(at)
            .any(|other| other.chars().eq(op.chars()))
    };
    ops.iter().any(|op| one_of(op, &["decrypt", "unwrapKey"]))
        && ops
            .iter()
            .all(|op| one_of(op, &["decrypt", "unwrapKey", "encrypt", "wrapKey"]))
        && !ops.iter().enumerate().any(twice)
}

/// The strings of an array that was found to be well formed; `None` if it has anything else, or more than there can be.
fn strings(array: &str) -> Option<Vec<JsonStr<'_>>> {
    let mut rest = array.strip_prefix('[')?.strip_suffix(']')?.trim_ascii();
    let mut strings = Vec::new();
    while !rest.is_empty() && strings.len() < MAX_MEMBERS {
        let mut escaped = false;
        let mut bytes = rest.bytes().enumerate().skip(1);
        let (end, _) = bytes.find(|(_, byte)| {
            let ends = *byte == b'"' && !escaped;
            escaped = *byte == b'\\' && !escaped;
            ends
        })?;
        let (string, after) = rest.split_at_checked(end + 1)?;
        strings.push(JsonStr::from_json(string)?);
        let after = after.trim_ascii_start();
        rest = after.strip_prefix(',').unwrap_or(after).trim_ascii_start();
    }
    rest.is_empty().then_some(strings)
}

/// `Base64urlUInt` (RFC 7518 §2), decoded in constant time; zero has no place in a key.
fn number(member: &'static str, value: Option<&str>) -> Result<Zeroizing<Vec<u8>>, JwkError> {
    let wrong = JwkError::Number { member };
    let text = JsonStr::from_json(value.ok_or(JwkError::Missing { member })?).ok_or(wrong)?;
    let text = text.as_str().ok_or(wrong)?;
    if text.len() > MAX_NUMBER {
        return Err(JwkError::TooLarge);
    }
    // At its full length from the start: growing leaves copies behind.
    let mut bytes = Zeroizing::new(vec![0; text.len()]);
    let length = Base64UrlUnpadded::decode(text, &mut bytes)
        .map_err(|_| wrong)?
        .len();
    bytes.truncate(length);
    match bytes.first() {
        None | Some(0) => Err(wrong),
        Some(_) => Ok(bytes),
    }
}

fn encode(numbers: [Zeroizing<Vec<u8>>; 8]) -> Result<Zeroizing<Vec<u8>>, JwkError> {
    let too_large = |_| JwkError::TooLarge;
    let [n, e, d, p, q, dp, dq, qi] = &numbers;
    let key = RsaPrivateKey {
        modulus: UintRef::new(n).map_err(too_large)?,
        public_exponent: UintRef::new(e).map_err(too_large)?,
        private_exponent: UintRef::new(d).map_err(too_large)?,
        prime1: UintRef::new(p).map_err(too_large)?,
        prime2: UintRef::new(q).map_err(too_large)?,
        exponent1: UintRef::new(dp).map_err(too_large)?,
        exponent2: UintRef::new(dq).map_err(too_large)?,
        coefficient: UintRef::new(qi).map_err(too_large)?,
        other_prime_infos: None,
    };
    let length = key.encoded_len().map_err(too_large)?;
    let length = usize::try_from(length).map_err(|_| JwkError::TooLarge)?;
    let mut der = Zeroizing::new(vec![0; length]);
    key.encode_to_slice(&mut der).map_err(too_large)?;
    Ok(der)
}

const MEMBERS: [&str; 13] = [
    "kty", "use", "key_ops", "alg", "oth", "n", "e", "d", "p", "q", "dp", "dq", "qi",
];
/// Members of a JWK, and operations in `key_ops`; unknown ones count.
const MAX_MEMBERS: usize = 64;
/// Characters of a number of 8,192 bits.
const MAX_NUMBER: usize = 1366;
