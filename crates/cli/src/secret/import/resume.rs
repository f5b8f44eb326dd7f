//! The record of what an import has done, so that another run continues where it ended.
//!
//! ```text
//! FILE       sealpost-import 2 <key's name, 32 hex digits> <gateway and agent, 32 hex digits>
//!            <line> <digest, 32 hex digits> <value, 16 hex digits>              for each line that was stored
//!            <line> refused                                                     for each refusal: the next try is a new one
//! FILE.key   sealpost-import-key <key, 64 hex digits>
//! ```
//!
//! The digest is an HMAC of the line's number and of all its members but the value, and beside it stands an HMAC of the
//! value, so that a value that was corrected after its line was stored is noticed. Who has the key can test guesses of
//! a value, which a password of few characters does not withstand. The key is therefore in a file of its own: the record
//! alone, which people copy and send around, tells nothing. Who can read both files can read the lines, too, as a rule.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use sealpost_client::IdempotencyKey;
use sealpost_context::hex::decode;
use sealpost_files::{Access, FileError, create, quoted, read};
use zeroize::Zeroizing;

use super::digest::{Digest, digest, random_key};
use super::journal::{Journal, SOMETHING_ELSE};
use super::line::Line;
use crate::error::Failure;
use crate::render::hex;

/// A resume file, locked.
pub(super) struct Resume {
    journal: Journal,
    key: hmac::Key,
    done: HashMap<u64, Recognised>,
    /// How often a line was refused.
    refusals: HashMap<u64, u32>,
}

/// By what a line is recognised that was stored.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Recognised {
    /// Everything but its value.
    line: Digest,
    value: [u8; 8],
}

/// Whether an earlier run stored a line.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Known {
    /// No.
    New,
    /// Yes.
    Stored,
    /// Yes, with another value.
    OtherValue,
    /// Another line was, in this place.
    OtherLine,
}

impl Resume {
    /// Opens or creates the file, for imports to one agent through one gateway.
    pub(super) fn open(path: &Path, url: &str, agent: &str) -> Result<Self, Failure> {
        let (journal, text) = Journal::open(path, "--resume", MAGIC)?;
        let mut resume = Self {
            journal,
            key: hmac::Key::new(hmac::HMAC_SHA256, &[]),
            done: HashMap::new(),
            refusals: HashMap::new(),
        };
        match text.split_once('\n') {
            None => resume.begin(url, agent)?,
            Some((head, records)) => resume.load(head, records, url, agent)?,
        }
        Ok(resume)
    }

    /// Returns how many lines earlier runs stored.
    pub(super) fn stored(&self) -> usize {
        self.done.len()
    }

    pub(super) fn recognise(
        &self,
        number: u64,
        line: &Line<'_>,
        project: Option<&str>,
    ) -> Recognised {
        let mut value = [0; 8];
        let whole = self.digest(b"value", number, line, project, &[Some(line.value())]);
        value.copy_from_slice(&whole[..8]);
        Recognised {
            line: self.digest(b"line", number, line, project, &[]),
            value,
        }
    }

    pub(super) fn known(&self, number: u64, line: &Recognised) -> Known {
        match self.done.get(&number) {
            None => Known::New,
            Some(stored) if stored == line => Known::Stored,
            Some(stored) if stored.line == line.line => Known::OtherValue,
            Some(_) => Known::OtherLine,
        }
    }

    /// The key by which the gateway recognises the line if another run sends it again. It differs as soon as anything
    /// of the line does, and after a refusal: what stood in the way may be gone, and the gateway would repeat itself.
    pub(super) fn idempotency_key(
        &self,
        number: u64,
        line: &Line<'_>,
        project: Option<&str>,
    ) -> Result<IdempotencyKey, sealpost_client::ClientError> {
        let refusals = self.refusals.get(&number).copied().unwrap_or_default();
        let more = [Some(&refusals.to_be_bytes()[..]), Some(line.value())];
        let key = self.digest(b"idempotency key", number, line, project, &more);
        IdempotencyKey::new(hex(&key))
    }

    /// Records durably that these lines were stored, or refused if there is nothing to recognise them by.
    pub(super) fn record(&mut self, lines: &[(u64, Option<Recognised>)]) -> Result<(), Failure> {
        let text: String = lines
            .iter()
            .map(|(number, stored)| match stored {
                Some(Recognised { line, value }) => {
                    format!("{number} {} {}\n", hex(line), hex(value))
                }
                None => format!("{number} {REFUSED}\n"),
            })
            .collect();
        self.journal.append(&text)
    }

