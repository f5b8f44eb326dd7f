//! The trail in a file.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use parking_lot::Mutex;

use super::sink::AuditSink;

/// Appends the trail to a file. Creates it for its owner alone (mode 0600) if it does not exist.
///
/// After the file was renamed or removed, as log rotation does, it is created again: within a second, or at once with
/// [`reopen`](Self::reopen). Lines are handed to the operating system one by one, and not forced to the disk: a
/// killed process loses none, a power cut may lose the last ones.
#[derive(Debug)]
pub struct AuditFile {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// The file's device and inode.
    identity: (u64, u64),
    looked: Instant,
    /// The last line was written in part.
    torn: bool,
}

impl AuditFile {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    ///
    /// Fails if it can't be opened for appending.
    pub fn open(path: impl Into<PathBuf>) -> io::Result<Self> {
        let path = path.into();
        let state = Mutex::new(State::open(&path)?);
        Ok(Self { path, state })
    }

    /// Opens the file again, for a signal handler.
    ///
    /// # Errors
    ///
    /// Fails if it can't be opened; the old one stays in use.
    pub fn reopen(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        *state = State::open(&self.path)?;
        Ok(())
    }
}

impl AuditSink for AuditFile {
    fn write_line(&self, line: &[u8]) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.looked.elapsed() >= LOOK_PAUSE {
            state.looked = Instant::now();
            let identity = fs::metadata(&self.path).ok().map(|m| (m.dev(), m.ino()));
            if identity != Some(state.identity) {
                *state = State::open(&self.path)?;
            }
        }
        state.append(line)
    }
}

impl State {
    fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)?;
        let metadata = file.metadata()?;
        Ok(Self {
            identity: (metadata.dev(), metadata.ino()),
            file,
            looked: Instant::now(),
            torn: false,
        })
    }

    /// Writes a line. If the last line was cut short, on a full disk, ends it first.
    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.torn {
            self.file.write_all(b"\n")?;
            self.torn = false;
        }
        let written = self.file.write(line)?;
        if written < line.len() {
            self.torn = true;
            self.file.write_all(&line[written..])?;
            self.torn = false;
        }
        Ok(())
    }
}

const LOOK_PAUSE: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn lines_are_appended_to_a_private_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        for line in ["a\n", "b\n"] {
            let file = AuditFile::open(&path).unwrap();
            file.write_line(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "a\nb\n");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }

    #[test]
    fn a_renamed_file_is_left_behind() {
        let dir = tempfile::tempdir().unwrap();
        let (path, old) = (dir.path().join("audit"), dir.path().join("audit.1"));
        let file = AuditFile::open(&path).unwrap();
        file.write_line(b"a\n").unwrap();
        fs::rename(&path, &old).unwrap();
        file.write_line(b"b\n").unwrap();
        file.reopen().unwrap();
        file.write_line(b"c\n").unwrap();
        // Without being told, a second later.
        fs::remove_file(&path).unwrap();
        file.state.lock().looked -= LOOK_PAUSE;
        file.write_line(b"d\n").unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "a\nb\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "d\n");
    }

    #[test]
    fn a_torn_line_is_ended_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("audit");
        let file = AuditFile::open(&path).unwrap();
        file.write_line(b"{\"cut").unwrap();
        file.state.lock().torn = true;
        file.write_line(b"whole\n").unwrap();
        file.write_line(b"more\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"cut\nwhole\nmore\n");
    }

    /// A device that is always full.
    #[test]
    #[cfg(target_os = "linux")]
    fn a_full_disk_is_an_error() {
        let file = AuditFile::open("/dev/full").unwrap();
        let error = file.write_line(b"a\n").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
