//! Standard streams that a shell has redirected into a file of the configuration.

use std::io;
use std::os::fd::AsFd;
use std::path::Path;

use super::{Named, Paths, Role};
use crate::configuration::findings::Findings;

/// Which standard streams are files of a configuration, and of which of its keys. Nothing may be written to these: a key would be
/// spoilt by the first line.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Streams {
    /// The key whose file stdout is.
    pub stdout: Option<String>,
    /// The key whose file stderr is.
    pub stderr: Option<String>,
}

impl Streams {
    /// Looks whether a stream is the configuration file itself, before that is read.
    #[must_use]
    pub fn of(configuration: &Path) -> Self {
        let paths = Paths::default();
        let place = "the configuration".to_owned();
        paths.add(&Findings::default(), place, Role::Read, Some(configuration));
        paths.streams()
    }
}

impl Paths {
    /// Returns which standard streams are files of these keys.
    pub(crate) fn streams(&self) -> Streams {
        Streams {
            stdout: self.taken("stdout", io::stdout()),
            stderr: self.taken("stderr", io::stderr()),
        }
    }

    fn taken(&self, name: &str, stream: impl AsFd) -> Option<String> {
        let stream = Named::stream(name, stream)?;
        let all = self.0.borrow();
        let mut files = all.iter().filter(|named| named.end.is_some());
        let taken = files.find(|file| stream.is_same_as(file) || stream.is_taken_from(file))?;
        Some(taken.place.clone())
    }
}
