//! Environment variables that override settings in the file.
//!
//! `SEALPOST_GATEWAY__AUTH__ISSUER` sets `auth.issuer`: after the prefix, the names of tables and keys in upper
//! case with two underscores between them. `SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH` sets a key of the first
//! agent.

use std::collections::BTreeMap;
use std::ffi::OsString;

use toml::{Table, Value};

use super::findings::Findings;

/// Puts the variables among `environment` whose names begin with `prefix` into `table`, as texts. Returns the places
/// that were set, with the variable's name.
pub(crate) fn apply(
    prefix: &str,
    environment: impl Iterator<Item = (OsString, OsString)>,
    table: &mut Table,
    findings: &Findings,
) -> BTreeMap<String, String> {
    let mut variables: Vec<(String, OsString)> = environment
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| name.starts_with(prefix))
        .collect();
    variables.sort();
    let mut overridden = BTreeMap::new();
    for (name, value) in variables {
        let keys = name[prefix.len()..].to_ascii_lowercase();
        let keys: Vec<&str> = keys.split("__").collect();
        let set = match value.into_string() {
            // Two spellings of one name would override each other.
            Ok(_) if name.bytes().any(|b| b.is_ascii_lowercase()) => {
                Err("is not in upper case; write its name in capitals")
            }
            Ok(value) => set(table, &keys, value),
            Err(_) => Err("is not UTF-8"),
        };
        match set {
            Ok(place) => {
                overridden.insert(place, name);
            }
            Err(what) => findings.wrong(name, what),
        }
    }
    overridden
}

fn set(table: &mut Table, keys: &[&str], value: String) -> Result<String, &'static str> {
    match keys {
        ["", ..] => Err(NAMELESS),
        [key] => {
            table.insert((*key).to_owned(), Value::String(value));
            Ok((*key).to_owned())
        }
        [key, index, rest @ ..]
            if index.bytes().all(|b| b.is_ascii_digit()) && !rest.is_empty() =>
        {
            let entries = table
                .get_mut(*key)
                .and_then(Value::as_array_mut)
                .ok_or("counts entries of a list that the file does not have")?;
            let entry = index
                .parse::<usize>()
                .ok()
                .and_then(|index| entries.get_mut(index))
                .and_then(Value::as_table_mut)
                .ok_or("names an entry that the file does not have; the first is 0")?;
            set(entry, rest, value).map(|place| format!("{key}[{index}].{place}"))
        }
        [key, rest @ ..] => {
            let below = table
                .entry((*key).to_owned())
                .or_insert_with(|| Value::Table(Table::new()));
            let below = below
                .as_table_mut()
                .ok_or("names a key of something that is not a table in the file")?;
            set(below, rest, value).map(|place| format!("{key}.{place}"))
        }
        [] => Err(NAMELESS),
    }
}

const NAMELESS: &str = "names no setting; go on with a section and a key, as in __AUTH__ISSUER";

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(
        file: &str,
        variables: &[(&str, &str)],
    ) -> (Table, BTreeMap<String, String>, Vec<String>) {
        let mut table: Table = file.parse().unwrap();
        let findings = Findings::default();
        let environment = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let places = apply("SEALPOST_GATEWAY__", environment, &mut table, &findings);
        let findings: Vec<String> = findings
            .into_all()
            .iter()
            .map(ToString::to_string)
            .collect();
        (table, places, findings)
    }

    #[test]
    fn sets_keys_at_every_depth() {
        let (table, places, findings) = applied(
            "listen = \"a\"\n[[agents]]\nid = \"x\"\n",
            &[
                ("SEALPOST_GATEWAY__LISTEN", "b"),
                ("SEALPOST_GATEWAY__AUTH__JWKS_FILE", "f"),
                ("SEALPOST_GATEWAY__AGENTS__0__VAULT__PATH", "v"),
                ("SEALPOST_GATEWAY_LISTEN", "another's"),
                ("HOME", "h"),
            ],
        );
        let expected: Table = "listen = \"b\"\n[auth]\njwks_file = \"f\"\n\
                               [[agents]]\nid = \"x\"\nvault.path = \"v\"\n"
            .parse()
            .unwrap();
        assert_eq!(table, expected);
        let places: Vec<_> = places.into_keys().collect();
        assert_eq!(places, ["agents[0].vault.path", "auth.jwks_file", "listen"]);
        assert!(findings.is_empty(), "{findings:?}");
    }

    #[test]
    fn says_what_names_nothing() {
        let (table, places, findings) = applied(
            "listen = \"a\"\n",
            &[
                ("SEALPOST_GATEWAY__", "x"),
                ("SEALPOST_GATEWAY__AGENTS__0__ID", "x"),
                ("SEALPOST_GATEWAY__LISTEN__PORT", "x"),
                ("SEALPOST_GATEWAY__listen", "x"),
            ],
        );
        assert_eq!(table, "listen = \"a\"\n".parse().unwrap());
        assert!(places.is_empty());
        assert_eq!(findings.len(), 4, "{findings:?}");
    }
}