    fn load(&mut self, head: &str, records: &str, url: &str, agent: &str) -> Result<(), Failure> {
        let parts = head
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_once(' '))
            .and_then(|(key, owner)| Some((unhex::<16>(key)?, unhex::<16>(owner)?)));
        let Some((name, owner)) = parts else {
            return Err(self.journal.refused(SOMETHING_ELSE));
        };
        let key = read_key(&self.key_path())?.filter(|key| {
            self.key = hmac::Key::new(hmac::HMAC_SHA256, &**key);
            self.name() == name
        });
        if key.is_none() {
            let message = format!(
                "{} is missing or is the key of another resume file",
                quoted(&self.key_path())
            );
            return Err(Failure::refused(message)
                .hint("put the key back beside its file, or begin with a --resume that does not exist yet"));
        }
        if owner != self.owner(url, agent) {
            return Err(self
                .journal
                .refused("belongs to an import to another agent or gateway"));
        }
        for (index, record) in records.lines().enumerate() {
            match parse(record) {
                Some((number, Some(stored))) => drop(self.done.insert(number, stored)),
                Some((number, None)) => *self.refusals.entry(number).or_default() += 1,
                None => {
                    let why = format!("is damaged in line {}", index + 2);
                    return Err(self.journal.refused(&why));
                }
            }
        }
        Ok(())
    }

    /// The key is there before the file that needs it. One that an attempt left behind is taken.
    fn begin(&mut self, url: &str, agent: &str) -> Result<(), Failure> {
        let path = self.key_path();
        let key = match read_key(&path)? {
            Some(key) => key,
            None => {
                let key = random_key()?;
                let text = Zeroizing::new(format!("{KEY_MAGIC}{}\n", hex(&*key)));
                create(&path, Access::Owner, text.as_bytes())?;
                key
            }
        };
        self.key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
        let (name, owner) = (hex(&self.name()), hex(&self.owner(url, agent)));
        self.journal.append(&format!("{MAGIC}{name} {owner}\n"))?;
        self.journal.sync_name()
    }

    fn key_path(&self) -> PathBuf {
        let mut path = OsString::from(self.journal.path());
        path.push(".key");
        path.into()
    }

    /// Tells the key from others and nothing else of it.
    fn name(&self) -> Digest {
        digest(&self.key, [Some(&b"key"[..])])
    }

    /// Identifies the gateway and the agent that the file is for.
    fn owner(&self, url: &str, agent: &str) -> Digest {
        let parts = ["owner", url.trim_end_matches('/'), agent];
        digest(&self.key, parts.map(|part| Some(part.as_bytes())))
    }

    fn digest(
        &self,
        label: &[u8],
        number: u64,
        line: &Line<'_>,
        project: Option<&str>,
        more: &[Option<&[u8]>],
    ) -> Digest {
        let number = number.to_be_bytes();
        let members = [
            Some(&*line.name),
            line.key.as_deref(),
            line.secret_type.as_deref(),
            line.project.as_deref().or(project),
        ];
        let parts = [Some(label), Some(&number)].into_iter();
        let parts = parts.chain(members.map(|part| part.map(str::as_bytes)));
        digest(&self.key, parts.chain(more.iter().copied()))
    }
}

/// Reads a key file; `None` if there is none.
fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, Failure> {
    let text = match read(path, MAX_KEY_FILE) {
        Ok(text) => text,
        Err(FileError::Failed { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let key = str::from_utf8(&text).ok().and_then(|text| {
        let digits = text.strip_prefix(KEY_MAGIC)?.strip_suffix('\n')?;
        unhex(digits).map(Zeroizing::new)
    });
    match key {
        Some(key) => Ok(Some(key)),
        None => Err(
            Failure::refused(format!("{} {SOMETHING_ELSE}", quoted(path)))
                .hint("the key of a resume file has its name and .key; give another --resume"),
        ),
    }
}

/// The number of a line and, if it was stored, by what it is recognised.
fn parse(record: &str) -> Option<(u64, Option<Recognised>)> {
    let (number, rest) = record.split_once(' ')?;
    let number = number.parse().ok()?;
    if rest == REFUSED {
        return Some((number, None));
    }
    let (line, value) = rest.split_once(' ')?;
    let (line, value) = (unhex(line)?, unhex(value)?);
    Some((number, Some(Recognised { line, value })))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode(text.as_bytes(), &mut bytes)?;
    Some(bytes)
}

const MAGIC: &str = "sealpost-import 2 ";
const KEY_MAGIC: &str = "sealpost-import-key ";
const REFUSED: &str = "refused";
const MAX_KEY_FILE: usize = 1024;

#[cfg(test)]
mod tests;
