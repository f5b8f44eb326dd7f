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
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
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
fn each_method_reads_its_own_keys() {
    for (method, keys) in [
        ("token", "token = canary"),
        ("token-file", "token_file = t"),
        ("approle", "role_id = r\nsecret_id_file = s"),
        ("approle", "role_id = r"),
        ("kubernetes", "role = r"),
        ("kubernetes", "role = r\njwt_file = j"),
        ("certificate", "certificate_file = c"),
        ("certificate", "certificate_file = c\nrole = r"),
    ] {
        let all = "address = https://a.example:8200,https://b.example:8200\nmount = m\nprefix = p/q\nnamespace = n\nca_file = c\n\
                   auth_mount = a/b\nproxy = http://user:canary@proxy.example:3128\nmax_value = 1000\naccess = delete";
        let vault = vault(&format!("{all}\nauth = {method}\n{keys}")).unwrap();
        assert!(vault.permits_reading());
        assert_eq!(
            vault.location(),
            "https://a.example:8200, https://b.example:8200, m/p/q/ in namespace n"
        );
        assert!(!format!("{vault:?}").contains("canary"));
    }
}

#[test]
fn without_access_an_agent_creates_and_reads_nothing() {
    let vault = vault("address = https://a.example\nauth = token\ntoken = t").unwrap();
    assert!(!vault.permits_reading());
    let policy = vault.policy().unwrap();
    assert!(
        policy.contains("path \"secret/data/*\" {\n  capabilities = [\"create\"]"),
        "{policy}"
    );
}

#[test]
fn everything_wrong_is_found_at_once() {
    for (text, expected) in [
        ("", &["address is missing", "auth is missing"][..]),
        (
            "address = http://bao.example\nprefix = /a\naccess = all\nauth = token",
            &[
                "access must",
                "address has no TLS",
                "prefix must",
                "token is missing",
            ],
        ),
        (
            "address = https://a.example,http://127.0.0.1:1\nauth = password\ntoken = t",
            &["address has servers with TLS and without", "auth give"],
        ),
        // A key of another method.
        (
            "address = https://a.example\nauth = token\ntoken = t\nrole_id = r",
            &["role_id is not known"],
        ),
        (
            "address = https://a.example\nauth = token\ntoken = t\nproxy = ::",
            &["proxy must"],
        ),
        (
            "address = http://127.0.0.1:8200\nauth = token\ntoken = t\nproxy = http://proxy.example:3128",
            &["proxy would see"],
        ),
    ] {
        let mut wrong = vault(text).unwrap_err();
        wrong.sort();
        assert_eq!(wrong.len(), expected.len(), "{wrong:?}");
        for (wrong, expected) in wrong.iter().zip(expected) {
            assert!(wrong.starts_with(expected), "{wrong:?} is not {expected:?}");
        }
    }
}
