//! Files as the programs use them: bounded reads into memory that is wiped, and writes that happen whole or not at all.
//!
//! - To read a file that may hold a secret: [`read`], [`read_bounded`] for stdin.
//! - To read one that people saved or pasted, such as PEM, JSON or a token: [`read_text`], or [`as_text`] on what was
//!   read. They take off a byte-order mark and name an encoding that is not UTF-8.
//! - To read one that a configuration names, which is no pipe that would be waited for: [`read_named`], [`read_private`].
//! - To keep a file that no one else writes to: [`open_own`], [`lock`]; to look at one: [`look_unlocked`].
//! - To create a file and never overwrite one: [`create`]. To replace one: [`replace`].
//! - To know where a path leads, and who may change that: [`Route`].
//! - To show a path or another text of foreign origin in a message: [`quoted`], [`printable`].
//!
//! ```
//! use sealpost_files::{Access, create, read};
//!
//! let folder = tempfile::tempdir()?;
//! let path = folder.path().join("key.pem");
//! create(&path, Access::Owner, b"private")?;
//! assert_eq!(read(&path, 1024)?.as_slice(), b"private");
//! assert!(create(&path, Access::Owner, b"another").is_err(), "a file is never overwritten");
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! # Security
//!
//! What is read goes straight from the file descriptor into buffers that are wiped, without the standard library's
//! buffered streams, which would keep a copy. Errors name files and never their contents.

mod encoding;
mod error;
#[cfg(unix)]
mod lock;
#[cfg(unix)]
mod open;
mod read;
#[cfg(unix)]
mod route;
mod text;
mod write;

pub use encoding::Encoding;
pub use error::FileError;
#[cfg(unix)]
pub use lock::{lock, look_unlocked};
#[cfg(unix)]
pub use open::{Missing, check_can_create_in, check_room, open, open_own};
#[cfg(unix)]
pub use read::{Private, read_named, read_private};
pub use read::{as_text, read, read_bounded, read_text};
#[cfg(unix)]
pub use route::Route;
pub use text::{printable, quoted};
pub use write::{Access, create, create_folder, replace};
