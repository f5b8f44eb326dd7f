//! The lines of an import: read, checked for names that come twice, and handed on.

use std::fs::File;
use std::io::Seek as _;
use std::path::Path;

use sealpost_files::{Encoding, FileError, quoted};
use tokio::sync::mpsc;

use super::line::{self, Line};
use super::lines::{Lines, Numbered};
use super::names::Names;
use super::tally;
use crate::error::Failure;

/// A file, or what comes through a pipe.
pub(super) struct Input {
    file: File,
    /// In bytes. A pipe has none, and can't be read twice.
    length: Option<u64>,
    name: String,
}

/// Input in which no name was found twice, as far as it was read.
pub(super) struct Checked {
    /// Lines that were read already.
    ahead: Vec<Numbered>,
    rest: Lines<File>,
}

impl Input {
    /// Opens it; `-` is stdin.
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        use std::os::fd::AsFd as _;
        if path.as_os_str() == "-" {
            let stdin = std::io::stdin().as_fd().try_clone_to_owned();
            let stdin = stdin.map_err(|e| {
                Failure::usage(format!("cannot read stdin: {e}")).hint("name a file instead")
            })?;
            return Ok(Self {
                file: File::from(stdin),
                length: None,
                name: "stdin".to_owned(),
            });
        }
        let cannot = |e| FileError::new("read", path, e);
        let file = File::open(path).map_err(cannot)?;
        let metadata = file.metadata().map_err(cannot)?;
        if metadata.is_dir() {
            let message = format!("{} is a folder", quoted(path));
            return Err(Failure::usage(message).hint("name a file of JSON lines"));
        }
        Ok(Self {
            file,
            length: metadata.is_file().then_some(metadata.len()),
            name: quoted(path),
        })
    }

    pub(super) fn length(&self) -> Option<u64> {
        self.length
    }

    /// Looks for names that come twice, before anything is sent: in the whole of a file, which is then read once more;
    /// in a pipe's first [`MOST_AHEAD`] bytes, which are kept in memory. What comes after them is for [`Names`] to
    /// check line by line.
    ///
    /// # Errors
    ///
    /// The lines that have one name. [`Exit::Usage`](crate::error::Exit::Usage) if it can't be read.
    pub(super) fn check(
        mut self,
        names: &mut Names,
        project: Option<&str>,
    ) -> Result<Checked, Failure> {
        let failed = |e| FileError::Unreadable {
            name: self.name.clone(),
            source: e,
        };
        let mut lines = Lines::new(self.file.try_clone().map_err(failed)?);
        let (mut clashes, mut ahead, mut bytes) = (Vec::new(), Vec::new(), 0);
        let mut begin = Vec::with_capacity(BEGIN);
        while self.length.is_some() || bytes < MOST_AHEAD {
            let Some(line) = lines.next().map_err(failed)? else {
                break;
            };
            if let Some(text) = &line.text {
                // In UTF-16 a line break is two bytes, or four with a blank line.
                let left = BEGIN - begin.len();
                begin.extend(text.iter().chain(b"\n").take(left));
                if left > 0
                    && let Some(encoding) = Encoding::detect(&begin)
                {
                    let name = self.name;
                    return Err(FileError::OtherEncoding { name, encoding }.into());
                }
                if let Ok(parsed) = Line::parse(line::unmarked(text))
                    && let Err(first) = names.claim(line.number, &parsed, project)
                {
                    clashes.push(clash(first, line.number, &parsed));
                }
            }
            if self.length.is_none() {
                bytes += line.length;
                ahead.push(line);
            }
        }
        if !clashes.is_empty() {
            return Err(self.refused(&clashes));
        }
        if self.length.is_some() {
            self.file.rewind().map_err(failed)?;
            lines = Lines::new(self.file);
        }
        Ok(Checked { ahead, rest: lines })
    }

    fn refused(&self, clashes: &[String]) -> Failure {
        let mut text = format!("{}: nothing was sent:", self.name);
        for clash in clashes.iter().take(MOST_LISTED) {
            text += &format!("\n  {clash}");
        }
        if clashes.len() > MOST_LISTED {
            text += &format!("\n  and {} more", clashes.len() - MOST_LISTED);
        }
        Failure::refused(text).hint(tally::TWICE)
    }
}

/// What is said of two lines that have one name.
pub(super) fn clash(first: u64, second: u64, line: &Line<'_>) -> String {
    let name = tally::quoted(&line.name);
    format!("lines {first} and {second} have one name, {name}")
}

impl Checked {
    /// Hands out the lines from a thread of its own, at most `ahead` lines ahead. The thread ends with the receiver.
    pub(super) fn start(mut self, ahead: usize) -> mpsc::Receiver<std::io::Result<Numbered>> {
        let (sender, receiver) = mpsc::channel(ahead);
        std::thread::spawn(move || {
            for line in self.ahead {
                if sender.blocking_send(Ok(line)).is_err() {
                    return;
                }
            }
            while let Some(line) = self.rest.next().transpose() {
                let failed = line.is_err();
                if sender.blocking_send(line).is_err() || failed {
                    break;
                }
            }
        });
        receiver
    }
}

/// By so many bytes an encoding is told.
const BEGIN: usize = 4;
/// As much of a pipe is kept in memory, in bytes.
const MOST_AHEAD: u64 = 64 << 20;
const MOST_LISTED: usize = 20;
