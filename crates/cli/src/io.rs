//! The flags that name input and output, and the standard streams.
//!
//! What is read or written may be a secret: it goes straight between the file descriptor and buffers that are wiped,
//! without the standard library's buffered streams, which would keep a copy.

#[cfg(unix)]
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use sealpost_files::{as_text, quoted, read, read_bounded, replace};
use zeroize::Zeroizing;

use crate::error::{Exit, Failure};

/// `FILE` and `-o`: where input comes from and where output goes.
#[derive(Args, Debug)]
pub(crate) struct InputOutput {
    #[command(flatten)]
    pub(crate) input: Input,
    /// Write to this file, replaced as a whole and readable by its owner only [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// `FILE`: where input comes from.
#[derive(Args, Debug)]
pub(crate) struct Input {
    /// Read this file; `-` is stdin [default: stdin]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
}

impl InputOutput {
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Failure> {
        match &self.output {
            None => write_stdout(bytes),
            Some(path) => Ok(replace(path, bytes)?),
        }
    }
}

impl Input {
    /// Reads all of it, at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`] if it can't be read, [`Exit::Refused`] if there is more than `limit`.
    pub(crate) fn read(&self, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match &self.file {
            Some(path) if path.as_os_str() != "-" => {
                // A value in place of a file's name must not be repeated.
                if is_json(path) && !path.exists() {
                    return Err(Failure::usage("the argument is JSON, not the name of a file")
                        .hint("write it to a file or give it on stdin; arguments show in the list of processes"));
                }
                Ok(read(path, limit)?)
            }
            _ => Ok(read_bounded(stdin()?, "stdin", limit)?),
        }
    }

    /// Reads text or a binary format: as [`read`](Self::read), without a byte-order mark.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read), and [`Exit::Refused`] if it is text in another encoding than UTF-8.
    pub(crate) fn read_text(&self, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        Ok(as_text(self.read(limit)?, &self.name())?)
    }

    /// Returns how error messages name it.
    pub(crate) fn name(&self) -> String {
        match &self.file {
            Some(path) if path.as_os_str() != "-" => quoted(path),
            _ => "stdin".to_owned(),
        }
    }
}

fn is_json(argument: &Path) -> bool {
    let bytes = argument.as_os_str().as_encoded_bytes();
    bytes.trim_ascii_start().starts_with(b"{")
}

/// Writes to stdout. A reader that went away ends the program quietly.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let done = stdout().and_then(|mut out| out.write_all(bytes).and_then(|()| out.flush()));
    done.map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => Failure::silent(Exit::Usage),
        _ => Failure::usage(format!("cannot write to stdout: {e}"))
            .hint("write to a file with -o, or free space where stdout goes"),
    })
}

#[cfg(unix)]
fn stdin() -> Result<File, Failure> {
    use std::os::fd::AsFd;
    let stdin = io::stdin().as_fd().try_clone_to_owned();
    stdin
        .map(File::from)
        .map_err(|e| Failure::usage(format!("cannot read stdin: {e}")).hint("name a file instead"))
}

#[cfg(not(unix))]
fn stdin() -> Result<io::Stdin, Failure> {
    Ok(io::stdin())
}

#[cfg(unix)]
fn stdout() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
fn stdout() -> io::Result<io::Stdout> {
    Ok(io::stdout())
}
