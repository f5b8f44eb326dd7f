//! PEM files as people have them: several blocks, text between them (RFC 7468 §2).

use alloc::vec;

use der::pem;
use zeroize::Zeroizing;

/// One block of a PEM file.
pub(crate) struct Block<'a> {
    pub(crate) label: &'a str,
    text: &'a [u8],
}

/// Not the PEM of a block.
#[derive(Debug)]
pub(crate) struct InvalidPem;

impl Block<'_> {
    /// The block's content. It may be a private key: the buffer is wiped.
    pub(crate) fn decode(&self) -> Result<Zeroizing<vec::Vec<u8>>, InvalidPem> {
        // Base64 shrinks, and the buffer must not grow: growing leaves copies behind.
        let mut buffer = Zeroizing::new(vec![0; self.text.len()]);
        // Lines of any width, as long as all have it: not everybody breaks them at 64.
        let mut decoder = pem::Decoder::new_detect_wrap(self.text).map_err(|_| InvalidPem)?;
        let length = decoder.remaining_len();
        let content = buffer.get_mut(..length).ok_or(InvalidPem)?;
        decoder.decode(content).map_err(|_| InvalidPem)?;
        if !decoder.is_finished() {
            return Err(InvalidPem);
        }
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// The blocks of a PEM file, in order. What stands between them is skipped.
pub(crate) fn blocks(file: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = file;
    core::iter::from_fn(move || {
        let start = find(rest, BEGIN)?;
        let text = rest.get(start..)?;
        let label_end = find(text.get(BEGIN.len()..)?, DASHES)? + BEGIN.len();
        let label = core::str::from_utf8(text.get(BEGIN.len()..label_end)?).ok()?;
        // The end line must have the same label; the decoder checks.
        let end = find(text, END)?;
        let end = end + END.len() + find(text.get(end + END.len()..)?, DASHES)? + DASHES.len();
        let (block, after) = text.split_at_checked(end)?;
        rest = after;
        Some(Block { label, text: block })
    })
}

/// Does this look like PEM rather than DER? A certificate in DER starts with a SEQUENCE of more than 127
/// bytes, whatever names it has inside.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x30, 0x80..=0xff, ..]) && find(bytes, BEGIN).is_some()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

/// The label of a certificate's block (RFC 7468 §5.1).
pub(crate) const CERTIFICATE: &str = "CERTIFICATE";
const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
