//! What is sent to create a secret, and what its labels say.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use bytes::Bytes;
use crc::{CRC_32_ISCSI, Crc};
use sealpost_vault::OperationId;
use sealpost_vault_http::json;
use zeroize::Zeroizing;

use crate::place::Place;

/// Where the service keeps copies of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Replication {
    /// Where the service chooses.
    Automatic,
    /// In these locations.
    Locations(Vec<String>),
}

/// Returns the body of a request that creates a secret without a value.
pub(crate) fn creation(place: &Place, replication: &Replication, operation: &OperationId) -> Bytes {
    let replication = match (&place.location, replication) {
        // A regional secret is where its endpoint is.
        (Some(_), _) => String::new(),
        (None, Replication::Automatic) => "\"replication\":{\"automatic\":{}},".to_owned(),
        (None, Replication::Locations(locations)) => {
            let replicas: Vec<_> = locations
                .iter()
                .map(|location| format!("{{\"location\":\"{location}\"}}"))
                .collect();
            format!(
                "\"replication\":{{\"userManaged\":{{\"replicas\":[{}]}}}},",
                replicas.join(",")
            )
        }
    };
    let operation = label(operation);
    format!(
        "{{{replication}\"labels\":{{\"{OWNER}\":\"{OWNER_VALUE}\",\"{OPERATION}\":\"{operation}\"}}}}"
    )
    .into()
}

/// Returns the body of a request that adds a version with this value.
pub(crate) fn version(value: &[u8]) -> Bytes {
    let checksum = format!("\",\"dataCrc32c\":\"{}\"}}}}", checksum(value));
    Bytes::from_owner(json::with_base64(
        "{\"payload\":{\"data\":\"",
        value,
        &checksum,
    ))
}

/// Returns whether the labels of a secret say that this operation created it.
pub(crate) fn has_operation(body: &[u8], operation: &OperationId) -> bool {
    let text = |name| json::string(body, &["labels", name]);
    text(OWNER).is_some_and(|owner| *owner == OWNER_VALUE)
        && text(OPERATION).is_some_and(|there| *there == label(operation))
}

/// A value is not what its checksum says.
#[derive(Debug)]
pub(crate) struct Altered;

/// Returns the value of a version; `None` if the answer has none.
pub(crate) fn value(body: &[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, Altered> {
    // An empty value may be left out, as JSON of Protocol Buffers does.
    let Some(value) = json::base64(body, &["payload", "data"]).or_else(|| is_empty(body)) else {
        return Ok(None);
    };
    // Versions that other software added need not have one.
    let told = json::part(body, &["payload", "dataCrc32c"])
        .map(|told| told.trim_matches('"').parse::<u32>().ok());
    match told {
        Some(told) if told != Some(checksum(&value)) => Err(Altered),
        _ => Ok(Some(value)),
    }
}

fn is_empty(body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    json::part(body, &["payload"])?;
    let has_data = json::part(body, &["payload", "data"]).is_some();
    (!has_data).then(Zeroizing::default)
}

/// Returns whether two values are the same, in a time that tells only their lengths.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

fn checksum(value: &[u8]) -> u32 {
    CRC_32C.checksum(value)
}

/// A label holds 63 characters: the last four bits are left out, and 252 are enough to tell operations apart.
fn label(operation: &OperationId) -> String {
    let mut digits = json::hex(operation.as_bytes());
    digits.truncate(63);
    digits
}

static CRC_32C: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);
const OWNER: &str = "managed-by";
const OWNER_VALUE: &str = "sealpost";
const OPERATION: &str = "sealpost-operation";

#[cfg(test)]
mod tests {
    use super::*;

    const OPERATION_7: OperationId = OperationId::from_bytes([0x77; 32]);

    fn place(location: Option<&str>) -> Place {
        Place {
            project: "p1".to_owned(),
            location: location.map(str::to_owned),
        }
    }

    #[test]
    fn labels_say_which_operation_created_a_secret() {
        let body = creation(&place(None), &Replication::Automatic, &OPERATION_7);
        assert!(has_operation(&body, &OPERATION_7));
        assert!(!has_operation(&body, &OperationId::from_bytes([8; 32])));
        assert!(body.starts_with(b"{\"replication\":{\"automatic\":{}},\"labels\""));
        // A person's label alone makes no secret ours.
        let foreign = format!(
            "{{\"labels\":{{\"{OPERATION}\":\"{}\"}}}}",
            label(&OPERATION_7)
        );
        assert!(!has_operation(foreign.as_bytes(), &OPERATION_7));
        assert!(!has_operation(b"{}", &OPERATION_7));
    }

    #[test]
    fn replication_is_as_configured_and_none_for_regional_secrets() {
        let locations = Replication::Locations(vec!["a1".to_owned(), "b2".to_owned()]);
        let body = creation(&place(None), &locations, &OPERATION_7);
        let text = std::str::from_utf8(&body).unwrap();
        assert!(
            text.contains(
                "{\"userManaged\":{\"replicas\":[{\"location\":\"a1\"},{\"location\":\"b2\"}]}}"
            ),
            "{text}"
        );
        let body = creation(&place(Some("a1")), &locations, &OPERATION_7);
        assert!(body.starts_with(b"{\"labels\""));
    }

    #[test]
    fn a_value_that_its_checksum_does_not_fit_is_noticed() {
        // The check value of CRC-32C.
        assert_eq!(checksum(b"123456789"), 0xe306_9283);
        for bytes in [&b""[..], b"a", &[0xff; 65_536]] {
            assert_eq!(value(&version(bytes)).unwrap().unwrap()[..], *bytes);
        }
        let body = String::from_utf8(version(b"abc").to_vec()).unwrap();
        assert!(value(body.replace("YWJj", "YWJk").as_bytes()).is_err());
        assert!(value(br#"{"payload":{"data":"YWJj","dataCrc32c":"x"}}"#).is_err());
        let without = value(br#"{"payload":{"data":"YWJj"}}"#);
        assert_eq!(without.unwrap().unwrap()[..], *b"abc");
        assert_eq!(value(br#"{"payload":{}}"#).unwrap().unwrap()[..], *b"");
        assert!(value(b"{}").unwrap().is_none());
        assert!(value(br#"{"payload":{"data":"!"}}"#).unwrap().is_none());
    }
}
