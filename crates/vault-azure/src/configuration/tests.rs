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
fn every_key_of_every_method_is_read() {
    for (auth, keys) in [
        ("managed-identity", ""),
        ("managed-identity", "\nclient_id = c"),
        (
            "workload-identity",
            "\ntenant_id = t\nclient_id = c\ntoken_file = f",
        ),
        (
            "client-secret",
            "\ntenant_id = t\nclient_id = c\nsecret_file = f",
        ),
        (
            "client-certificate",
            "\ntenant_id = t\nclient_id = c\ncertificate_file = f",
        ),
    ] {
        let vault = vault(&format!(
            "address = https://v.vault.azure.net\nauth = {auth}{keys}\nca_file = c\nproxy = http://user:canary@proxy.example:3128\n\
             max_value = 1000\naccess = delete\nauthority = https://login.example\nresource = https://vault.azure.net"
        ))
        .unwrap();
        assert!(vault.permits_reading());
        assert_eq!(vault.location(), "https://v.vault.azure.net");
        assert!(!format!("{vault:?}").contains("canary"));
    }
}

#[test]
fn everything_wrong_is_found_at_once() {
    for (text, expected) in [
        ("", &["address is missing", "auth is missing"][..]),
        (
            "address = http://v.example\naccess = all\nauth = client-secret\ntenant_id = a/b",
            &[
                "access must",
                "address has no TLS",
                "client_id is missing",
                "secret_file is missing",
            ],
        ),
        (
            "address = https://v.example\nauth = client-secret\ntenant_id = a/b\nclient_id = &\nsecret_file = f",
            &["client_id must", "tenant_id must"],
        ),
        (
            "address = https://v.example\nauth = password\ntenant_id = t",
            &["auth give"],
        ),
        (
            "address = https://v.example\nauth = managed-identity\nsecret_file = f",
            &["secret_file is not known"],
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
