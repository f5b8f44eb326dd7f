//! `sealpost vault test`: the conformance suite, run against an operator's own vault.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;
use sealpost_server::vault_conformance::{self as conformance, Report};
use sealpost_server::{DeleteError, Error, Opening, Vault, VaultDeadline, VaultDeletedNames};
use tokio::time::Instant;

use super::subject::{OfAgent, Opened};
use crate::error::{Exit, Failure};
use crate::io;

#[derive(Args, Debug)]
pub(super) struct Test {
    #[command(flatten)]
    agent: OfAgent,
    /// Begin without asking
    #[arg(long)]
    yes: bool,
}

impl Test {
    pub(super) async fn run(self) -> Result<(), Failure> {
        let opened = self.agent.open()?;
        let vault = open(&opened).await?;
        let prefix = prefix();
        let deletes = vault.lifecycle().is_some();
        let stays = what_stays(&*vault);
        io::write_stdout(plan(&opened.location(), &prefix, stays).as_bytes())?;
        if !self.yes {
            confirm()?;
        }
        let report = conformance::run(vault, &prefix).await;
        let mut text = format!("{report}\n");
        for permission in report.missing_permissions() {
            let _ = writeln!(text, "missing permission: {permission}");
        }
        text += &match deletes {
            true => clean_up(&opened, &report, &prefix).await,
            false => kept(&prefix, report.left().len()),
        };
        io::write_stdout(text.as_bytes())?;
        match report.failed().next().is_none() && report.missing_permissions().is_empty() {
            true => Ok(()),
            false => Err(Failure::silent(Exit::Refused)),
        }
    }
}

async fn open(opened: &Opened) -> Result<Arc<dyn Vault>, Failure> {
    let vault = opened.configuration().open(Opening::ExistingOnly).await;
    Ok(vault.map_err(Error::Vault)?)
}

/// Returns what the test can't remove.
fn what_stays(vault: &dyn Vault) -> &'static str {
    if vault.lifecycle().is_none() {
        return "They stay: the vault's configuration does not let this program delete. Delete them with the vault's own tools.";
    }
    match vault.guarantees().deleted_names {
        VaultDeletedNames::Free => {
            "Each secret is deleted again; what a failed case leaves is deleted at the end, or named."
        }
        VaultDeletedNames::Held => {
            "Each secret is deleted again; what a failed case leaves is deleted at the end, or named. This vault keeps what is deleted, \
             and its name, until its own time is over or a person purges it: this program can't."
        }
    }
}

fn plan(location: &str, prefix: &str, stays: &str) -> String {
    format!(
        "The test runs in {location}\n\
         It makes about {REQUESTS} requests within some minutes and creates up to {SECRETS} secrets, whose names contain {prefix}; nine of \
         them are as long as the vault takes, the others small.\n{stays}\n"
    )
}

fn confirm() -> Result<(), Failure> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Err(
            Failure::usage("there is no terminal to ask whether to go on")
                .hint("give --yes if it may"),
        );
    }
    io::write_stdout(b"Go on? [y/N] ")?;
    let mut line = String::new();
    let read = stdin.lock().read_line(&mut line);
    read.map_err(|e| Failure::usage(format!("cannot read the answer: {e}")).hint("try again"))?;
    match line.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => Err(Failure::refused("not run")),
    }
}

/// Deletes what is left, with a vault of its own: the last case has closed the first.
async fn clean_up(opened: &Opened, report: &Report, prefix: &str) -> String {
    if report.left().is_empty() {
        return "nothing is left\n".to_owned();
    }
    let vault = match open(opened).await {
        Ok(vault) => vault,
        Err(_) => return kept(prefix, report.left().len()),
    };
    let mut text = String::new();
    let mut deleted = 0;
    for name in report.left() {
        let deadline = VaultDeadline::at(Instant::now() + PATIENCE);
        let Some(lifecycle) = vault.lifecycle() else {
            break;
        };
        match lifecycle.delete(name, deadline).await {
            Ok(()) => deleted += 1,
            Err(DeleteError::NotFound) => {}
            Err(error) => {
                let _ = writeln!(text, "left: {}: {error}", name.as_str().escape_debug());
            }
        }
    }
    vault.close().await;
    if text.is_empty() {
        text = format!("nothing is left; {deleted} were deleted at the end\n");
    }
    text
}

fn kept(prefix: &str, count: usize) -> String {
    format!("left: up to {count} secrets whose names contain {prefix}\n")
}

/// A prefix that no earlier run had.
fn prefix() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    format!("test{:x}", now.unwrap_or_default().as_secs())
}

/// What the suite documents.
const REQUESTS: usize = 1_000;
const SECRETS: usize = 250;
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const EXAMPLES: &str = "\
It says first what it creates and what it can't delete. No other secret is read or changed. Stop the program first if the vault is
embedded. Exit codes: 0 every case passed and no permission is missing, 1 not so, or the answer was no, 2 the vault can't be used.

Examples:
  sealpost vault test --config gateway.toml
  sealpost vault test --config gateway.toml --agent warehouse --yes";
