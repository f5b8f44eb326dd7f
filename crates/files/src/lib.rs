//! Files as the programs use them: bounded reads into memory that is wiped, and writes that happen whole or not at all.
//!
//! - To read a file that may hold a secret: [`read`], [`read_open`] if it is open already, [`read_bounded`] for stdin.
//! - To read one that people saved or pasted, such as PEM, JSON or a token: [`read_text`], or [`as_text`] on what was
//!   read. They take off a byte-order mark and name an encoding that is not UTF-8.
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
mod read;
#[cfg(unix)]
mod route;
mod text;
mod write;

pub use encoding::Encoding;
pub use error::FileError;
#[cfg(unix)]
pub use read::exposed;
pub use read::{as_text, read, read_bounded, read_open, read_text};
#[cfg(unix)]
pub use route::Route;
pub use text::{printable, quoted};
pub use write::{Access, create, create_folder, replace};
