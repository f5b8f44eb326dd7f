//! Starting what the plan says, and stopping it in order.

use std::net::SocketAddr;
use std::sync::Arc;

use sealpost_agent::{Agent, Resolver};
use sealpost_gateway::{Gateway, StaticDirectory, serve};
use sealpost_protocol::InProcess;
use sealpost_vault::{EmbeddedVault, Vault};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use super::agents::{AgentPlan, VaultPlan};
use super::plan::Plan;
use crate::error::Failure;
use crate::resolve::socket::ResolveSocket;
use crate::service::{Asked, Service, Signals};

/// Runs until a signal says that it is enough.
pub(crate) async fn run(plan: Plan) -> Result<(), Failure> {
    // Before anything is promised: from here on a signal ends in order.
    let mut signals = Signals::to_stop_and_reload()?;
    let running = Running::start(plan).await?;
    loop {
        match signals.next().await {
            Asked::Reload => running.reload(),
            Asked::Stop => break,
        }
    }
    info!("stopping: running requests finish first; a second signal stops at once");
    let stopping = running.stop();
    let mut stopping = std::pin::pin!(stopping);
    loop {
        tokio::select! {
            () = &mut stopping => {
                info!("stopped");
                return Ok(());
            }
            asked = signals.next() => if asked == Asked::Stop {
                warn!("stopped with requests running");
                return Ok(());
            }
        }
    }
}

/// What runs.
#[derive(Debug)]
struct Running {
    gateway: Service,
    agents: Vec<RunningAgent>,
}

#[derive(Debug)]
struct RunningAgent {
    service: Service,
    socket: Option<JoinHandle<()>>,
}

impl Running {
    /// The agents first, so that the first request finds them.
    async fn start(plan: Plan) -> Result<Self, Failure> {
        let Plan {
            listen,
            auth,
            limits,
            signing_key,
            agents,
            ..
        } = plan;
        let in_process = Arc::new(InProcess::new(QUEUE));
        let mut entries = Vec::new();
        let mut running = Vec::new();
        for mut agent in agents {
            let vault = open_vault(&agent.vault)?;
            let inbox = in_process
                .register(agent.id.clone())
                .map_err(Failure::usage)?;
            let socket = resolve_socket(&agent, &vault)?;
            info!(agent = %agent.id, vault = %agent.vault.path.display(), "agent started");
            entries.push(agent.entry);
            let identity = agent.identities.remove(0);
            let agent = Agent::new(
                agent.id,
                identity,
                vault,
                agent.signing_key,
                signing_key.verify_key(),
            );
            let service = Service::start(|stop| Arc::new(agent).serve(inbox, stop));
            running.push(RunningAgent { service, socket });
        }

        let directory = StaticDirectory::from_iter(entries);
        let gateway = Gateway::new(
            Arc::new(auth),
            Arc::new(directory),
            in_process,
            signing_key,
        )
        .with_limits(limits);
        let (listener, address) = bind(listen).await?;
        let gateway =
            Service::start(move |stop| serve(listener, gateway.router(), limits, stop));
        info!(%address, agents = running.len(), "serving");
        Ok(Self {
            gateway,
            agents: running,
        })
    }

    fn reload(&self) {
        info!("nothing to reload");
    }

    /// Lets running requests finish, the gateway first, then closes the vaults.
    async fn stop(self) {
        self.gateway.stop().await;
        for agent in self.agents {
            if let Some(socket) = agent.socket {
                socket.abort();
                // The vault is closed when nobody resolves any more.
                let _ = socket.await;
            }
            agent.service.stop().await;
        }
    }
}

fn open_vault(plan: &VaultPlan) -> Result<Arc<dyn Vault>, Failure> {
    let mut builder = EmbeddedVault::builder();
    if let Some(bytes) = plan.max_value {
        builder = builder.max_value(bytes);
    }
    if let Some(bytes) = plan.cache {
        builder = builder.cache(bytes);
    }
    let vault = builder.open(&plan.path).map_err(Failure::usage)?;
    Ok(Arc::new(vault))
}

fn resolve_socket(
    agent: &AgentPlan,
    vault: &Arc<dyn Vault>,
) -> Result<Option<JoinHandle<()>>, Failure> {
    let Some(path) = &agent.resolve_socket else {
        return Ok(None);
    };
    let socket = ResolveSocket::bind(path)?;
    let resolver = Arc::new(Resolver::new(Arc::clone(vault)));
    Ok(Some(tokio::spawn(async move {
        socket.serve(resolver).await;
    })))
}

async fn bind(address: SocketAddr) -> Result<(TcpListener, SocketAddr), Failure> {
    let cannot = |e| {
        Failure::usage(format!("cannot listen on {address}: {e}"))
            .hint("change the address in the configuration, or stop what listens there")
    };
    let listener = TcpListener::bind(address).await.map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    Ok((listener, address))
}

/// Requests that wait for an agent before others wait at the gateway.
const QUEUE: usize = 64;
