//! `kind = "aws"` in a configuration.

use std::collections::HashMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use sealpost_vault::configuration::{Opening, Section, VaultConfiguration};
use sealpost_vault_aws::KIND;

/// A section of texts, and what is found wrong with it.
#[derive(Default)]
struct Keys {
    keys: HashMap<&'static str, &'static str>,
    wrong: Vec<(String, String)>,
}

impl Section for Keys {
    fn require(&mut self, key: &'static str, what_to_do: &str) {
        if !self.keys.contains_key(key) {
            self.wrong(key, what_to_do);
        }
    }

    fn own_folder(&mut self, _: &'static str, _: &'static [&'static str]) -> Option<PathBuf> {
        None
    }

    fn number(&mut self, key: &'static str, range: RangeInclusive<usize>) -> Option<usize> {
        let number = self.text(key)?.parse().ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.wrong(key, "is out of range");
        }
        number
    }

    fn has(&self, key: &'static str) -> bool {
        self.keys.contains_key(key)
    }

    fn wrong(&mut self, key: &'static str, what: &str) {
        self.wrong.push((key.to_owned(), what.to_owned()));
    }

    fn text(&mut self, key: &'static str) -> Option<String> {
        self.keys.get(key).map(|&text| text.to_owned())
    }

    fn texts(&mut self, _: &'static str) -> Option<Vec<String>> {
        None
    }

    fn file(&mut self, key: &'static str) -> Option<PathBuf> {
        self.text(key).map(PathBuf::from)
    }

    fn private_file(&mut self, key: &'static str) -> Option<PathBuf> {
        let path = self.file(key)?;
        if path.starts_with("refused") {
            self.wrong(key, "may be read by others");
            return None;
        }
        Some(path)
    }
}

fn read(
    keys: &[(&'static str, &'static str)],
) -> (Option<Box<dyn VaultConfiguration>>, Vec<String>) {
    let mut section = Keys {
        keys: keys.iter().copied().collect(),
        wrong: Vec::new(),
    };
    let read = (KIND.read)(&mut section);
    (
        read,
        section.wrong.into_iter().map(|(key, _)| key).collect(),
    )
}

const REGION: (&str, &str) = ("region", "eu-central-1");

#[test]
fn a_region_is_enough() {
    let (read, wrong) = read(&[REGION]);
    assert!(wrong.is_empty(), "{wrong:?}");
    let read = read.unwrap();
    assert_eq!(read.location(), "eu-central-1, *");
    assert!(!read.permits_reading());
    assert!(
        read.policy()
            .unwrap()
            .contains(":eu-central-1:*:secret:*\"")
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let (found, wrong) = read(&[
        ("region", "Frankfurt"),
        ("account", "1234"),
        ("prefix", "/team*/"),
        ("kms_key", "alias/ä"),
        ("owner", "a\"b"),
        ("endpoint", "http://vpce.example"),
        ("proxy", "proxy.example"),
        ("max_value", "65537"),
        ("access", "write"),
    ]);
    assert!(found.is_none());
    assert_eq!(
        wrong,
        [
            "max_value",
            "access",
            "region",
            "account",
            "prefix",
            "kms_key",
            "owner",
            "endpoint",
            "proxy"
        ]
    );
    let (_, wrong) = read(&[]);
    assert_eq!(wrong, ["region"]);
}

/// Credentials of the environment are not taken where a file is meant.
#[test]
fn a_file_that_is_refused_is_not_replaced_by_the_chain() {
    let (found, wrong) = read(&[REGION, ("credentials_file", "refused/file")]);
    assert!(found.is_none());
    assert_eq!(wrong, ["credentials_file"]);
}

#[tokio::test]
async fn a_file_without_credentials_is_found_before_the_start() {
    let (found, _) = read(&[REGION, ("credentials_file", "/dev/null")]);
    let refused = found
        .unwrap()
        .check(Opening::ExistingOnly)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("/dev/null"), "{refused}");
    let (found, _) = read(&[REGION, ("ca_file", "/dev/null")]);
    assert!(found.unwrap().check(Opening::ExistingOnly).await.is_err());
}
