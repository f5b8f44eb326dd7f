//! The id of an agent.

use core::fmt;
use core::str::FromStr;

use crate::error::{Field, InvalidIdentifier, Rule};
use crate::limits::MAX_AGENT_ID;

/// An agent's id: 1 to 64 of `A-Z a-z 0-9 _ -`.
///
/// The alphabet makes it safe as a subject of a broker, in a URN and in a log line. It lies in a buffer of its own and
/// is copied freely.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct AgentId {
    /// Zeros behind the id, so that comparison and hash are those of the text.
    bytes: [u8; MAX_AGENT_ID],
    length: u8,
}

impl AgentId {
    /// What stands before the id where an agent is named in messages and certificates: `urn:sealpost:agent:`.
    pub const URN_PREFIX: &'static str = "urn:sealpost:agent:";

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.bytes
            .get(..usize::from(self.length))
            .and_then(|id| core::str::from_utf8(id).ok())
            .unwrap_or_default()
    }

    /// How the agent is named in messages and certificates: `urn:sealpost:agent:<id>`.
    #[cfg(feature = "alloc")]
    #[must_use]
    pub fn urn(&self) -> alloc::string::String {
        [Self::URN_PREFIX, self.as_str()].concat()
    }
}

impl TryFrom<&[u8]> for AgentId {
    type Error = InvalidIdentifier;

    fn try_from(id: &[u8]) -> Result<Self, Self::Error> {
        let invalid = InvalidIdentifier::new(Field::AgentId, Rule::Form);
        let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if id.is_empty() || !id.iter().all(allowed) {
            return Err(invalid);
        }
        let mut bytes = [0; MAX_AGENT_ID];
        let room = bytes.get_mut(..id.len()).ok_or(invalid)?;
        room.copy_from_slice(id);
        let length = u8::try_from(id.len()).map_err(|_| invalid)?;
        Ok(Self { bytes, length })
    }
}

impl TryFrom<&str> for AgentId {
    type Error = InvalidIdentifier;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.as_bytes().try_into()
    }
}

impl FromStr for AgentId {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.try_into()
    }
}

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentId({self})")
    }
}
