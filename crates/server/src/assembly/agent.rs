//! One running agent.

use std::sync::Arc;

use sealpost_agent::{Agent, Ledger, LocalKeyring, Observer, Resolver};
use sealpost_carrier::InProcess;
use sealpost_gateway::{Component, Metrics, directory::AgentEntry, metrics::AgentMetrics};
use sealpost_protocol::{AgentId, SigningKey, VerifyKeys};
use sealpost_vault::{Vault, configuration::Opening};
use tokio::task::JoinHandle;
use tracing::info;

use super::component::{Reporting, Serving, name};
use super::service::Service;
use crate::configuration::agents::{AgentConfiguration, LedgerConfiguration, LocalAgent};
use crate::error::Error;
use crate::resolve::ResolveSocket;

/// An agent that runs.
#[derive(Debug)]
pub(super) struct RunningAgent {
    id: AgentId,
    vault: Arc<dyn Vault>,
    resolver: Arc<Resolver>,
    service: Service,
    serving: Serving,
    socket: Option<JoinHandle<()>>,
}

impl RunningAgent {
    /// Opens the vault and the ledger, and takes messages that are signed with a key of `gateways`. Returns what the
    /// gateway has to know.
    pub(super) async fn start(
        local: LocalAgent,
        in_process: &InProcess,
        gateways: VerifyKeys,
        metrics: &Metrics,
    ) -> Result<(Self, AgentEntry), Error> {
        let LocalAgent { agent, certificate } = local;
        // It never leaves the process.
        let reply_key = SigningKey::generate()?;
        let entry = certificate.with_reply_keys(reply_key.verify_key());
        let AgentConfiguration {
            id,
            identity,
            old_identities,
            accept,
            vault: vault_configuration,
            ledger,
            resolve_socket,
        } = agent;
        let vault = vault_configuration
            .open(opening(&ledger))
            .await
            .map_err(Error::Vault)?;
        let inbox = in_process.register(id)?;
        let resolver = Arc::new(Resolver::new(Arc::clone(&vault)));
        let socket = resolve_socket
            .as_deref()
            .map(ResolveSocket::bind)
            .transpose()?;
        let keys = LocalKeyring::with_old(identity, old_identities)?;
        let agent = Agent::new(id, keys, Arc::clone(&vault), reply_key, gateways)
            .with_accept(accept)
            .with_ledger(open_ledger(&ledger)?);
        let agent = agent.with_observer(Arc::new(Observed(metrics.agent(id))));
        info!(agent = %id, vault = %vault_configuration.location(), "agent started");
        // Nothing fails from here on: what runs is in the result.
        let socket = socket.map(|socket| {
            let resolver = Arc::clone(&resolver);
            tokio::spawn(async move { socket.serve(resolver).await })
        });
        let serving = Serving::default();
        let serves = serving.clone().begin();
        let running = Self {
            id,
            vault,
            resolver,
            service: Service::start(|stop| async move {
                let _serves = serves;
                // If it fails, the agent has logged why.
                let _ = Arc::new(agent).serve(inbox, stop).await;
            }),
            serving,
            socket,
        };
        Ok((running, entry))
    }

    pub(super) fn id(&self) -> &AgentId {
        &self.id
    }

    /// Returns what it depends on, for the readiness. Names have the agent's id if there are several agents.
    pub(super) fn components(&self, are_several: bool) -> [Arc<dyn Component>; 2] {
        let name = |part| name(part, are_several.then_some(&self.id));
        [
            Arc::new(Reporting::new(name("vault"), Arc::clone(&self.vault))),
            Arc::new(Reporting::new(name("agent"), self.serving.clone())),
        ]
    }

    pub(super) fn resolver(&self) -> &Arc<Resolver> {
        &self.resolver
    }

    /// Lets it finish what it has begun, then closes the vault.
    pub(super) async fn stop(self) {
        if let Some(socket) = self.socket {
            socket.abort();
            let _ = socket.await;
        }
        self.service.stop().await;
        // Not by dropping, which would block a thread of the runtime until the disk is done.
        self.vault.close().await;
    }
}

/// Counts what an agent reports.
#[derive(Debug)]
struct Observed(AgentMetrics);

impl Observer for Observed {
    fn open_failed(&self) {
        self.0.open_failed();
    }
}

/// A ledger remembers what is in the vault, so where one is, a vault must be there already.
fn opening(ledger: &LedgerConfiguration) -> Opening {
    match &ledger.path {
        Some(path) if path.symlink_metadata().is_ok() => Opening::ExistingOnly,
        _ => Opening::CreateIfNew,
    }
}

fn open_ledger(configuration: &LedgerConfiguration) -> Result<Ledger, Error> {
    let ledger = match &configuration.path {
        Some(path) => Ledger::open(path)?,
        None => Ledger::in_memory(),
    };
    Ok(match configuration.capacity {
        Some(entries) => ledger.with_capacity(entries),
        None => ledger,
    })
}
