//! Bounded reads.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::error::FileError;
use crate::text::quoted;

/// Reads a whole file of at most `limit` bytes.
///
/// # Errors
///
/// [`FileError`] if it can't be read or is larger.
pub fn read(path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    let file = File::open(path).map_err(|e| FileError::new("read", path, e))?;
    read_open(file, path, limit)
}

/// Reads a file that is open already; `path` is for the error.
///
/// # Errors
///
/// [`FileError`] if it can't be read or is larger than `limit` bytes.
pub fn read_open(file: File, path: &Path, limit: usize) -> Result<Zeroizing<Vec<u8>>, FileError> {
    read_bounded(file, &quoted(path), limit)
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

/// How much is read before the buffer grows.
const FIRST_READ: usize = 8 * 1024;

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
}
