//! The trail in a file.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Write as _},
    os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::{
    fs::{Access, OFlags, access},
    io::Errno,
};

use super::{
    sink::{AuditSink, Incomplete, is_null},
    tail::Tail,
};

/// Appends the trail to a file. Creates it for its owner alone (mode 0600) if it does not exist.
///
/// After the file was renamed or removed, as log rotation does, it is created again: within a second, or with the next
/// line after [`reopen`](Self::reopen). Lines are handed to the operating system and not forced to the disk, unless that
/// is asked for ([`with_sync`](Self::with_sync)): a killed process loses none, a power cut may lose the last ones.
///
/// If the last line of a file that exists was torn, the first one that is written begins on a line of its own.
///
/// It may be a named pipe. Lines can be written while a process reads from it.
#[derive(Debug)]
pub struct AuditFile {
    path: PathBuf,
    sync: bool,
    rule: Option<Rule>,
    /// Locked while something is written, which may take as long as it likes.
    current: Mutex<Opened>,
    /// Takes the place of `current` with the next line.
    next: Mutex<Option<Opened>>,
}

/// What must hold of the file that the path names, beyond what holds of every trail.
struct Rule(Box<Judge>);

type Judge = dyn Fn(&fs::Metadata) -> io::Result<()> + Send + Sync;

#[derive(Debug)]
struct Opened {
    /// `None` for a pipe without a reader.
    file: Option<File>,
    /// The file's device and inode.
    identity: (u64, u64),
    tail: Tail,
    looked: Instant,
}

impl AuditFile {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    ///
    /// Fails if it can't be opened for appending, or if other users may write to it.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let current = Mutex::new(Opened::new(&path, false, None)?);
        Ok(Self {
            path,
            sync: false,
            rule: None,
            current,
            next: Mutex::default(),
        })
    }

    /// Forces lines to the disk before a request goes on, those of all requests that wait at once.
    ///
    /// # Errors
    ///
    /// Fails if it is a pipe or a device, or its folder can't be synchronised.
    pub fn with_sync(mut self) -> io::Result<Self> {
        self.sync = true;
        *self.current.get_mut() = self.opened()?;
        Ok(self)
    }

    /// Has each file that is opened judged before anything is written to it: by then the path may name something else than at the
    /// start, such as a key.
    ///
    /// # Errors
    ///
    /// Fails if the rule does for the file that is open.
    pub fn with_rule(
        mut self,
        rule: impl Fn(&fs::Metadata) -> io::Result<()> + Send + Sync + 'static,
    ) -> io::Result<Self> {
        self.rule = Some(Rule(Box::new(rule)));
        *self.current.get_mut() = self.opened()?;
        Ok(self)
    }

    /// Finds what [`open`](Self::open) and [`with_sync`](Self::with_sync) would fail with if the file exists, and
    /// changes nothing.
    ///
    /// # Errors
    ///
    /// Those of `open` and `with_sync`.
    pub fn check(path: &Path, sync: bool) -> io::Result<()> {
        let found = match fs::metadata(path) {
            Ok(found) => found,
            // A link that leads nowhere is not a file that can be created.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return match fs::symlink_metadata(path) {
                    Ok(_) => Err(error),
                    Err(_) => sealpost_files::check_can_create_in(folder(path)),
                };
            }
            Err(error) => return Err(error),
        };
        judge(&found, sync)?;
        if sync {
            File::open(folder(path))?;
        }
        // A pipe's reader would take the end of a writer for the end of the file.
        if found.file_type().is_fifo() {
            return Ok(access(path, Access::WRITE_OK)?);
        }
        options().open(path).map(drop)
    }

    /// Opens the file again, for a signal handler. It does not wait for lines that are being written.
    ///
    /// # Errors
    ///
    /// Fails if it can't be opened; the old one stays in use.
    pub fn reopen(&self) -> io::Result<()> {
        *self.next.lock() = Some(self.opened()?);
        Ok(())
    }

    fn opened(&self) -> io::Result<Opened> {
        Opened::new(&self.path, self.sync, self.rule.as_ref())
    }
}

impl AuditSink for AuditFile {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        self.write_lines(line).map_err(|failed| failed.error)
    }

    fn write_lines(&self, lines: &[u8]) -> Result<(), Incomplete> {
        let nothing = |error| Incomplete { written: 0, error };
        let mut current = self.current.lock();
        if let Some(next) = self.next.lock().take() {
            *current = next;
        }
        if current.file.is_none() || current.has_moved(&self.path) {
            // What the path named before is not written to any more, even if the new file can't be opened.
            current.file = None;
            *current = self.opened().map_err(nothing)?;
        }
        let Opened { file, tail, .. } = &mut *current;
        let file = file.as_mut();
        let file = file.ok_or_else(|| nothing(Errno::NXIO.into()))?;
        tail.append(lines, |rest| file.write(rest))
    }

    fn sync(&self) -> io::Result<()> {
        match &self.current.lock().file {
            Some(file) if self.sync => file.sync_data(),
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rule")
    }
}

impl Opened {
    fn new(path: &Path, sync: bool, rule: Option<&Rule>) -> io::Result<Self> {
        // A link that leads nowhere is not a file that can be created, as a check says.
        let create = fs::symlink_metadata(path).is_err();
        let file = match options().create(create).open(path) {
            Ok(file) => Some(file),
            Err(error) if has_no_reader(path, &error) => None,
            Err(error) => return Err(error),
        };
        let found = match &file {
            Some(file) => file.metadata()?,
            None => fs::metadata(path)?,
        };
        judge(&found, sync)?;
        if let Some(Rule(holds)) = rule {
            holds(&found)?;
        }
        if sync {
            // Its name must be durable, too.
            File::open(folder(path))?.sync_all()?;
        }
        Ok(Self {
            file,
            identity: (found.dev(), found.ino()),
            tail: Tail::of(&found, path),
            looked: Instant::now(),
        })
    }

    /// Returns whether the path names another file by now. It looks once a second.
    fn has_moved(&mut self, path: &Path) -> bool {
        if self.looked.elapsed() < LOOK_PAUSE {
            return false;
        }
        self.looked = Instant::now();
        let identity = fs::metadata(path).ok().map(|m| (m.dev(), m.ino()));
        identity != Some(self.identity)
    }
}

/// To append without waiting for the reader of a pipe.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
    options.append(true).mode(0o600).custom_flags(flags);
    options
}

fn folder(path: &Path) -> &Path {
    let folder = path.parent();
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    folder.unwrap_or(Path::new("."))
}

fn has_no_reader(path: &Path, error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::NXIO.raw_os_error())
        && fs::metadata(path).is_ok_and(|found| found.file_type().is_fifo())
}

/// Fails if others may write to what was found, or it can't be synchronised although it should be. Devices are the
/// operating system's matter.
fn judge(found: &fs::Metadata, sync: bool) -> io::Result<()> {
    let (kind, mode) = (found.file_type(), found.mode() & 0o777);
    if is_null(found) {
        return Err(io::Error::other(
            "it is the null device, where the trail would be lost: name a file, or leave [audit] out",
        ));
    }
    if (kind.is_file() || kind.is_fifo()) && mode & 0o022 != 0 {
        return Err(io::Error::other(format!(
            "others may write to it (mode {mode:03o}): chmod go-w it, or name another file"
        )));
    }
    if sync && !kind.is_file() {
        return Err(io::Error::other(
            "it is not a file on a disk: leave sync out, or name another file",
        ));
    }
    Ok(())
}

const LOOK_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests;
