//! What is left of a file whose creation was cut short.

use std::io;

/// Returns whether nothing was ever stored in a file of this length: it is empty, or redb began to lay it out and was cut short
/// by a crash or a full disk. `read` fills bytes from a place in the file.
///
/// redb makes the file as long as it is to be, writes its header without the signature, and the signature last. Until then all
/// but the header is zeros. Longer zeros are what is left of something else.
///
/// # Errors
///
/// Fails if `read` does.
pub fn holds_nothing(
    length: u64,
    read: impl Fn(&mut [u8], u64) -> io::Result<()>,
) -> io::Result<bool> {
    if length > LAID_OUT {
        return Ok(false);
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or_default()];
    read(&mut bytes, 0)?;
    let signature = bytes.iter().take(SIGNATURE.len());
    let after_header = bytes.iter().skip(HEADER);
    Ok(signature.chain(after_header).all(|byte| *byte == 0))
}

/// How every file of redb begins.
pub(crate) const SIGNATURE: [u8; 9] = *b"redb\x1a\x0a\xa9\x0d\x0a";

/// How long redb's header is, in bytes.
pub(crate) const HEADER: usize = 320;
/// How long redb makes a file when it creates it, in bytes.
const LAID_OUT: u64 = 18 * 4096;
