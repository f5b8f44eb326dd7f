//! A table of the configuration that is read key by key, so that everything wrong with it is found at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use toml::{Table, Value};

use super::findings::Findings;
use super::paths::{Paths, Reopened, Role};

/// What all sections of one configuration share.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// Relative paths start here.
    pub(crate) folder: &'a Path,
    /// Places that environment variables have set, with the variable: their values are texts, whatever the key needs.
    pub(crate) overridden: &'a BTreeMap<String, String>,
    pub(crate) findings: &'a Findings,
    pub(crate) paths: &'a Paths,
}

/// A table, its place in the file, and the keys that were read.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    source: &'a Source<'a>,
    place: String,
    table: Table,
    known: Vec<&'static str>,
}

impl<'a> Section<'a> {
    /// The whole file.
    pub(crate) fn root(source: &'a Source<'a>, table: Table) -> Self {
        Self::new(source, String::new(), table)
    }

    fn new(source: &'a Source<'a>, place: String, table: Table) -> Self {
        Self {
            source,
            place,
            table,
            known: Vec::new(),
        }
    }

    /// The place of a key, as findings name it.
    pub(crate) fn at(&self, key: &str) -> String {
        match self.place.as_str() {
            "" => key.to_owned(),
            place => format!("{place}.{key}"),
        }
    }

    /// Notes what is wrong with a key.
    pub(crate) fn wrong(&self, key: &str, what: impl std::fmt::Display) {
        self.source.findings.wrong(self.at(key), what);
    }

