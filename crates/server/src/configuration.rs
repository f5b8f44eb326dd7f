//! The configuration of a process: read as a whole, with everything that is wrong with it.
//!
//! A file is TOML. Each part of it (`[tls]`, `[[agents]]` …) is read by one function from its [`Section`], so that a
//! program with other parts reads those and no others.

pub(crate) mod agents;
pub(crate) mod audit;
mod certificate_dates;
pub(crate) mod claims;
mod document;
mod findings;
pub(crate) mod gateway;
pub(crate) mod log;
mod metrics;
pub(crate) mod named_files;
mod overrides;
pub(crate) mod paths;
pub(crate) mod section;
pub(crate) mod vaults;

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use sealpost_envelope::UnixTime;

use crate::descriptors::Demand;
use crate::error::Error;
use agents::LocalAgent;
use audit::AuditTrail;
use claims::Claims;
use document::Readable;
use gateway::GatewayConfiguration;
use section::Section;

pub use document::Checked;
pub use findings::{Finding, Weight};
pub use log::{LogConfiguration, LogFormat};
pub use paths::Streams;

/// What a process that runs a gateway with its agents needs to start.
#[derive(Debug)]
pub struct Configuration {
    /// How the process logs.
    pub log: LogConfiguration,
    /// The endpoint.
    pub gateway: GatewayConfiguration,
    /// The agents that run in the process.
    pub agents: Vec<LocalAgent>,
}

impl Configuration {
    /// Reads the file at `path` and [checks](Self::check) it, and that this process may open as many files as it needs, and can use the
    /// variable `RUST_LOG`.
    ///
    /// # Errors
    ///
    /// [`Error`] if the file can't be read or is not TOML.
    pub fn read(
        path: &Path,
        environment: impl Iterator<Item = (OsString, OsString)>,
        now: UnixTime,
    ) -> Result<Checked<Self>, Error> {
        let bytes = sealpost_files::read_named(path, MAX_FILE)?;
        let mut checked = Self::check(path, &bytes, environment, now)?;
        if let Some(configuration) = &checked.configuration
            && let Err(too_few) = configuration.demand().check()
        {
            checked.refuse("limits.connections", too_few);
        }
        if let Err(error) = log::directives() {
            checked.refuse("RUST_LOG", error);
        }
        Ok(checked)
    }

    /// Checks `bytes`, the content of the file at `path`: applies the settings of the environment, and looks at every
    /// file that is named. It changes, creates and connects to nothing.
    ///
    /// # Errors
    ///
    /// [`Error`] if it is not TOML.
    pub fn check(
        path: &Path,
        bytes: &[u8],
        environment: impl Iterator<Item = (OsString, OsString)>,
        now: UnixTime,
    ) -> Result<Checked<Self>, Error> {
        document::check(path, bytes, environment, now)
    }

    /// Returns how many files and sockets it needs.
    pub(crate) fn demand(&self) -> Demand {
        Demand {
            limits: self.gateway.limits,
            operations: self.gateway.operations.is_some(),
            agents: self.agents.len(),
        }
    }
}

impl Readable for Configuration {
    const VARIABLES: &'static str = "SEALPOST_GATEWAY__";

    fn read(root: &mut Section<'_>, now: UnixTime) -> Option<Self> {
        let mut gateway = gateway::read(root, now);
        let log = log::read(root);
        let mut claims = Claims::default();
        let agents = agents::read(root, &mut claims, now);
        // Now every path is known.
        if let Some(gateway) = &mut gateway
            && let AuditTrail::File { path, .. } = &gateway.audit
        {
            gateway.trail_rule = Some(root.reopened("audit.file", path));
        }
        Some(Self {
            log,
            gateway: gateway?,
            agents: agents?,
        })
    }
}

/// One line that says what would start.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.agents.len() {
            1 => f.write_str("one agent, ")?,
            n => write!(f, "{n} agents, ")?,
        }
        let GatewayConfiguration {
            listen, base_path, ..
        } = &self.gateway;
        write!(f, "{}://{listen}{base_path}", self.gateway.scheme())
    }
}

/// More than thousands of agents need.
const MAX_FILE: usize = 4 << 20;

#[cfg(test)]
mod tests;
