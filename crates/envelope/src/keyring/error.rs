//! What can go wrong with a ring before and while it opens.

use alloc::vec::Vec;
use core::fmt;

use crate::{
    error::{Error, OpenError, ParseError},
    fingerprint::KeyId,
};

/// Why a ring did not open an envelope.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum KeyringError {
    /// The envelope is sealed to no key in the ring.
    NoMatchingKey(NoMatchingKey),
    /// As with a single identity.
    Opening(Error),
}

/// The envelope is sealed to no key in the ring: the ids on both sides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NoMatchingKey {
    envelope: Vec<KeyId>,
    ring: Vec<KeyId>,
    ring_len: usize,
}

/// The key is in the ring.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct DuplicateKey {
    /// Its id.
    pub key_id: KeyId,
}

impl NoMatchingKey {
    /// The ids in the order given, the current one of the ring first.
    pub(super) fn new(
        envelope: impl Iterator<Item = KeyId>,
        ring: impl Iterator<Item = KeyId>,
        ring_len: usize,
    ) -> Self {
        Self {
            envelope: envelope.collect(),
            ring: ring.take(MAX_RING_IDS).collect(),
            ring_len,
        }
    }

    /// The keys that the envelope is sealed to, 1 to 16.
    #[must_use]
    pub fn envelope_keys(&self) -> &[KeyId] {
        &self.envelope
    }

    /// The keys in the ring, the current one first, at most 16 of them.
    #[must_use]
    pub fn ring_keys(&self) -> &[KeyId] {
        &self.ring
    }

    /// How many keys the ring has.
    #[must_use]
    pub fn ring_len(&self) -> usize {
        self.ring_len
    }
}

impl fmt::Display for NoMatchingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no key in the ring opens the envelope. It is sealed to ")?;
        for (index, key_id) in self.envelope.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{key_id}")?;
        }
        f.write_str("; the ring has ")?;
        for (index, key_id) in self.ring.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            let mark = if index == 0 { " (current)" } else { "" };
            write!(f, "{separator}{key_id}{mark}")?;
        }
        match self.ring_len.saturating_sub(self.ring.len()) {
            0 => {}
            more => write!(f, " and {more} more")?,
        }
        f.write_str(
            ". Add the identity of one that it is sealed to, or have it sealed again to the certificate of the \
             current one",
        )
    }
}

impl core::error::Error for NoMatchingKey {}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoMatchingKey(error) => error.fmt(f),
            Self::Opening(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for KeyringError {}

impl From<Error> for KeyringError {
    fn from(error: Error) -> Self {
        Self::Opening(error)
    }
}

impl From<OpenError> for KeyringError {
    fn from(error: OpenError) -> Self {
        Self::Opening(error.into())
    }
}

impl From<ParseError> for KeyringError {
    fn from(error: ParseError) -> Self {
        Self::Opening(error.into())
    }
}

impl fmt::Display for DuplicateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "key {} is in the ring already: give each identity once",
            self.key_id
        )
    }
}

impl core::error::Error for DuplicateKey {}

/// How many ids of a ring an error lists: as many as an envelope can name.
const MAX_RING_IDS: usize = 16;
