//! The record of what an import has done, so that another run continues where it ended.
//!
//! ```text
//! sealpost-import 1 <key, 64 hex digits> <gateway and agent, 32 hex digits>
//! <line> <digest, 32 hex digits>                                        for each line that was stored
//! <line> refused                                                        for each refusal: the next try is a new one
//! ```
//!
//! The digest is an HMAC, under the file's random key, of the line's number and of all its members but the value. It
//! leaves out the value because the key is in the same file: a reader of the file could otherwise test guesses of it. A value that changed after its line was stored therefore goes unnoticed; it could not be stored any more anyway.

use std::collections::HashMap;
use std::fs::{File, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::{hmac, rand};
use sealpost_client::IdempotencyKey;
use sealpost_context::hex::decode;
use sealpost_files::{FileError, quoted};
use zeroize::Zeroizing;

use super::line::Line;
use crate::error::Failure;
use crate::render::hex;

/// A resume file, locked.
pub(super) struct Resume {
    path: PathBuf,
    file: File,
    key: hmac::Key,
    done: HashMap<u64, Digest>,
    /// How often a line was refused.
    refusals: HashMap<u64, u32>,
}

/// Identifies a line by everything but its value.
pub(super) type Digest = [u8; 16];

/// Whether an earlier run stored a line.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Known {
    /// No.
    New,
    /// Yes.
    Stored,
    /// Another line was, in this place.
    Other,
}

impl Resume {
    /// Opens or creates the file, for imports to one agent through one gateway.
    pub(super) fn open(path: &Path, url: &str, agent: &str) -> Result<Self, Failure> {
        let file = File::options()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(path)
            .map_err(|e| FileError::new("open", path, e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(
                    Failure::usage(format!("another import uses {}", quoted(path)))
                        .hint("wait for it, or give this one another file with --resume"),
                );
            }
            Err(TryLockError::Error(e)) => return Err(FileError::new("lock", path, e).into()),
        }
        let mut resume = Self {
            path: path.to_owned(),
            file,
            key: hmac::Key::new(hmac::HMAC_SHA256, &[]),
            done: HashMap::new(),
            refusals: HashMap::new(),
        };
        resume.load(url, agent)?;
        Ok(resume)
    }

    pub(super) fn digest(&self, number: u64, line: &Line<'_>, project: Option<&str>) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        update_with(&mut context, b"line", number, line, project);
        first_half(&context.sign())
    }

    pub(super) fn known(&self, number: u64, digest: &Digest) -> Known {
        match self.done.get(&number) {
            None => Known::New,
            Some(stored) if stored == digest => Known::Stored,
            Some(_) => Known::Other,
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
        let mut context = hmac::Context::with_key(&self.key);
        update_with(&mut context, b"idempotency key", number, line, project);
        let refusals = self.refusals.get(&number).copied().unwrap_or_default();
        update(&mut context, Some(&refusals.to_be_bytes()));
        context.update(line.value());
        IdempotencyKey::new(hex(&first_half(&context.sign())))
    }

    /// Records durably that these lines were stored, or refused if there is no digest.
    pub(super) fn record(&mut self, lines: &[(u64, Option<Digest>)]) -> Result<(), Failure> {
        let text: String = lines
            .iter()
            .map(|(number, digest)| match digest {
                Some(digest) => format!("{number} {}\n", hex(digest)),
                None => format!("{number} {REFUSED}\n"),
            })
            .collect();
        self.append(&text)
    }

    fn load(&mut self, url: &str, agent: &str) -> Result<(), Failure> {
        let mut text = Zeroizing::new(String::new());
        let read = self.file.read_to_string(&mut text);
        read.map_err(|e| match e.kind() {
            std::io::ErrorKind::InvalidData => self.refused("holds something else"),
            _ => FileError::new("read", &self.path, e).into(),
        })?;
        // A line that was being written when the machine stopped.
        let whole = text.rfind('\n').map_or(0, |at| at + 1);
        let (whole, torn) = text.split_at(whole);
        if !torn.is_empty() {
            let is_ours = !whole.is_empty() || torn.starts_with(MAGIC) || MAGIC.starts_with(torn);
            if !is_ours {
                return Err(self.refused("holds something else"));
            }
            let keep = u64::try_from(whole.len()).unwrap_or(u64::MAX);
            let cut = self.file.set_len(keep);
            cut.and_then(|()| self.file.seek(SeekFrom::End(0)).map(drop))
                .map_err(|e| FileError::new("write", &self.path, e))?;
        }
        let Some((head, records)) = whole.split_once('\n') else {
            return self.begin(url, agent);
        };
        let key = head
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_once(' '))
            .and_then(|(key, owner)| Some((unhex::<32>(key)?, unhex::<16>(owner)?)));
        let Some((key, owner)) = key else {
            return Err(self.refused("holds something else"));
        };
        self.key = hmac::Key::new(hmac::HMAC_SHA256, &*Zeroizing::new(key));
        if owner != self.owner(url, agent) {
            return Err(self.refused("belongs to an import to another agent or gateway"));
        }
        for (index, record) in records.lines().enumerate() {
            let parsed = record
                .split_once(' ')
                .and_then(|(number, rest)| Some((number.parse().ok()?, rest)));
            match parsed.map(|(number, rest)| (number, rest, unhex(rest))) {
                Some((number, _, Some(digest))) => drop(self.done.insert(number, digest)),
                Some((number, REFUSED, None)) => *self.refusals.entry(number).or_default() += 1,
                _ => return Err(self.refused(&format!("is damaged in line {}", index + 2))),
            }
        }
        Ok(())
    }

