//! An entry in bytes.
//!
//! ```text
//! record = version u8 (2) ‖ payload [32] ‖ expires u64 ‖ kind u8 ‖ [ u16 ‖ resolver_ref ‖ vault secret name ] ‖ check [16]
//! check  = SHA-256("sealpost/ledger/2/check" ‖ u64(|digest|) ‖ digest ‖ u64(|rest|) ‖ rest)[..16]
//! ```
//!
//! Numbers are big-endian; the part in brackets is there for kind 0, stored. Kind 3 is a request that was begun and whose
//! outcome is not known. The check is over the digest, under which the record stands, and all that is before the check. It finds what
//! a disk does to an entry, and no forger: whoever may write to the file may write a check, too.
//!
//! Records of version 1 have no check. They are read until they expire, within 24 hours and a few minutes.

use sealpost_channel::Outcome;
use sealpost_envelope::UnixTime;

use crate::digests::{self, Digest};

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

    /// Returns the record as it stands under this digest.
    pub(super) fn to_bytes(&self, digest: &Digest) -> Vec<u8> {
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
        let check = digests::check_of_entry(digest, &bytes);
        bytes.extend_from_slice(&check);
        bytes
    }

    /// Reads what stands under this digest. Returns `None` if it is not what was written, or of another version.
    pub(super) fn parse(digest: &Digest, bytes: &[u8]) -> Option<Self> {
        let rest = match *bytes.first()? {
            UNCHECKED => bytes,
            VERSION => {
                let (rest, check) = bytes.split_last_chunk()?;
                (digests::check_of_entry(digest, rest) == *check).then_some(rest)?
            }
            _ => return None,
        };
        let (_, rest) = rest.split_first()?;
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

/// One flipped bit does not make a record of one version one of the other.
const UNCHECKED: u8 = 1;
const VERSION: u8 = 2;
const STORED: u8 = 0;
const EXISTS: u8 = 1;
const PENDING_DELETION: u8 = 2;
const BEGUN: u8 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: Digest = [5; 32];

    fn records() -> [Record; 4] {
        let stored = Outcome::Stored {
            resolver_ref: "secret:a#b".into(),
            vault_secret_name: "a".into(),
        };
        let ended = [stored, Outcome::Exists, Outcome::PendingDeletion]
            .map(|outcome| Record::ended([7; 32], UnixTime::from_secs(9), &outcome).unwrap());
        let [stored, exists, pending] = ended;
        let begun = Record::begun([7; 32], UnixTime::from_secs(9));
        [stored, exists, pending, begun]
    }

    #[test]
    fn a_record_comes_back() {
        for record in records() {
            let bytes = record.to_bytes(&DIGEST);
            assert_eq!(Record::parse(&DIGEST, &bytes), Some(record.clone()));
            for cut in 0..bytes.len() {
                assert_eq!(Record::parse(&DIGEST, &bytes[..cut]), None, "{cut}");
            }
        }
    }

    #[test]
    fn every_flipped_bit_of_a_record_or_its_digest_is_noticed() {
        for record in records() {
            let bytes = record.to_bytes(&DIGEST);
            for bit in 0..8 * bytes.len() {
                let mut bytes = bytes.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Record::parse(&DIGEST, &bytes), None, "{bit}");
            }
            for bit in 0..8 * DIGEST.len() {
                let mut digest = DIGEST;
                digest[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Record::parse(&digest, &bytes), None, "{bit}");
            }
        }
    }

    /// As they were written before there was a check.
    #[test]
    fn a_record_of_version_1_is_read() {
        for record in records() {
            let mut bytes = record.to_bytes(&DIGEST);
            bytes.truncate(bytes.len() - 16);
            bytes[0] = 1;
            assert_eq!(Record::parse(&DIGEST, &bytes), Some(record));
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
