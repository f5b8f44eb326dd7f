//! The gateway's part of a configuration.

mod endpoint;
mod limits;
mod tokens;

use std::net::SocketAddr;
use std::sync::Arc;

use sealpost_channel::SigningKey;
use sealpost_envelope::{UnixTime, context::hex};
use sealpost_gateway::{BasePath, IdempotencySecret, Limits, Metrics, Tls};
use zeroize::Zeroizing;

use super::audit::{self, AuditTrail};
use super::named_files;
use super::paths::Reopened;
use super::section::Section;

pub use tokens::{TokenKeysSource, Tokens};

/// A gateway that can be started.
#[derive(Debug)]
pub struct GatewayConfiguration {
    /// Where callers connect.
    pub listen: SocketAddr,
    /// What the paths of its operations begin with.
    pub base_path: BasePath,
    /// Plain HTTP without it.
    pub tls: Option<Arc<Tls>>,
    /// Where metrics and health are served.
    pub operations: Option<SocketAddr>,
    /// Which bearer tokens it accepts.
    pub tokens: Tokens,
    /// How much at a time, and how long.
    pub limits: Limits,
    /// Where the audit trail goes.
    pub audit: AuditTrail,
    /// What must hold of the trail's file whenever it is opened.
    pub(crate) trail_rule: Option<Reopened>,
    /// Its counters; TLS counts into them, too.
    pub metrics: Arc<Metrics>,
    /// The key that signs messages to agents. Without it, one is created at the start and ends with the process.
    pub signing_key: Option<SigningKey>,
    /// Whether the gateway signs each request to agents, and not the openings of channels alone. Without it, it does to agents
    /// whose keys are held elsewhere.
    pub signed_requests: Option<bool>,
    /// What retries are recognised by. Without it, one is created at the start and ends with the process.
    pub idempotency_secret: Option<IdempotencySecret>,
}

impl GatewayConfiguration {
    /// Plain HTTP on this address for callers on this machine, who may have all of 256 connections, with the defaults of
    /// everything else. The address should be a loopback address.
    #[must_use]
    pub fn danger_plain_http(listen: SocketAddr, tokens: Tokens) -> Self {
        let mut limits = Limits::default();
        limits.connections = limits.connections_per_address;
        Self {
            listen,
            base_path: BasePath::default(),
            tls: None,
            operations: None,
            tokens,
            limits,
            audit: AuditTrail::Nowhere,
            trail_rule: None,
            metrics: Arc::new(Metrics::new()),
            signing_key: None,
            signed_requests: None,
            idempotency_secret: None,
        }
    }

    /// "https" with TLS, else "http".
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        match self.tls {
            Some(_) => "https",
            None => "http",
        }
    }
}

/// Reads the gateway's keys and tables among those of the whole file.
pub(super) fn read(root: &mut Section<'_>, now: UnixTime) -> Option<GatewayConfiguration> {
    let metrics = Arc::new(Metrics::new());
    let endpoint = endpoint::read(root, &metrics, now);
    let tokens = tokens::read(root);
    let limits = limits::read(root);
    let audit = audit::read(root);
    let signing_key = signing_key(root);
    let signed_requests = root.flag("signed_requests");
    let idempotency_secret = idempotency_secret(root);
    let endpoint = endpoint?;
    Some(GatewayConfiguration {
        listen: endpoint.listen,
        base_path: endpoint.base_path,
        tls: endpoint.tls,
        operations: endpoint.operations,
        tokens: tokens?,
        limits,
        audit,
        trail_rule: None,
        metrics,
        signing_key,
        signed_requests,
        idempotency_secret,
    })
}

/// The key in a file; `None` without one, or if it is wrong, which is then noted.
fn signing_key(root: &mut Section<'_>) -> Option<SigningKey> {
    let path = root.path("signing_key_file")?;
    let place = root.at("signing_key_file");
    let pem = named_files::read_private(root.findings(), &place, &path)?;
    SigningKey::from_pkcs8_pem(&pem)
        .map_err(|e| root.wrong("signing_key_file", e))
        .ok()
}

fn idempotency_secret(root: &mut Section<'_>) -> Option<IdempotencySecret> {
    let mut section = root.section("idempotency")?;
    section.require("secret_file", "give a file with 64 hexadecimal digits");
    let path = section.path("secret_file");
    section.finish();
    let text = named_files::read_private(section.findings(), &section.at("secret_file"), &path?)?;
    let secret = secret_from_hex(text.trim_ascii());
    if secret.is_none() {
        section.wrong(
            "secret_file",
            "must hold 64 hexadecimal digits and nothing else: openssl rand -hex 32",
        );
    }
    secret
}

fn secret_from_hex(digits: &[u8]) -> Option<IdempotencySecret> {
    let mut secret = Zeroizing::new([0; 32]);
    hex::decode(digits, &mut *secret)?;
    Some(IdempotencySecret::from_bytes(&secret))
}
