//! Which line has which name: two lines of one name would race for it.

use std::collections::HashMap;

use aws_lc_rs::hmac;
use sealpost_context::ProjectId;

use super::digest::{Digest, digest, random_key};
use super::line::Line;
use crate::error::Failure;

/// The names of an import's lines.
///
/// Every vault derives different names from different texts, so that lines have one name exactly if project and name
/// are the same; letters of another case are another name. 128 bits of a digest under a key of this run stand for each
/// name, and take some 40 bytes: a million lines take 40 MB.
pub(super) struct Names {
    key: hmac::Key,
    lines: HashMap<Digest, u64>,
}

impl Names {
    pub(super) fn new() -> Result<Self, Failure> {
        Ok(Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &*random_key()?),
            lines: HashMap::new(),
        })
    }

    /// Notes the name of a line. Fails with the number of another line that has it.
    pub(super) fn claim(
        &mut self,
        number: u64,
        line: &Line<'_>,
        project: Option<&str>,
    ) -> Result<(), u64> {
        let id = project_of(line, project);
        let parts = [id.as_deref(), Some(&*line.name)];
        let name = digest(&self.key, parts.map(|part| part.map(str::as_bytes)));
        match *self.lines.entry(name).or_insert(number) {
            first if first == number => Ok(()),
            first => Err(first),
        }
    }
}

/// The project of a line, or else that of the command line, in the one form that it has.
pub(super) fn project_of(line: &Line<'_>, project: Option<&str>) -> Option<String> {
    let project = line.project.as_deref().or(project);
    // One project can be written in more than one way.
    let id = project.map(|text| text.parse::<ProjectId>().map_err(|_| text));
    id.map(|id| id.map_or_else(str::to_owned, |id| id.to_string()))
}

#[cfg(test)]
mod tests {
    use sealpost_vault_key::{VaultKind, VaultSecretName};

    use super::*;

    const PROJECT: &str = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f";

    fn line(text: &str) -> Line<'_> {
        Line::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn two_lines_of_one_name_are_found_however_they_are_written() {
        let upper = PROJECT.to_uppercase();
        let in_upper = format!(r#"{{"name":"db","project":"{upper}","value":{{}}}}"#);
        for (one, other, flag, same) in [
            (
                r#"{"name":"db","value":{}}"#,
                r#"{"name":"d\u0062","key":"k","type":"T","value":{"k":1}}"#,
                None,
                true,
            ),
            (
                r#"{"name":"db","value":{}}"#,
                r#"{"name":"DB","value":{}}"#,
                None,
                false,
            ),
            (
                r#"{"name":"db","value":{}}"#,
                r#"{"name":"db ","value":{}}"#,
                None,
                false,
            ),
            (
                r#"{"name":"db","value":{}}"#,
                r#"{"name":"db","project":null,"value":{}}"#,
                None,
                true,
            ),
            (r#"{"name":"db","value":{}}"#, &in_upper, None, false),
            (
                r#"{"name":"db","value":{}}"#,
                &in_upper,
                Some(PROJECT),
                true,
            ),
            (
                r#"{"name":"db","project":"x","value":{}}"#,
                r#"{"name":"db","project":"X","value":{}}"#,
                None,
                false,
            ),
            (
                r#"{"name":"é","value":{}}"#,
                r#"{"name":"e\u0301","value":{}}"#,
                None,
                false,
            ),
        ] {
            let mut names = Names::new().unwrap();
            assert_eq!(names.claim(3, &line(one), flag), Ok(()));
            let second = names.claim(7, &line(other), flag);
            assert_eq!(second, if same { Err(3) } else { Ok(()) }, "{one} {other}");
            // A line that is read again is the same line.
            assert_eq!(names.claim(3, &line(one), flag), Ok(()));
        }
    }

    /// What is told apart here is told apart by every vault.
    #[test]
    fn vaults_derive_one_name_for_one_project_and_name_only() {
        let texts = [
            "db",
            "DB",
            "db ",
            "a/b",
            "a-b",
            "a%2Fb",
            "é",
            "e\u{301}",
            "p0b9c4f6e7d1a4a528f371a2b3c4d5e6f-db",
        ];
        let project: ProjectId = PROJECT.parse().unwrap();
        for kind in VaultKind::KNOWN {
            let mut derived = std::collections::HashSet::new();
            for text in texts {
                for project in [None, Some(project.as_bytes())] {
                    let name = VaultSecretName::derive(kind, project, text);
                    assert!(derived.insert(name.as_str().to_owned()), "{kind:?} {text}");
                }
            }
        }
    }
}
