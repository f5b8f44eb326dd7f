//! Bearer tokens that are JWTs (RFC 7519), checked as RFC 8725 advises.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, Validation, decode, decode_header, errors::ErrorKind};
use sealpost_envelope::UnixTime;
use sealpost_protocol::context::ProjectId;
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use super::{
    algorithm::TokenAlgorithm,
    authenticator::Authenticator,
    denied::Denied,
    jwks::IssuerKeys,
    keys::KeySet,
    principal::Principal,
    verified::{TokenDigest, VerifiedTokens, seconds},
};

/// Which tokens are accepted.
#[derive(Clone, Debug)]
pub struct TokenPolicy {
    /// The one issuer, as tokens name it in `iss`.
    pub issuer: String,
    /// The gateway's name, as tokens name it in `aud`.
    pub audience: String,
    /// How much the issuer's clock and ours may differ.
    pub leeway: Duration,
    /// The algorithms that tokens may be signed with.
    pub algorithms: Vec<TokenAlgorithm>,
}

impl TokenPolicy {
    /// Accepts tokens of this issuer for this audience, with 60 seconds of leeway and any of the algorithms.
    #[must_use]
    pub fn new(issuer: impl Into<String>, audience: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            audience: audience.into(),
            leeway: Duration::from_secs(60),
            algorithms: TokenAlgorithm::ALL.to_vec(),
        }
    }
}

/// Accepts JWTs signed with RS256, PS256, ES256 or EdDSA by a key of one issuer.
///
/// A token is verified once and then known for 60 seconds, unless it expires or the set of keys changes before.
#[derive(Debug)]
pub struct JwtAuthenticator {
    policy: TokenPolicy,
    keys: TokenKeys,
    verified: VerifiedTokens,
}

/// The keys that tokens are checked with.
#[derive(Clone, Debug)]
pub enum TokenKeys {
    /// They never change.
    Fixed(Arc<KeySet>),
    /// They are fetched, and kept fresh.
    Issuer(Arc<IssuerKeys>),
}

impl From<KeySet> for TokenKeys {
    fn from(keys: KeySet) -> Self {
        Self::Fixed(Arc::new(keys))
    }
}

impl From<Arc<IssuerKeys>> for TokenKeys {
    fn from(keys: Arc<IssuerKeys>) -> Self {
        Self::Issuer(keys)
    }
}

impl JwtAuthenticator {
    /// Creates an authenticator with this policy and the issuer's keys.
    #[must_use]
    pub fn new(policy: TokenPolicy, keys: impl Into<TokenKeys>) -> Self {
        Self {
            policy,
            keys: keys.into(),
            verified: VerifiedTokens::default(),
        }
    }

    /// Returns the keys that are known now, if there are any that are not too old.
    fn known_keys(&self) -> Option<Arc<KeySet>> {
        match &self.keys {
            TokenKeys::Fixed(keys) => Some(Arc::clone(keys)),
            TokenKeys::Issuer(issuer) => issuer.current(),
        }
    }

    /// Returns the keys to look for `kid` in; fetches them again if the known ones lack it.
    async fn keys_for(&self, kid: Option<&str>) -> Option<Arc<KeySet>> {
        match (&self.keys, self.known_keys()) {
            (TokenKeys::Issuer(issuer), keys)
                if keys.as_ref().is_none_or(|keys| keys.lacks(kid)) =>
            {
                issuer.newer_than(keys.as_ref()).await
            }
            (_, keys) => keys,
        }
    }

    fn check_header(&self, header: &Header) -> Result<(), Denied> {
        // RFC 8725 §3.11: what an issuer signs for another purpose must not pass as an access token.
        if !header.typ.as_deref().is_none_or(is_access_token) {
            return Err(Denied::Type);
        }
        if !self.policy.algorithms.iter().any(|a| a.is(header.alg)) {
            return Err(Denied::Algorithm);
        }
        Ok(())
    }

    /// Returns what the token says, if one of the keys has signed it.
    fn claims(&self, token: &str, header: &Header, keys: &KeySet) -> Result<Claims, Denied> {
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.policy.issuer]);
        validation.set_audience(&[&self.policy.audience]);
        // Checked against `now`, by the caller.
        validation.validate_exp = false;
        let mut result = Err(Denied::UnknownKey);
        for key in keys.candidates(header.kid.as_deref(), header.alg) {
            result = match decode(token, &key.key, &validation) {
                Ok(token) => return Ok(token.claims),
                Err(error) => Err(denied(error.kind())),
            };
            if result.as_ref().err() != Some(&Denied::Signature) {
                break;
            }
        }
        result
    }

    /// Returns who the token speaks for, and when it expires, in seconds.
    fn principal(
        &self,
        token: &str,
        header: &Header,
        keys: &KeySet,
        now: UnixTime,
    ) -> Result<(Arc<Principal>, f64), Denied> {
        let claims = self.claims(token, header, keys)?;
        let now = seconds(now);
        let leeway = self.policy.leeway.as_secs_f64();
        if claims.exp + leeway <= now {
            return Err(Denied::Expired);
        }
        if claims.nbf.is_some_and(|nbf| nbf > now + leeway) {
            return Err(Denied::NotYetValid);
        }
        let expires_at = claims.exp;
        Ok((Arc::new(claims.into_principal()), expires_at))
    }
}

