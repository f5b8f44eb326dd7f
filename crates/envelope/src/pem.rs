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

impl<'a> Block<'a> {
    /// The block as it stands in the file; `None` if it is not text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        core::str::from_utf8(self.text).ok()
    }

    /// Returns whether the block ends.
    #[cfg(feature = "chain")]
    pub(crate) fn is_whole(&self) -> bool {
        end(self.text).is_some()
    }

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
///
/// A block that does not end is the last one, and does not decode: a file that was cut is not a shorter one.
pub(crate) fn blocks(file: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let mut rest = file;
    core::iter::from_fn(move || {
        let text = rest.get(find(rest, BEGIN)?..)?;
        let label = text.get(BEGIN.len()..)?;
        let label = label.get(..find(label, DASHES).unwrap_or(label.len()))?;
        let (block, after) = text.split_at_checked(end(text).unwrap_or(text.len()))?;
        rest = after;
        Some(Block {
            // A label that is not text is not one that is looked for.
            label: core::str::from_utf8(label).unwrap_or_default(),
            text: block,
        })
    })
}

/// The blocks that hold certificates (RFC 7468 §5.1).
pub(crate) fn certificates(file: &[u8]) -> impl Iterator<Item = Block<'_>> {
    blocks(file).filter(|block| block.label == "CERTIFICATE")
}

/// Where the block at the beginning of this text ends. Its end must have the same label; the decoder checks.
fn end(text: &[u8]) -> Option<usize> {
    let label = find(text, END)? + END.len();
    Some(label + find(text.get(label..)?, DASHES)? + DASHES.len())
}

/// Returns whether this looks like PEM rather than DER. A certificate in DER starts with a SEQUENCE of more than 127
/// bytes, whatever names it has inside.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x30, 0x80..=0xff, ..]) && find(bytes, BEGIN).is_some()
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn every_block_is_seen() {
        let read = |file: &[u8]| -> vec::Vec<_> {
            blocks(file)
                .map(|block| {
                    (
                        String::from(block.label),
                        block.decode().ok().map(|content| content.to_vec()),
                    )
                })
                .collect()
        };
        let good = b"text\n-----BEGIN A-----\nAAAA\n-----END A-----\ntext\n".as_slice();
        let decoded = ("A".into(), Some(vec![0; 3]));
        assert_eq!(
            read(&[good, good].concat()),
            [decoded.clone(), decoded.clone()]
        );
        for (cut, label) in [
            ("-----BEGIN B", "B"),
            ("-----BEGIN B-----", "B"),
            ("-----BEGIN B-----\nAAAA\n-----END ", "B"),
            ("-----BEGIN B-----\nAAAA\n-----END B----", "B"),
            ("-----BEGIN B-----\nAAAA\n-----END C-----", "B"),
            ("-----BEGIN ", ""),
        ] {
            let file = [good, cut.as_bytes()].concat();
            assert_eq!(
                read(&file),
                [decoded.clone(), (label.into(), None)],
                "{cut}"
            );
        }
        let strange = b"-----BEGIN \xff-----\nAAAA\n-----END \xff-----\n";
        let strange = read(&[&strange[..], good].concat());
        assert_eq!((strange.len(), strange.last()), (2, Some(&decoded)));
        assert_eq!(read(b"-----BEGIN"), []);
    }
}
