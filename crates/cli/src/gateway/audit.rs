//! `[audit]`: where the trail goes.

use std::path::PathBuf;

use super::files;
use super::section::Section;
use crate::io;

/// Where the trail goes.
#[derive(Debug)]
pub(crate) enum AuditPlan {
    Nowhere,
    Stdout,
    File(PathBuf),
}

pub(crate) fn read(root: &mut Section<'_>) -> AuditPlan {
    let Some(mut section) = root.section("audit") else {
        return AuditPlan::Nowhere;
    };
    let file = section.path("file");
    let stdout = section.flag("stdout").unwrap_or_default();
    let plan = match (file, stdout) {
        (Some(path), false) => {
            let place = section.at("file");
            files::check_writable_folder(section.findings(), &place, &path);
            if path.exists()
                && let Err(error) = std::fs::File::options().append(true).open(&path)
            {
                section.wrong("file", io::cannot("append to", &path, &error).in_one_line());
            }
            AuditPlan::File(path)
        }
        (None, true) => AuditPlan::Stdout,
        (Some(_), true) => {
            section.wrong("stdout", "is true beside file; give one of them");
            AuditPlan::Nowhere
        }
        (None, false) => {
            section.require(
                "file",
                "give a file, or stdout = true; or leave [audit] out",
            );
            AuditPlan::Nowhere
        }
    };
    section.finish();
    plan
}
