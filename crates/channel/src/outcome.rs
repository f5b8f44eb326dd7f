//! Outcomes: what became of a request.
//!
//! ```text
//! outcome = u8 code ‖ fields        s(x) = u16(|x|) ‖ x
//! list    = u8 count (1–64) ‖ s(x)…         set = u8 count ‖ bytes, ascending
//! ```

use crate::{
    frame::MAX_OUTCOME,
    reader::{Malformed, Reader},
};

/// What became of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// It is in the vault, durably.
    Stored {
        /// What pipelines resolve.
        resolver_ref: String,
        /// The name in the vault.
        vault_secret_name: String,
    },
    /// It broke a rule.
    Refused(Vec<String>),
    /// The name is taken.
    Exists,
    /// The name was deleted and the vault still holds it.
    PendingDeletion,
    /// What was sealed could not be read, before a private key was used.
    Unreadable(String),
    /// What was sealed does not open, and there is no reason to be had.
    DoesNotOpen,
    /// The agent takes other kinds: these.
    NotAccepted(Vec<u8>),
    /// What was sealed says that it is for another agent or project than it was sent to.
    ContextMismatch(Vec<String>),
    /// The idempotency key was used before, for something else.
    KeyReused,
    /// The agent can take no more for now.
    Busy,
    /// It came too late.
    Expired,
    /// Something failed at the agent; its log says what.
    Failed,
    /// The channel's number was used before, for something else: one of two gateways is a copy.
    Reused,
    /// The agent knows other verbs: these.
    UnknownVerb(Vec<u8>),
    /// The body breaks the format.
    Malformed,
}

/// What an outcome says about all agent processes together: a carrier that delivered twice may have picked the answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Certainty {
    /// It holds for all: the vault knows the operation.
    Holds,
    /// This agent process stored nothing.
    NotStoredHere,
    /// The secret may be stored or not.
    Unknown,
}

impl Outcome {
    /// What a gateway may say of it.
    #[must_use]
    pub const fn certainty(&self) -> Certainty {
        match self {
            Self::Stored { .. } | Self::Exists | Self::PendingDeletion => Certainty::Holds,
            Self::Refused(_)
            | Self::Unreadable(_)
            | Self::DoesNotOpen
            | Self::NotAccepted(_)
            | Self::ContextMismatch(_)
            | Self::KeyReused => Certainty::NotStoredHere,
            Self::Busy
            | Self::Expired
            | Self::Failed
            | Self::Reused
            | Self::UnknownVerb(_)
            | Self::Malformed => Certainty::Unknown,
        }
    }

