//! One running agent.

use std::sync::Arc;
use std::time::Duration;

use sealpost_agent::{
    Agent, ChannelEvent, KeyHolder as _, Ledger, LedgerError, LocalKeyring, Observer, Resolver,
};
use sealpost_carrier::InProcess;
use sealpost_channel::{SigningKey, TrustedKeys, agent::Silence};
use sealpost_context::AgentId;
use sealpost_gateway::{
    Metrics,
    directory::{AgentEntry, AgentVault},
    metrics::AgentMetrics,
};
use sealpost_vault::{Vault, VaultId};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tracing::{info, warn};

use super::component::{LedgerOf, Reporting, Serving, named};
use super::service::Service;
use super::supervision::{Failure, Supervisor};
use crate::configuration::agents::{AgentConfiguration, LedgerConfiguration, LocalAgent};
use crate::error::Error;
use crate::resolve::ResolveSocket;

/// An agent that runs.
#[derive(Debug)]
pub(super) struct RunningAgent {
    id: AgentId,
    agent: Arc<Agent>,
    vault: Arc<dyn Vault>,
    resolver: Arc<Resolver>,
    service: Service,
    serving: Serving,
    socket: Option<JoinHandle<()>>,
}

/// Whose channels an agent takes.
#[derive(Clone, Debug)]
pub(super) struct Trust {
    pub(super) gateways: TrustedKeys,
    /// Whether requests are signed one by one; by default if the agent's keys are held elsewhere.
    pub(super) signed_requests: Option<bool>,
}

impl RunningAgent {
    /// Opens the vault and the ledger, and takes channels that are signed with a key of the trusted gateways. Returns what
    /// the gateway has to know.
    pub(super) async fn start(
        local: LocalAgent,
        in_process: &InProcess,
        trust: Trust,
        metrics: &Metrics,
        supervisor: &Supervisor,
    ) -> Result<(Self, AgentEntry), Error> {
        let LocalAgent { agent, certificate } = local;
        // It never leaves the process.
        let reply_key = SigningKey::generate()?;
        let entry = certificate.with_reply_keys(reply_key.verify_key().clone());
        let AgentConfiguration {
            id,
            identity,
            old_identities,
            accept,
            vault: vault_configuration,
            ledger,
            resolve_socket,
        } = agent;
        let is_vault_there = vault_configuration.is_there();
        let vault = vault_configuration
            .open(ledger.opening())
            .await
            .map_err(Error::Vault)?;
        vault.probe().await;
        let entry = entry.with_vault(AgentVault::new(vault.kind(), vault.limits()));
        // Before anything listens: after a crash it is checked.
        let ledger = open_ledger(&ledger, vault.id(), is_vault_there)?;
        let inbox = in_process.register(id)?;
        let resolver = Arc::new(Resolver::new(Arc::clone(&vault)));
        let socket = resolve_socket
            .as_deref()
            .map(ResolveSocket::bind)
            .transpose()?;
        let keys = LocalKeyring::with_old(identity, old_identities)?;
        let signed_requests = trust.signed_requests.unwrap_or(keys.is_elsewhere());
        let entry = entry.with_signed_requests(signed_requests);
        let agent = Agent::new(id, keys, Arc::clone(&vault), reply_key, trust.gateways)
            .with_signed_requests(signed_requests)
            .with_accept(accept)
            .with_ledger(ledger);
        let counts = metrics.agent(id);
        let agent = Arc::new(agent.with_observer(Arc::new(Observed(counts.clone()))));
        info!(agent = %id, vault = %vault_configuration.location(), "agent started");
        // Nothing fails from here on: what runs is in the result.
        let socket = socket.map(|mut socket| {
            let part = supervisor.part(format!("the resolve socket of agent {id}"));
            let resolver = Arc::clone(&resolver);
            tokio::spawn(async move {
                let _part = part;
                socket.serve(resolver, move || counts.panicked()).await;
            })
        });
        let serving = Serving::default();
        let serves = serving.clone().begin();
        let running = Self {
            id,
            vault,
            resolver,
            service: Service::start(supervisor.part(format!("agent {id}")), |stop| {
                let agent = Arc::clone(&agent);
                async move {
                    let _serves = serves;
                    let serving = agent.serve(inbox, stop);
                    serving.await.map_err(|error| error.to_string())
                }
            }),
            agent,
            serving,
            socket,
        };
        Ok((running, entry))
    }

