//! The record of what an import has done, so that another run continues where it ended.
//!
//! ```text
//! FILE       sealpost-import 4 <key's name, 32 hex digits> <gateway and agent, 32 hex digits>
//!            <name, 32 hex digits> <members, 32 hex digits> <value, 16 hex digits>    for each line that was stored
//!            the same three, ` refused`                 for each refusal: the next try is a new one
//!            the same three, ` unknown`                 for each call whose secret may have been stored
//! FILE.key   sealpost-import-key <key, 64 hex digits>
//! ```
//!
//! A line is recognised by the secret's name and project, wherever it stands in the input. `name` is an HMAC of these,
//! `members` one of key and type, and `value` one of the value's [content], so that a value that was corrected after its
//! line was stored is noticed, and one that is only written in another way is not. Who has the key can test guesses of
//! a value, which a password of few characters does not withstand. The key is therefore in a file of its own: the record
//! alone, which people copy and send around, tells nothing. Who can read both files can read the lines, too, as a rule.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use aws_lc_rs::hmac;
use sealpost_client::IdempotencyKey;
use sealpost_context::hex::decode;
use sealpost_files::{Access, FileError, create, quoted, read_named};
use zeroize::Zeroizing;

use super::content::content;
use super::digest::{Digest, digest, random_key};
use super::journal::{Journal, SOMETHING_ELSE};
use super::line::Line;
use super::names::project_of;
use crate::error::Failure;
use crate::render::hex;

/// A resume file, locked.
pub(super) struct Resume {
    journal: Journal,
    key: hmac::Key,
    done: HashMap<Digest, Recognised>,
    /// How often a line was refused, as it was then.
    refusals: HashMap<Recognised, u32>,
    /// As which a secret was sent, last, that may have been stored.
    unknown: HashMap<Digest, Recognised>,
}

/// By what a line is recognised that was stored.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Recognised {
    /// Project and name.
    pub(super) name: Digest,
    /// Key and type.
    members: Digest,
    value: [u8; 8],
}

/// What became of a line that was sent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Decision {
    Stored,
    Refused,
    /// It may have been stored.
    Unknown,
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
    /// Yes, with another key or type.
    OtherMembers,
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
            unknown: HashMap::new(),
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

    pub(super) fn recognise(&self, line: &Line<'_>, project: Option<&str>) -> Recognised {
        let mut value = [0; 8];
        value.copy_from_slice(&content(&self.key, line.value())[..8]);
        let members = [
            Some("members"),
            line.key.as_deref(),
            line.secret_type.as_deref(),
        ];
        let project = project_of(line, project);
        let name = [Some("name"), project.as_deref(), Some(&*line.name)];
        Recognised {
            name: self.digest(&name),
            members: self.digest(&members),
            value,
        }
    }

    pub(super) fn known(&self, line: &Recognised) -> Known {
        match self.done.get(&line.name) {
            None => Known::New,
            Some(stored) if stored == line => Known::Stored,
            Some(stored) if stored.members == line.members => Known::OtherValue,
            Some(_) => Known::OtherMembers,
        }
    }

    /// Returns whether an earlier run sent the name with another content, and it may have been stored.
    pub(super) fn may_have_stored_another(&self, line: &Recognised) -> bool {
        self.unknown
            .get(&line.name)
            .is_some_and(|sent| sent != line)
    }

    /// The key by which the gateway recognises the line if another run sends it again. It differs as soon as anything
    /// that is sent does, white space too, and after this line was refused as it is: what stood in the way may be gone, and the gateway would
    /// repeat itself.
    pub(super) fn idempotency_key(
        &self,
        line: &Line<'_>,
        own: &Recognised,
    ) -> Result<IdempotencyKey, sealpost_client::ClientError> {
        let refusals = self.refusals.get(own).copied().unwrap_or_default();
        let parts = [
            &b"idempotency key"[..],
            &own.name,
            &own.members,
            &refusals.to_be_bytes(),
            line.value().as_bytes(),
        ];
        IdempotencyKey::new(hex(&digest(&self.key, parts.map(Some))))
    }

    /// Records durably that these lines were stored, or refused.
    pub(super) fn record(&mut self, lines: &[(Recognised, Decision)]) -> Result<(), Failure> {
        let text: String = lines
            .iter()
            .map(|(line, decision)| {
                let Recognised {
                    name,
                    members,
                    value,
                } = line;
                let word = match decision {
                    Decision::Stored => "",
                    Decision::Refused => REFUSED,
                    Decision::Unknown => UNKNOWN,
                };
                format!("{} {} {}{word}\n", hex(name), hex(members), hex(value))
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
                Some((line, Decision::Stored)) => drop(self.done.insert(line.name, line)),
                Some((line, Decision::Refused)) => *self.refusals.entry(line).or_default() += 1,
                Some((line, Decision::Unknown)) => drop(self.unknown.insert(line.name, line)),
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
        self.digest(&[Some("key")])
    }

    /// Identifies the gateway and the agent that the file is for.
    fn owner(&self, url: &str, agent: &str) -> Digest {
        self.digest(&["owner", url.trim_end_matches('/'), agent].map(Some))
    }

    fn digest(&self, parts: &[Option<&str>]) -> Digest {
        let parts = parts.iter().map(|part| part.map(str::as_bytes));
        digest(&self.key, parts)
    }
}

/// Reads a key file; `None` if there is none.
fn read_key(path: &Path) -> Result<Option<Zeroizing<[u8; 32]>>, Failure> {
    let text = match read_named(path, MAX_KEY_FILE) {
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

/// What a record says of a line.
fn parse(record: &str) -> Option<(Recognised, Decision)> {
    let words = [(REFUSED, Decision::Refused), (UNKNOWN, Decision::Unknown)];
    let (digests, decision) = words
        .into_iter()
        .find_map(|(word, decision)| Some((record.strip_suffix(word)?, decision)))
        .unwrap_or((record, Decision::Stored));
    let (name, rest) = digests.split_once(' ')?;
    let (members, value) = rest.split_once(' ')?;
    let line = Recognised {
        name: unhex(name)?,
        members: unhex(members)?,
        value: unhex(value)?,
    };
    Some((line, decision))
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode(text.as_bytes(), &mut bytes)?;
    Some(bytes)
}

const MAGIC: &str = "sealpost-import 4 ";
const KEY_MAGIC: &str = "sealpost-import-key ";
const REFUSED: &str = " refused";
const UNKNOWN: &str = " unknown";
const MAX_KEY_FILE: usize = 1024;

#[cfg(test)]
mod tests;
