//! `sealpost vault`: what a person does with an agent's vault.

mod policy;
mod subject;
mod test;

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use sealpost_files::quoted;
use sealpost_server::{Error, VaultReport};

use crate::error::{Exit, Failure};
use crate::io;
use policy::Policy;
use subject::{OfAgent, Subject};
use test::Test;

/// Arguments of `sealpost vault`.
#[derive(Args, Debug)]
pub(crate) struct Vault {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Read everything that is stored, verify it and print what is damaged; changes nothing
    #[command(after_help = CHECK_EXAMPLES)]
    Check(Subject),
    /// Write what can still be read of a damaged vault into a new one, which has a key of its own
    #[command(after_help = SALVAGE_EXAMPLES)]
    Salvage(Salvage),
    /// Begin again with an empty vault and ledger; what is there is kept under other names
    #[command(after_help = INIT_EXAMPLES)]
    Init(Init),
    /// Print the smallest policy for the credentials of an agent's vault
    #[command(after_help = policy::EXAMPLES)]
    Policy(Policy),
    /// Test that an agent's vault does what it must: creates secrets under a prefix of their own, reads and deletes them
    #[command(after_help = test::EXAMPLES)]
    Test(Test),
}

#[derive(Args, Debug)]
struct Salvage {
    #[command(flatten)]
    subject: Subject,
    /// The folder of the new vault, which is empty or does not exist
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Also write intact records that nothing leads to any more; some may have been deleted, or be older values
    #[arg(long)]
    with_strays: bool,
}

#[derive(Args, Debug)]
struct Init {
    #[command(flatten)]
    agent: OfAgent,
    /// Create the vault with the vault.key that is in its folder
    #[arg(long)]
    keep_key: bool,
}

impl Vault {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime =
            runtime.map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
        runtime.block_on(async {
            match self.command {
                Command::Check(subject) => check(&subject).await,
                Command::Salvage(salvage) => salvage.run().await,
                Command::Init(init) => init.run().await,
                Command::Policy(policy) => policy.run(),
                Command::Test(test) => test.run().await,
            }
        })
    }
}

async fn check(subject: &Subject) -> Result<(), Failure> {
    let opened = subject.open()?;
    let report = opened.maintenance()?.check().await.map_err(Error::Vault)?;
    let mut text = shown(&report);
    let is_sound = report.is_sound();
    if is_sound {
        text += "every one of them was verified\n";
    } else {
        text += "write what is intact into a new vault with: sealpost vault salvage\n";
        if !report.stray.is_empty() {
            text += "what was found outside the index goes with it only with: --with-strays\n";
        }
    }
    end(&text, is_sound)
}

impl Salvage {
    async fn run(self) -> Result<(), Failure> {
        let opened = self.subject.open()?;
        let maintenance = opened.maintenance()?;
        let salvaged = maintenance.salvage(&self.to, self.with_strays).await;
        let report = salvaged.map_err(Error::Vault)?;
        let is_saved = |name| self.with_strays && report.stray.contains(name);
        let all_named = report.damaged.iter().all(is_saved);
        let all_strays = self.with_strays || report.stray.is_empty();
        let is_complete = all_named && all_strays && report.nameless == Some(0);
        let mut text = shown(&report);
        if !all_strays {
            text += "what was found outside the index was not written; with --with-strays it is\n";
        }
        let _ = writeln!(
            text,
            "a new vault with all that is intact is in {}; the old one is as it was",
            quoted(&self.to)
        );
        end(&text, is_complete)
    }
}

impl Init {
    async fn run(self) -> Result<(), Failure> {
        let opened = self.agent.open()?;
        let maintenance = opened.maintenance()?;
        let begun = maintenance.begin_again(self.keep_key).await;
        let mut moved = begun.map_err(Error::Vault)?;
        let ledger = opened.move_ledger();
        let failed = ledger.map(|ledger| moved.extend(ledger)).err();
        let mut text = String::new();
        for (old, new) in moved {
            let _ = writeln!(text, "abandoned {}: kept as {}", quoted(&old), quoted(&new));
        }
        if let Some(failed) = failed {
            // What was moved is told all the same.
            io::write_stdout(text.as_bytes())?;
            return Err(failed);
        }
        let _ = writeln!(
            text,
            "an empty vault is in {}; its key is new unless --keep-key was given: back it up",
            opened.location()
        );
        io::write_stdout(text.as_bytes())
    }
}

/// Returns what was found, one finding a line.
fn shown(report: &VaultReport) -> String {
    let VaultReport {
        intact,
        damaged,
        nameless,
        stray,
        faults,
    } = report;
    let mut text = String::new();
    for fault in faults {
        let _ = writeln!(text, "fault: {fault}");
    }
    for name in damaged {
        let _ = writeln!(text, "damaged: {}", name.escape_debug());
    }
    for name in stray {
        let _ = writeln!(
            text,
            "found outside the index: {}; it may have been deleted, or be an older value",
            name.escape_debug()
        );
    }
    let nameless = match nameless {
        Some(0) => String::new(),
        Some(count) => format!(", {count} lost without a name"),
        None => ", and how many more there were is not known".to_owned(),
    };
    let _ = writeln!(
        text,
        "{intact} intact, {} damaged, {} found outside the index{nameless}",
        damaged.len(),
        stray.len()
    );
    text
}

fn end(text: &str, is_fine: bool) -> Result<(), Failure> {
    io::write_stdout(text.as_bytes())?;
    match is_fine {
        true => Ok(()),
        false => Err(Failure::silent(Exit::Refused)),
    }
}

const CHECK_EXAMPLES: &str = "\
Stop the program that has the vault first. Exit codes: 0 all is intact, 1 something is damaged, 2 the vault can't be read.

Examples:
  sealpost vault check --config gateway.toml
  sealpost vault check --config gateway.toml --agent warehouse
  sealpost vault check --data ./sealpost-data";

const SALVAGE_EXAMPLES: &str = "\
References keep resolving: names are the same. The ledger belongs to the old vault: move it away together with that one.
Exit codes: 0 nothing was lost, 1 something was, 2 the vault can't be read.

Examples:
  sealpost vault salvage --config gateway.toml --to /var/lib/sealpost/vault.new
  sealpost vault salvage --config gateway.toml --to /var/lib/sealpost/vault.new --with-strays";

const INIT_EXAMPLES: &str = "\
Nothing is deleted: key, database and ledger get other names, which are printed.

Examples:
  sealpost vault init --config gateway.toml --agent warehouse
  sealpost vault init --config gateway.toml --keep-key";
