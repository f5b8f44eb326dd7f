//! Files that a configuration names.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealpost_files::{FileError, as_text, quoted};
use zeroize::Zeroizing;

use super::findings::Findings;

/// Reads a file that anyone may read. `place` is the key that names it.
pub(crate) fn read(findings: &Findings, place: &str, path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    sealpost_files::read_text(path, MAX_FILE)
        .map_err(|error| findings.wrong(place, error.in_one_line()))
        .ok()
}

/// Reads a file that holds a secret, and notes it if users other than its owner and group can read it; its content is
/// returned all the same, so that it can be checked, too.
pub(crate) fn read_private(
    findings: &Findings,
    place: &str,
    path: &Path,
) -> Option<Zeroizing<Vec<u8>>> {
    let cannot = |error| findings.wrong(place, FileError::new("read", path, error).in_one_line());
    let file = File::open(path).map_err(cannot).ok()?;
    // The mode of the file that is read, whatever the path names by then.
    if let Some(mode) = sealpost_files::exposed(&file).map_err(cannot).ok()? {
        findings.wrong(
            place,
            format_args!(
                "{} has mode {mode:03o}: others can read it, or the group can write it; if none of them did: chmod 600",
                quoted(path)
            ),
        );
    }
    sealpost_files::read_open(file, path, MAX_FILE)
        .and_then(|bytes| as_text(bytes, &quoted(path)))
        .map_err(|error| findings.wrong(place, error.in_one_line()))
        .ok()
}

/// Checks that a file can be created at `path`, and that other users can't put another in its place.
pub(crate) fn check_own_folder(findings: &Findings, place: &str, path: &Path) {
    check_writable_folder(findings, place, path);
    let folder = folder(path);
    // What can't be looked at has been noted.
    let mode = fs::metadata(folder).map_or(0, |found| found.permissions().mode() & 0o777);
    if mode & 0o022 != 0 {
        findings.wrong(
            place,
            format_args!(
                "others may write to the folder {} (mode {mode:03o}): chmod go-w it, or name another",
                quoted(folder)
            ),
        );
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Checks that a file can be created at `path`: its folder exists and is writable.
pub(crate) fn check_writable_folder(findings: &Findings, place: &str, path: &Path) {
    let folder = folder(path);
    match fs::metadata(folder) {
        Ok(metadata) if !metadata.is_dir() => findings.wrong(
            place,
            format_args!("{} is not a folder; name another", quoted(folder)),
        ),
        // Only an attempt would show for sure whether it is writable, and a check changes nothing.
        Ok(metadata) if metadata.permissions().readonly() => findings.wrong(
            place,
            format_args!(
                "the folder {} is read-only; change its owner or mode",
                quoted(folder)
            ),
        ),
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => findings.wrong(
            place,
            format_args!(
                "the folder {} does not exist; create it, writable for the user who runs the gateway, or name another",
                quoted(folder)
            ),
        ),
        Err(error) => findings.wrong(
            place,
            FileError::new("use the folder", folder, error).in_one_line(),
        ),
    }
}

/// More than any key, certificate, chain or key set needs.
const MAX_FILE: usize = 1024 * 1024;
