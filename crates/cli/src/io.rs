//! Bounded reads and all-or-nothing writes.
//!
//! What is read may be a secret. It goes straight from the file descriptor into buffers that are
//! wiped, without the standard library's buffered streams, which would keep a copy.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::error::{Exit, Failure};
use crate::render::quoted;

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
            Some(path) => replace(path, bytes),
        }
    }
}

impl Input {
    /// Reads all of it, at most `limit` bytes.
    ///
    /// # Errors
    /// [`Exit::Usage`] if it can't be read, [`Exit::Refused`] if there is more than `limit`.
    pub(crate) fn read(&self, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
        match &self.file {
            Some(path) if path.as_os_str() != "-" => {
                // A value in place of a file's name must not be repeated.
                if is_json(path) && !path.exists() {
                    return Err(Failure::usage("the argument is no file but JSON itself")
                        .hint("write it to a file or give it on stdin; arguments show in the list of processes"));
                }
                read_file(path, limit)
            }
            _ => read_bounded(stdin()?, "stdin", limit),
        }
    }

    /// What error messages call it.
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

/// Reads a whole file of at most `limit` bytes.
pub(crate) fn read_file(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let file = File::open(path).map_err(|e| cannot("read", path, &e))?;
    read_open(file, path, limit)
}

/// The same of a file that was opened at `path`.
pub(crate) fn read_open(
    file: File,
    path: &Path,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    read_bounded(file, &quoted(path), limit)
}

/// Writes to stdout. A reader that went away ends the program quietly.
pub(crate) fn write_stdout(bytes: &[u8]) -> Result<(), Failure> {
    let done = stdout().and_then(|mut out| out.write_all(bytes).and_then(|()| out.flush()));
    done.map_err(|e| match e.kind() {
        io::ErrorKind::BrokenPipe => Failure::silent(Exit::Usage),
        _ => Failure::usage(format!("cannot write to stdout: {e}"))
            .hint("write to a file with -o, or make room where stdout goes"),
    })
}

/// Who may read a file that [`create`] makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Its owner only: 0600 on Unix.
    Owner,
    /// Everybody whom the umask allows: 0644 on Unix.
    Everybody,
}

/// Creates a file, all or nothing, and never overwrites one.
pub(crate) fn create(path: &Path, access: Access, bytes: &[u8]) -> Result<(), Failure> {
    let temporary = filled_beside(path, access, bytes).map_err(|e| cannot("write", path, &e))?;
    match temporary.persist_noclobber(path) {
        Ok(_) => Ok(()),
        Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(exists(path)),
        Err(e) => Err(cannot("write", path, &e.error)),
    }
}

/// Makes a folder that only its owner can enter, if it does not exist.
pub(crate) fn create_folder(path: &Path) -> Result<(), Failure> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|e| cannot("make the folder", path, &e))
}

/// The refusal to overwrite.
pub(crate) fn exists(path: &Path) -> Failure {
    Failure::usage(format!("{} exists and is never overwritten", quoted(path)))
        .hint("choose another folder, or move the file away if you are sure that nothing is still sealed to it")
}

/// The error for a file operation, `verb` being what could not be done.
pub(crate) fn cannot(verb: &str, path: &Path, error: &io::Error) -> Failure {
    let hint = match error.kind() {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => {
            "check the owner and the mode of the file and its folder"
        }
        io::ErrorKind::IsADirectory => "name a file in that folder",
        _ => "check the path, and that there is room on the disk",
    };
    Failure::usage(format!("cannot {verb} {}: {error}", quoted(path))).hint(hint)
}

/// Puts `bytes` in place of what `path` names. A regular file is replaced at once and keeps its old
/// contents if anything fails; a pipe or a device is written to.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let done = match fs::metadata(path) {
        Ok(found) if !found.is_file() => File::options()
            .write(true)
            .open(path)
            .and_then(|mut file| file.write_all(bytes)),
        // Through a symbolic link the file is replaced, not the link.
        Ok(_) => fs::canonicalize(path).and_then(|path| persist(&path, bytes)),
        Err(_) => persist(path, bytes),
    };
    done.map_err(|e| cannot("write", path, &e))
}

fn persist(path: &Path, bytes: &[u8]) -> io::Result<()> {
    filled_beside(path, Access::Owner, bytes)?.persist(path)?;
    Ok(())
}

/// A temporary file beside `path`, written and synchronised; removed if dropped.
fn filled_beside(path: &Path, access: Access, bytes: &[u8]) -> io::Result<tempfile::NamedTempFile> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    if access == Access::Everybody {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o644));
    }
    let mut file = builder.tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    Ok(file)
}

fn read_bounded(
    mut from: impl Read,
    name: &str,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut buffer = Zeroizing::new(vec![0; FIRST_READ.min(limit + 1)]);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            if filled > limit {
                return Err(
                    Failure::refused(format!("{name} is larger than {limit} bytes"))
                        .hint("check that this is the file you meant"),
                );
            }
            // Growing in place would leave the old block unwiped in freed memory.
            let mut larger = Zeroizing::new(vec![0; (filled * 2).min(limit + 1)]);
            larger[..filled].copy_from_slice(&buffer);
            buffer = larger;
        }
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => {
                return Err(Failure::usage(format!("cannot read {name}: {e}"))
                    .hint("check the path and that it is a file, not a folder"));
            }
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
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

/// How much is read before the buffer grows.
const FIRST_READ: usize = 8 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], limit: usize) -> Result<Vec<u8>, Failure> {
        read_bounded(input, "input", limit).map(|read| read.to_vec())
    }

    #[test]
    fn reads_up_to_the_limit_and_no_further() {
        for limit in [
            0,
            1,
            FIRST_READ - 1,
            FIRST_READ,
            FIRST_READ + 1,
            5 * FIRST_READ,
        ] {
            let input = vec![7; limit + 1];
            assert_eq!(read(&input[..limit], limit).unwrap(), input[..limit]);
            let error = read(&input, limit).unwrap_err().to_string();
            assert!(
                error.contains(&format!("larger than {limit} bytes")),
                "{error}"
            );
        }
    }

    #[test]
    fn create_never_overwrites_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        create(&path, Access::Owner, b"first").unwrap();
        create(&path, Access::Owner, b"second").unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn output_is_private_and_follows_links() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        replace(&file, b"one").unwrap();
        assert_eq!(
            fs::metadata(&file).unwrap().permissions().mode() & 0o777,
            0o600
        );
        symlink(&file, &link).unwrap();
        replace(&link, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        replace(Path::new("/dev/null"), b"three").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
