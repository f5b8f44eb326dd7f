//! `sealpost resolve`: from a reference to the value, as a pipeline would.

pub(crate) mod socket;

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use sealpost_agent::{ResolveError, Resolver};
use sealpost_vault::{FetchError, FileVault};
use sealpost_vault_key::ResolverRef;
use zeroize::Zeroizing;

use crate::dev::data_dir;
use crate::error::Failure;
use crate::io;
use crate::render::quoted;

/// Arguments of `sealpost resolve`.
#[derive(Args, Debug)]
pub(crate) struct Resolve {
    /// The folder of `sealpost dev`
    #[arg(long, value_name = "DIR", default_value = data_dir::DEFAULT)]
    data: PathBuf,
    /// The resolver_ref, such as secret:my-secret#password
    #[arg(value_name = "REF")]
    reference: String,
}

/// Why there is no value.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The reference leads to nothing.
    Refused(String),
    /// The vault, or the process that has it open, did not do its work.
    Failed(String),
}

impl Resolve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        ResolverRef::parse(&self.reference).map_err(|e| Failure::refused(format!("REF: {e}")))?;
        let answer = match socket::ask(&data_dir::socket(&self.data), &self.reference) {
            Some(answer) => answer,
            None => self.ask_vault()?,
        };
        let value = answer.map_err(|refusal| match refusal {
            Refusal::Refused(why) => Failure::refused(why),
            Refusal::Failed(why) => Failure::usage(why),
        })?;
        io::write_stdout(&value)
    }
}

impl Resolve {
    /// Opens the vault itself: nobody else has it open.
    fn ask_vault(&self) -> Result<Result<Zeroizing<Vec<u8>>, Refusal>, Failure> {
        let folder = data_dir::vault(&self.data);
        if !folder.is_dir() {
            let message = format!("there is no vault in {}", quoted(&self.data));
            return Err(Failure::usage(message)
                .hint("name the folder of sealpost dev with --data, or start sealpost dev first"));
        }
        let vault = FileVault::open(&folder).map_err(Failure::usage)?;
        let resolver = Resolver::new(Arc::new(vault));
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime =
            runtime.map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
        Ok(runtime.block_on(resolve(&resolver, &self.reference)))
    }
}

/// What a reference leads to: a whole object byte for byte, or one property, a string decoded and
/// anything else as its JSON text.
async fn resolve(resolver: &Resolver, reference: &str) -> Result<Zeroizing<Vec<u8>>, Refusal> {
    match resolver.resolve(reference).await {
        Ok(resolved) => Ok(resolved.to_plain()),
        Err(error @ ResolveError::Vault(FetchError::Damaged | FetchError::Failed(_))) => {
            Err(Refusal::Failed(error.to_string()))
        }
        Err(error) => Err(Refusal::Refused(error.to_string())),
    }
}
