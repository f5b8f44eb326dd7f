//! File descriptors: whether a process may open as many as its limits promise to callers.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sealpost_gateway::Limits;
use thiserror::Error;

/// The process may open too few file descriptors for its limits: under load it would accept no connection, or fail to
/// open a file.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "{connections} connections, and the files and sockets beside them, need {needed} file descriptors, and this process \
     may open {available}: raise that limit (LimitNOFILE in a systemd unit, ulimit -Hn in a shell), or set \
     limits.connections to {possible} or less"
)]
pub struct TooFewDescriptors {
    connections: u64,
    needed: u64,
    available: u64,
    possible: u64,
}

/// What a process promises to callers and keeps open.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Connections of callers.
    pub(crate) limits: Limits,
    /// Whether metrics and health are served.
    pub(crate) operations: bool,
    /// The number of agents.
    pub(crate) agents: usize,
}

impl Demand {
    /// Checks that the process could have as many descriptors as it needs. Changes nothing.
    ///
    /// # Errors
    ///
    /// [`TooFewDescriptors`].
    pub(crate) fn check(self) -> Result<(), TooFewDescriptors> {
        self.compare(getrlimit(Resource::Nofile).maximum)
    }

    /// Raises the process's own limit as far as it needs and the operating system permits.
    ///
    /// # Errors
    ///
    /// [`TooFewDescriptors`] if that is not enough.
    pub(crate) fn provide(self) -> Result<(), TooFewDescriptors> {
        let limit = getrlimit(Resource::Nofile);
        if self.compare(limit.current).is_ok() {
            return Ok(());
        }
        self.compare(limit.maximum)?;
        let raised = Rlimit {
            current: Some(self.needed()),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised).or_else(|_| self.compare(limit.current))
    }

    /// `None` stands for no limit.
    fn compare(self, available: Option<u64>) -> Result<(), TooFewDescriptors> {
        let connections = self.limits.connections as u64;
        let needed = self.needed();
        match available {
            Some(available) if available < needed => Err(TooFewDescriptors {
                connections,
                needed,
                available,
                possible: connections.saturating_sub(needed - available).max(1),
            }),
            Some(_) | None => Ok(()),
        }
    }

    fn needed(self) -> u64 {
        let operations = match self.operations {
            true => Limits::for_operations().sockets(),
            false => 0,
        };
        let sockets = self.limits.sockets() + operations;
        sockets as u64 + self.agents as u64 * OF_AN_AGENT + OF_THE_PROCESS
    }
}

/// Connections that a resolve socket has open at a time, at most; others wait.
pub(crate) const MAX_QUESTIONS: usize = 32;

/// Its vault, its ledger, and connections of `sealpost resolve`.
const OF_AN_AGENT: u64 = 16 + MAX_QUESTIONS as u64;
/// Standard streams, listeners, the event queue, the audit file, files that are read again, fetches of the issuer's keys.
const OF_THE_PROCESS: u64 = 48;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_compared_with_the_descriptors_that_there_are() {
        let demand = |connections| {
            let mut limits = Limits::default();
            limits.connections = connections;
            Demand {
                limits,
                operations: true,
                agents: 2,
            }
        };
        let needed = demand(1024).needed();
        assert!(needed > 1024 + 32);
        assert_eq!(demand(1024).compare(Some(needed)), Ok(()));
        assert_eq!(demand(1024).compare(None), Ok(()));
        let too_few = demand(1024).compare(Some(needed - 24)).unwrap_err();
        assert_eq!(too_few.possible, 1000);
        // What it advises is enough.
        assert_eq!(demand(1000).compare(Some(needed - 24)), Ok(()));
        assert_eq!(demand(5).compare(Some(3)).unwrap_err().possible, 1);
    }
}
