//! The limits of an agent's vault, checked before a value is sealed.

use std::sync::Arc;

use axum::Router;
use sealpost_carrier::InProcess;
use sealpost_channel::SigningKey;
use sealpost_envelope::{SecretContext, TrustPolicy};
use sealpost_gateway::{
    Gateway, JwtAuthenticator, StaticDirectory, TokenPolicy,
    auth::KeySet,
    directory::{AgentEntry, AgentVault},
};
use sealpost_protocol::Clock as _;
use sealpost_vault::{Limits, VaultKind};

use crate::{
    harness::{AGENT, Answer, CERTIFICATE, PROJECT, TestClock, request, send, short_limits},
    issuer::Issuer,
    sealed::{JOSE, compact},
};

/// A gateway without a single agent that is connected: what it refuses, it refuses before it has asked.
struct Gate {
    router: Router,
    issuer: Issuer,
}

impl Gate {
    fn before(vault: Option<AgentVault>) -> Self {
        let clock = TestClock::new();
        let issuer = Issuer::new(clock.now().as_secs());
        let trust = TrustPolicy::danger_any_certificate();
        let key = SigningKey::generate().unwrap();
        let mut entry = AgentEntry::new(
            AGENT.parse().unwrap(),
            CERTIFICATE,
            &trust,
            key.verify_key().clone(),
        )
        .unwrap();
        if let Some(vault) = vault {
            entry = entry.with_vault(vault);
        }
        let policy = TokenPolicy::new(Issuer::NAME, Issuer::AUDIENCE);
        let keys = KeySet::from_jwks(&issuer.jwks()).unwrap();
        let gateway = Gateway::new(
            Arc::new(JwtAuthenticator::new(policy, keys)),
            Arc::new(StaticDirectory::from_iter([entry])),
            Arc::new(InProcess::new(1)),
            key,
        )
        .with_clock(clock)
        .with_limits(short_limits());
        Self {
            router: gateway.router(),
            issuer,
        }
    }

    fn of(kind: VaultKind) -> Self {
        Self::before(Some(AgentVault::new(kind, kind.limits())))
    }

    async fn post(&self, path: &str, name: &str, value_len: usize) -> Answer {
        let filler = "x".repeat(value_len - r#"{"p":""}"#.len());
        let body = format!(r#"{{"secret":{{"name":"{name}","value":{{"p":"{filler}"}}}}}}"#);
        send(&self.router, request(&self.issuer, path, body)).await
    }
}

#[tokio::test]
async fn the_gateway_checks_the_limits_of_the_agents_kind_of_vault_before_sealing() {
    for kind in VaultKind::KNOWN {
        let max = kind.limits().max_value;
        let gate = Gate::of(kind);
        // The endpoint's own limit.
        let fits = gate.post(AGENT, "n", max.min(64 * 1024)).await;
        assert_eq!(fits.problem(), "agent-offline", "{kind}");
        if max >= 64 * 1024 {
            continue;
        }
        let long = gate.post(AGENT, "n", max + 1).await;
        assert_eq!(long.problem(), "invalid-request", "{kind}");
        let violation = format!(
            "#/secret/value: has {} bytes, and the agent's vault takes {max}; store less under one name",
            max + 1
        );
        assert_eq!(long.violations(), [violation], "{kind}");
    }
}

#[tokio::test]
async fn the_limit_of_one_vault_may_be_lower_than_that_of_its_kind() {
    let kind = VaultKind::KV2;
    let limits = Limits {
        max_name: 100,
        max_value: 50,
    };
    let gate = Gate::before(Some(AgentVault::new(kind, limits)));
    let fits = gate.post(AGENT, &"n".repeat(100), 50).await;
    assert_eq!(fits.problem(), "agent-offline");
    let long = gate.post(AGENT, &"n".repeat(101), 51).await;
    assert_eq!(long.problem(), "invalid-request");
    let expected = [
        "#/secret/name: has 101 bytes in the agent's vault, which takes 100; choose a shorter one",
        "#/secret/value: has 51 bytes, and the agent's vault takes 50; store less under one name",
    ];
    assert_eq!(long.violations(), expected);
    // A project stands before the name in the vault.
    let path = format!("{AGENT}?projectId={PROJECT}");
    let long = gate.post(&path, &"n".repeat(67), 50).await;
    let expected =
        "#/secret/name: has 101 bytes in the agent's vault, which takes 100; choose a shorter one";
    assert_eq!(long.violations(), [expected]);
    let fits = gate.post(&path, &"n".repeat(66), 50).await;
    assert_eq!(fits.problem(), "agent-offline");
}

/// The gateway does not see the value, and the agent does.
#[tokio::test]
async fn of_a_value_that_the_caller_has_sealed_the_name_is_checked() {
    let limits = Limits {
        max_name: 100,
        max_value: 50,
    };
    let gate = Gate::before(Some(AgentVault::new(VaultKind::KV2, limits)));
    let value = format!("{{\"p\":\"{}\"}}", "x".repeat(100));
    for (length, expected) in [(100, "agent-offline"), (101, "invalid-request")] {
        let name = "n".repeat(length);
        let sealed = compact(&SecretContext::unchecked(AGENT, &name), value.as_bytes());
        let mut request = request(&gate.issuer, AGENT, sealed);
        let media_type = JOSE.parse().unwrap();
        request.headers_mut().insert("content-type", media_type);
        let answer = send(&gate.router, request).await;
        assert_eq!(answer.problem(), expected, "{answer}");
    }
}

#[tokio::test]
async fn a_name_that_is_too_long_for_its_kind_of_vault_is_rewritten() {
    for kind in VaultKind::KNOWN {
        let answer = Gate::of(kind).post(AGENT, &"n".repeat(512), 50).await;
        assert_eq!(answer.problem(), "agent-offline", "{kind}");
    }
}

#[tokio::test]
async fn the_limits_of_a_vault_that_is_not_known_are_the_agents_to_check() {
    let answer = Gate::before(None).post(AGENT, "n", 64 * 1024).await;
    assert_eq!(answer.problem(), "agent-offline");
}
