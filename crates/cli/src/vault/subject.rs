//! Which vault is meant.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::Args;
use sealpost_envelope::UnixTime;
use sealpost_files::{FileError, quoted};
use sealpost_server::{Configuration, Streams, VaultConfiguration, VaultMaintenance, vault_in};

use crate::dev::data_dir;
use crate::error::Failure;
use crate::streams;

/// The vault of a configuration's agent, or of `sealpost dev`.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct Subject {
    /// The configuration of the gateway (TOML)
    #[arg(
        long,
        value_name = "FILE.toml",
        required_unless_present = "data",
        conflicts_with = "data"
    )]
    config: Option<PathBuf>,
    /// Which of its agents, if there are several
    #[arg(long, value_name = "ID", conflicts_with = "data")]
    agent: Option<String>,
    /// The folder of `sealpost dev`
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// The vault of a configuration's agent.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct OfAgent {
    /// The configuration of the gateway (TOML)
    #[arg(long, value_name = "FILE.toml")]
    config: PathBuf,
    /// Which of its agents, if there are several
    #[arg(long, value_name = "ID")]
    agent: Option<String>,
}

/// A vault, and the ledger that belongs to it.
#[derive(Debug)]
pub(super) struct Opened {
    vault: Box<dyn VaultConfiguration>,
    ledger: Option<PathBuf>,
}

impl Subject {
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        match (&self.config, &self.data) {
            (Some(config), _) => open(config.clone(), self.agent.as_deref()),
            (None, Some(data)) => Ok(Opened {
                vault: vault_in(data_dir::vault(data))?,
                ledger: None,
            }),
            (None, None) => {
                Err(Failure::usage("no vault is named").hint("give --config or --data"))
            }
        }
    }
}

impl OfAgent {
    pub(super) fn open(&self) -> Result<Opened, Failure> {
        open(self.config.clone(), self.agent.as_deref())
    }
}

impl Opened {
    pub(super) fn maintenance(&self) -> Result<&dyn VaultMaintenance, Failure> {
        self.vault.maintenance().ok_or_else(|| {
            Failure::usage("this kind of vault has no such command")
                .hint("use the tools of the vault itself")
        })
    }

    pub(super) fn configuration(&self) -> &dyn VaultConfiguration {
        &*self.vault
    }

    pub(super) fn location(&self) -> String {
        self.vault.location()
    }

    /// Gives the ledger another name: it remembers secrets of the vault that is abandoned.
    pub(super) fn move_ledger(&self) -> Result<Option<(PathBuf, PathBuf)>, Failure> {
        let Some(old) = &self.ledger else {
            return Ok(None);
        };
        if old.symlink_metadata().is_err() {
            return Ok(None);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mut seconds = now.map_or(0, |now| now.as_secs());
        let new = loop {
            let mut name = old.as_os_str().to_owned();
            name.push(format!(".old-{seconds}"));
            let new = PathBuf::from(name);
            if new.symlink_metadata().is_err() {
                break new;
            }
            seconds += 1;
        };
        fs::rename(old, &new).map_err(|e| FileError::new("rename", old, e))?;
        Ok(Some((old.clone(), new)))
    }
}

fn open(config: PathBuf, agent: Option<&str>) -> Result<Opened, Failure> {
    streams::refuse(&Streams::of(&config))?;
    let checked = Configuration::read(&config, std::env::vars_os(), UnixTime::now())?;
    streams::refuse(&checked.streams)?;
    let Some(configuration) = checked.configuration else {
        let lines: String = checked
            .findings
            .iter()
            .map(|f| format!("\n  {f}"))
            .collect();
        return Err(Failure::refused(format!(
            "{} is not in order:{lines}",
            quoted(&config)
        )));
    };
    let ids: Vec<_> = configuration
        .agents
        .iter()
        .map(|one| one.agent.id.to_string())
        .collect();
    let mut agents = configuration.agents.into_iter().filter(|one| match agent {
        Some(id) => one.agent.id.to_string() == id,
        None => true,
    });
    let none = || {
        Failure::usage("the configuration has no such agent")
            .hint(format!("it has {}", ids.join(", ")))
    };
    let found = agents.next().ok_or_else(none)?.agent;
    if agents.next().is_some() {
        return Err(Failure::usage("the configuration has several agents")
            .hint(format!("give --agent with one of {}", ids.join(", "))));
    }
    Ok(Opened {
        vault: found.vault,
        ledger: found.ledger.path,
    })
}
