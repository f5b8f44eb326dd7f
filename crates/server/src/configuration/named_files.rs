//! Files that a configuration names.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use sealpost_files::{FileError, Route, quoted};
use zeroize::Zeroizing;

use super::findings::{Findings, Weight};

/// Reads a file that anyone may read. `place` is the key that names it.
pub(crate) fn read(findings: &Findings, place: &str, path: &Path) -> Option<Zeroizing<Vec<u8>>> {
    sealpost_files::read_named(path, MAX_FILE)
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
    let wrong = |error: FileError| findings.wrong(place, error.in_one_line());
    let read = sealpost_files::read_private(path, MAX_FILE);
    let (content, exposed) = read.map_err(wrong).ok()?.into_parts();
    exposed.into_iter().for_each(wrong);
    Some(content)
}

/// Notes it if other users may write to a file that is read, or put another in its place. It is no error: where the file is mounted
/// read-only, its mode says nothing.
pub(crate) fn warn_if_writable(findings: &Findings, place: &str, path: &Path, risk: &str) {
    let warn = |path: &Path, mode: u32| {
        let what = format_args!(
            "others may write to {} (mode {mode:03o}), {risk}: chmod go-w it",
            quoted(path)
        );
        findings.add(Weight::Notice, place.to_owned(), what);
    };
    // What can't be looked at can't be read either, which the reader says.
    let Ok(route) = Route::of(path) else { return };
    if let Ok(found) = fs::metadata(&route.end) {
        let mode = found.permissions().mode() & 0o7777;
        if found.is_file() && mode & 0o022 != 0 {
            return warn(&route.end, mode);
        }
    }
    if let Ok(Some((folder, mode))) = route.exposed() {
        warn(folder, mode);
    }
}

/// What becomes of a path that the process writes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Written {
    /// It is created if it is not there.
    IfMissing,
    /// It is created at every start.
    EachTime,
}

/// Checks that a file can be created at `path`, and that other users can't put another in its place.
pub(crate) fn check_own(findings: &Findings, place: &str, path: &Path, written: Written) {
    if !is_folder(findings, place, folder(path)) {
        return;
    }
    let Some(route) = route(findings, place, path) else {
        return;
    };
    // The folder that the path names, and the one where it leads to. In a sticky one anyone can be the first.
    for folder in [folder(path), folder(&route.end)] {
        let mode = fs::metadata(folder).map_or(0, |found| found.permissions().mode() & 0o7777);
        if mode & 0o022 != 0 {
            return exposed(findings, place, folder, mode);
        }
    }
    check_route(findings, place, &route);
    if written == Written::EachTime || path.symlink_metadata().is_err() {
        check_can_create_in(findings, place, folder(&route.end));
    }
}

/// Checks that a folder can be created at `path` if it is not there, and that other users can't put another in its place.
pub(crate) fn check_own_folder(findings: &Findings, place: &str, path: &Path) {
    if !is_folder(findings, place, folder(path)) {
        return;
    }
    match fs::symlink_metadata(path) {
        Ok(_) => match path.metadata() {
            Ok(found) if !found.is_dir() => {
                findings.wrong(place, "is not a folder; name the folder of the vault");
            }
            // The vault itself is looked at by its own code.
            Ok(_) | Err(_) => {}
        },
        Err(_) => check_can_create_in(findings, place, folder(path)),
    }
    if let Some(route) = route(findings, place, path) {
        check_route(findings, place, &route);
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn route(findings: &Findings, place: &str, path: &Path) -> Option<Route> {
    let unusable = |error| FileError::new("use", path, error).in_one_line();
    Route::of(path)
        .map_err(|error| findings.wrong(place, unusable(error)))
        .ok()
}

fn check_route(findings: &Findings, place: &str, route: &Route) {
    match route.exposed() {
        Ok(Some((folder, mode))) => exposed(findings, place, folder, mode),
        Ok(None) => {}
        Err(error) => findings.wrong(
            place,
            FileError::new("use", &route.end, error).in_one_line(),
        ),
    }
}

fn exposed(findings: &Findings, place: &str, folder: &Path, mode: u32) {
    findings.wrong(
        place,
        format_args!(
            "others may write to the folder {} (mode {mode:03o}): chmod go-w it, or name another",
            quoted(folder)
        ),
    );
}

fn check_can_create_in(findings: &Findings, place: &str, folder: &Path) {
    if let Err(error) = sealpost_files::check_can_create_in(folder) {
        let error = FileError::new("create files in the folder", folder, error);
        findings.wrong(place, error.in_one_line());
    }
}

/// Notes it if this is no folder.
fn is_folder(findings: &Findings, place: &str, folder: &Path) -> bool {
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => return true,
        Ok(_) => findings.wrong(
            place,
            format_args!("{} is not a folder; name another", quoted(folder)),
        ),
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
    false
}

/// More than any key, certificate, chain or key set needs.
const MAX_FILE: usize = sealpost_gateway::tls::MAX_FILE;
