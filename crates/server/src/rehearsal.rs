//! What a start would fail with although the configuration can be read: found by the code that starts, before it creates
//! anything.

use std::fmt::Display;
use std::io::ErrorKind;
use std::net::SocketAddr;

use sealpost_agent::Ledger;
use sealpost_files::FileError;
use sealpost_gateway::audit::AuditFile;
use tokio::net::TcpSocket;
use tokio::task::spawn_blocking;

use crate::configuration::agents::AgentConfiguration;
use crate::configuration::audit::AuditTrail;
use crate::configuration::{Checked, Configuration, Finding, Weight};
use crate::resolve::ResolveSocket;

impl Checked<Configuration> {
    /// Looks into vaults and ledgers, and at the files that are written and at the addresses, as a start does before it
    /// creates anything. It changes and creates nothing. A port that is taken, and a vault or a ledger that another process
    /// has open, pass.
    pub async fn rehearse(&mut self) {
        let Some(configuration) = &self.configuration else {
            return;
        };
        let mut found = look(configuration, true).await;
        if found.iter().any(|finding| finding.weight == Weight::Wrong) {
            self.configuration = None;
        }
        self.findings.append(&mut found);
    }
}

/// Finds what a start would fail with, without the endpoint's address if it has a listener already.
pub(crate) async fn look(configuration: &Configuration, listens: bool) -> Vec<Finding> {
    let mut found = Vec::new();
    let gateway = &configuration.gateway;
    if let AuditTrail::File { path, sync } = &gateway.audit
        && let Err(error) = AuditFile::check(path, *sync)
    {
        let error = FileError::new("append to", path, error);
        found.push(wrong("audit.file".to_owned(), error.in_one_line()));
    }
    for (index, local) in configuration.agents.iter().enumerate() {
        agent(&mut found, index, &local.agent).await;
    }
    let addresses = [
        listens.then_some(("listen", gateway.listen)),
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
    found
}

async fn agent(found: &mut Vec<Finding>, index: usize, agent: &AgentConfiguration) {
    let vault = match agent.vault.check(agent.ledger.opening()).await {
        Ok(vault) => vault,
        Err(error) => {
            let weight = match agent.vault.starts_despite(&error) {
                true => Weight::Degraded,
                false => Weight::Wrong,
            };
            found.push(finding(weight, format!("agents[{index}].vault"), error));
            None
        }
    };
    if let Some(Err(error)) = agent.resolve_socket.as_deref().map(ResolveSocket::check) {
        found.push(wrong(format!("agents[{index}].resolve_socket"), error));
    }
    let Some(path) = agent.ledger.path.clone() else {
        return;
    };
    let is_missing = path.symlink_metadata().is_err();
    let checked = spawn_blocking(move || Ledger::check(path, vault)).await;
    let error = match checked {
        Ok(Ok(())) if is_missing && agent.vault.is_there() => {
            let place = format!("agents[{index}].ledger");
            return found.push(finding(Weight::Notice, place, LEDGER_MISSING));
        }
        Ok(Ok(())) => return,
        Ok(Err(error)) => error.to_string(),
        Err(panicked) => panicked.to_string(),
    };
    found.push(wrong(format!("agents[{index}].ledger"), error));
}

/// The start says more of it.
const LEDGER_MISSING: &str = "is missing beside its vault, and a start begins it again: put it back from a backup if it was lost";

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
    finding(Weight::Wrong, place, what)
}

fn finding(weight: Weight, place: String, what: impl Display) -> Finding {
    Finding {
        weight,
        place,
        what: sealpost_files::printable(&what.to_string()),
    }
}