    fn begin(&mut self, url: &str, agent: &str) -> Result<(), Failure> {
        let mut key = Zeroizing::new([0; 32]);
        rand::fill(&mut *key).map_err(|_| {
            Failure::usage("the operating system returned no random numbers").hint("try again")
        })?;
        self.key = hmac::Key::new(hmac::HMAC_SHA256, &*key);
        let head = format!("{MAGIC}{} {}\n", hex(&*key), hex(&self.owner(url, agent)));
        self.append(&Zeroizing::new(head))?;
        // The file's name must be durable, too.
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let synchronised = File::open(folder).and_then(|folder| folder.sync_all());
        synchronised.map_err(|e| FileError::new("write to", folder, e))?;
        Ok(())
    }

    fn append(&mut self, text: &str) -> Result<(), Failure> {
        let written = self.file.write_all(text.as_bytes());
        written
            .and_then(|()| self.file.sync_data())
            .map_err(|e| FileError::new("write", &self.path, e))?;
        Ok(())
    }

    /// Identifies the gateway and the agent that the file is for.
    fn owner(&self, url: &str, agent: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        for part in ["owner", url.trim_end_matches('/'), agent] {
            update(&mut context, Some(part.as_bytes()));
        }
        first_half(&context.sign())
    }

    fn refused(&self, why: &str) -> Failure {
        Failure::refused(format!("{} {why}", quoted(&self.path)))
            .hint("give the --resume of the same import, or a file that does not exist yet")
    }
}

fn update_with(
    context: &mut hmac::Context,
    label: &[u8],
    number: u64,
    line: &Line<'_>,
    project: Option<&str>,
) {
    update(context, Some(label));
    update(context, Some(&number.to_be_bytes()));
    let project = line.project.as_deref().or(project);
    for part in [
        Some(&*line.name),
        line.key.as_deref(),
        line.secret_type.as_deref(),
        project,
    ] {
        update(context, part.map(str::as_bytes));
    }
}

/// Each part with its presence and length, so that no two sequences of parts are alike.
fn update(context: &mut hmac::Context, part: Option<&[u8]>) {
    let length = part.map_or(u64::MAX, |part| {
        u64::try_from(part.len()).unwrap_or(u64::MAX - 1)
    });
    context.update(&length.to_be_bytes());
    context.update(part.unwrap_or_default());
}

fn first_half(tag: &hmac::Tag) -> Digest {
    let mut half = [0; 16];
    for (to, from) in half.iter_mut().zip(tag.as_ref()) {
        *to = *from;
    }
    half
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    decode(text.as_bytes(), &mut bytes)?;
    Some(bytes)
}

