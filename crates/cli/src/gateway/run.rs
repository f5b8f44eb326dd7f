//! Starting what the plan says, and stopping it in order.

use std::net::SocketAddr;
use std::sync::Arc;

use sealpost_agent::{Agent, Ledger, Resolver};
use sealpost_gateway::{
    AuditFile, AuditSink, AuditStdout, Gateway, IssuerKeys, JwtAuthenticator, Limits, Listener,
    Metrics, StaticDirectory, Tls, serve,
};
use sealpost_protocol::{InProcess, VerifyKey};
use sealpost_vault::{FileVault, Vault};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tracing::{error, info, warn};

use super::agents::{AgentPlan, LedgerPlan, VaultPlan};
use super::audit::AuditPlan;
use super::plan::Plan;
use crate::error::Failure;
use crate::io;
use crate::resolve::socket::ResolveSocket;
use crate::service::{Asked, Service, Signals};

/// Runs until a signal says that it is enough.
pub(crate) async fn run(plan: Plan) -> Result<(), Failure> {
    // Before anything is promised: from here on a signal ends in order.
    let mut signals = Signals::to_stop_and_reload()?;
    let running = Running::start(plan).await?;
    while signals.next().await == Asked::Reload {
        running.reload().await;
    }
    info!("stopping: running requests finish first; a second signal stops at once");
    let again = async { while signals.next().await == Asked::Reload {} };
    tokio::select! {
        () = running.stop() => info!("stopped"),
        () = again => warn!("stopped with requests running"),
    }
    Ok(())
}

/// What runs.
#[derive(Debug)]
struct Running {
    gateway: Service,
    operations: Option<Service>,
    agents: Vec<RunningAgent>,
    keys: Arc<IssuerKeys>,
    tls: Option<Arc<Tls>>,
    audit: Option<Arc<AuditFile>>,
    /// What runs for ever; it ends with this.
    _beside: JoinSet<()>,
}

impl Running {
    /// Everything that can fail comes before the sockets, and nobody is answered before all is there.
    async fn start(plan: Plan) -> Result<Self, Failure> {
        let metrics = plan.metrics;
        let in_process = Arc::new(InProcess::new(QUEUE));
        let gateways = plan.signing_key.verify_key();
        let mut entries = Vec::new();
        let mut agents = Vec::new();
        for agent in plan.agents {
            let (agent, entry) =
                RunningAgent::start(agent, &in_process, gateways.clone(), &metrics)?;
            agents.push(agent);
            entries.push(entry);
        }

        let auth = plan.auth;
        let keys = Arc::new(IssuerKeys::new(
            auth.source,
            auth.refresh,
            Arc::clone(&metrics),
        ));
        if keys.fetch().await.is_err() {
            warn!("no token is good until the issuer's keys can be fetched");
        }
        let mut gateway = Gateway::new(
            Arc::new(JwtAuthenticator::new(auth.policy, Arc::clone(&keys))),
            Arc::new(StaticDirectory::from_iter(entries)),
            in_process,
            plan.signing_key,
        )
        .with_limits(plan.limits)
        .with_base_path(plan.endpoint.base_path.clone())
        .with_metrics(Arc::clone(&metrics));
        if let Some(secret) = plan.idempotency_secret {
            gateway = gateway.with_idempotency_secret(secret);
        }
        let (sink, audit) = open_audit(plan.audit)?;
        if let Some(sink) = sink {
            gateway = gateway.with_audit(sink);
        }

        let (tcp, address) = bind("listen", plan.endpoint.listen).await?;
        let tls = plan.endpoint.tls;
        let listener = match &tls {
            Some(tls) => Listener::tls(tcp, Arc::clone(tls)),
            // That it may be plain was checked with the configuration.
            None => Listener::danger_plain(tcp),
        };
        let listener = listener.with_metrics(metrics);
        let operations = match plan.endpoint.operations {
            Some(address) => {
                let (tcp, address) = bind("metrics.listen", address).await?;
                let router = gateway.operations();
                info!(%address, "serving metrics and health");
                let listener = Listener::danger_plain(tcp);
                Some(Service::start(|stop| {
                    serve(listener, router, Limits::default(), stop)
                }))
            }
            None => None,
        };

        let mut beside = JoinSet::new();
        beside.spawn(gateway.watch_certificates());
        let fresh = Arc::clone(&keys);
        beside.spawn(async move { fresh.keep_fresh().await });
        if let Some(tls) = &tls {
            beside.spawn(Arc::clone(tls).keep_fresh());
        }
        let scheme = if tls.is_some() { "https" } else { "http" };
        info!(
            url = format!("{scheme}://{address}{}", plan.endpoint.base_path),
            agents = agents.len(),
            "serving"
        );
        let limits = plan.limits;
        let gateway = Service::start(|stop| serve(listener, gateway.router(), limits, stop));
        Ok(Self {
            gateway,
            operations,
            agents,
            keys,
            tls,
            audit,
            _beside: beside,
        })
    }

