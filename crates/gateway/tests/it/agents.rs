//! Which certificates may stand for an agent.

use sealpost_channel::SigningKey;
use sealpost_envelope::{Certificate, TrustPolicy, trust::TrustError};
use sealpost_gateway::directory::{AgentEntry, AgentEntryError};

const CERTIFICATE: &[u8] = include_bytes!("../../../../testdata/keys/agent-a2048.pem");
const OTHER: &[u8] = include_bytes!("../../../../testdata/keys/agent-b2048.pem");

fn entry(id: &str, certificate: &[u8], trust: &TrustPolicy) -> Result<AgentEntry, AgentEntryError> {
    let key = SigningKey::generate().unwrap().verify_key().clone();
    AgentEntry::new(id.parse().unwrap(), certificate, trust, key)
}

#[test]
fn a_pinned_certificate_of_this_agent_is_taken() {
    let pin = Certificate::from_pem(CERTIFICATE).unwrap().fingerprint();
    let entry = entry("a2048", CERTIFICATE, &TrustPolicy::pinned([pin])).unwrap();
    assert_eq!(entry.id().as_str(), "a2048");
    assert_eq!(entry.certificate().fingerprint(), pin);
}

#[test]
fn others_are_refused() {
    let pin = Certificate::from_pem(CERTIFICATE).unwrap().fingerprint();
    let not_pinned = entry("b2048", OTHER, &TrustPolicy::pinned([pin])).err();
    assert!(
        matches!(
            not_pinned,
            Some(AgentEntryError::Certificate(TrustError::NotPinned { .. }))
        ),
        "{not_pinned:?}"
    );
    // Trusted, and another agent's.
    let of_another = entry("b2048", CERTIFICATE, &TrustPolicy::danger_any_certificate()).err();
    assert!(
        matches!(of_another, Some(AgentEntryError::OtherAgent(_))),
        "{of_another:?}"
    );
    assert!(entry("a2048", b"nothing", &TrustPolicy::danger_any_certificate()).is_err());
}