const MAGIC: &str = "sealpost-import 1 ";
const REFUSED: &str = "refused";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const URL: &str = "https://gateway.example";

    fn open(path: &Path) -> Result<Resume, Failure> {
        Resume::open(path, URL, "a")
    }

    fn line(text: &str) -> Line<'_> {
        Line::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_was_stored_is_known_to_the_next_run() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resume");
        let one = line(r#"{"name":"one","value":{"password":"x"}}"#);
        let mut resume = open(&path).unwrap();
        let digest = resume.digest(7, &one, None);
        assert_eq!(resume.known(7, &digest), Known::New);
        resume
            .record(&[(7, Some(digest)), (9, Some([1; 16]))])
            .unwrap();
        let key = resume.idempotency_key(7, &one, None).unwrap();
        assert!(open(&path).is_err(), "one at a time");
        drop(resume);

        let resume = open(&path).unwrap();
        assert_eq!(resume.digest(7, &one, None), digest);
        assert_eq!(resume.known(7, &digest), Known::Stored);
        assert_eq!(resume.known(8, &digest), Known::New);
        assert_eq!(resume.known(9, &digest), Known::Other);
        assert_eq!(resume.idempotency_key(7, &one, None).unwrap(), key);
    }

    #[test]
    fn everything_counts_but_the_value_and_that_for_the_idempotency_key() {
        let folder = tempfile::tempdir().unwrap();
        let resume = open(&folder.path().join("resume")).unwrap();
        let one = line(r#"{"name":"n","key":"k","value":{"k":1}}"#);
        let digest = resume.digest(1, &one, None);
        let key = resume.idempotency_key(1, &one, None).unwrap();
        for other in [
            r#"{"name":"nk","key":"","value":{"k":1}}"#,
            r#"{"name":"n","type":"k","value":{"k":1}}"#,
            r#"{"name":"n","key":"k","project":"p","value":{"k":1}}"#,
            r#"{"name":"n","value":{"k":1}}"#,
        ] {
            assert_ne!(resume.digest(1, &line(other), None), digest, "{other}");
            assert_ne!(resume.idempotency_key(1, &line(other), None).unwrap(), key);
        }
        assert_ne!(resume.digest(1, &one, Some("p")), digest);
        assert_ne!(resume.digest(2, &one, None), digest);
        let changed = line(r#"{"name":"n","key":"k","value":{"k":2}}"#);
        assert_eq!(resume.digest(1, &changed, None), digest);
        assert_ne!(resume.idempotency_key(1, &changed, None).unwrap(), key);
    }

    #[test]
    fn after_a_refusal_the_next_try_is_a_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resume");
        let one = line(r#"{"name":"n","value":{}}"#);
        let mut keys = Vec::new();
        for _ in 0..3 {
            let mut resume = open(&path).unwrap();
            assert_eq!(resume.known(1, &resume.digest(1, &one, None)), Known::New);
            keys.push(resume.idempotency_key(1, &one, None).unwrap());
            resume.record(&[(1, None)]).unwrap();
        }
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
    }

    #[test]
    fn a_torn_end_is_cut_off_and_everything_else_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resume");
        let mut resume = open(&path).unwrap();
        resume
            .record(&[(1, Some([1; 16])), (2, Some([2; 16]))])
            .unwrap();
        drop(resume);
        let whole = fs::read_to_string(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut resume = open(&path).unwrap();
            let lines = whole[..cut].matches('\n').count();
            assert_eq!(resume.done.len(), lines.saturating_sub(1), "{cut}");
            resume.record(&[(3, Some([3; 16]))]).unwrap();
            drop(resume);
            assert_eq!(
                open(&path).unwrap().known(3, &[3; 16]),
                Known::Stored,
                "{cut}"
            );
        }
        let (head, _) = whole.split_once('\n').unwrap();
        for bad in [
            "secret",
            "secret\n",
            "{}\n",
            &whole.replace("import 1", "import 2"),
            &whole.replacen("\n1 ", "\nx ", 1),
            &format!("{head}\n1 00\n"),
            &format!("{}\n", &head[..head.len() - 1]),
        ] {
            fs::write(&path, bad).unwrap();
            assert!(open(&path).is_err(), "{bad}");
            assert_eq!(
                fs::read_to_string(&path).unwrap(),
                *bad,
                "it is left as it is"
            );
        }
        fs::write(&path, &whole).unwrap();
        assert!(Resume::open(&path, URL, "b").is_err());
        assert!(Resume::open(&path, "https://other.example", "a").is_err());
        assert!(Resume::open(&path, "https://gateway.example/", "a").is_ok());
    }

    #[test]
    fn it_is_private_and_tells_neither_names_nor_values() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resume");
        let mut resume = open(&path).unwrap();
        let one = line(r#"{"name":"the-name","value":{"password":"canary"}}"#);
        let digest = resume.digest(1, &one, None);
        resume.record(&[(1, Some(digest))]).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains("the-name") && !text.contains("canary"));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
}