    /// Takes new TLS files and issuer's keys, and opens the audit file anew. What fails stays as it was, and is in
    /// the log.
    async fn reload(&self) {
        info!(
            "reloading TLS files, the issuer's keys and the audit file; the configuration needs a restart"
        );
        if let Some(tls) = &self.tls {
            let tls = Arc::clone(tls);
            // It says itself what became of it.
            let _ = tokio::task::spawn_blocking(move || tls.reload()).await;
        }
        if let Some(audit) = &self.audit
            && let Err(error) = audit.reopen()
        {
            error!(%error, "audit file not opened anew; the old one stays in use");
        }
        // It is in the log.
        let _ = self.keys.fetch().await;
    }

    /// Lets running requests finish, the gateway first, then closes the vaults. Metrics are there to the end.
    async fn stop(self) {
        self.gateway.stop().await;
        for agent in self.agents {
            agent.stop().await;
        }
        if let Some(operations) = self.operations {
            operations.stop().await;
        }
    }
}

#[derive(Debug)]
struct RunningAgent {
    service: Service,
    socket: Option<JoinHandle<()>>,
}

impl RunningAgent {
    /// Opens the vault, and takes messages of the gateway. Returns what the gateway has to know.
    fn start(
        mut plan: AgentPlan,
        in_process: &InProcess,
        gateways: VerifyKey,
        metrics: &Metrics,
    ) -> Result<(Self, sealpost_gateway::AgentEntry), Failure> {
        let vault = open_vault(&plan.vault)?;
        let inbox = in_process
            .register(plan.id.clone())
            .map_err(Failure::usage)?;
        let socket = match &plan.resolve_socket {
            Some(path) => {
                let socket = ResolveSocket::bind(path)?;
                let resolver = Arc::new(Resolver::new(Arc::clone(&vault)));
                Some(tokio::spawn(async move { socket.serve(resolver).await }))
            }
            None => None,
        };
        info!(agent = %plan.id, vault = %plan.vault.path.display(), "agent started");
        let identity = plan.identities.remove(0);
        let agent = Agent::new(plan.id.clone(), identity, vault, plan.signing_key, gateways)
            .with_accept(plan.accept)
            .with_ledger(open_ledger(&plan.ledger)?)
            .with_old_identities(plan.identities)
            .map_err(Failure::refused)?;
        let agent = Arc::new(agent);
        let counted = Arc::clone(&agent);
        metrics.watch_failed_opens(plan.id, move || counted.failed_opens());
        let service = Service::start(|stop| agent.serve(inbox, stop));
        Ok((Self { service, socket }, plan.entry))
    }

    async fn stop(self) {
        if let Some(socket) = self.socket {
            socket.abort();
            // The vault is closed when nobody resolves any more.
            let _ = socket.await;
        }
        self.service.stop().await;
    }
}

fn open_vault(plan: &VaultPlan) -> Result<Arc<dyn Vault>, Failure> {
    let mut builder = FileVault::builder();
    if let Some(bytes) = plan.max_value {
        builder = builder.max_value(bytes);
    }
    if let Some(bytes) = plan.cache {
        builder = builder.cache(bytes);
    }
    let vault = builder.open(&plan.path).map_err(Failure::usage)?;
    Ok(Arc::new(vault))
}

fn open_ledger(plan: &LedgerPlan) -> Result<Ledger, Failure> {
    let ledger = match &plan.path {
        Some(path) => Ledger::open(path).map_err(Failure::usage)?,
        None => Ledger::in_memory(),
    };
    Ok(match plan.capacity {
        Some(entries) => ledger.with_capacity(entries),
        None => ledger,
    })
}

type Audit = (Option<Arc<dyn AuditSink>>, Option<Arc<AuditFile>>);

/// Where the trail goes, and the file that can be opened anew.
fn open_audit(plan: AuditPlan) -> Result<Audit, Failure> {
    match plan {
        AuditPlan::Nowhere => Ok((None, None)),
        AuditPlan::Stdout => Ok((Some(Arc::new(AuditStdout)), None)),
        AuditPlan::File(path) => {
            let file = AuditFile::open(&path).map_err(|e| io::cannot("append to", &path, &e))?;
            let file = Arc::new(file);
            let sink: Arc<dyn AuditSink> = file.clone();
            Ok((Some(sink), Some(file)))
        }
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let cannot = |e| {
        Failure::usage(format!("{key}: cannot listen on {address}: {e}"))
            .hint("change the address in the configuration, or stop what listens there")
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

/// Requests that wait for an agent before others wait at the gateway.
const QUEUE: usize = 64;