#[async_trait]
impl Authenticator for JwtAuthenticator {
    async fn authenticate(&self, token: &str, now: UnixTime) -> Result<Arc<Principal>, Denied> {
        let digest = TokenDigest::of(token);
        let known = self.known_keys();
        if let Some(keys) = known
            && let Some(principal) = self.verified.get(&digest, &keys, now)
        {
            return Ok(principal);
        }
        check_critical(token)?;
        let header = decode_header(token).map_err(|_| Denied::Malformed)?;
        self.check_header(&header)?;
        let keys = self.keys_for(header.kid.as_deref()).await;
        let keys = keys.ok_or(Denied::UnknownKey)?;
        let (principal, expires_at) = self.principal(token, &header, &keys, now)?;
        self.verified
            .add(digest, &keys, (&principal, expires_at), now);
        Ok(principal)
    }

    fn is_ready(&self) -> bool {
        match &self.keys {
            TokenKeys::Fixed(keys) => !keys.is_empty(),
            TokenKeys::Issuer(keys) => keys.is_usable(),
        }
    }
}

/// Refuses headers that change what must be understood or what is signed: every `crit`, even an empty one or `null`
/// (RFC 7515 §4.1.11, we understand none), and `b64`, which is not valid without one (RFC 7797 §6).
fn check_critical(token: &str) -> Result<(), Denied> {
    let (header, _) = token.split_once('.').ok_or(Denied::Malformed)?;
    let header = URL_SAFE_NO_PAD.decode(header);
    let header = header.map_err(|_| Denied::Malformed)?;
    let Critical { crit, b64 } = serde_json::from_slice(&header).map_err(|_| Denied::Malformed)?;
    if crit.is_some() || b64.is_some() {
        return Err(Denied::Critical);
    }
    Ok(())
}

/// The library takes `null` for absence, and passes `b64` over.
#[derive(Deserialize)]
struct Critical {
    #[serde(default, deserialize_with = "present")]
    crit: Option<IgnoredAny>,
    #[serde(default, deserialize_with = "present")]
    b64: Option<IgnoredAny>,
}

/// The claims that are read. A claim that is present must have its type: `null` is not a list, and a limit that
/// can't be read must not count as no limit.
#[derive(Deserialize)]
struct Claims {
    iss: String,
    #[serde(default, deserialize_with = "present")]
    sub: Option<String>,
    /// `NumericDate`: seconds, perhaps with a fraction (RFC 7519 §2).
    exp: f64,
    #[serde(default, deserialize_with = "present")]
    nbf: Option<f64>,
    #[serde(default, deserialize_with = "present")]
    scope: Option<String>,
    #[serde(default, deserialize_with = "present")]
    scp: Option<Scopes>,
    #[serde(default, deserialize_with = "present")]
    sealpost_agents: Option<BTreeSet<String>>,
    #[serde(default, deserialize_with = "present")]
    sealpost_projects: Option<BTreeSet<ProjectId>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scopes {
    List(Vec<String>),
    Text(String),
}

impl Claims {
    fn into_principal(self) -> Principal {
        let mut scopes = BTreeSet::new();
        let mut add = |text: &str| scopes.extend(text.split(' ').map(str::to_owned));
        self.scope.iter().for_each(|text| add(text));
        match self.scp {
            Some(Scopes::Text(text)) => add(&text),
            Some(Scopes::List(list)) => scopes.extend(list),
            None => {}
        }
        Principal {
            issuer: self.iss,
            subject: self.sub,
            scopes,
            agents: self.sealpost_agents,
            projects: self.sealpost_projects,
        }
    }
}

fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    claim: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(claim).map(Some)
}

/// `typ` is a media type without its `application/` (RFC 7515 §4.1.9); RFC 9068 calls access tokens `at+jwt`.
fn is_access_token(typ: &str) -> bool {
    let typ = typ.to_ascii_lowercase();
    matches!(
        typ.strip_prefix("application/").unwrap_or(&typ),
        "jwt" | "at+jwt"
    )
}

fn denied(error: &ErrorKind) -> Denied {
    match error {
        ErrorKind::InvalidSignature => Denied::Signature,
        ErrorKind::InvalidIssuer => Denied::Issuer,
        ErrorKind::InvalidAudience => Denied::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::InvalidKeyFormat => Denied::UnknownKey,
        ErrorKind::InvalidToken | ErrorKind::Base64(_) => Denied::Malformed,
        _ => Denied::Claims,
    }
}
