//! What a start would fail with although the configuration can be read: found by the code that starts, without starting.

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::SocketAddr;

use sealpost_agent::Ledger;
use tokio::net::TcpSocket;
use tokio::task::spawn_blocking;

use crate::configuration::agents::AgentConfiguration;
use crate::configuration::{Checked, Configuration, Finding, Weight};
use crate::logging;

impl Checked<Configuration> {
    /// Looks into vaults and ledgers, and at the addresses, the level of the log and the environment. It changes and creates
    /// nothing. A port that is taken, and a vault or a ledger that another process has open, pass.
    pub async fn rehearse(&mut self) {
        let Some(configuration) = &self.configuration else {
            return;
        };
        let mut found = Vec::new();
        for (index, local) in configuration.agents.iter().enumerate() {
            agent(&mut found, index, &local.agent).await;
        }
        let gateway = &configuration.gateway;
        let addresses = [
            Some(("listen", gateway.listen)),
            gateway
                .operations
                .map(|address| ("metrics.listen", address)),
        ];
        for (place, address) in addresses.into_iter().flatten() {
            if let Err(error) = bind(address)
                && error.kind() != ErrorKind::AddrInUse
            {
                let what = format!(
                    "can't listen on {address}: {error}; give an address of this host and a port that this user may have"
                );
                found.push(wrong(place.to_owned(), what));
            }
        }
        if let Err(error) = logging::filter(&configuration.log.level) {
            found.push(wrong("RUST_LOG".to_owned(), error));
        }
        if !found.is_empty() {
            self.configuration = None;
            self.findings.append(&mut found);
        }
    }
}

async fn agent(found: &mut Vec<Finding>, index: usize, agent: &AgentConfiguration) {
    let vault = match agent.vault.check(agent.ledger.opening()).await {
        Ok(vault) => vault,
        Err(error) => {
            found.push(wrong(format!("agents[{index}].vault"), error));
            None
        }
    };
    let Some(path) = agent.ledger.path.clone() else {
        return;
    };
    let checked = spawn_blocking(move || Ledger::check(path, vault)).await;
    let error = match checked {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(panicked) => panicked.to_string(),
    };
    found.push(wrong(format!("agents[{index}].ledger"), error));
}

/// Takes the address as a listener does, and gives it back without listening.
fn bind(address: SocketAddr) -> std::io::Result<()> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)
}

fn wrong(place: String, what: impl Display) -> Finding {
    Finding {
        weight: Weight::Wrong,
        place,
        what: sealpost_files::printable(&what.to_string()),
    }
}
