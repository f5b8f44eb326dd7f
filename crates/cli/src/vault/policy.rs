//! `sealpost vault policy`: the smallest policy for a vault's credentials.

use clap::Args;

use super::subject::OfAgent;
use crate::error::Failure;
use crate::io;

#[derive(Args, Debug)]
pub(super) struct Policy {
    #[command(flatten)]
    agent: OfAgent,
}

impl Policy {
    pub(super) fn run(self) -> Result<(), Failure> {
        let opened = self.agent.open()?;
        let policy = opened.configuration().policy().ok_or_else(|| {
            Failure::usage("this kind of vault has no policy")
                .hint("permit the agent's user, and no other, to use the vault's folder")
        })?;
        io::write_stdout(policy.as_bytes())
    }
}

pub(super) const EXAMPLES: &str = "\
What it permits follows from the keys mount, prefix and access of the vault. Files with credentials need not exist yet.

Example:
  sealpost vault policy --config gateway.toml | bao policy write sealpost -";
