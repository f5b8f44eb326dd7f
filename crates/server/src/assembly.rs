//! Starting what a configuration describes, and stopping it in order.

mod agent;
mod component;
mod gateway;
mod service;
mod supervision;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use sealpost_agent::Resolver;
use sealpost_carrier::{Carrier, InProcess};
use sealpost_channel::{SigningKey, VerifyKey};
use sealpost_context::AgentId;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tracing::info;

use crate::configuration::{Configuration, Weight};
use crate::error::Error;
use crate::rehearsal::look;
use agent::{RunningAgent, Trust};
use component::Reporting;
use gateway::{Parts, RunningGateway};
use supervision::Supervision;

pub use supervision::Failure;

/// Puts something around the carrier.
type Around = Box<dyn FnOnce(Arc<dyn Carrier>) -> Arc<dyn Carrier> + Send>;

/// What ends when a part of the process does, and says why.
type Ended = Pin<Box<dyn Future<Output = String> + Send>>;

/// A configuration that is about to start.
pub struct Assembly {
    configuration: Configuration,
    parts: Vec<(&'static str, Ended)>,
    around: Around,
    listener: Option<TcpListener>,
}

impl Assembly {
    /// Assembles gateway and agents of this configuration in this process.
    #[must_use]
    pub fn new(configuration: Configuration) -> Self {
        Self {
            configuration,
            parts: Vec::new(),
            around: Box::new(|carrier| carrier),
            listener: None,
        }
    }

    /// Has the gateway listen on this socket, whatever the configuration says.
    #[must_use]
    pub fn with_listener(mut self, listener: TcpListener) -> Self {
        self.listener = Some(listener);
        self
    }

    /// Has the gateway send through what `around` returns, which is given the carrier to the agents.
    #[must_use]
    pub fn with_carrier_through(
        mut self,
        around: impl FnOnce(Arc<dyn Carrier>) -> Arc<dyn Carrier> + Send + 'static,
    ) -> Self {
        self.around = Box::new(around);
        self
    }

    /// Supervises a part of the process that the program has started itself, such as its [log](crate::logging::Log::ended): when
    /// `ended` returns, the process must end, with that reason.
    #[must_use]
    pub fn with_part(
        mut self,
        name: &'static str,
        ended: impl Future<Output = String> + Send + 'static,
    ) -> Self {
        self.parts.push((name, Box::pin(ended)));
        self
    }

    /// Looks at everything as [`Checked::rehearse`](crate::Checked::rehearse) does, then starts the agents, then the gateway.
    /// No request is answered before everything runs.
    ///
    /// # Errors
    ///
    /// [`Error`]. What has started by then is stopped again.
    pub async fn start(self) -> Result<Server, Error> {
        self.configuration.demand().provide()?;
        // Everything is looked at before anything is created.
        let found = look(&self.configuration, self.listener.is_none()).await;
        let wrong = found.iter().filter(|found| found.weight == Weight::Wrong);
        let wrong: Vec<_> = wrong.map(ToString::to_string).collect();
        if !wrong.is_empty() {
            return Err(Error::Refused(wrong));
        }
        let mut agents = Vec::new();
        let carrier = Arc::new(InProcess::new(QUEUE));
        let supervision = Supervision::new();
        match self.start_with(&mut agents, &carrier, &supervision).await {
            Ok((gateway, gateway_key, watching)) => Ok(Server {
                supervision,
                gateway,
                gateway_key,
                agents,
                carrier,
                _watching: watching,
            }),
            Err(error) => {
                drop(supervision);
                for agent in agents {
                    // It is in the log; the first error counts.
                    let _ = agent.stop().await;
                }
                Err(error)
            }
        }
    }

