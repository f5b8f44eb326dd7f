//! A redb database in one file, and what becomes of it when the disk fails.
//!
//! After an I/O error redb does nothing more until the file is opened again, and it panics on some damage. [`Database`]
//! contains the panic, and opens the file again at the next call: it is usable again when space is freed.
//!
//! A failed fsync is final ([`Error::NotSynced`]): the kernel may have dropped pages that never reached the disk and
//! marked them clean, so what is read back may be gone after the next power failure, and another fsync would succeed
//! without having written them. The process must end.
//!
//! A file is created at the first opening alone. One that something else has shortened or overwritten while it was open is damaged
//! ([`Error::Damaged`]): no new database is laid out in its place, and nothing is written to it any more, also when it is closed.
//!
//! One whose path names something else by now, or nothing, is replaced ([`Error::Replaced`]): what was written to it would be gone with the
//! process. It can be read, and is not changed any more. [`Database::keep_in_place`] turns this on: the path is looked at before each
//! change, after each fsync, so before anything is acknowledged, and by [`Database::look`].
//!
//! A disk that stalls fails nothing, and nobody waits for it: [`Database::is_slow`] tells of it.
//!
//! # What the next start relies on
//!
//! - Opening drops the file's cached pages first, so that what is read comes from the disk.
//! - redb marks the file before the first write after opening, durably, and clears the mark only when it is closed without a
//!   failure. So after every end but an orderly one the next opening checks the file: every page that can be reached is
//!   compared with its checksum, and if the last commit is not whole, the one before it is used, which an fsync had made
//!   durable.
//!
//! The file must be locked by its owner: [`Database::open`] takes it as it is.

#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod database;
mod error;
mod panics;
mod place;
mod under_way;
mod unfinished;
mod untouched;
mod verify;
mod watched;

pub use database::{Database, drop_cached_pages};
pub use error::{Error, is_full};
pub use unfinished::holds_nothing;
pub use untouched::Untouched;
pub use verify::verify;
