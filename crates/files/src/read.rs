//! Bounded reads, of any bytes or of text.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::encoding::Encoding;
use crate::error::FileError;
use crate::text::quoted;

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
///
/// [`FileError`] if it can't be read or is larger.
pub fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = File::open(path).map_err(|e| FileError::new("read", path, e))?;
    read_bounded(file, &quoted(path), limit)
}

/// A file that holds a secret, and whether others may use it.
#[cfg(unix)]
pub struct Private {
    content: Zeroizing<Vec<u8>>,
    exposed: Option<FileError>,
}

#[cfg(unix)]
impl Private {
    /// Returns what is in it. Fails if others may use it.
    ///
    /// # Errors
    ///
    /// [`FileError::Exposed`].
    pub fn content(self) -> Result<Zeroizing<Vec<u8>>, FileError> {
        match self.exposed {
            None => Ok(self.content),
            Some(error) => Err(error),
        }
    }

    /// Returns what is in it, to find what else is wrong with it, and whether others may use it.
    #[must_use]
    pub fn into_parts(self) -> (Zeroizing<Vec<u8>>, Option<FileError>) {
        (self.content, self.exposed)
    }
}

#[cfg(unix)]
impl std::fmt::Debug for Private {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Private")
            .field("exposed", &self.exposed)
            .finish_non_exhaustive()
    }
}

/// Reads a regular file of text or DER, of at most `limit` bytes, that a configuration names.
///
/// # Errors
///
/// [`FileError`] if it can't be read, is larger, or is no regular file.
#[cfg(unix)]
pub fn read_named(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let name = quoted(path);
    as_text(read_bounded(crate::open(path)?, &name, limit)?, &name)
}

/// Reads a file that a configuration names and that holds a secret, as [`read_named`] does. It is exposed if users other than
/// its owner and its group can read it, or others than its owner can write it: a group that may read is how files of root are
/// lent to a service.
///
/// # Errors
///
/// Those of [`read_named`].
#[cfg(unix)]
pub fn read_private(path: &Path, limit: usize) -> Result<Private, FileError> {
    use std::os::unix::fs::PermissionsExt as _;
    let file = crate::open(path)?;
    // The mode of the file that is read, whatever the path names by then.
    let found = file.metadata();
    let found = found.map_err(|error| FileError::new("read", path, error))?;
    let mode = found.permissions().mode() & 0o777;
    let name = quoted(path);
    Ok(Private {
        content: as_text(read_bounded(file, &name, limit)?, &name)?,
        exposed: (mode & 0o037 != 0).then(|| FileError::Exposed {
            path: path.to_owned(),
            mode,
        }),
    })
}

/// Reads a stream to its end; `name` is for the error.
///
/// # Errors
///
/// [`FileError`] if it can't be read or is larger than `limit` bytes.
pub fn read_bounded(
    mut from: impl Read,
    name: &str,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let mut buffer = Zeroizing::new(vec![0; FIRST_READ.min(limit + 1)]);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            if filled > limit {
                return Err(FileError::TooLarge {
                    name: name.to_owned(),
                    limit,
                });
            }
            // Growing in place would leave the old block unwiped in freed memory.
            let mut larger = Zeroizing::new(vec![0; (filled * 2).min(limit + 1)]);
            larger[..filled].copy_from_slice(&buffer);
            buffer = larger;
        }
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(n) => filled += n,
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => {
                let name = name.to_owned();
                return Err(FileError::Unreadable { name, source });
            }
        }
    }
    buffer.truncate(filled);
    Ok(buffer)
}

