//! What the vault reads of a file without redb, from wherever its bytes are.
//!
//! A start reads a vault in this way before redb opens it, and a damaged one in no other way.

use std::io;

use zeroize::Zeroizing;

use crate::image::Content;
use crate::keys::VaultKeys;
use crate::rescue::{Found, Rescue};
pub use crate::source::Source;
use crate::survey::{Remains, Survey};

/// What is in a file.
#[derive(Debug)]
pub enum Reading {
    /// Nothing was ever stored in it.
    Nothing,
    /// It is no vault, or another key's.
    Refused,
    /// It is a vault, and nothing of it can be read.
    Lost,
    /// A vault.
    Vault(Box<Records>),
}

/// What can be read of a vault.
#[derive(Debug)]
pub struct Records {
    rescue: Rescue,
    keys: VaultKeys,
}

/// What the vault answers for a name.
#[derive(Debug, Eq, PartialEq)]
pub enum Answer {
    /// Its value.
    Value(Zeroizing<Vec<u8>>),
    /// There is no such secret, which is proven.
    Nothing,
    /// It can't be read, or that can't be told.
    Damaged,
}

impl Reading {
    /// Reads a file to its end.
    ///
    /// # Errors
    ///
    /// If the file can't be read.
    pub fn of(file: &dyn Source, key: &[u8; 32]) -> io::Result<Self> {
        let image = match Content::read(file)? {
            Content::Database(image) => image,
            Content::Foreign => return Ok(Self::Refused),
            Content::Empty | Content::Unfinished | Content::Fresh => return Ok(Self::Nothing),
        };
        let remains = Survey::remains(&image, &Zeroizing::new(*key)).map_err(io::Error::other)?;
        let Some(mut remains) = remains else {
            return Ok(Self::Refused);
        };
        let Some((_, keys)) = remains.vault.take() else {
            return Ok(Self::Lost);
        };
        let rescue = Rescue::new(remains);
        Ok(Self::Vault(Box::new(Records { rescue, keys })))
    }
}

impl Records {
    /// Returns whether nothing is damaged, so that redb would open the file.
    #[must_use]
    pub fn are_whole(&self) -> bool {
        self.remains().fault.is_none()
    }

    /// Returns every name that is in the file.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.remains().records.keys().map(|name| &**name)
    }

    /// Returns the record of a name if it opens.
    #[must_use]
    pub fn record(&self, file: &dyn Source, name: &str) -> Option<Vec<u8>> {
        self.rescue.record(file, &self.keys, name)
    }

    /// Looks a name up as a vault with this file does.
    #[must_use]
    pub fn find(&self, file: &dyn Source, name: &str) -> Answer {
        match self.rescue.find(file, &self.keys, name) {
            Found::Value(value) => Answer::Value(value),
            Found::Nothing => Answer::Nothing,
            Found::Damaged => Answer::Damaged,
        }
    }

    const fn remains(&self) -> &Remains {
        self.rescue.remains()
    }
}
