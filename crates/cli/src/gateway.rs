//! `sealpost gateway`: the endpoint and its agents, as a configuration file says.

use std::{future, path::PathBuf};

use clap::Args;
use sealpost_envelope::UnixTime;
use sealpost_files::quoted;
use sealpost_server::{Assembly, Checked, Configuration, Streams, Weight};
use tracing::{info, warn};

use crate::error::{Exit, Failure};
use crate::io;
use crate::service::{self, LogEnded};
use crate::signals::{Asked, Signals};
use crate::streams;

/// Arguments of `sealpost gateway`.
#[derive(Args, Debug)]
pub(crate) struct Gateway {
    /// The configuration (TOML); environment variables SEALPOST_GATEWAY__SECTION__KEY override it
    #[arg(long, value_name = "FILE.toml")]
    config: PathBuf,
    /// Only check: print everything that is wrong with the configuration and the files that it names
    #[arg(long)]
    check: bool,
}

impl Gateway {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let environment = std::env::vars_os();
        streams::refuse(&Streams::of(&self.config))?;
        let mut checked = Configuration::read(&self.config, environment, UnixTime::now())?;
        streams::refuse(&checked.streams)?;
        if self.check {
            let runtime = tokio::runtime::Runtime::new()
                .map_err(|e| Failure::usage(format!("cannot start: {e}")).hint("try again"))?;
            runtime.block_on(checked.rehearse());
            return self.report(&checked);
        }
        let Some(configuration) = checked.configuration else {
            let wrong = checked
                .findings
                .iter()
                .filter(|f| f.weight == Weight::Wrong);
            let lines: String = wrong.map(|finding| format!("\n  {finding}")).collect();
            return Err(Failure::refused(format!(
                "{} is not in order, and nothing was started:{lines}",
                quoted(&self.config)
            )));
        };
        // The other findings are certificates' ends, which the gateway logs itself, each day.
        let (log, metrics) = (
            configuration.log.clone(),
            configuration.gateway.metrics.log(),
        );
        service::run(&log, metrics, |log_ended| serve(configuration, log_ended))
    }

    /// Prints one finding a line to stdout. Succeeds if all of it would work.
    fn report(&self, checked: &Checked<Configuration>) -> Result<(), Failure> {
        let lines = checked.findings.iter();
        let mut text: String = lines.map(|finding| format!("{finding}\n")).collect();
        let fine = checked.findings.iter().all(|f| f.weight == Weight::Notice);
        if let (Some(configuration), true) = (&checked.configuration, fine) {
            text += &format!("{} is in order: {configuration}\n", quoted(&self.config));
        }
        io::write_stdout(text.as_bytes())?;
        match fine {
            true => Ok(()),
            false => Err(Failure::silent(Exit::Refused)),
        }
    }
}

/// Runs until a signal asks it to stop, or a part fails.
async fn serve(configuration: Configuration, log_ended: LogEnded) -> Result<(), Failure> {
    // First: from here on a signal ends it in order.
    let mut signals = Signals::to_stop_and_reload()?;
    let server = Assembly::new(configuration)
        .with_part("the log", log_ended)
        .start()
        .await?;
    let mut is_reload_asked = false;
    let failure = loop {
        // A file may be on a disk that stalls, and a signal is heard all the same. Another request to reload begins again.
        let reload = async {
            match is_reload_asked {
                true => server.reload().await,
                false => future::pending().await,
            }
        };
        tokio::select! {
            failure = server.failed() => break Some(failure),
            asked = signals.next() => match asked {
                Asked::Reload => is_reload_asked = true,
                Asked::Stop => break None,
            },
            () = reload => is_reload_asked = false,
        }
    };
    info!("stopping: running requests finish first; a second signal stops at once");
    let again = async { while signals.next().await == Asked::Reload {} };
    let not_closed = tokio::select! {
        stopped = server.stop() => {
            info!("stopped");
            stopped.err()
        }
        () = again => {
            warn!("stopped with requests running");
            None
        }
    };
    // Why it stopped comes before what went wrong then.
    let failure = failure.or(not_closed);
    failure.map_or(Ok(()), |failure| Err(failure.into()))
}
