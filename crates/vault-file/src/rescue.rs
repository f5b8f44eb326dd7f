//! A damaged vault: what is intact is still given out, and nothing is written.

use zeroize::Zeroizing;

use crate::image::Content;
use crate::keys::{FileKey, VaultKeys};
use crate::source::Source;
use crate::survey::{Remains, Survey};
use aws_lc_rs::error::Unspecified;

/// Reads secrets from a file that redb must not open.
#[derive(Debug)]
pub(crate) struct Rescue {
    remains: Remains,
}

/// What is known of a name.
#[derive(Debug)]
pub(crate) enum Found {
    Value(Zeroizing<Vec<u8>>),
    /// There is none, which is proven.
    Nothing,
    Damaged,
}

impl Rescue {
    pub(crate) const fn new(remains: Remains) -> Self {
        Self { remains }
    }

    /// Reads what can be read of a file. Returns `None` if that is nothing.
    pub(crate) fn read(file: &dyn Source, file_key: &FileKey) -> Result<Option<Self>, Unspecified> {
        let Ok(Content::Database(image)) = Content::read(file) else {
            return Ok(None);
        };
        Ok(Survey::remains(&image, file_key)?.map(Self::new))
    }

    pub(crate) const fn remains(&self) -> &Remains {
        &self.remains
    }

    /// Returns the record of a name if it opens; `None` if it is damaged or not there.
    pub(crate) fn record(
        &self,
        file: &dyn Source,
        keys: &VaultKeys,
        name: &str,
    ) -> Option<Vec<u8>> {
        let places = self.remains.records.get(name)?;
        let Ok(Content::Database(image)) = Content::read(file) else {
            return None;
        };
        let mut records = places.iter().filter_map(|place| image.bytes(place.clone()));
        records.find(|record| keys.open(name, record).is_ok())
    }

    /// Looks a name up.
    pub(crate) fn find(&self, file: &dyn Source, keys: &VaultKeys, name: &str) -> Found {
        let Remains { names, newest, .. } = &self.remains;
        if !newest {
            return Found::Damaged;
        }
        let record = self.record(file, keys, name);
        let value = record.and_then(|record| keys.open(name, &record).ok());
        match (value, names) {
            (Some(value), _) => Found::Value(value),
            (None, Some(names)) if !names.contains(&keys.index().tag(name)) => Found::Nothing,
            (None, _) => Found::Damaged,
        }
    }
}
