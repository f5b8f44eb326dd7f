use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use super::*;

/// A section of texts. Every file is there.
#[derive(Default)]
struct Keys {
    left: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Section for Keys {
    fn require(&mut self, key: &'static str, _: &str) {
        if !self.has(key) {
            self.wrong.push(format!("{key} is missing"));
        }
    }

    fn own_folder(&mut self, _: &'static str, _: &'static [&'static str]) -> Option<PathBuf> {
        None
    }

    fn number(&mut self, key: &'static str, range: RangeInclusive<usize>) -> Option<usize> {
        let number = self.text(key)?.parse().ok()?;
        range.contains(&number).then_some(number)
    }

    fn has(&self, key: &'static str) -> bool {
        self.left.contains_key(key)
    }

    fn wrong(&mut self, key: &'static str, what: &str) {
        self.wrong.push(format!("{key} {what}"));
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        self.left.remove(key)
    }

    fn texts(&mut self, key: &'static str) -> Option<Vec<String>> {
        Some(self.text(key)?.split(',').map(str::to_owned).collect())
    }

    fn file(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn private_file(&mut self, key: &'static str) -> Option<PathBuf> {
        self.file(key)
    }
}

/// Returns the vault, or what is wrong.
fn vault(text: &str) -> Result<Box<dyn VaultConfiguration>, Vec<String>> {
    let mut keys = Keys::default();
    for line in text.lines() {
        let (key, value) = line.split_once(" = ").unwrap();
        keys.left.insert(key.to_owned(), value.to_owned());
    }
    let vault = read(&mut keys);
    let unread = keys.left.keys().map(|key| format!("{key} is not known"));
    keys.wrong.extend(unread);
    match vault {
        Some(vault) if keys.wrong.is_empty() => Ok(vault),
        _ => Err(keys.wrong),
    }
}

#[test]
fn every_key_is_read() {
    let given = vault(
        "project = p1\nreplicas = europe-west3,europe-west4\nca_file = c\nproxy = http://user:canary@proxy.example:3128\n\
         max_value = 1000\naccess = delete\ncredentials_file = key.json\nendpoint = https://google.example",
    )
    .unwrap();
    assert!(given.permits_reading());
    assert_eq!(
        given.location(),
        "https://google.example, projects/p1/secrets"
    );
    assert!(!format!("{given:?}").contains("canary"));
    let regional = vault("project = p1\nlocation = europe-west3").unwrap();
    assert_eq!(
        regional.location(),
        "https://secretmanager.europe-west3.rep.googleapis.com, projects/p1/locations/europe-west3/secrets"
    );
}

#[test]
fn without_access_an_agent_creates_and_reads_nothing() {
    let vault = vault("project = p1").unwrap();
    assert!(!vault.permits_reading());
    let policy = vault.policy().unwrap();
    assert!(!policy.contains("versions.access"), "{policy}");
}

#[test]
fn everything_wrong_is_found_at_once() {
    for (text, expected) in [
        ("", &["project is missing"][..]),
        (
            "project = a/b\nlocation = ..\naccess = all\nendpoint = http://google.example",
            &[
                "access must",
                "endpoint has no TLS",
                "location must",
                "project must",
            ],
        ),
        (
            "project = p1\nlocation = a1\nreplicas = b1",
            &["replicas are for secrets that are not regional"],
        ),
        ("project = p1\nreplicas = \"}", &["replicas must"]),
        ("project = p1\ntoken = t", &["token is not known"]),
        (
            "project = p1\nendpoint = http://127.0.0.1:1\nproxy = http://proxy.example:3128",
            &["proxy would see"],
        ),
    ] {
        let mut wrong = vault(text).err().unwrap_or_default();
        wrong.sort();
        assert_eq!(wrong.len(), expected.len(), "{text}: {wrong:?}");
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.starts_with(expected), "{wrong:?} is not {expected:?}");
        }
    }
}
