//! `sealpost gateway`: the endpoint and its agents, as a configuration file says.

mod agents;
mod audit;
mod auth;
mod endpoint;
mod files;
mod findings;
mod limits;
mod log;
mod overrides;
mod plan;
mod run;
mod section;

use std::path::PathBuf;

use clap::Args;
use sealpost_envelope::UnixTime;

use crate::error::{Exit, Failure};
use crate::io;
use crate::logging;
use crate::render::quoted;
pub use findings::{Finding, Weight};
pub use plan::{Plan, check};

/// Arguments of `sealpost gateway`.
#[derive(Args, Debug)]
pub(crate) struct Gateway {
    /// The configuration (TOML); environment variables SEALPOST_GATEWAY__SECTION__KEY come before it
    #[arg(long, value_name = "FILE.toml")]
    config: PathBuf,
    /// Only say everything that is wrong with the configuration and the files that it names
    #[arg(long)]
    check: bool,
}

impl Gateway {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let environment = std::env::vars_os();
        let (plan, findings) = plan::read(&self.config, environment, UnixTime::now())?;
        if self.check {
            return self.report(plan.as_ref(), &findings);
        }
        let Some(plan) = plan else {
            let wrong = findings.iter().filter(|f| f.weight == Weight::Wrong);
            let lines: String = wrong.map(|finding| format!("\n  {finding}")).collect();
            return Err(Failure::refused(format!(
                "{} is not in order, and nothing was started:{lines}",
                quoted(&self.config)
            )));
        };
        // The other findings are certificates' ends, which the gateway says itself, each day.
        logging::start(&plan.log.level, plan.log.format)?;
        let runtime = tokio::runtime::Runtime::new()
            .map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
        runtime.block_on(run::run(plan))
    }

    /// One finding a line on stdout. What would start in full is fine.
    fn report(&self, plan: Option<&Plan>, findings: &[Finding]) -> Result<(), Failure> {
        let mut text: String = findings
            .iter()
            .map(|finding| format!("{finding}\n"))
            .collect();
        let fine = findings.iter().all(|f| f.weight == Weight::Notice);
        if let (Some(plan), true) = (plan, fine) {
            text += &format!("{} is in order: {plan}\n", quoted(&self.config));
        }
        io::write_stdout(text.as_bytes())?;
        match fine {
            true => Ok(()),
            false => Err(Failure::silent(Exit::Refused)),
        }
    }
}
