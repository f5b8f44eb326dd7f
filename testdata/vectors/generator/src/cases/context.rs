//! Messages opened under another context than they were sealed for.

use super::{CONTEXT, Keys, Parts, failure};
use crate::vector::{Context, Vector};

pub(crate) fn cases(keys: &Keys) -> Vec<Vector> {
    let mut project = CONTEXT.project;
    if let Some(project) = &mut project {
        project[15] ^= 1;
    }
    [
        (
            "agent",
            "another agent",
            Context {
                agent: "agent-2",
                ..CONTEXT
            },
        ),
        (
            "agent_case",
            "the agent in another case",
            Context {
                agent: "Agent-1",
                ..CONTEXT
            },
        ),
        ("project", "another project", Context { project, ..CONTEXT }),
        (
            "no_project",
            "no project",
            Context {
                project: None,
                ..CONTEXT
            },
        ),
        (
            "name",
            "another name",
            Context {
                name: "my-secret2",
                ..CONTEXT
            },
        ),
        (
            "name_prefix",
            "the front of the name",
            Context {
                name: "my-secre",
                ..CONTEXT
            },
        ),
        (
            "key",
            "another key",
            Context {
                key: Some("user"),
                ..CONTEXT
            },
        ),
        (
            "no_key",
            "no key",
            Context {
                key: None,
                ..CONTEXT
            },
        ),
        (
            "empty_key",
            "an empty key",
            Context {
                key: Some(""),
                ..CONTEXT
            },
        ),
        (
            "type",
            "another type",
            Context {
                secret_type: Some("TOKEN"),
                ..CONTEXT
            },
        ),
        (
            "no_type",
            "no type",
            Context {
                secret_type: None,
                ..CONTEXT
            },
        ),
        (
            "swapped",
            "key and type exchanged",
            Context {
                key: CONTEXT.secret_type,
                secret_type: CONTEXT.key,
                ..CONTEXT
            },
        ),
        (
            "moved",
            "a character moved from the name to the agent",
            Context {
                agent: "agent-1m",
                name: "y-secret",
                ..CONTEXT
            },
        ),
    ]
    .into_iter()
    .map(|(name, comment, context)| {
        let name = format!("context_{name}");
        let envelope = Parts::new(&name, &[&keys.a2048]).envelope();
        let mut vector = failure(&name, "open failure", "C1", comment, envelope);
        vector.contexts = vec![context];
        vector
    })
    .collect()
}
