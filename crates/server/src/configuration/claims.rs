//! What two agents must not share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::section::Section;

/// What only one agent may have, and the place of the one that has it.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<String, String>);

impl Claims {
    /// Notes it if another agent has `what` already.
    pub(crate) fn claim(&mut self, section: &Section<'_>, key: &str, what: String) {
        if let Some(other) = self.0.insert(what, section.at(key)) {
            section.wrong(
                key,
                format_args!("is that of {other}, too; give each its own"),
            );
        }
    }

    /// The same for a path. Two ways to one file are found as long as the folder exists.
    pub(crate) fn claim_path(&mut self, section: &Section<'_>, key: &str, path: &Path) {
        self.claim(section, key, canonical(path).display().to_string());
    }
}

fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = path.canonicalize() {
        return path;
    }
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(parent)), Some(name)) => parent.join(name),
        _ => path.to_owned(),
    }
}
