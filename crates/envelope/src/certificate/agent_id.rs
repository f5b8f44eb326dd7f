//! The ids of agents, as certificates name them.

use alloc::vec::Vec;

use der::{Tag, Tagged as _};

use sealpost_context::AgentId;

use super::{CertificateError, strict};

/// Returns the agents named in the value of a subjectAltName (RFC 5280 §4.2.1.6):
///
/// ```text
/// SubjectAltName ::= SEQUENCE SIZE (1..MAX) OF GeneralName
/// GeneralName    ::= CHOICE { … uniformResourceIdentifier [6] IA5String, … }
/// ```
///
/// Names of other forms are skipped, whatever they hold.
pub(super) fn all_in(subject_alt_name: &[u8]) -> Result<Vec<AgentId>, CertificateError> {
    let names = strict::only(subject_alt_name, Tag::Sequence)?;
    let mut ids = Vec::new();
    for name in strict::fields(names.value()) {
        let name = name?;
        let Tag::ContextSpecific {
            number,
            constructed,
        } = name.tag()
        else {
            return Err(CertificateError::Malformed);
        };
        match (number.value(), constructed) {
            (6, false) => ids.extend(in_uri(name.value())?),
            (1 | 2 | 7 | 8, false) | (0 | 3 | 4 | 5, true) => {}
            // X.690 §10.2: strings in pieces are BER.
            (1 | 2 | 6 | 7 | 8, true) => return Err(CertificateError::NotDer),
            _ => return Err(CertificateError::Malformed),
        }
    }
    Ok(ids)
}

/// The agent that a URI names; `None` if it names something else. A URN's first two parts are
/// compared without case (RFC 8141 §3.1): one in another spelling, or with an id that none can have,
/// is refused rather than skipped.
fn in_uri(uri: &[u8]) -> Result<Option<AgentId>, CertificateError> {
    match uri.split_at_checked(PREFIX.len()) {
        Some((urn, id)) if urn == PREFIX => AgentId::try_from(id)
            .map(Some)
            .map_err(|_| CertificateError::AgentId),
        Some((urn, _)) if urn.eq_ignore_ascii_case(PREFIX) => Err(CertificateError::AgentId),
        Some(_) | None => Ok(None),
    }
}

const PREFIX: &[u8] = AgentId::URN_PREFIX.as_bytes();

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn ids_are_taken_exactly_and_strictly() {
        let id = |uri: &str| in_uri(uri.as_bytes()).map(|id| id.map(|id| format!("{id}")));
        let longest = "x".repeat(64);
        for good in ["a", "Agent-1_b", "-", &longest] {
            assert_eq!(
                id(&format!("urn:sealpost:agent:{good}")),
                Ok(Some(good.into()))
            );
        }
        for bad in [
            "",
            "a b",
            "a%20",
            "a.b",
            "a?=b",
            "a#b",
            "ä",
            "a\0",
            &"x".repeat(65),
        ] {
            let uri = format!("urn:sealpost:agent:{bad}");
            assert_eq!(id(&uri), Err(CertificateError::AgentId), "{uri}");
        }
        for spelling in [
            "URN:sealpost:agent:a",
            "urn:SealPost:agent:a",
            "urn:sealpost:Agent:a",
        ] {
            assert_eq!(id(spelling), Err(CertificateError::AgentId), "{spelling}");
        }
        for other in [
            "",
            "urn:sealpost:agent",
            "urn:sealpost:agents:a",
            "https://agent/a",
        ] {
            assert_eq!(id(other), Ok(None), "{other}");
        }
    }
}
