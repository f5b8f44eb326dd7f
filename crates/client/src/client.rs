//! The calls.

use std::{sync::Arc, time::Duration};

use reqwest::Url;
use sealpost_envelope::{
    Certificate, bulk::MEDIA_TYPE, certificate::CertificateError, trust::TrustError,
};
use sealpost_rest::ProblemType;
use sealpost_vault_key::ResolverRef;
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use crate::{
    at_source::{self, AgentTrust},
    body,
    bulk::BulkSealer,
    error::ClientError,
    expected,
    http::{Answer, Call, Sender},
    idempotency::IdempotencyKey,
    probe,
    retry::{self, History, Limits, RetryPolicy},
    secret::{Created, NewSecret},
    token::Credentials,
};

/// A client of one gateway. Clones share its connections.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) http: reqwest::Client,
    pub(crate) url: Url,
    pub(crate) credentials: Credentials,
    pub(crate) retries: RetryPolicy,
    pub(crate) timeout: Duration,
    pub(crate) attempt_timeout: Duration,
    pub(crate) left_out: Arc<[String]>,
    /// Whether there is one to show to the gateway.
    pub(crate) has_certificate: bool,
}

impl Client {
    /// Has `agent` store a new secret, in `project` if one is given (a UUID).
    ///
    /// The gateway sees the value, and seals it to the agent. All attempts have the same
    /// [idempotency key](IdempotencyKey), so a repeated attempt creates nothing twice.
    ///
    /// # Errors
    ///
    /// A [`ClientError`]; its [`may_have_been_created`](ClientError::may_have_been_created) tells whether the secret may have
    /// been created all the same.
    pub async fn create_secret(
        &self,
        agent: &str,
        project: Option<&str>,
        secret: &NewSecret,
    ) -> Result<Created, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let url = self.secret_value_url(agent, project)?;
        let call = Call::post(url, JSON, body::build(secret)?, &idempotency_key(secret)?)?;
        created(self.send(&call, deadline).await?, secret, project)
    }

    /// Seals the value here, to the agent's certificate, and has `agent` store it: neither the gateway nor anything
    /// between it and the agent can read it.
    ///
    /// The certificate is the one that `trust` holds; without one, the client asks the gateway. It must satisfy `trust`. The
    /// value travels as a JWE that is bound to agent, project, name, key and type, can be used once, and expires when the
    /// call may no longer run.
    ///
    /// # Errors
    ///
    /// [`ClientError::AgentCertificate`] if the certificate is not trusted; and as
    /// [`create_secret`](Self::create_secret).
    ///
    /// # Security
    ///
    /// The gateway can't read the value. It can still drop the request. And everyone who has the agent's certificate can
    /// seal: a gateway could have the agent store another value under the name, and answer as if it were this one. If that
    /// matters, resolve the reference and compare.
    pub async fn seal_and_create(
        &self,
        agent: &str,
        project: Option<&str>,
        secret: &NewSecret,
        trust: &AgentTrust,
    ) -> Result<Created, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let owner = at_source::owner(agent, project)?;
        let url = self.secret_value_url(agent, project)?;
        // Before anything is sent.
        body::value(secret)?;
        let fetched = match trust.certificate() {
            Some(_) => None,
            None => Some(parse_certificate(
                &self.certificate(agent, project, deadline).await?,
            )?),
        };
        let certificate = trust.certificate().or(fetched.as_ref());
        let certificate =
            certificate.ok_or(TrustError::Certificate(CertificateError::NoCertificate))?;
        let sealed = at_source::seal(secret, owner, certificate, trust, self.timeout)?;
        let call = Call::post(url, JOSE, sealed, &idempotency_key(secret)?)?;
        created(self.send(&call, deadline).await?, secret, project)
    }

    /// Does what [`seal_and_create`](Self::seal_and_create) does, for one RSA operation a minute however many values there are:
    /// the value travels as a message of a batch. Both the agent and the gateway must take this format; if one does not, the
    /// problem is [`FormatNotAccepted`](ProblemType::FormatNotAccepted) or
    /// [`UnsupportedMediaType`](ProblemType::UnsupportedMediaType), and nothing was stored.
    ///
    /// # Errors
    ///
    /// As [`seal_and_create`](Self::seal_and_create).
    ///
    /// # Security
    ///
    /// As there; beside it the length of a value is hidden, and the message commits to its context. See also [`BulkSealer`].
    pub async fn seal_and_create_in_bulk(
        &self,
        sealer: &BulkSealer,
        project: Option<&str>,
        secret: &NewSecret,
    ) -> Result<Created, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let agent = sealer.agent.as_str();
        let url = self.secret_value_url(agent, project)?;
        let certificate =
            async || parse_certificate(&self.certificate(agent, project, deadline).await?);
        let sealed = sealer
            .seal(secret, project, self.timeout, certificate)
            .await?;
        let call = Call::post(url, MEDIA_TYPE, sealed, &idempotency_key(secret)?)?;
        created(self.send(&call, deadline).await?, secret, project)
    }

    /// Asks the gateway for the agent's certificate, in PEM, with those that issued it if the gateway has them. It is not
    /// checked until something is sealed to it: see [`AgentTrust::with_certificate`]. If the token is limited to some
    /// projects, give one of them.
    ///
    /// # Errors
    ///
    /// A [`ClientError`], as for the other calls.
    pub async fn agent_certificate(
        &self,
        agent: &str,
        project: Option<&str>,
    ) -> Result<Vec<u8>, ClientError> {
        self.certificate(agent, project, Instant::now() + self.timeout)
            .await
    }

    /// Returns why some of the authorities that were given for the gateway's certificate are not used, each with its place
    /// in the file. The others are.
    #[must_use]
    pub fn left_out_authorities(&self) -> &[String] {
        &self.left_out
    }

    async fn certificate(
        &self,
        agent: &str,
        project: Option<&str>,
        deadline: Instant,
    ) -> Result<Vec<u8>, ClientError> {
        let call = Call::get(self.url_of(["agents", agent, "certificate"], project)?, PEM);
        let answer = self.send(&call, deadline).await;
        Ok(answer.map_err(ClientError::of_fetching)?.body)
    }

    /// As [`exchange`](Self::exchange); says what the port speaks if it is not what the URL says.
    async fn send(&self, call: &Call, deadline: Instant) -> Result<Answer, ClientError> {
        match self.exchange(call, deadline).await {
            Ok(answer) => Ok(answer),
            Err(error) => Err(probe::explained(error, &self.url).await),
        }
    }

    /// Sends it until there is an answer, a final error, or the deadline; after a 403 once more with another token, if there
    /// is one.
    async fn exchange(&self, call: &Call, deadline: Instant) -> Result<Answer, ClientError> {
        let limits = Limits {
            attempt: self.attempt_timeout,
            deadline,
        };
        let mut history = History::default();
        let with = Sender {
            http: &self.http,
            credentials: &self.credentials,
            has_certificate: self.has_certificate,
        };
        let attempt = |sent| call.attempt(&with, sent);
        let refused = match retry::run(&self.retries, limits, &mut history, attempt).await {
            Err(ClientError::Problem(problem)) if problem.kind == Some(ProblemType::Forbidden) => {
                ClientError::Problem(problem)
            }
            result => return result,
        };
        match timeout_at(deadline, self.credentials.renew()).await {
            Ok(Ok(true)) => {
                history.reopen(&refused);
                retry::run(&self.retries, limits, &mut history, attempt).await
            }
            Ok(Ok(false)) | Err(_) => Err(refused),
            Ok(Err(error)) => Err(error),
        }
    }

    fn secret_value_url(&self, agent: &str, project: Option<&str>) -> Result<Url, ClientError> {
        self.url_of(["secrets", agent, "secret-value"], project)
    }

    fn url_of(&self, path: [&str; 3], project: Option<&str>) -> Result<Url, ClientError> {
        // These would change the path instead of being a part of it.
        if path.iter().any(|part| ["", ".", ".."].contains(part)) {
            return Err(ClientError::AgentId);
        }
        let mut url = self.url.clone();
        url.path_segments_mut()
            .map_err(|()| ClientError::Url("it must have a host"))?
            .pop_if_empty()
            .push("v1")
            .extend(path);
        if let Some(project) = project {
            url.query_pairs_mut().append_pair("projectId", project);
        }
        Ok(url)
    }
}

