//! Sealing a value before it leaves the caller.

use std::time::Duration;

use bytes::Bytes;
use sealpost_context::{Owner, SecretContext};
use sealpost_envelope::{
    AwsLc, AwsLcRng, Certificate, Fingerprint, Recipient, TrustPolicy, UnixTime,
    binding::Binding,
    jwe::{self, Serialization},
    trust::{SkippedAnchor, TrustAnchors, TrustError},
};

use crate::{body, error::ClientError, idempotency::random_hex, secret::NewSecret};

/// Which certificate of an agent may be sealed to.
///
/// # Security
///
/// It must not come from the gateway: a party that can choose the certificate can read the value.
#[derive(Clone, Debug)]
pub struct AgentTrust {
    policy: TrustPolicy,
    certificate: Option<Certificate>,
    skipped: Vec<SkippedAnchor>,
}

impl AgentTrust {
    /// Trusts only certificates with one of these fingerprints: SHA-256 of the DER, as `sealpost keygen` prints it.
    #[must_use]
    pub fn pinned(fingerprints: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self::new(TrustPolicy::pinned(fingerprints))
    }

    /// Trusts only certificates that name the agent (a subjectAltName URI `urn:sealpost:agent:<agentId>`) and that one of
    /// these authorities, in PEM, has issued, itself or through intermediate ones. One that can't be used is left out if
    /// there are others: [`skipped_authorities`](Self::skipped_authorities) tells.
    ///
    /// # Errors
    ///
    /// [`ClientError::TrustAnchors`] if none can be used as an authority.
    pub fn chain(authorities_pem: &[u8]) -> Result<Self, ClientError> {
        let anchors = TrustAnchors::from_pem_or_der(authorities_pem)?;
        let skipped = anchors.skipped().to_vec();
        Ok(Self {
            skipped,
            ..Self::new(TrustPolicy::chain(anchors))
        })
    }

    /// Returns which authorities of the file are not used, and why.
    #[must_use]
    pub fn skipped_authorities(&self) -> &[SkippedAnchor] {
        &self.skipped
    }

    /// Uses this certificate, in PEM or DER, and does not ask the gateway for one. It must satisfy the policy too.
    ///
    /// # Errors
    ///
    /// [`ClientError::AgentCertificate`] if it can't be parsed.
    pub fn with_certificate(mut self, certificate: &[u8]) -> Result<Self, ClientError> {
        let certificate = Certificate::from_pem_or_der(certificate).map_err(TrustError::from)?;
        self.certificate = Some(certificate);
        Ok(self)
    }

    pub(crate) fn certificate(&self) -> Option<&Certificate> {
        self.certificate.as_ref()
    }

    /// Returns the key to seal to, if the certificate is the agent's and valid now.
    pub(crate) fn recipient(
        &self,
        certificate: &Certificate,
        agent: &str,
        now: UnixTime,
    ) -> Result<Recipient<AwsLc>, ClientError> {
        let trust = self.policy.for_agent(agent);
        Ok(Recipient::from_certificate(certificate, &trust, now)?)
    }

    fn new(policy: TrustPolicy) -> Self {
        Self {
            policy,
            certificate: None,
            skipped: Vec::new(),
        }
    }
}

/// Returns the agent and the project that a secret belongs to.
pub(crate) fn owner(agent: &str, project: Option<&str>) -> Result<Owner, ClientError> {
    let agent = agent.parse().map_err(|_| ClientError::AgentId)?;
    let project = project.map(str::parse).transpose();
    let project = project.map_err(|_| ClientError::ProjectId)?;
    Ok(Owner { agent, project })
}

/// Returns a compact JWE (RFC 7516) of the value. The agent accepts it once, within `lifetime`, and for this secret alone.
pub(crate) fn seal(
    secret: &NewSecret,
    owner: Owner,
    certificate: &Certificate,
    trust: &AgentTrust,
    lifetime: Duration,
) -> Result<Bytes, ClientError> {
    let value = body::value(secret)?;
    let now = UnixTime::now();
    let recipient = trust.recipient(certificate, owner.agent.as_str(), now)?;
    let binding = single_use(&context(secret, &owner), lifetime)?;
    let recipients = std::slice::from_ref(&recipient);
    let sealed = jwe::seal(
        recipients,
        Some(&binding),
        Serialization::Compact,
        value,
        &mut AwsLcRng,
    )?;
    Ok(Bytes::from(sealed))
}

/// The context of a secret. The gateway and the agent check name, key and type, as they do for values in clear.
pub(crate) fn context<'a>(secret: &'a NewSecret, owner: &'a Owner) -> SecretContext<'a> {
    let mut context = SecretContext::unchecked(owner.agent.as_str(), &secret.name);
    if let Some(project) = owner.project {
        context = context.with_project(project);
    }
    if let Some(key) = &secret.key {
        context = context.with_unchecked_key(key);
    }
    if let Some(secret_type) = &secret.secret_type {
        context = context.with_unchecked_type(secret_type);
    }
    context
}

/// Binds a value to its context, for one use within `lifetime`.
pub(crate) fn single_use(
    context: &SecretContext<'_>,
    lifetime: Duration,
) -> Result<Binding, ClientError> {
    let expires_at = UnixTime::now().saturating_add(lifetime.min(LONGEST) + CLOCKS);
    // 32 hexadecimal digits are a valid identifier.
    Binding::new(context)
        .with_use(&random_hex()?, expires_at)
        .map_err(|_| ClientError::Randomness)
}

