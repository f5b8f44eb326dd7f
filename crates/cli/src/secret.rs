//! `sealpost secret`: have an agent store secrets, through a gateway.

mod create;
mod endpoint;
mod failure;
mod import;
mod token;

use clap::{Args, Subcommand};

use crate::error::Failure;

/// Arguments of `sealpost secret`.
#[derive(Args, Debug)]
pub(crate) struct Secret {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Store one secret, and print the reference that resolves it
    Create(create::Create),
    /// Store many secrets, a JSON line each
    Import(import::Import),
}

impl Secret {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
        let result = match self.command {
            Command::Create(create) => runtime.block_on(create.run()),
            Command::Import(import) => runtime.block_on(import.run()),
        };
        // What still waits for input is not waited for.
        runtime.shutdown_background();
        result
    }
}
