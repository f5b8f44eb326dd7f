//! The versions of a secret: which operation stored each, and which is the oldest.

use std::collections::HashMap;

use sealpost_vault::OperationId;
use sealpost_vault_http::json;
use serde::Deserialize;
use zeroize::Zeroizing;

/// A version, as lists show it: without its value.
#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    id: String,
    #[serde(default)]
    tags: Option<HashMap<String, String>>,
    attributes: Attributes,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    /// In seconds since 1970.
    created: u64,
}

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    #[serde(default)]
    pub(crate) value: Option<Vec<Version>>,
    /// The address of the next page.
    #[serde(default, rename = "nextLink")]
    pub(crate) next: Option<String>,
}

impl Version {
    /// Returns the last part of its address.
    pub(crate) fn number(&self) -> &str {
        self.id.rsplit('/').next().unwrap_or_default()
    }

    /// Returns whether this operation stored it, or restored it.
    pub(crate) fn is_of(&self, operation: &OperationId) -> bool {
        self.tag(OWNER) == Some(OWNER_VALUE) && self.tag(OPERATION) == Some(hex(operation).as_str())
    }

    fn tag(&self, name: &str) -> Option<&str> {
        self.tags.as_ref()?.get(name).map(String::as_str)
    }

    /// Returns whether both are of one operation: one restores the other. Versions of others are each of their own.
    pub(crate) fn is_as(&self, other: &Self) -> bool {
        let operation = self.tag(OPERATION);
        self.id == other.id || (operation.is_some() && operation == other.tag(OPERATION))
    }

    /// Returns the tags with which it is restored, as JSON.
    pub(crate) fn tags_to_restore(&self) -> String {
        let mut tags = self.tags.clone().unwrap_or_default();
        tags.insert(RESTORES.to_owned(), self.number().to_owned());
        serde_json::to_string(&tags).unwrap_or_default()
    }
}

/// Returns the oldest of the versions, which won. Of those of one second it is the one whose number comes first: all that look
/// agree, since each looks when that second is over.
pub(crate) fn oldest(versions: &[Version]) -> Option<&Version> {
    versions
        .iter()
        .min_by_key(|version| (version.attributes.created, version.number()))
}

/// Returns whether all versions that could be the newest, those of the last second, are as this one.
pub(crate) fn is_newest_as(versions: &[Version], winner: &Version) -> bool {
    let newest = versions
        .iter()
        .map(|version| version.attributes.created)
        .max();
    versions
        .iter()
        .filter(|version| Some(version.attributes.created) == newest)
        .all(|version| version.is_as(winner))
}

/// Returns the body of a request that sets a value, with tags that name the operation.
pub(crate) fn body(value: &str, operation: &OperationId) -> Zeroizing<Vec<u8>> {
    let tags = format!(
        ",\"tags\":{{\"{OWNER}\":\"{OWNER_VALUE}\",\"{OPERATION}\":\"{}\"}}}}",
        hex(operation)
    );
    json::with_string("{\"value\":", value, &tags)
}

/// Returns the body of a request that sets the value of another version again.
pub(crate) fn restoring(value: &str, version: &Version) -> Zeroizing<Vec<u8>> {
    let tags = format!(",\"tags\":{}}}", version.tags_to_restore());
    json::with_string("{\"value\":", value, &tags)
}

fn hex(operation: &OperationId) -> String {
    json::hex(operation.as_bytes())
}

const OWNER: &str = "sealpost-owner";
const OWNER_VALUE: &str = "sealpost";
const OPERATION: &str = "sealpost-operation";
const RESTORES: &str = "sealpost-restores";

#[cfg(test)]
mod tests {
    use super::*;

    fn version(number: &str, created: u64, operation: Option<u8>) -> Version {
        let tags = operation.map(|operation| {
            let operation = OperationId::from_bytes([operation; 32]);
            format!(
                r#"{{"sealpost-owner":"sealpost","sealpost-operation":"{}"}}"#,
                hex(&operation)
            )
        });
        let tags = tags.unwrap_or_else(|| "{}".to_owned());
        serde_json::from_str(&format!(
            r#"{{"id":"https://v/secrets/n/{number}","attributes":{{"enabled":true,"created":{created}}},"tags":{tags}}}"#
        ))
        .unwrap()
    }

    #[test]
    fn the_oldest_version_wins_and_ties_are_broken_alike_in_any_order() {
        let mut versions = vec![
            version("c", 5, Some(1)),
            version("b", 4, Some(2)),
            version("a", 4, Some(3)),
        ];
        for _ in 0..3 {
            versions.rotate_left(1);
            assert_eq!(oldest(&versions).unwrap().number(), "a");
        }
        assert!(oldest(&[]).is_none());
    }

    #[test]
    fn what_is_newest_is_the_winners_only_if_nothing_else_may_be() {
        let winner = version("a", 4, Some(1));
        let with = |others: Vec<Version>| {
            let mut versions = vec![version("a", 4, Some(1))];
            versions.extend(others);
            is_newest_as(&versions, &winner)
        };
        assert!(with(vec![]));
        assert!(!with(vec![version("b", 5, Some(2))]));
        assert!(!with(vec![version("b", 4, Some(2))]));
        assert!(!with(vec![version("b", 5, None)]));
        assert!(with(vec![
            version("b", 5, Some(2)),
            version("c", 6, Some(1))
        ]));
        assert!(!with(vec![
            version("b", 6, Some(2)),
            version("c", 6, Some(1))
        ]));
        // Versions of nobody's operation are not alike.
        assert!(!version("a", 1, None).is_as(&version("b", 1, None)));
    }

    #[test]
    fn an_operation_is_known_by_both_tags() {
        let ours = OperationId::from_bytes([1; 32]);
        assert!(version("a", 1, Some(1)).is_of(&ours));
        assert!(!version("a", 1, Some(2)).is_of(&ours) && !version("a", 1, None).is_of(&ours));
        let body = restoring("v\"", &version("a", 1, Some(1)));
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["value"], "v\"");
        assert_eq!(body["tags"]["sealpost-restores"], "a");
        assert_eq!(body["tags"]["sealpost-operation"], "01".repeat(32));
    }
}