    /// Returns the name that stands in logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Stored { .. } => "stored",
            Self::Refused(_) => "refused",
            Self::Exists => "exists",
            Self::PendingDeletion => "pending-deletion",
            Self::Unreadable(_) => "unreadable",
            Self::DoesNotOpen => "does-not-open",
            Self::NotAccepted(_) => "not-accepted",
            Self::ContextMismatch(_) => "context-mismatch",
            Self::KeyReused => "key-reused",
            Self::Busy => "busy",
            Self::Expired => "expired",
            Self::Failed => "failed",
            Self::Reused => "reused",
            Self::UnknownVerb(_) => "unknown-verb",
            Self::Malformed => "malformed",
        }
    }

    /// Returns whether a replay gets it again.
    pub(crate) const fn is_remembered(&self) -> bool {
        !matches!(self, Self::Busy | Self::Failed | Self::Malformed)
    }

    /// The bytes. What can't be said in the format (an empty text, a list of none, more than 65,536 bytes) is
    /// [`Failed`](Self::Failed).
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![self.code()];
        let put = match self {
            Self::Stored {
                resolver_ref,
                vault_secret_name,
            } => put_text(&mut out, resolver_ref)
                .and_then(|()| put_text(&mut out, vault_secret_name)),
            Self::Refused(violations) | Self::ContextMismatch(violations) => {
                put_list(&mut out, violations)
            }
            Self::Unreadable(reason) => put_text(&mut out, cut(reason)),
            Self::NotAccepted(known) | Self::UnknownVerb(known) => put_set(&mut out, known),
            Self::Exists
            | Self::PendingDeletion
            | Self::DoesNotOpen
            | Self::KeyReused
            | Self::Busy
            | Self::Expired
            | Self::Failed
            | Self::Reused
            | Self::Malformed => Some(()),
        };
        match put {
            Some(()) if out.len() <= MAX_OUTCOME => out,
            _ => vec![Self::Failed.code()],
        }
    }

    /// Reads the bytes. A code that is not known, of a later release, is [`Failed`](Self::Failed).
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let outcome = match reader.u8()? {
            1 => Self::Stored {
                resolver_ref: reader.text(MAX_OUTCOME)?.to_owned(),
                vault_secret_name: reader.text(MAX_OUTCOME)?.to_owned(),
            },
            2 => Self::Refused(list(&mut reader)?),
            3 => Self::Exists,
            4 => Self::PendingDeletion,
            5 => Self::Unreadable(reader.text(MAX_OUTCOME)?.to_owned()),
            6 => Self::DoesNotOpen,
            7 => Self::NotAccepted(set(&mut reader)?),
            8 => Self::ContextMismatch(list(&mut reader)?),
            9 => Self::KeyReused,
            10 => Self::Busy,
            11 => Self::Expired,
            12 => Self::Failed,
            13 => Self::Reused,
            14 => Self::UnknownVerb(set(&mut reader)?),
            15 => Self::Malformed,
            _ => return Ok(Self::Failed),
        };
        reader.end()?;
        Ok(outcome)
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Stored { .. } => 1,
            Self::Refused(_) => 2,
            Self::Exists => 3,
            Self::PendingDeletion => 4,
            Self::Unreadable(_) => 5,
            Self::DoesNotOpen => 6,
            Self::NotAccepted(_) => 7,
            Self::ContextMismatch(_) => 8,
            Self::KeyReused => 9,
            Self::Busy => 10,
            Self::Expired => 11,
            Self::Failed => 12,
            Self::Reused => 13,
            Self::UnknownVerb(_) => 14,
            Self::Malformed => 15,
        }
    }
}

fn list(reader: &mut Reader<'_>) -> Result<Vec<String>, Malformed> {
    let count = usize::from(reader.u8()?);
    if count == 0 || count > MAX_LIST {
        return Err(Malformed("a list has 1 to 64 items"));
    }
    (0..count)
        .map(|_| reader.text(MAX_ITEM).map(str::to_owned))
        .collect()
}

fn set(reader: &mut Reader<'_>) -> Result<Vec<u8>, Malformed> {
    let set = reader.short()?;
    match set.is_sorted_by(|a, b| a < b) {
        true => Ok(set.to_vec()),
        false => Err(Malformed("a set is not in ascending order")),
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) -> Option<()> {
    let length = u16::try_from(text.len())
        .ok()
        .filter(|length| *length > 0)?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Some(())
}

fn put_list(out: &mut Vec<u8>, items: &[String]) -> Option<()> {
    let items = items.get(..MAX_LIST).unwrap_or(items);
    out.push(u8::try_from(items.len()).ok().filter(|count| *count > 0)?);
    items.iter().try_for_each(|item| put_text(out, cut(item)))
}

fn put_set(out: &mut Vec<u8>, set: &[u8]) -> Option<()> {
    if !set.is_sorted_by(|a, b| a < b) {
        return None;
    }
    out.push(u8::try_from(set.len()).ok()?);
    out.extend_from_slice(set);
    Some(())
}

/// At most 1,000 bytes, up to a character's end.
fn cut(text: &str) -> &str {
    let end = (0..=MAX_ITEM.min(text.len()))
        .rev()
        .find(|end| text.is_char_boundary(*end));
    end.and_then(|end| text.get(..end)).unwrap_or(text)
}

const MAX_LIST: usize = 64;
const MAX_ITEM: usize = 1000;