/// `ResolverSecretReferenceResponse` of the endpoint's description.
#[derive(Deserialize)]
struct Reference {
    resolver_ref: String,
    #[serde(rename = "vaultSecretName")]
    vault_secret_name: String,
}

/// Reads the answer to a create. What is not exactly what a gateway answers, or is for another secret, is not handed on:
/// the secret may have been created all the same.
fn created(
    answer: Answer,
    secret: &NewSecret,
    project: Option<&str>,
) -> Result<Created, ClientError> {
    let created = parse_created(answer).ok_or(ClientError::unexpected(201))?;
    let reference = ResolverRef::parse(&created.resolver_ref);
    let reference = reference.map_err(|_| ClientError::unexpected(201))?;
    match expected::difference(&reference, &created.vault_secret_name, secret, project) {
        None => Ok(created),
        Some(what) => Err(ClientError::Misfit { what }),
    }
}

fn parse_created(answer: Answer) -> Option<Created> {
    let is_json = answer
        .media_type
        .is_none_or(|media_type| media_type == JSON);
    // The derived deserializer of a struct accepts an array too.
    let is_object = answer.body.trim_ascii_start().first() == Some(&b'{');
    if !is_json || !is_object {
        return None;
    }
    let Reference {
        resolver_ref,
        vault_secret_name,
    } = serde_json::from_slice(&answer.body).ok()?;
    let reference = ResolverRef::parse(&resolver_ref).ok()?;
    let is_plain = !vault_secret_name.contains(char::is_control);
    if reference.name() != *vault_secret_name || !is_plain {
        return None;
    }
    Some(Created {
        resolver_ref,
        vault_secret_name,
        request_id: answer.request_id,
    })
}

fn idempotency_key(secret: &NewSecret) -> Result<IdempotencyKey, ClientError> {
    match &secret.idempotency_key {
        Some(key) => Ok(key.clone()),
        None => IdempotencyKey::random(),
    }
}

fn parse_certificate(pem: &[u8]) -> Result<Certificate, ClientError> {
    Ok(Certificate::from_pem(pem).map_err(TrustError::from)?)
}

const JSON: &str = "application/json";
/// RFC 7515 §9.2.1: JWS and JWE in compact serialisation.
const JOSE: &str = "application/jose";
/// RFC 8555 §9.1.
const PEM: &str = "application/pem-certificate-chain";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_escaped_in_the_url() {
        let client = Client::builder("http://localhost/dpc/").build().unwrap();
        let url = client.secret_value_url("a/../b?c", Some("x&y")).unwrap();
        assert_eq!(
            url.as_str(),
            "http://localhost/dpc/v1/secrets/a%2F..%2Fb%3Fc/secret-value?projectId=x%26y"
        );
        for agent in ["", ".", ".."] {
            assert!(matches!(
                client.secret_value_url(agent, None),
                Err(ClientError::AgentId)
            ));
        }
    }
}
