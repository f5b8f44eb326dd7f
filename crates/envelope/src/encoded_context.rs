//! The encoding of a context that a message commits to.

use sealpost_context::SecretContext;

/// `enc(context)`, the injective encoding that the commitment covers:
///
/// ```text
/// str(s) = u64 |s| ‖ s            opt(x) = 0x00, or 0x01 ‖ x
/// enc    = "sealpost/v1/context" ‖ str(agent) ‖ opt(project[16]) ‖ str(name) ‖ opt(str(key)) ‖ opt(str(type))
/// ```
///
/// Lengths have eight bytes so that no text can be too long to encode.
pub(crate) struct EncodedContext<'a> {
    context: &'a SecretContext<'a>,
    agent_length: [u8; 8],
    project: ([u8; 17], usize),
    name_length: [u8; 8],
    key_head: ([u8; 9], usize),
    type_head: ([u8; 9], usize),
}

impl<'a> EncodedContext<'a> {
    pub(crate) fn new(context: &'a SecretContext<'a>) -> Self {
        let mut project = ([0; 17], 1);
        if let Some(id) = context.project_id() {
            let [presence, bytes @ ..] = &mut project.0;
            *presence = 1;
            *bytes = *id.as_bytes();
            project.1 = 17;
        }
        Self {
            context,
            agent_length: length(context.agent_id()),
            project,
            name_length: length(context.name()),
            key_head: optional_head(context.key()),
            type_head: optional_head(context.secret_type()),
        }
    }

    /// The encoding in pieces, to be hashed one after the other.
    pub(crate) fn parts(&self) -> [&[u8]; 10] {
        [
            DOMAIN,
            &self.agent_length,
            self.context.agent_id().as_bytes(),
            self.project.0.get(..self.project.1).unwrap_or_default(),
            &self.name_length,
            self.context.name().as_bytes(),
            self.key_head.0.get(..self.key_head.1).unwrap_or_default(),
            self.context.key().unwrap_or_default().as_bytes(),
            self.type_head.0.get(..self.type_head.1).unwrap_or_default(),
            self.context.secret_type().unwrap_or_default().as_bytes(),
        ]
    }
}

fn length(text: &str) -> [u8; 8] {
    // A usize has at most 64 bits on every target there is.
    u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes()
}

fn optional_head(text: Option<&str>) -> ([u8; 9], usize) {
    let mut head = [0; 9];
    let Some(text) = text else { return (head, 1) };
    let [presence, bytes @ ..] = &mut head;
    *presence = 1;
    *bytes = length(text);
    (head, 9)
}

const DOMAIN: &[u8] = b"sealpost/v1/context";

#[cfg(test)]
mod tests {
    use alloc::{string::String, vec::Vec};

    use proptest::prelude::*;
    use sealpost_context::ProjectId;

    use super::*;

    fn encode(context: &SecretContext<'_>) -> Vec<u8> {
        EncodedContext::new(context).parts().concat()
    }

    #[test]
    fn encoding_is_as_specified() {
        let context = SecretContext::unchecked("a1", "n")
            .with_project(ProjectId::from_bytes([7; 16]))
            .with_unchecked_key("");
        let mut expected = Vec::new();
        expected.extend_from_slice(b"sealpost/v1/context");
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x02a1");
        expected.push(1);
        expected.extend_from_slice(&[7; 16]);
        expected.extend_from_slice(b"\0\0\0\0\0\0\0\x01n");
        expected.extend_from_slice(b"\x01\0\0\0\0\0\0\0\0");
        expected.push(0);
        assert_eq!(encode(&context), expected);
    }

    proptest! {
        #[test]
        fn encoding_is_injective(
            a in any::<(String, Option<[u8; 16]>, String, Option<String>, Option<String>)>(),
            b in any::<(String, Option<[u8; 16]>, String, Option<String>, Option<String>)>(),
        ) {
            fn context(
                (agent_id, project_id, name, key, secret_type):
                    &(String, Option<[u8; 16]>, String, Option<String>, Option<String>),
            ) -> SecretContext<'_> {
                let mut context = SecretContext::unchecked(agent_id, name);
                if let Some(project) = project_id {
                    context = context.with_project(ProjectId::from_bytes(*project));
                }
                if let Some(key) = key {
                    context = context.with_unchecked_key(key);
                }
                if let Some(secret_type) = secret_type {
                    context = context.with_unchecked_type(secret_type);
                }
                context
            }
            prop_assert_eq!(encode(&context(&a)) == encode(&context(&b)), a == b);
        }
    }
}
