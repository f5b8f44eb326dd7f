//! The running gateway.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use sealpost_carrier::Carrier;
use sealpost_channel::SigningKey;
use sealpost_files::FileError;
use sealpost_gateway::{
    Component, Gateway, JwtAuthenticator, Limits, Listener, Metrics, StaticDirectory, Tls,
    audit::{AuditFile, AuditSink, AuditStdout, TrailLife},
    auth::{IssuerKeys, TokenKeys},
    directory::AgentEntry,
    serve,
};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::{error, info, warn};

use super::service::Service;
use super::supervision::{Part, Supervisor};
use crate::configuration::audit::AuditTrail;
use crate::configuration::gateway::{GatewayConfiguration, TokenKeysSource};
use crate::configuration::paths::Reopened;
use crate::error::Error;

/// A gateway that runs.
#[derive(Debug)]
pub(super) struct RunningGateway {
    url: String,
    service: Service,
    operations: Option<Service>,
    keys: Option<Arc<IssuerKeys>>,
    tls: Option<Arc<Tls>>,
    audit: Option<Arc<AuditFile>>,
    trail_life: TrailLife,
    /// Tasks without an end of their own; they end with this.
    _background: JoinSet<()>,
}

/// What a gateway is given beside its configuration.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) signing_key: SigningKey,
    pub(super) agents: Vec<AgentEntry>,
    /// What the agents of this process depend on.
    pub(super) components: Vec<Arc<dyn Component>>,
    pub(super) carrier: Arc<dyn Carrier>,
    pub(super) supervisor: Supervisor,
}