/// Takes the byte-order mark off text in UTF-8; what is binary stays as it is, since each byte of it counts. `name` is for
/// the error.
///
/// # Errors
///
/// [`FileError::OtherEncoding`] if it is text in another encoding, [`FileError::MarkedBinary`] if what follows a mark is
/// binary.
pub fn as_text(mut bytes: Zeroizing<Vec<u8>>, name: &str) -> Result<Zeroizing<Vec<u8>>, FileError> {
    if let Some(encoding) = Encoding::detect(&bytes) {
        let name = name.to_owned();
        return Err(FileError::OtherEncoding { name, encoding });
    }
    // Editors put blank lines before a mark that was the file's first.
    let blank = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_whitespace())
        .count();
    if let Some(rest) = bytes[blank..].strip_prefix(MARK) {
        if is_binary(rest) {
            let name = name.to_owned();
            return Err(FileError::MarkedBinary { name });
        }
        // In place: what moves stays in the buffer that is wiped.
        bytes.drain(blank..blank + MARK.len());
    }
    Ok(bytes)
}

/// Reads a file that is text or DER, of at most `limit` bytes: [`read`], then [`as_text`].
///
/// # Errors
///
/// [`FileError`] as of these two.
pub fn read_text(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    as_text(read(path, limit)?, &quoted(path))
}

/// Returns whether it begins as no text does. Every binary form that is read has a control character or a length of more
/// than 127 in its first bytes.
fn is_binary(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD).unwrap_or(bytes);
    let is_control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    // A character that the end of the head cuts is not an error.
    let is_utf8 = str::from_utf8(head).map_or_else(|error| error.error_len().is_none(), |_| true);
    !is_utf8 || head.iter().any(is_control)
}

/// The native envelope's version stands behind eight letters; DER has a length and a type at once.
const HEAD: usize = 16;
/// How much is read before the buffer grows.
const FIRST_READ: usize = 8 * 1024;

/// U+FEFF in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], limit: usize) -> Result<Vec<u8>, FileError> {
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
    fn utf_8_and_binary_stay_but_for_the_mark() {
        for same in [
            &b""[..],
            b"x",
            b"{}",
            b"sealpost\x01\x00\x01",
            b"0\x82\x01\x00",
            b"\x30\x03\x02\x01\x00",
            b"\x00",
            b"\x00\x00\x00\x00",
            b"a\xef\xbb\xbf",
        ] {
            let text = as_text(Zeroizing::new(same.to_vec()), "x").unwrap();
            assert_eq!(*text, same);
        }
        let marked = [MARK, b" {}\r\n"].concat();
        assert_eq!(*as_text(Zeroizing::new(marked), "x").unwrap(), b" {}\r\n");
    }

    #[test]
    fn a_mark_before_something_binary_is_named_and_not_dropped() {
        for binary in [
            &b"sealpost\x01\x01\x01\x58"[..],
            b"0\x82\x01\x00",
            b"0\x80\x06\x09",
            b"\x30\x03\x02\x01\x00",
            b"\x1f\x8b\x08",
            b"\x00",
        ] {
            let marked = Zeroizing::new([MARK, binary].concat());
            let error = as_text(marked, "`f`").unwrap_err();
            assert!(matches!(error, FileError::MarkedBinary { .. }), "{error}");
            assert!(error.hint().contains("`tail -c +4`"));
        }
        // A character that the end of what is looked at cuts.
        for text in ["{\"password\":\"ä\"}", "ääääääää😀", "\r\n\t {}", ""] {
            let marked = Zeroizing::new([MARK, text.as_bytes()].concat());
            assert_eq!(*as_text(marked, "x").unwrap(), text.as_bytes());
        }
        let text = format!("{}ä", "x".repeat(HEAD - 1));
        let marked = Zeroizing::new([MARK, text.as_bytes()].concat());
        assert_eq!(*as_text(marked, "x").unwrap(), text.as_bytes());
    }

    #[test]
    fn another_encoding_is_named() {
        let utf16: Vec<u8> = "key".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let error = as_text(Zeroizing::new(utf16), "`f`").unwrap_err();
        assert_eq!(error.to_string(), "`f` is text in UTF-16LE, not in UTF-8");
        assert!(error.hint().contains("iconv -f UTF-16LE"));
    }
}