    pub(crate) fn findings(&self) -> &'a Findings {
        self.source.findings
    }

    /// Notes it if a key is missing.
    pub(crate) fn require(&self, key: &str, what_to_do: &str) {
        if !self.has(key) {
            self.wrong(key, format_args!("missing; {what_to_do}"));
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// Returns a text without taking it.
    pub(crate) fn peek(&self, key: &str) -> Option<&str> {
        self.table.get(key)?.as_str()
    }

    pub(crate) fn text(&mut self, key: &'static str) -> Option<String> {
        match self.take(key)? {
            Value::String(text) if text.is_empty() => {
                self.wrong(key, "is empty");
                None
            }
            Value::String(text) => Some(text),
            _ => self.not(key, "a text in quotes"),
        }
    }

    /// A text that `T` can read; its error says what to do.
    pub(crate) fn parsed<T: FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &'static str,
    ) -> Option<T> {
        let text = self.text(key)?;
        text.parse().map_err(|e| self.wrong(key, e)).ok()
    }

    /// As [`parsed`](Self::parsed), with the default of a missing key.
    pub(crate) fn parsed_or_default<T: Default + FromStr<Err: std::fmt::Display>>(
        &mut self,
        key: &'static str,
    ) -> Option<T> {
        match self.has(key) {
            true => self.parsed(key),
            false => Some(T::default()),
        }
    }

    /// An IP address and a port.
    pub(crate) fn address(&mut self, key: &'static str) -> Option<SocketAddr> {
        let text = self.text(key)?;
        text.parse()
            .ok()
            .or_else(|| self.not(key, "an IP address and a port, such as \"127.0.0.1:8080\""))
    }

    /// The path of a file that is read.
    pub(crate) fn path(&mut self, key: &'static str) -> Option<PathBuf> {
        self.path_as(Role::Read, key)
    }

    /// The path of a file or a folder that the process uses in this way.
    pub(crate) fn path_as(&mut self, role: Role, key: &'static str) -> Option<PathBuf> {
        let path = self.text(key).map(|path| self.source.folder.join(path));
        self.note_path(role, key, path.as_deref());
        path
    }

    /// One path or a list of them, of files that are read.
    pub(crate) fn paths(&mut self, key: &'static str) -> Vec<PathBuf> {
        let texts = self.texts(key).unwrap_or_default().into_iter();
        let paths: Vec<_> = texts.map(|path| self.source.folder.join(path)).collect();
        // Also if there is none: the list has every key.
        let first = [paths.first().map(PathBuf::as_path)].into_iter();
        for path in first.chain(paths.iter().skip(1).map(|path| Some(path.as_path()))) {
            self.note_path(Role::Read, key, path);
        }
        paths
    }

    /// Notes that the process writes to this stream.
    pub(crate) fn writes_to(&self, place: &str, stream: impl AsFd) {
        let Source {
            paths, findings, ..
        } = self.source;
        paths.add_stream(findings, place, stream);
    }

    /// Returns what must hold of a path whenever it is opened again, after every key was read. `place` is the key that names it.
    pub(crate) fn reopened(&self, place: &str, path: &Path) -> Reopened {
        self.source.paths.reopened(place.to_owned(), path)
    }

    fn note_path(&self, role: Role, key: &str, path: Option<&Path>) {
        let Source {
            paths, findings, ..
        } = self.source;
        paths.add(findings, self.at(key), role, path);
    }

    /// One text or a list of them; in an environment variable, with commas between them.
    pub(crate) fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        let values = match self.take(key)? {
            Value::String(text) if self.is_overridden(key) => {
                return Some(text.split(',').map(|t| t.trim().to_owned()).collect());
            }
            Value::String(text) => return Some(vec![text]),
            Value::Array(values) => values,
            _ => return self.not(key, "a list of texts"),
        };
        let texts: Option<Vec<String>> = values
            .into_iter()
            .map(|value| match value {
                Value::String(text) if !text.is_empty() => Some(text),
                _ => None,
            })
            .collect();
        texts.or_else(|| self.not(key, "a list of texts, none of them empty"))
    }

    pub(crate) fn flag(&mut self, key: &'static str) -> Option<bool> {
        match self.take(key)? {
            Value::Boolean(flag) => Some(flag),
            Value::String(text) if self.is_overridden(key) => {
                text.parse().ok().or_else(|| self.not(key, "true or false"))
            }
            _ => self.not(key, "true or false"),
        }
    }

    pub(crate) fn number(
        &mut self,
        key: &'static str,
        range: RangeInclusive<usize>,
    ) -> Option<usize> {
        let number = match self.take(key)? {
            Value::Integer(number) => usize::try_from(number).ok(),
            Value::String(text) if self.is_overridden(key) => text.parse().ok(),
            _ => None,
        };
        let number = number.filter(|number| range.contains(number));
        let (from, to) = range.into_inner();
        number.or_else(|| self.not(key, &format!("a whole number from {from} to {to}")))
    }

    /// A duration such as `"10s"`, `"500ms"` or `"1m 30s"`.
    pub(crate) fn duration(
        &mut self,
        key: &'static str,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let duration = match self.take(key)? {
            Value::String(text) => humantime::parse_duration(&text).ok(),
            _ => None,
        };
        let duration = duration.filter(|duration| range.contains(duration));
        let [from, to] = [range.start(), range.end()].map(|d| humantime::format_duration(*d));
        let expected = format!("a duration in quotes from \"{from}\" to \"{to}\", such as \"10s\"");
        duration.or_else(|| self.not(key, &expected))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        key: &'static str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(word, _)| *word == text);
        found.map(|(_, choice)| *choice).or_else(|| {
            let words: Vec<String> = choices.iter().map(|(w, _)| format!("\"{w}\"")).collect();
            self.not(key, &words.join(" or "))
        })
    }

    /// A table below this one.
    pub(crate) fn section(&mut self, key: &'static str) -> Option<Self> {
        match self.take(key)? {
            Value::Table(table) => Some(Self::new(self.source, self.at(key), table)),
            _ => self.not(key, &format!("a table, [{}]", self.at(key))),
        }
    }

    /// A list of tables below this one.
    pub(crate) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let expected = format!("tables, each under [[{}]]", self.at(key));
        let Some(value) = self.take(key) else {
            return Vec::new();
        };
        let Value::Array(values) = value else {
            self.not::<()>(key, &expected);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for (index, value) in values.into_iter().enumerate() {
            let place = format!("{}[{index}]", self.at(key));
            match value {
                Value::Table(table) => sections.push(Self::new(self.source, place, table)),
                _ => self
                    .source
                    .findings
                    .wrong(place, format_args!("must be {expected}")),
            }
        }
        sections
    }

    /// Notes the keys that are left: a misspelt setting would have no effect.
    pub(crate) fn finish(&self) {
        for key in self.table.keys() {
            let known = self.known.join(", ");
            let by = match self.source.overridden.get(&self.at(key)) {
                Some(variable) => format!(", and {variable} names it"),
                None => String::new(),
            };
            self.wrong(
                key,
                format_args!("there is no such key{by}; the keys here are {known}"),
            );
        }
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn is_overridden(&self, key: &str) -> bool {
        self.source.overridden.contains_key(&self.at(key))
    }

    fn not<T>(&self, key: &str, expected: &str) -> Option<T> {
        match self.source.overridden.get(&self.at(key)) {
            Some(variable) => self.wrong(key, format_args!("{variable} must be {expected}")),
            None => self.wrong(key, format_args!("must be {expected}")),
        }
        None
    }
}
