//! The file of results: which reference resolves which secret.

use std::collections::HashSet;
use std::path::Path;

use aws_lc_rs::hmac;
use sealpost_client::Created;
use sealpost_files::quoted;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

use super::digest::{Digest, digest, random_key};
use super::journal::{Journal, SOMETHING_ELSE};
use crate::error::Failure;

/// A file of JSON lines, each of which is a [`Stored`]. Runs add to it.
pub(super) struct Results {
    journal: Journal,
    key: hmac::Key,
    /// What the file has: a line that is stored again, since its record was lost, is not added again.
    written: HashSet<Digest>,
}

/// What became of one line: where its secret is. There is no value in it.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored<'a> {
    line: u64,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    project: Option<Cow<'a, str>>,
    #[serde(borrow)]
    resolver_ref: Cow<'a, str>,
    #[serde(borrow, rename = "vaultSecretName")]
    vault_secret_name: Cow<'a, str>,
}

impl<'a> Stored<'a> {
    pub(super) fn new(
        line: u64,
        name: &'a str,
        project: Option<&'a str>,
        created: &'a Created,
    ) -> Self {
        Self {
            line,
            name: name.into(),
            project: project.map(Into::into),
            resolver_ref: created.resolver_ref.as_str().into(),
            vault_secret_name: created.vault_secret_name.as_str().into(),
        }
    }

    fn digest(&self, key: &hmac::Key) -> Digest {
        let parts = [
            Some(&*self.name),
            self.project.as_deref(),
            Some(&*self.resolver_ref),
            Some(&*self.vault_secret_name),
        ];
        digest(key, parts.map(|part| part.map(str::as_bytes)))
    }
}

impl Results {
    /// Opens or creates the file.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let (journal, text) = Journal::open(path, "--results", BEGINS)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &*random_key()?);
        let stored = text.lines().map(|line| {
            let stored: Stored<'_> =
                serde_json::from_str(line).map_err(|_| journal.refused(SOMETHING_ELSE))?;
            Ok(stored.digest(&key))
        });
        let written = stored.collect::<Result<_, Failure>>()?;
        journal.sync_name()?;
        Ok(Self {
            journal,
            key,
            written,
        })
    }

    /// Returns whether it has no result yet.
    pub(super) fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Adds these durably.
    pub(super) fn record<'a>(
        &mut self,
        stored: impl Iterator<Item = Stored<'a>>,
    ) -> Result<(), Failure> {
        let mut text = String::new();
        for stored in stored {
            if self.written.insert(stored.digest(&self.key)) {
                text += &serde_json::to_string(&stored).map_err(Failure::usage)?;
                text.push('\n');
            }
        }
        match text.is_empty() {
            true => Ok(()),
            false => self.journal.append(&text),
        }
    }

    /// Returns how messages name it.
    pub(super) fn name(&self) -> String {
        quoted(self.journal.path())
    }
}

const BEGINS: &str = r#"{"line":"#;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn stored(line: u64) -> Stored<'static> {
        Stored {
            line,
            name: format!("secret-{line}").into(),
            project: None,
            resolver_ref: format!("secret:secret-{line}").into(),
            vault_secret_name: format!("secret-{line}").into(),
        }
    }

    #[test]
    fn runs_add_to_the_results_and_a_torn_line_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results");
        let mut results = Results::open(&path).unwrap();
        assert!(results.is_empty());
        assert!(Results::open(&path).is_err(), "one at a time");
        results.record((1..=2).map(stored)).unwrap();
        drop(results);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let whole = fs::read_to_string(&path).unwrap();
        assert_eq!(
            whole,
            "{\"line\":1,\"name\":\"secret-1\",\"resolver_ref\":\"secret:secret-1\",\"vaultSecretName\":\"secret-1\"}\n\
             {\"line\":2,\"name\":\"secret-2\",\"resolver_ref\":\"secret:secret-2\",\"vaultSecretName\":\"secret-2\"}\n"
        );
        // Wherever a crash cut it: nothing is lost, nothing is there twice.
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut results = Results::open(&path).unwrap();
            results.record((1..=3).map(stored)).unwrap();
            drop(results);
            let text = fs::read_to_string(&path).unwrap();
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 3, "{cut}: {text}");
            assert!(text.starts_with(&whole), "{cut}: {text}");
        }
    }

    #[test]
    fn another_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results");
        for other in [
            "a secret",
            "a secret\n",
            "{\"name\":\"db\",\"value\":{}}\n",
            "{\"line\":1}\n",
            "\n",
        ] {
            fs::write(&path, other).unwrap();
            assert!(Results::open(&path).is_err(), "{other}");
            assert_eq!(fs::read_to_string(&path).unwrap(), other);
        }
    }
}
