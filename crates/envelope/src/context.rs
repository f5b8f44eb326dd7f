//! What a sealed value is for, bound to it so that it opens for nothing else.

/// The secret that a message is sealed for: agent, project, name, key and type.
///
/// Each message commits to its context. A value sealed for one name, key, type, project or agent opens
/// for no other, and an absent field differs from an empty one. The texts are compared as bytes, without
/// Unicode normalisation. What they may hold is the endpoint's business; here any text goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct SecretContext<'a> {
    agent_id: &'a str,
    project_id: Option<[u8; 16]>,
    name: &'a str,
    key: Option<&'a str>,
    secret_type: Option<&'a str>,
}

impl<'a> SecretContext<'a> {
    /// The secret `name` of the agent `agent_id`, without project, key and type.
    #[must_use]
    pub const fn new(agent_id: &'a str, name: &'a str) -> Self {
        Self {
            agent_id,
            project_id: None,
            name,
            key: None,
            secret_type: None,
        }
    }

    /// In this project: the 16 bytes of its UUID in network order (RFC 9562 §4).
    #[must_use]
    pub const fn with_project(mut self, project_id: [u8; 16]) -> Self {
        self.project_id = Some(project_id);
        self
    }

    /// With this top-level property as the one that is referenced.
    #[must_use]
    pub const fn with_key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Of this type.
    #[must_use]
    pub const fn with_type(mut self, secret_type: &'a str) -> Self {
        self.secret_type = Some(secret_type);
        self
    }

    /// The agent's id.
    #[must_use]
    pub const fn agent_id(&self) -> &'a str {
        self.agent_id
    }

    /// The project's UUID, if there is one.
    #[must_use]
    pub const fn project_id(&self) -> Option<[u8; 16]> {
        self.project_id
    }

    /// The secret's name.
    #[must_use]
    pub const fn name(&self) -> &'a str {
        self.name
    }

    /// The referenced top-level property, if there is one.
    #[must_use]
    pub const fn key(&self) -> Option<&'a str> {
        self.key
    }

    /// The secret's type, if there is one.
    #[must_use]
    pub const fn secret_type(&self) -> Option<&'a str> {
        self.secret_type
    }
}

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
        if let Some(id) = context.project_id {
            let [presence, bytes @ ..] = &mut project.0;
            *presence = 1;
            *bytes = id;
            project.1 = 17;
        }
        Self {
            context,
            agent_length: length(context.agent_id),
            project,
            name_length: length(context.name),
            key_head: optional_head(context.key),
            type_head: optional_head(context.secret_type),
        }
    }

    /// The encoding in pieces, to be hashed one after the other.
    pub(crate) fn parts(&self) -> [&[u8]; 10] {
        [
            DOMAIN,
            &self.agent_length,
            self.context.agent_id.as_bytes(),
            self.project.0.get(..self.project.1).unwrap_or_default(),
            &self.name_length,
            self.context.name.as_bytes(),
            self.key_head.0.get(..self.key_head.1).unwrap_or_default(),
            self.context.key.unwrap_or_default().as_bytes(),
            self.type_head.0.get(..self.type_head.1).unwrap_or_default(),
            self.context.secret_type.unwrap_or_default().as_bytes(),
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

    use super::*;

    fn encode(context: &SecretContext<'_>) -> Vec<u8> {
        EncodedContext::new(context).parts().concat()
    }

    #[test]
    fn encoding_is_as_specified() {
        let context = SecretContext::new("a1", "n")
            .with_project([7; 16])
            .with_key("");
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
                SecretContext {
                    agent_id,
                    project_id: *project_id,
                    name,
                    key: key.as_deref(),
                    secret_type: secret_type.as_deref(),
                }
            }
            prop_assert_eq!(encode(&context(&a)) == encode(&context(&b)), a == b);
        }
    }
}
