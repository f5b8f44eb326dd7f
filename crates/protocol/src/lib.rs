//! What gateway and agent share beside their channels: a clock, and the rules for values that were sealed at the source.

pub mod clock;
pub mod single_use;

pub use clock::Clock;
use sealpost_context::{Owner, SecretContext};

/// Returns in what the context of a value differs from where the value was sent to: `agentId: …`, `projectId: …`.
#[must_use]
pub fn mismatches(owner: &Owner, context: &SecretContext<'_>) -> Vec<String> {
    let mut violations = Vec::new();
    if owner.agent.as_str() != context.agent_id() {
        violations.push(
            "agentId: the value is sealed for another agent; send it to the one that its context names"
                .into(),
        );
    }
    if owner.project != context.project_id() {
        violations.push(
            "projectId: the value is sealed for another project, or for none; give the one that its context names"
                .into(),
        );
    }
    violations
}
