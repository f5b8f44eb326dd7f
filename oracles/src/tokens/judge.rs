//! Tokens, judged a second time: by RFC 6750, 7515 and 7519 and `docs/API.md`, without the library that the product has.

use std::{collections::BTreeSet, fmt};

use axum::http::HeaderValue;
use base64ct::{Base64UrlUnpadded, Encoding as _};
use sealpost_gateway::auth::Principal;
use serde::{
    Deserialize,
    de::{Deserializer, IgnoredAny, MapAccess, Visitor},
};
use serde_json::Value;

use super::{ALGORITHMS, AUDIENCE, ISSUER, LEEWAY, signers::SIGNERS};
use crate::keys::NOW;

/// What is to become of a token.
#[derive(Debug)]
pub(super) enum Judged {
    /// It lets in whom it says.
    Good(Principal),
    /// The same, but who finds it too strange may refuse it.
    Unusual(Principal),
    /// It lets nobody in.
    Bad,
}

/// RFC 6750 §2.1: one header, one blank or more, one token.
pub(super) fn bearer(values: &[HeaderValue]) -> Option<&str> {
    let [value] = values else { return None };
    let text = str::from_utf8(value.as_bytes()).ok()?;
    let (scheme, token) = text.split_at_checked("Bearer ".len())?;
    let token = token.trim_start_matches(' ');
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~+/=".contains(c);
    let sound = (1..=8192).contains(&token.len()) && token.chars().all(plain);
    (sound && scheme.eq_ignore_ascii_case("Bearer ")).then_some(token)
}

pub(super) fn token(token: &str) -> Judged {
    let Some((principal, usual)) = read(token) else {
        return Judged::Bad;
    };
    if usual {
        Judged::Good(principal)
    } else {
        Judged::Unusual(principal)
    }
}

fn read(token: &str) -> Option<(Principal, bool)> {
    let parts: Vec<_> = token.split('.').collect();
    let [header, claims, signature] = parts[..] else {
        return None;
    };
    let message = format!("{header}.{claims}");
    let (header, claims) = (decode(header)?, decode(claims)?);
    let usual = str::from_utf8(&claims).is_ok();
    let header: Members = serde_json::from_slice(&header).ok()?;
    let claims: Members = serde_json::from_slice(&claims).ok()?;

    let alg = header.text("alg")??;
    let kid = header.nullable("kid")?;
    let typ = header.nullable("typ")?.unwrap_or("JWT");
    let typ = typ.to_ascii_lowercase();
    let sound = ALGORITHMS.contains(&alg)
        && ["jwt", "at+jwt", "application/jwt", "application/at+jwt"].contains(&&*typ)
        && header.one("crit")?.is_none()
        && header.one("b64")?.is_none()
        && SIGNERS.signed(kid?, alg, message.as_bytes(), &decode(signature)?);
    let usual = usual && header.others == 0;

    let audience = match claims.one("aud")?? {
        Value::String(one) => one == AUDIENCE,
        list => texts(list)?.contains(AUDIENCE),
    };
    let (now, leeway) = (NOW.as_secs() as f64, LEEWAY as f64);
    let exp = claims.one("exp")??.as_f64()?;
    let in_time = match claims.one("nbf")? {
        Some(nbf) => nbf.as_f64()? <= now + leeway,
        None => true,
    };
    let issuer = claims.text("iss")??;
    if !(sound && audience && in_time && exp > now - leeway && issuer == ISSUER) {
        return None;
    }
    let principal = Principal {
        issuer: issuer.to_owned(),
        subject: claims.text("sub")?.map(str::to_owned),
        scopes: scopes(&claims)?,
        agents: list(claims.one("sealpost_agents")?)?,
        projects: match list(claims.one("sealpost_projects")?)? {
            Some(ids) => Some(ids.iter().map(|id| project(id)).collect::<Option<_>>()?),
            None => None,
        },
    };
    // RFC 7519 §2 has no upper limit; a million years are enough.
    Some((principal, usual && exp < 1e13))
}

fn scopes(claims: &Members) -> Option<BTreeSet<String>> {
    let mut scopes = BTreeSet::new();
    let mut add = |text: &str| {
        let words = text.split(' ').filter(|word| !word.is_empty());
        scopes.extend(words.map(str::to_owned));
    };
    claims.text("scope")?.into_iter().for_each(&mut add);
    match claims.one("scp")? {
        Some(Value::String(text)) => add(text),
        Some(list) => scopes.extend(texts(list)?.into_iter().filter(|s| !s.is_empty())),
        None => {}
    }
    Some(scopes)
}

fn list(claim: Option<&Value>) -> Option<Option<BTreeSet<String>>> {
    claim.map_or(Some(None), |list| texts(list).map(Some))
}

/// A list of nothing but texts.
fn texts(list: &Value) -> Option<BTreeSet<String>> {
    let texts = list.as_array()?.iter().map(Value::as_str);
    texts.map(|text| text.map(str::to_owned)).collect()
}

/// RFC 9562 §4, in hyphenated form.
fn project(text: &str) -> Option<sealpost_context::ProjectId> {
    let lengths = text.split('-').map(str::len);
    let hex = text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    if !(hex && lengths.eq([8, 4, 4, 4, 12])) {
        return None;
    }
    let digits = u128::from_str_radix(&text.replace('-', ""), 16).ok()?;
    Some(sealpost_context::ProjectId::from_bytes(
        digits.to_be_bytes(),
    ))
}

/// Base64url in the one way that it may be written.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = Base64UrlUnpadded::decode_vec(text).ok()?;
    (Base64UrlUnpadded::encode_string(&bytes) == text).then_some(bytes)
}

/// The members of an object that matter, each time that they are there; and how many others there are.
struct Members {
    known: Vec<(String, Value)>,
    others: usize,
}

impl Members {
    /// `None` if it is there twice (RFC 7515 §4, RFC 7519 §4), `Some(None)` if it is not there.
    #[allow(clippy::option_option)]
    fn one(&self, name: &str) -> Option<Option<&Value>> {
        let mut found = self.known.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value);
        found.next().is_none().then_some(first)
    }

    /// A text, if it is there.
    #[allow(clippy::option_option)]
    fn text(&self, name: &str) -> Option<Option<&str>> {
        match self.one(name)? {
            Some(value) => value.as_str().map(Some),
            None => Some(None),
        }
    }

    /// A text, if it is there; `null` may stand for none.
    #[allow(clippy::option_option)]
    fn nullable(&self, name: &str) -> Option<Option<&str>> {
        match self.one(name)? {
            Some(Value::Null) => Some(None),
            _ => self.text(name),
        }
    }
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let (mut known, mut others) = (Vec::new(), 0);
                while let Some(name) = map.next_key::<String>()? {
                    if KNOWN.contains(&&*name) {
                        known.push((name, map.next_value()?));
                    } else {
                        // Nobody reads it: not its depth, and not the size of its numbers.
                        map.next_value::<IgnoredAny>()?;
                        others += 1;
                    }
                }
                Ok(Members { known, others })
            }
        }
        json.deserialize_map(Object)
    }
}

/// Of headers and claims.
const KNOWN: &[&str] = &[
    "alg",
    "typ",
    "kid",
    "crit",
    "b64",
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "scope",
    "scp",
    "sealpost_agents",
    "sealpost_projects",
];
