//! `sealpost dev`: gateway, agent and vault on one machine, to develop against.

pub(crate) mod data_dir;
mod session;

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;
use sealpost_context::AgentId;
use sealpost_envelope::Certificate;
use sealpost_gateway::metrics::LogMetrics;
use sealpost_server::resolve::ResolveSocket;
use sealpost_server::{Assembly, LogConfiguration};
use tokio::net::TcpListener;
use tokio::task::spawn_blocking;

use crate::error::Failure;
use crate::io;
use crate::local::Local;
use crate::service::{self, LogEnded};
use crate::signals::Signals;
use data_dir::DataDir;
use session::Session;

/// Arguments of `sealpost dev`.
#[derive(Args, Debug)]
pub(crate) struct Dev {
    /// The loopback address and port of the endpoint; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = loopback)]
    listen: SocketAddr,
    /// The folder for keys and secrets; created if it does not exist
    #[arg(long, value_name = "DIR", default_value = data_dir::DEFAULT)]
    data: PathBuf,
}

impl Dev {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let data = DataDir::open(&self.data)?;
        // No metrics are served.
        let (log, metrics) = (LogConfiguration::default(), LogMetrics::default());
        service::run(&log, metrics, |log_ended| self.serve(&data, log_ended))
    }

    async fn serve(&self, data: &DataDir, log_ended: LogEnded) -> Result<(), Failure> {
        // First: from here on a signal ends it in order.
        let mut signals = Signals::to_stop()?;
        let mut socket =
            ResolveSocket::bind(&data.socket()).map_err(|e| Failure::usage(e).hint(SOCKET_HINT))?;
        let issuer = data.issuer()?;
        let agent = data.agent(AGENT)?;
        let fingerprint = Certificate::from_pem(&agent.certificate)
            .map_err(|e| Failure::refused(format!("the agent's certificate: {e}")))?
            .fingerprint();
        let agent_id: AgentId = AGENT.parse().map_err(Failure::refused)?;
        let listener = TcpListener::bind(self.listen).await.map_err(|e| {
            Failure::usage(format!("cannot listen on {}: {e}", self.listen))
                .hint("give another address and port with --listen")
        })?;
        let configuration = Local {
            listen: self.listen,
            agent_id: &agent_id,
            identity: &agent.identity,
            certificate: &agent.certificate,
            issuer: &issuer,
            vault: &data.vault(),
        }
        .configuration()?;
        let server = Assembly::new(configuration)
            .with_listener(listener)
            .with_part("the log", log_ended)
            .start()
            .await?;
        let resolver = server.resolver(&agent_id).cloned();
        let resolver = resolver.ok_or_else(|| Failure::usage("the agent does not run"))?;
        let session = Session {
            url: server.url(),
            agent: AGENT,
            token: &issuer.token()?,
            fingerprint,
            data: &self.data,
        };
        session.write_variables()?;
        let welcome = session.welcome();
        // The reader of stdout may stall.
        let greeting = spawn_blocking(move || io::write_stdout(welcome.as_bytes()));
        let greeted = async {
            match greeting.await {
                Ok(Err(failure)) => failure,
                Ok(Ok(())) | Err(_) => std::future::pending().await,
            }
        };

        let failure = tokio::select! {
            () = socket.serve(resolver, || {}) => None,
            failure = greeted => Some(failure),
            failure = server.failed() => Some(failure.into()),
            _ = signals.next() => None,
        };
        tracing::info!("stopping: running requests finish first; a second signal stops at once");
        drop(socket);
        let stopped = tokio::select! {
            stopped = server.stop() => stopped,
            _ = signals.next() => {
                tracing::warn!("stopped with requests running");
                Ok(())
            }
        };
        // Why it stopped comes before what went wrong then.
        let failure = failure.or(stopped.err().map(Failure::from));
        failure.map_or(Ok(()), Err)
    }
}

fn loopback(text: &str) -> Result<SocketAddr, &'static str> {
    let address: SocketAddr = text
        .parse()
        .map_err(|_| "give an IP address and a port, such as 127.0.0.1:8080")?;
    match address.ip().is_loopback() {
        true => Ok(address),
        false => Err("it speaks plain HTTP: listen on 127.0.0.1 or [::1] only"),
    }
}

const AGENT: &str = "dev-agent";
const SOCKET_HINT: &str =
    "give --data a shorter path if it is long: a socket's path has at most 107 bytes";
