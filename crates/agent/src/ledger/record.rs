//! An entry in bytes.
//!
//! ```text
//! record = version u8 (1) ‖ payload [32] ‖ expires u64 ‖ kind u8 ‖ [ u16 ‖ resolver_ref ‖ vault secret name ]
//! ```
//!
//! Numbers are big-endian; the part in brackets is there for kind 0, stored. Kind 3 is a request that was begun and whose
//! outcome is not known.

use sealpost_channel::Outcome;
use sealpost_envelope::UnixTime;

use crate::digests::Digest;

/// What is remembered of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Record {
    pub(super) payload: Digest,
    pub(super) expires_at: UnixTime,
    /// `None`: the request was begun, and what became of it is not known.
    pub(super) outcome: Option<Outcome>,
}

impl Record {
    pub(super) const fn begun(payload: Digest, expires_at: UnixTime) -> Self {
        Self {
            payload,
            expires_at,
            outcome: None,
        }
    }

    /// `None` if the outcome is not final.
    pub(super) fn ended(payload: Digest, expires_at: UnixTime, outcome: &Outcome) -> Option<Self> {
        kind(outcome)?;
        Some(Self {
            payload,
            expires_at,
            outcome: Some(outcome.clone()),
        })
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(256);
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.payload);
        bytes.extend_from_slice(&self.expires_at.as_secs().to_be_bytes());
        bytes.extend(match &self.outcome {
            None => Some(BEGUN),
            Some(outcome) => kind(outcome),
        });
        if let Some(Outcome::Stored {
            resolver_ref,
            vault_secret_name,
        }) = &self.outcome
        {
            // A reference has at most 3 × (512 + 256) bytes and a few.
            let length = u16::try_from(resolver_ref.len()).unwrap_or(u16::MAX);
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(resolver_ref.as_bytes());
            bytes.extend_from_slice(vault_secret_name.as_bytes());
        }
        bytes
    }

    /// Returns `None` if it is not a record of this version.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (&[VERSION], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let (payload, rest) = rest.split_first_chunk()?;
        let (expires_at, rest) = rest.split_first_chunk()?;
        let (&[kind], rest) = rest.split_first_chunk()?;
        let outcome = match kind {
            STORED => {
                let (length, texts) = rest.split_first_chunk()?;
                let length = usize::from(u16::from_be_bytes(*length));
                let (reference, name) = texts.split_at_checked(length)?;
                Some(Outcome::Stored {
                    resolver_ref: str::from_utf8(reference).ok()?.into(),
                    vault_secret_name: str::from_utf8(name).ok()?.into(),
                })
            }
            EXISTS if rest.is_empty() => Some(Outcome::Exists),
            PENDING_DELETION if rest.is_empty() => Some(Outcome::PendingDeletion),
            BEGUN if rest.is_empty() => None,
            _ => return None,
        };
        Some(Self {
            payload: *payload,
            expires_at: UnixTime::from_secs(u64::from_be_bytes(*expires_at)),
            outcome,
        })
    }
}

fn kind(outcome: &Outcome) -> Option<u8> {
    match outcome {
        Outcome::Stored { .. } => Some(STORED),
        Outcome::Exists => Some(EXISTS),
        Outcome::PendingDeletion => Some(PENDING_DELETION),
        _ => None,
    }
}

const VERSION: u8 = 1;
const STORED: u8 = 0;
const EXISTS: u8 = 1;
const PENDING_DELETION: u8 = 2;
const BEGUN: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_comes_back() {
        let stored = Outcome::Stored {
            resolver_ref: "secret:a#b".into(),
            vault_secret_name: "a".into(),
        };
        let ended = [stored, Outcome::Exists, Outcome::PendingDeletion]
            .map(|outcome| Record::ended([7; 32], UnixTime::from_secs(9), &outcome).unwrap());
        let begun = Record::begun([7; 32], UnixTime::from_secs(9));
        for record in ended.into_iter().chain([begun]) {
            let bytes = record.to_bytes();
            assert_eq!(Record::parse(&bytes), Some(record));
            for cut in 0..bytes.len().min(42) {
                assert_eq!(Record::parse(&bytes[..cut]), None, "{cut}");
            }
        }
    }

    #[test]
    fn what_is_not_final_is_not_remembered() {
        for outcome in [
            Outcome::Failed,
            Outcome::Expired,
            Outcome::DoesNotOpen,
            Outcome::Busy,
            Outcome::KeyReused,
        ] {
            let record = Record::ended([7; 32], UnixTime::from_secs(9), &outcome);
            assert_eq!(record, None);
        }
    }
}
