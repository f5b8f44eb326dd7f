//! `sealpost resolve`: from a reference to the value, as a pipeline would.

use std::path::PathBuf;

use clap::Args;
use sealpost_agent::Resolver;
use sealpost_files::quoted;
use sealpost_server::resolve::{Answer, Refusal, ask, resolve};
use sealpost_server::{Error, Opening, vault_in};
use sealpost_vault_key::ResolverRef;

use crate::dev::data_dir;
use crate::error::Failure;
use crate::io;

/// Arguments of `sealpost resolve`.
#[derive(Args, Debug)]
pub(crate) struct Resolve {
    /// The folder with `resolve.sock`: that of `sealpost dev`, or of an agent with `resolve_socket`
    #[arg(long, value_name = "DIR", default_value = data_dir::DEFAULT)]
    data: PathBuf,
    /// The resolver_ref, such as secret:my-secret#password
    #[arg(value_name = "REF")]
    reference: String,
}

impl Resolve {
    pub(crate) fn run(self) -> Result<(), Failure> {
        ResolverRef::parse(&self.reference).map_err(|e| Failure::refused(format!("REF: {e}")))?;
        let answer = match ask(&data_dir::socket(&self.data), &self.reference) {
            Some(answer) => answer,
            None => self.ask_vault()?,
        };
        let value = answer.map_err(|refusal| match refusal {
            Refusal::Refused(why) => Failure::refused(why),
            Refusal::Failed(why) => Failure::usage(why),
        })?;
        io::write_stdout(&value)
    }

    /// Opens the vault itself: no other process has it open.
    fn ask_vault(&self) -> Result<Answer, Failure> {
        let folder = data_dir::vault(&self.data);
        if !folder.is_dir() {
            let message = format!("there is no vault in {}", quoted(&self.data));
            return Err(Failure::usage(message)
                .hint("name the folder of sealpost dev with --data, or start sealpost dev first"));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        let runtime =
            runtime.map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
        runtime.block_on(async {
            let vault = vault_in(folder)?
                .open(Opening::ExistingOnly)
                .await
                .map_err(Error::Vault)?;
            let resolver = Resolver::new(vault);
            Ok(resolve(&resolver, &self.reference).await)
        })
    }
}
