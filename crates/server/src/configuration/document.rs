//! A file and the environment, read as the configuration of one kind of process.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::path::Path;

use sealpost_envelope::UnixTime;
use toml::Table;

use super::findings::{Finding, Findings, Weight};
use super::overrides;
use super::paths::{Paths, Role, Streams};
use super::section::{Section, Source};
use crate::error::Error;

/// What a check of a configuration found.
#[derive(Debug)]
pub struct Checked<C> {
    /// The configuration; present exactly if no finding is [`Weight::Wrong`].
    pub configuration: Option<C>,
    /// Everything there is to say about it, in the order of the check.
    pub findings: Vec<Finding>,
    /// Which standard streams are files of the configuration: nothing may be printed to them.
    pub streams: Streams,
}

impl<C> Checked<C> {
    /// Adds a finding with which the process does not start.
    pub(crate) fn refuse(&mut self, place: &str, what: impl std::fmt::Display) {
        self.configuration = None;
        self.findings.push(Finding {
            weight: Weight::Wrong,
            place: place.to_owned(),
            what: what.to_string(),
        });
    }
}

/// The configuration of one kind of process.
pub(crate) trait Readable: Sized {
    /// What the names of the environment variables begin with that set its keys.
    const VARIABLES: &'static str;

    /// Reads it from the whole file; `None` if something that it needs is wrong, which is then noted.
    fn read(root: &mut Section<'_>, now: UnixTime) -> Option<Self>;
}

/// Checks `bytes`, the content of the file at `path`.
pub(crate) fn check<C: Readable>(
    path: &Path,
    bytes: &[u8],
    environment: impl Iterator<Item = (OsString, OsString)>,
    now: UnixTime,
) -> Result<Checked<C>, Error> {
    check_with(&Paths::default(), path, bytes, environment, now)
}

/// Checks it, and lists in `paths` every key that names a path.
pub(crate) fn check_with<C: Readable>(
    paths: &Paths,
    path: &Path,
    bytes: &[u8],
    environment: impl Iterator<Item = (OsString, OsString)>,
    now: UnixTime,
) -> Result<Checked<C>, Error> {
    let mut table = parse(path, bytes)?;
    let findings = Findings::default();
    paths.add(
        &findings,
        "the configuration".to_owned(),
        Role::Read,
        Some(path),
    );
    paths.add_stream(&findings, "the log, on stderr", io::stderr());
    let overridden: BTreeMap<String, String> =
        overrides::apply(C::VARIABLES, environment, &mut table, &findings);
    let source = Source {
        folder: path.parent().unwrap_or_else(|| Path::new("")),
        overridden: &overridden,
        findings: &findings,
        paths,
    };
    let mut root = Section::root(&source, table);
    let configuration = C::read(&mut root, now);
    root.finish();
    Ok(Checked {
        streams: paths.streams(),
        configuration: configuration.filter(|_| findings.worst() < Some(Weight::Wrong)),
        findings: findings.into_all(),
    })
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Table, Error> {
    let text = std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8 {
        path: path.to_owned(),
    })?;
    text.parse()
        .map_err(|error: toml::de::Error| Error::NotToml {
            path: path.to_owned(),
            line: error.span().map_or(0, |span| {
                1 + text[..span.start].bytes().filter(|b| *b == b'\n').count()
            }),
            // The library's whole text repeats the line, which may hold anything.
            message: error.message().to_owned(),
        })
}
