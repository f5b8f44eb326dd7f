//! Panics of the database, made errors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::Error;

/// Calls `use_database`; a panic is an error. What it has borrowed must be opened again after a panic.
pub(crate) fn contained<T, E: Into<redb::Error>>(
    use_database: impl FnOnce() -> Result<T, E>,
) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(use_database)) {
        Ok(result) => result.map_err(|error| Error::Failed(error.into())),
        Err(_) => Err(Error::Panicked),
    }
}
