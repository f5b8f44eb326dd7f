//! A file that is opened again while the process runs: its path may lead elsewhere by then.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use super::{Named, Paths, Role, device_and_inode, end, identity};
use crate::configuration::findings::Findings;
use crate::configuration::named_files::{self, Written};

/// What a start requires of a path that is written to, for later.
#[derive(Debug)]
pub(crate) struct Reopened {
    place: String,
    path: PathBuf,
    others: Vec<Named>,
}

impl Paths {
    /// Returns what must hold of the path that the key at `place` names, after every path of the configuration was added.
    pub(crate) fn reopened(&self, place: String, path: &Path) -> Reopened {
        let others = self.0.borrow();
        let others = others.iter().filter(|other| other.place != place);
        Reopened {
            others: others.cloned().collect(),
            path: path.to_owned(),
            place,
        }
    }
}

impl Reopened {
    /// Judges the file that the path has been opened as, by the rules of the start.
    pub(crate) fn judge(&self, opened: &Metadata) -> io::Result<()> {
        let findings = Findings::default();
        named_files::check_own(&findings, &self.place, &self.path, Written::IfMissing);
        let own = Named {
            place: self.place.clone(),
            role: Role::Written,
            end: Some(end(&self.path)),
            identity: Some(device_and_inode(opened)),
        };
        for other in &self.others {
            own.compare(&other.as_it_is(), &findings);
        }
        let found: Vec<_> = findings
            .into_all()
            .iter()
            .map(ToString::to_string)
            .collect();
        match found.is_empty() {
            true => Ok(()),
            false => Err(io::Error::other(found.join("; "))),
        }
    }
}

impl Named {
    /// The same path with the file that it names now.
    fn as_it_is(&self) -> Self {
        Self {
            identity: match &self.end {
                Some(end) => identity(end),
                None => self.identity,
            },
            ..self.clone()
        }
    }
}