    /// Starts everything; the agents that run are in `agents`, whatever it returns.
    async fn start_with(
        self,
        agents: &mut Vec<RunningAgent>,
        in_process: &Arc<InProcess>,
        supervision: &Supervision,
    ) -> Result<(RunningGateway, VerifyKey, JoinSet<()>), Error> {
        let supervisor = supervision.supervisor();
        let Configuration {
            log: _,
            mut gateway,
            agents: locals,
        } = self.configuration;
        let signing_key = match gateway.signing_key.take() {
            Some(key) => key,
            None => SigningKey::generate()?,
        };
        let gateway_key = signing_key.verify_key().clone();
        let mut entries = Vec::new();
        let are_several = locals.len() > 1;
        for local in locals {
            let trust = Trust {
                gateways: gateway_key.clone().into(),
                signed_requests: gateway.signed_requests,
            };
            let (agent, entry) =
                RunningAgent::start(local, in_process, trust, &gateway.metrics, supervisor).await?;
            agents.push(agent);
            entries.push(entry);
        }
        let carrier = (self.around)(Arc::clone(in_process) as Arc<dyn Carrier>);
        let components: Vec<Arc<dyn Reporting>> = agents
            .iter()
            .flat_map(|agent| agent.components(are_several))
            .collect();
        let parts = Parts {
            signing_key,
            agents: entries,
            components: components.iter().map(|one| Arc::clone(one) as _).collect(),
            carrier,
            supervisor: supervisor.clone(),
        };
        let gateway = RunningGateway::start(gateway, self.listener, parts).await?;
        let mut watching = JoinSet::new();
        for (name, ended) in self.parts {
            let part = supervisor.part(name);
            watching.spawn(async move { part.failed(ended.await) });
        }
        for agent in agents.iter() {
            let part = supervisor.part(format!("the watch over the files of agent {}", agent.id()));
            let watch = agent.watch_files();
            watching.spawn(async move {
                let _part = part;
                watch.await;
            });
        }
        let part = supervisor.part("the watch over components");
        let watch = supervisor.clone().watch(components);
        watching.spawn(async move {
            let _part = part;
            watch.await;
        });
        Ok((gateway, gateway_key, watching))
    }
}

impl fmt::Debug for Assembly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Assembly")
            .field("configuration", &self.configuration)
            .finish_non_exhaustive()
    }
}

/// A gateway and its agents that run.
#[derive(Debug)]
pub struct Server {
    /// Dropped first, so that no end of a part counts as a failure.
    supervision: Supervision,
    gateway: RunningGateway,
    gateway_key: VerifyKey,
    agents: Vec<RunningAgent>,
    /// An agent whose carrier is dropped reports that it is no longer served, so this one lives until they have stopped.
    carrier: Arc<InProcess>,
    _watching: JoinSet<()>,
}

impl Server {
    /// Returns the URL of the endpoint with the port that it listens on and its base path.
    #[must_use]
    pub fn url(&self) -> &str {
        self.gateway.url()
    }

    /// Returns the key that the gateway's messages are checked with.
    #[must_use]
    pub fn gateway_key(&self) -> &VerifyKey {
        &self.gateway_key
    }

    /// Returns the resolver of an agent's vault; `None` if the agent does not run here.
    #[must_use]
    pub fn resolver(&self, agent: &AgentId) -> Option<&Arc<Resolver>> {
        let mut agents = self.agents.iter();
        agents
            .find(|one| one.id() == agent)
            .map(RunningAgent::resolver)
    }

    /// Returns when a part has ended unexpectedly, or can't work until the process is started again, for example because an
    /// fsync failed. The process should then [`stop`](Self::stop) and end; the log has the reason.
    pub async fn failed(&self) -> Failure {
        self.supervision.failed().await
    }

    /// Takes new TLS files and issuer's keys, and reopens the audit file. What fails stays as it was, and is in the log.
    pub async fn reload(&self) {
        info!(
            "reloading TLS files, the issuer's keys and the audit file; the configuration needs a restart"
        );
        self.gateway.reload().await;
    }

    /// Lets running requests finish, the gateway first, then closes the vaults. Metrics are served to the end.
    ///
    /// # Errors
    ///
    /// The first [`Failure`] to close a vault, a ledger or the audit trail: a write may not have reached the disk. Everything has stopped all
    /// the same, and the log has every reason.
    pub async fn stop(self) -> Result<(), Failure> {
        drop(self.supervision);
        let (trail_life, operations) = self.gateway.stop().await;
        let mut failures = Vec::new();
        for agent in self.agents {
            failures.extend(agent.stop().await);
        }
        drop(self.carrier);
        if let Err(error) = trail_life.end().await {
            let part = "the audit trail".to_owned();
            failures.push(Failure::at_the_end(part, error.to_string()));
        }
        if let Some(operations) = operations {
            operations.stop().await;
        }
        failures.into_iter().next().map_or(Ok(()), Err)
    }
}

/// Requests that wait for an agent before others wait at the gateway.
const QUEUE: usize = 64;
