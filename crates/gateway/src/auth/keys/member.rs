//! One member of a key set: its form, and what it may be used for.

use std::{collections::BTreeMap, fmt};

use jsonwebtoken::Algorithm;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::{
    TokenKey,
    left_out::Unusable,
    public_key::{ed25519, p256, rsa},
};

/// Returns the member's `kid`, if it could be read, and the key or why it is not one that verifies tokens.
pub(super) fn read(json: &str) -> (Option<String>, Result<TokenKey, Unusable>) {
    let member = Member::parse(json);
    let id = member.as_ref().ok().and_then(|m| m.text("kid").ok()?);
    (id, member.and_then(|member| member.key()))
}

/// The members of a JWK that are understood here (RFC 7517 §4 and RFC 7518 §6). Others are ignored, whatever they hold.
struct Member<'a> {
    known: BTreeMap<&'static str, &'a RawValue>,
    twice: Option<&'static str>,
}

impl<'a> Member<'a> {
    fn parse(json: &'a str) -> Result<Self, Unusable> {
        let member: Self = serde_json::from_str(json).map_err(|_| Unusable::NotAnObject)?;
        match member.twice {
            Some(name) => Err(Unusable::Twice(name)),
            None => Ok(member),
        }
    }

    fn key(&self) -> Result<TokenKey, Unusable> {
        let kty = self.required("kty")?;
        if kty == "oct" {
            return Err(Unusable::Symmetric);
        }
        self.check_types()?;
        // The key decides which algorithms fit it, not the token: otherwise a public key could be used as an HMAC secret.
        let possible: &[Algorithm] = match (kty.as_str(), self.text("crv")?.as_deref()) {
            ("RSA", _) => &[Algorithm::RS256, Algorithm::PS256],
            ("EC", Some("P-256")) => &[Algorithm::ES256],
            ("OKP", Some("Ed25519")) => &[Algorithm::EdDSA],
            ("EC" | "OKP", None) => return Err(Unusable::Missing("crv")),
            _ => return Err(Unusable::OtherKind),
        };
        self.check_use()?;
        let named = self.text("alg")?;
        let fits = |algorithm: &Algorithm| match &named {
            Some(name) => name.parse() == Ok(*algorithm),
            None => true,
        };
        let algorithms: Vec<Algorithm> = possible.iter().copied().filter(fits).collect();
        if algorithms.is_empty() {
            return Err(Unusable::OtherKind);
        }
        let private = match kty.as_str() {
            "RSA" => PRIVATE,
            _ => &PRIVATE[..1],
        };
        if let Some(name) = private.iter().find(|name| self.known.contains_key(*name)) {
            return Err(Unusable::Private(name));
        }
        let key = match kty.as_str() {
            "RSA" => rsa(&self.required("n")?, &self.required("e")?)?,
            "EC" => p256(&self.required("x")?, &self.required("y")?)?,
            _ => ed25519(&self.required("x")?)?,
        };
        Ok(TokenKey {
            id: self.text("kid")?,
            algorithms,
            key,
        })
    }

    /// A member that breaks the rules elsewhere is not trusted to be what it says.
    fn check_types(&self) -> Result<(), Unusable> {
        for name in ["kid", "use", "alg", "x5u", "x5t", "x5t#S256"] {
            self.text(name)?;
        }
        self.texts("x5c")?;
        self.texts("key_ops")?;
        Ok(())
    }

    /// RFC 7517 §4.2 and §4.3.
    fn check_use(&self) -> Result<(), Unusable> {
        let named_use = self.text("use")?;
        if named_use.as_deref().is_some_and(|named| named != "sig") {
            return Err(Unusable::OtherUse);
        }
        let Some(operations) = self.texts("key_ops")? else {
            return Ok(());
        };
        let has = |name: &str| operations.iter().any(|operation| operation == name);
        let repeats = (1..operations.len()).any(|n| operations[..n].contains(&operations[n]));
        if repeats || named_use.is_some() && NOT_SIGNATURES.into_iter().any(has) {
            return Err(Unusable::Inconsistent);
        }
        if has("verify") {
            Ok(())
        } else {
            Err(Unusable::OtherUse)
        }
    }

    fn required(&self, name: &'static str) -> Result<String, Unusable> {
        self.text(name)?.ok_or(Unusable::Missing(name))
    }

    fn text(&self, name: &'static str) -> Result<Option<String>, Unusable> {
        self.value(name)
    }

    fn texts(&self, name: &'static str) -> Result<Option<Vec<String>>, Unusable> {
        self.value(name)
    }

    /// Returns a member's value. `null` is not absence: no member of a JWK may be `null`.
    fn value<T: for<'de> Deserialize<'de>>(
        &self,
        name: &'static str,
    ) -> Result<Option<T>, Unusable> {
        let json = self.known.get(name).map(|json| json.get());
        let value = json.map(serde_json::from_str).transpose();
        value.map_err(|_| Unusable::Type(name))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Member<'a> {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Member<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JWK")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Member<'de>, A::Error> {
                let (mut known, mut twice) = (BTreeMap::new(), None);
                while let Some(name) = map.next_key::<String>()? {
                    match KNOWN.into_iter().find(|known| *known == name) {
                        Some(name) => {
                            if known.insert(name, map.next_value()?).is_some() {
                                twice = Some(name);
                            }
                        }
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Member { known, twice })
            }
        }
        json.deserialize_map(Object)
    }
}

const KNOWN: [&str; 21] = [
    "kty", "use", "key_ops", "alg", "kid", "x5u", "x5c", "x5t", "x5t#S256", "crv", "x", "y", "n",
    "e", "d", "p", "q", "dp", "dq", "qi", "oth",
];
/// The parts of a private key: of EC and OKP the first (RFC 7518 §6.2.2, RFC 8037 §2), of RSA all (RFC 7518 §6.3.2).
const PRIVATE: &[&str] = &["d", "p", "q", "dp", "dq", "qi", "oth"];
/// The operations of RFC 7517 §4.3 that `use` = `sig` excludes.
const NOT_SIGNATURES: [&str; 6] = [
    "encrypt",
    "decrypt",
    "wrapKey",
    "unwrapKey",
    "deriveKey",
    "deriveBits",
];
