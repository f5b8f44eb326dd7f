//! `[audit]`: where the trail goes.

use std::io;
use std::path::PathBuf;

use sealpost_files::FileError;
use sealpost_gateway::audit::AuditFile;

use super::named_files::{self, Written};
use super::paths::Role;
use super::section::Section;

/// Where the audit trail goes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AuditTrail {
    /// There is none.
    Nowhere,
    /// To stdout.
    Stdout,
    /// To the end of this file; created if it does not exist.
    File {
        /// The file, or a named pipe.
        path: PathBuf,
        /// Whether lines are forced to the disk before a request goes on.
        sync: bool,
    },
}

pub(super) fn read(root: &mut Section<'_>) -> AuditTrail {
    let Some(mut section) = root.section("audit") else {
        return AuditTrail::Nowhere;
    };
    let file = section.path_as(Role::Written, "file");
    let stdout = section.flag("stdout").unwrap_or_default();
    let sync = section.flag("sync").unwrap_or_default();
    if sync && stdout {
        section.wrong(
            "sync",
            "is true beside stdout; give a file, or leave it out",
        );
    }
    if stdout {
        section.writes_to("the audit trail, on stdout", io::stdout());
    }
    let trail = match (file, stdout) {
        (Some(path), false) => {
            let place = section.at("file");
            named_files::check_own(section.findings(), &place, &path, Written::IfMissing);
            if let Err(error) = AuditFile::check(&path, sync) {
                let error = FileError::new("append to", &path, error);
                section.wrong("file", error.in_one_line());
            }
            AuditTrail::File { path, sync }
        }
        (None, true) => AuditTrail::Stdout,
        (Some(_), true) => {
            section.wrong("stdout", "is true beside file; give one of them");
            AuditTrail::Nowhere
        }
        (None, false) => {
            section.require(
                "file",
                "give a file, or stdout = true; or leave [audit] out",
            );
            AuditTrail::Nowhere
        }
    };
    section.finish();
    trail
}