    pub(super) fn id(&self) -> &AgentId {
        &self.id
    }

    /// Returns what it depends on. Names have the agent's id if there are several agents.
    pub(super) fn components(&self, are_several: bool) -> [Arc<dyn Reporting>; 3] {
        let id = are_several.then_some(&self.id);
        [
            named("vault", id, Arc::clone(&self.vault)),
            named("ledger", id, LedgerOf(Arc::clone(&self.agent))),
            named("agent", id, self.serving.clone()),
        ]
    }

    /// Looks at the files of vault and ledger, again and again: something else may replace them.
    pub(super) fn watch_files(&self) -> impl Future<Output = ()> + Send + use<> {
        let (vault, agent) = (Arc::clone(&self.vault), Arc::clone(&self.agent));
        async move {
            loop {
                sleep(LOOK_PAUSE).await;
                // The disk of one may stall.
                tokio::join!(vault.look(), agent.look());
            }
        }
    }

    pub(super) fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// Lets it finish what it has begun, then closes the ledger and the vault. Returns which of them could not be closed in
    /// order, and why.
    pub(super) async fn stop(self) -> Vec<Failure> {
        if let Some(socket) = self.socket {
            socket.abort();
            let _ = socket.await;
        }
        self.service.stop().await;
        let ledger = self.agent.close().await;
        // Not by dropping, which would block a thread of the runtime until the disk is done.
        self.vault.close().await;
        let vault = self.vault.close_failure();
        let failed = |part, reason: String| {
            Failure::at_the_end(format!("{part} of agent {}", self.id), reason)
        };
        ledger
            .err()
            .map(|error| failed("the ledger", error.to_string()))
            .into_iter()
            .chain(vault.map(|failure| failed("the vault", failure.to_string())))
            .collect()
    }
}

/// Counts what an agent reports.
#[derive(Debug)]
struct Observed(AgentMetrics);

impl Observer for Observed {
    fn channel_event(&self, event: ChannelEvent) {
        match event {
            ChannelEvent::Opened => self.0.channel_opened(),
            ChannelEvent::Refused(code) => self.0.channel_refused(code),
            ChannelEvent::Dropped(silence) => self.0.message_dropped(reason(silence)),
            ChannelEvent::Unreadable => self.0.message_dropped("unreadable"),
            ChannelEvent::Replayed => self.0.replayed(),
            ChannelEvent::Reused | ChannelEvent::CallerBlocked => self.0.alarm(),
        }
    }

    fn open_failed(&self) {
        self.0.open_failed();
    }

    fn ledger_failed(&self, _: &LedgerError) {
        self.0.ledger_failed();
    }

    fn task_panicked(&self) {
        self.0.panicked();
    }
}

/// The label of a metric.
const fn reason(silence: Silence) -> &'static str {
    match silence {
        Silence::OtherAgent => "other-agent",
        Silence::Untrusted => "untrusted",
        Silence::OpeningSignature => "opening-signature",
        Silence::Late => "late",
        Silence::TooManyRefusals => "too-many-refusals",
        Silence::Number => "number",
        Silence::Frame => "frame",
        Silence::RequestSignature => "request-signature",
    }
}

fn open_ledger(
    configuration: &LedgerConfiguration,
    vault: Option<VaultId>,
    is_vault_there: bool,
) -> Result<Ledger, Error> {
    let ledger = match &configuration.path {
        Some(path) => {
            let ledger = match vault {
                Some(vault) => Ledger::open_of(path, vault)?,
                None => Ledger::open(path)?,
            };
            if is_vault_there && ledger.is_new() {
                warn!(
                    ledger = %path.display(),
                    "the ledger is missing or empty, and begun again: for 24 hours, a retry of an older request may be carried out \
                     again, or be told that its secret exists; put it back from a backup if it was lost"
                );
            }
            ledger
        }
        None => Ledger::in_memory(),
    };
    Ok(match configuration.capacity {
        Some(entries) => ledger.with_capacity(entries),
        None => ledger,
    })
}

/// How long it goes unnoticed that something else has replaced a file while nothing is stored.
const LOOK_PAUSE: Duration = Duration::from_millis(500);
