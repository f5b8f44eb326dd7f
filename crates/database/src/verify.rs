//! Whether what is in a file is what was written to it.

use std::fs::File;

use redb::backends::FileBackend;

use crate::database::drop_cached_pages;
use crate::error::Error;
use crate::panics::contained;
use crate::untouched::Untouched;

/// Reads the database in a file to its end, and compares every page with its checksum. Changes nothing. redb itself does so only with a file
/// that was not closed. `what` names the file in the log; `cache` is in bytes.
///
/// # Errors
///
/// [`Error`]: the file can't be read, is no database, or is damaged.
pub fn verify(what: &str, file: File, cache: usize) -> Result<(), Error> {
    drop_cached_pages(what, &file);
    let is_whole = contained::<_, redb::Error>(|| {
        let file = Untouched::new(FileBackend::new(file)?);
        let mut database = redb::Database::builder()
            .set_cache_size(cache)
            .create_with_backend(file)?;
        Ok(database.check_integrity()?)
    })?;
    match is_whole {
        true => Ok(()),
        false => Err(redb::Error::Corrupted(DAMAGED.to_owned()).into()),
    }
}

const DAMAGED: &str = "a page of it is not what was written";