impl RunningGateway {
    /// Starts the gateway in front of these agents. Everything that can fail comes before the sockets, and no request is
    /// answered before all is there.
    pub(super) async fn start(
        configuration: GatewayConfiguration,
        listener: Option<TcpListener>,
        parts: Parts,
    ) -> Result<Self, Error> {
        let count = parts.agents.len();
        let supervisor = parts.supervisor;
        let url_scheme = configuration.scheme();
        let GatewayConfiguration {
            listen,
            base_path,
            tls,
            operations,
            tokens,
            limits,
            audit,
            trail_rule,
            metrics,
            signing_key: _,
            signed_requests: _,
            idempotency_secret,
        } = configuration;
        let (token_keys, keys) = token_keys(tokens.keys, &metrics).await;
        let mut gateway = Gateway::new(
            Arc::new(JwtAuthenticator::new(tokens.policy, token_keys)),
            Arc::new(StaticDirectory::from_iter(parts.agents)),
            parts.carrier,
            parts.signing_key,
        )
        .with_components(parts.components)
        .with_limits(limits)
        .with_base_path(base_path.clone())
        .with_metrics(Arc::clone(&metrics));
        if let Some(secret) = idempotency_secret {
            gateway = gateway.with_idempotency_secret(secret);
        }
        let (sink, audit) = open_audit(audit, trail_rule)?;
        if let Some(sink) = sink {
            gateway = gateway.with_audit(sink);
        }

        // First: who reaches the endpoint can ask for its health.
        let operations = match operations {
            Some(address) => Some(bind("metrics.listen", address).await?),
            None => None,
        };
        let (tcp, address) = match listener {
            Some(tcp) => with_address(tcp, "listen", listen)?,
            None => bind("listen", listen).await?,
        };
        let listener = match &tls {
            Some(tls) => Listener::tls(tcp, Arc::clone(tls)),
            // That it may be plain was checked with the configuration.
            None => Listener::danger_plain(tcp),
        };
        let listener = listener.with_metrics(metrics);
        let operations = match operations {
            Some(listener) => {
                let part = supervisor.part("the listener for metrics and health");
                Some(serve_operations(&gateway, listener, part))
            }
            None => None,
        };

        let mut background = JoinSet::new();
        let part = supervisor.part("the watch over agents' certificates");
        background.spawn(supervised(part, gateway.watch_certificates()));
        let part = supervisor.part("the audit trail");
        let ended = gateway.audit_ended();
        background.spawn(async move { part.failed(ended.await) });
        if let Some(keys) = &keys {
            let keys = Arc::clone(keys);
            let part = supervisor.part("the refresh of the issuer's keys");
            background.spawn(supervised(part, async move { keys.keep_fresh().await }));
        }
        if let Some(tls) = &tls {
            let part = supervisor.part("the watch over TLS files");
            background.spawn(supervised(part, Arc::clone(tls).keep_fresh()));
        }
        // Nothing fails from here on.
        let trail_life = gateway.trail_life();
        trail_life.start().await;
        let url = format!("{url_scheme}://{address}{base_path}");
        info!(url, agents = count, "serving");
        let router = gateway.router();
        let part = supervisor.part("the endpoint's listener");
        Ok(Self {
            url,
            service: Service::start(part, async move |stop| {
                serve(listener, router, limits, stop).await;
                Ok(())
            }),
            operations,
            keys,
            tls,
            audit,
            trail_life,
            _background: background,
        })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// Takes new TLS files and issuer's keys, and reopens the audit file. What fails stays as it was, and is in the log.
    pub(super) async fn reload(&self) {
        if let Some(tls) = &self.tls {
            let tls = Arc::clone(tls);
            // It logs the result itself.
            let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
        }
        if let Some(audit) = &self.audit {
            let audit = Arc::clone(audit);
            let reopened = tokio::task::spawn_blocking(move || audit.reopen()).await;
            if let Err(error) = reopened.unwrap_or_else(|stopped| Err(stopped.into())) {
                error!(%error, "audit file not reopened; the old one stays in use");
            }
        }
        if let Some(keys) = &self.keys {
            // It logs the result itself.
            let _ = keys.fetch().await;
        }
    }

    /// Lets running requests finish. Metrics and health are served on; the caller stops them last, and ends the trail before.
    pub(super) async fn stop(self) -> (TrailLife, Option<Service>) {
        self.service.stop().await;
        (self.trail_life, self.operations)
    }
}

/// A task without an end of its own.
async fn supervised(part: Part, running: impl Future<Output = ()>) {
    let _part = part;
    running.await;
}

/// The keys to check tokens with, and those of them that are refreshed.
async fn token_keys(
    source: TokenKeysSource,
    metrics: &Arc<Metrics>,
) -> (TokenKeys, Option<Arc<IssuerKeys>>) {
    match source {
        TokenKeysSource::Fixed(keys) => (keys.into(), None),
        TokenKeysSource::Refreshed { source, refresh } => {
            let keys = Arc::new(IssuerKeys::new(source, refresh, Arc::clone(metrics)));
            if keys.fetch().await.is_err() {
                warn!("every token is refused until the issuer's keys can be fetched");
            }
            (Arc::clone(&keys).into(), Some(keys))
        }
    }
}

fn serve_operations(
    gateway: &Gateway,
    (tcp, address): (TcpListener, SocketAddr),
    part: Part,
) -> Service {
    let router = gateway.operations();
    info!(%address, "serving metrics and health");
    let listener = Listener::danger_plain(tcp);
    Service::start(part, async move |stop| {
        serve(listener, router, Limits::for_operations(), stop).await;
        Ok(())
    })
}

type Audit = (Option<Arc<dyn AuditSink>>, Option<Arc<AuditFile>>);

/// Where the trail goes, and the file that can be reopened.
fn open_audit(trail: AuditTrail, rule: Option<Reopened>) -> Result<Audit, Error> {
    match trail {
        AuditTrail::Nowhere => Ok((None, None)),
        AuditTrail::Stdout => {
            let stdout = AuditStdout::open()
                .map_err(|e| FileError::new("append to", Path::new("/dev/stdout"), e))?;
            Ok((Some(Arc::new(stdout)), None))
        }
        AuditTrail::File { path, sync } => {
            let file = AuditFile::open(&path).and_then(|file| match sync {
                true => file.with_sync(),
                false => Ok(file),
            });
            let file = file.and_then(|file| match rule {
                Some(rule) => file.with_rule(move |found| rule.judge(found)),
                None => Ok(file),
            });
            let file = Arc::new(file.map_err(|e| FileError::new("append to", &path, e))?);
            let sink: Arc<dyn AuditSink> = file.clone();
            Ok((Some(sink), Some(file)))
        }
    }
}

async fn bind(key: &'static str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|source| Error::Listen {
            key,
            address,
            source,
        })?;
    with_address(listener, key, address)
}

/// The socket, and the address with the port that it has.
fn with_address(
    listener: TcpListener,
    key: &'static str,
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), Error> {
    let bound = listener.local_addr().map_err(|source| Error::Listen {
        key,
        address,
        source,
    })?;
    Ok((listener, bound))
}