/// By how much the agent's clock may be ahead.
const CLOCKS: Duration = Duration::from_secs(60);
/// Agents refuse values that expire more than a day ahead by their own clock.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60 - 2 * CLOCKS.as_secs());

#[cfg(test)]
mod tests {
    use sealpost_envelope::{ContextPolicy, Identity, Keyring, Message, jwe::Jwe};

    use super::*;

    const CERTIFICATE: &[u8] = include_bytes!("../../../testdata/keys/agent-a2048.pem");
    const KEY: &[u8] = include_bytes!("../../../testdata/keys/agent-a2048.key.pem");
    const OTHER: &[u8] = include_bytes!("../../../testdata/keys/agent-b2048.pem");
    const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";

    fn pinned(pem: &[u8]) -> AgentTrust {
        let certificate = Certificate::from_pem(pem).unwrap();
        AgentTrust::pinned([certificate.fingerprint()])
            .with_certificate(CERTIFICATE)
            .unwrap()
    }

    fn secret() -> NewSecret {
        NewSecret::new("db", b" {\"password\":\"x\"}\n".to_vec())
            .with_key("password")
            .with_type("PASSWORD")
    }

    fn sealed(trust: &AgentTrust) -> Result<Bytes, ClientError> {
        let owner = owner("a2048", Some(PROJECT)).unwrap();
        let certificate = trust.certificate().unwrap();
        seal(
            &secret(),
            owner,
            certificate,
            trust,
            Duration::from_secs(100),
        )
    }

    #[test]
    fn it_opens_for_its_own_context_once_and_for_a_time() {
        let (one, other) = (
            sealed(&pinned(CERTIFICATE)).unwrap(),
            sealed(&pinned(CERTIFICATE)).unwrap(),
        );
        let (one, other) = (Jwe::parse(&one).unwrap(), Jwe::parse(&other).unwrap());
        let binding = one.binding().unwrap();
        assert_ne!(binding.jti(), other.binding().unwrap().jti());
        let left = binding.expires_at().unwrap().as_secs() - UnixTime::now().as_secs();
        assert!((155..=160).contains(&left), "{left}");

        let project = PROJECT.parse().unwrap();
        let context = SecretContext::unchecked("a2048", "db")
            .with_project(project)
            .with_unchecked_key("password")
            .with_unchecked_type("PASSWORD");
        let mut identity = Identity::<AwsLc>::from_pem(KEY).unwrap();
        identity
            .add_certificate(Certificate::from_pem(CERTIFICATE).unwrap())
            .unwrap();
        let keyring = Keyring::new(identity);
        let policy = ContextPolicy::RequireContext(&context);
        let one = Message::from(one);
        let opened = one.open(&keyring, policy, &mut AwsLcRng).unwrap();
        assert_eq!(&*opened.plaintext, br#"{"password":"x"}"#);
        let elsewhere = SecretContext::unchecked("a2048", "db2").with_project(project);
        let policy = ContextPolicy::RequireContext(&elsewhere);
        assert!(one.open(&keyring, policy, &mut AwsLcRng).is_err());
    }

    #[test]
    fn lifetimes_are_cut_to_what_agents_accept() {
        let (trust, owner) = (pinned(CERTIFICATE), owner("a2048", None).unwrap());
        let certificate = trust.certificate().unwrap();
        let sealed = seal(&secret(), owner, certificate, &trust, Duration::MAX).unwrap();
        let expires_at = Jwe::parse(&sealed).unwrap().binding().unwrap().expires_at();
        let left = expires_at.unwrap().as_secs() - UnixTime::now().as_secs();
        assert!((86_300..=86_340).contains(&left), "{left}");
    }

    #[test]
    fn another_certificate_than_the_pinned_is_refused() {
        let error = sealed(&pinned(OTHER)).unwrap_err();
        assert!(matches!(error, ClientError::AgentCertificate(_)), "{error}");
        assert!(matches!(
            AgentTrust::pinned([]).with_certificate(b"none"),
            Err(ClientError::AgentCertificate(_))
        ));
        assert!(matches!(
            AgentTrust::chain(CERTIFICATE),
            Err(ClientError::TrustAnchors(_))
        ));
    }

    #[test]
    fn authorities_that_are_left_out_are_told() {
        let root = include_bytes!("../../../testdata/certificates/ca-rsa.pem");
        let trust = AgentTrust::chain(&[CERTIFICATE, root].concat()).unwrap();
        let [skipped] = trust.skipped_authorities() else {
            panic!("{:?}", trust.skipped_authorities());
        };
        assert!(skipped.to_string().contains("certificate 1 "), "{skipped}");
        assert_eq!(AgentTrust::chain(root).unwrap().skipped_authorities(), []);
        let error = AgentTrust::chain(b"<html>").unwrap_err().to_string();
        assert!(error.contains("a web page"), "{error}");
    }

    #[test]
    fn invalid_ids_are_refused() {
        assert!(matches!(owner("a/b", None), Err(ClientError::AgentId)));
        let braces = format!("{{{PROJECT}}}");
        assert!(matches!(
            owner("a", Some(&braces)),
            Err(ClientError::ProjectId)
        ));
    }
}
