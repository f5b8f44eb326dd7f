//! PEM files as people have them: several blocks, text between them (RFC 7468 §2), and white space wherever the lax grammar
//! takes it.
//!
//! For those who read other keys and certificates beside the envelope's, such as a server's for TLS: one reader, one grammar.

use alloc::{string::String, vec, vec::Vec};
use core::fmt;

use base64ct::{Base64, Encoding as _};
use zeroize::Zeroizing;

/// One block of a PEM file. It may be a private key: `Debug` shows its label alone.
pub struct Block<'a> {
    pub(crate) label: &'a str,
    text: &'a [u8],
    /// Where in the file it begins.
    start: usize,
}

/// The text of a block is not base64, it was cut off, or its two boundaries differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidPem;

impl fmt::Display for InvalidPem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the PEM is not intact: copy it again")
    }
}

impl core::error::Error for InvalidPem {}

impl fmt::Debug for Block<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Block")
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

impl<'a> Block<'a> {
    /// Returns what its boundaries say that it holds, such as `CERTIFICATE`; nothing if that is not text.
    #[must_use]
    pub fn label(&self) -> &'a str {
        self.label
    }

    /// The block as it stands in the file; `None` if it is not text.
    pub(crate) fn text(&self) -> Option<&'a str> {
        core::str::from_utf8(self.text).ok()
    }

    /// Returns whether it holds a certificate (RFC 7468 §5.1), also under the names that this once had.
    #[must_use]
    pub fn is_certificate(&self) -> bool {
        matches!(
            self.label,
            "CERTIFICATE" | "X509 CERTIFICATE" | "X.509 CERTIFICATE"
        )
    }

    /// The line of the file that it begins in, from 1.
    #[must_use]
    pub fn line(&self, file: &[u8]) -> usize {
        let before = file.iter().take(self.start);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    /// Returns whether the block ends.
    #[cfg(feature = "chain")]
    pub(crate) fn is_whole(&self) -> bool {
        matches!(boundary(self.text), Some(Boundary::End(_)))
    }

    /// The block's content, decoded in constant time. It may be a private key: the buffer is wiped.
    ///
    /// White space may stand anywhere in the base64 (RFC 7468 §2, the lax grammar of figure 2).
    ///
    /// # Errors
    ///
    /// [`InvalidPem`].
    #[inline(never)]
    pub fn decode(&self) -> Result<Zeroizing<Vec<u8>>, InvalidPem> {
        let (body, end) = self.parts().ok_or(InvalidPem)?;
        let label = end
            .strip_prefix(END)
            .and_then(|rest| rest.strip_suffix(DASHES));
        if label != Some(self.label.as_bytes()) {
            return Err(InvalidPem);
        }
        // At its full length from the start: growing leaves copies behind.
        let mut content = Zeroizing::new(vec![0; body.len() / 4 * 3 + 3]);
        let mut length = 0;
        let mut rest = body
            .iter()
            .filter(|byte| !is_white_space(**byte))
            .peekable();
        while rest.peek().is_some() {
            // Not in place: the library's decoding in place takes last digits that are not canonical.
            let mut digits = Zeroizing::new([0; DIGITS]);
            let mut held = 0;
            for (digit, byte) in digits.iter_mut().zip(&mut rest) {
                *digit = *byte;
                held += 1;
            }
            let digits = digits.get(..held).ok_or(InvalidPem)?;
            let content = content.get_mut(length..).ok_or(InvalidPem)?;
            let decoded = Base64::decode(digits, content)
                .map_err(|_| InvalidPem)?
                .len();
            // Padding ends the text.
            if rest.peek().is_some() && decoded != DIGITS / 4 * 3 {
                return Err(InvalidPem);
            }
            length += decoded;
        }
        content.truncate(length);
        Ok(content)
    }

    /// Returns whether the block is encrypted the old way, which a header line says (RFC 1421 §4.6.1.1).
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        find(self.text, b"Proc-Type: 4,ENCRYPTED").is_some()
    }

    /// Returns whether its line breaks are spelled out, as in a string of JSON.
    #[must_use]
    pub fn has_escaped_lines(&self) -> bool {
        let body = self.parts().map_or(&[][..], |(body, _)| body);
        body.starts_with(b"\\n") || body.starts_with(b"\\r")
    }

    /// What is between its boundaries, and the second of them.
    fn parts(&self) -> Option<(&'a [u8], &'a [u8])> {
        let rest = self
            .text
            .get(BEGIN.len() + self.label.len() + DASHES.len()..)?;
        rest.split_at_checked(find(rest, END)?)
    }
}

/// The blocks of a PEM file, in order. What stands between them is skipped.
///
/// A block that does not end reaches to the next one, or to the end of the file, and does not decode: a file that was cut
/// is not a shorter one.
pub fn blocks(file: &[u8]) -> impl Iterator<Item = Block<'_>> {
    let (mut rest, mut passed) = (file, 0);
    core::iter::from_fn(move || {
        let begin = find(rest, BEGIN)?;
        let text = rest.get(begin..)?;
        let label = text.get(BEGIN.len()..)?;
        let label = label.get(..find(label, DASHES).unwrap_or(label.len()))?;
        let length = match boundary(text) {
            Some(Boundary::End(length) | Boundary::Begin(length)) => length,
            None => text.len(),
        };
        let (block, after) = text.split_at_checked(length)?;
        let start = passed + begin;
        rest = after;
        passed = start + block.len();
        Some(Block {
            start,
            // A label that is not text is not one that is looked for.
            label: core::str::from_utf8(label).unwrap_or_default(),
            text: block,
        })
    })
}

/// The blocks that hold certificates (RFC 7468 §5.1), also under the names that they once had.
pub(crate) fn certificates(file: &[u8]) -> impl Iterator<Item = Block<'_>> {
    blocks(file).filter(Block::is_certificate)
}

/// Writes one block of PEM in the strict form (RFC 7468 §3), in constant time for its content. The buffer is wiped.
#[must_use]
pub fn encode(label: &str, content: &[u8]) -> Zeroizing<String> {
    let lines = content.chunks(LINE);
    // At its full length from the start: growing leaves copies behind.
    let boundaries = BEGIN.len() + END.len() + 2 * (label.len() + DASHES.len() + 1);
    let length = boundaries + lines.len() * (LINE / 3 * 4 + 1);
    let mut text = Zeroizing::new(String::with_capacity(length));
    for part in ["-----BEGIN ", label, "-----\n"] {
        text.push_str(part);
    }
    for line in lines {
        let mut digits = Zeroizing::new([0; LINE / 3 * 4]);
        text.push_str(Base64::encode(line, &mut *digits).unwrap_or_default());
        text.push('\n');
    }
    for part in ["-----END ", label, "-----\n"] {
        text.push_str(part);
    }
    text
}

/// What comes first after the beginning of a block.
enum Boundary {
    /// Its end, up to here. It must have the same label; the decoder checks.
    End(usize),
    /// The beginning of another block, which is here.
    Begin(usize),
}

fn boundary(text: &[u8]) -> Option<Boundary> {
    let mut at = BEGIN.len();
    loop {
        at += find(text.get(at..)?, DASHES)?;
        let rest = text.get(at..)?;
        if let Some(label) = rest.strip_prefix(END) {
            let mut lines = label.split(|byte| matches!(byte, b'\r' | b'\n'));
            if let Some(length) = find(lines.next()?, DASHES) {
                return Some(Boundary::End(at + END.len() + length + DASHES.len()));
            }
        }
        if rest.starts_with(BEGIN) {
            return Some(Boundary::Begin(at));
        }
        // The boundaries' own, or one of the text's.
        at += DASHES.len();
    }
}

/// Returns whether this looks like PEM rather than DER. A certificate in DER starts with a SEQUENCE of more than 127
/// bytes, whatever names it has inside.
pub(crate) fn is_pem(bytes: &[u8]) -> bool {
    !matches!(bytes, [0x30, 0x80..=0xff, ..]) && find(bytes, BEGIN).is_some()
}

/// A text without a byte-order mark, and white space around it.
#[cfg(feature = "std")]
pub(crate) fn trimmed(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(text)
        .trim_ascii()
}

/// RFC 7468 §2: `W = WSP / CR / LF / %x0B / %x0C`
fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

/// Bytes in a line of 64 digits.
const LINE: usize = 48;
/// How many digits are decoded at a time: whole groups of four.
const DIGITS: usize = 256;

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn white_space_stands_anywhere_in_the_base64() {
        let read = |body: &str| {
            let text = alloc::format!("-----BEGIN A-----{body}-----END A-----");
            let block = blocks(text.as_bytes()).next().map(|block| block.decode());
            block.and_then(Result::ok).map(|content| content.to_vec())
        };
        let content = Some(b"sealpost!!".to_vec());
        for body in [
            "\nc2VhbHBvc3QhIQ==\n",
            "c2VhbHBvc3QhIQ==",
            " c2VhbHBvc3QhIQ== ",
            "\r\nc2Vh\r\nbHBvc3Qh\r\nIQ==\r\n",
            "\rc2Vh\rbHBvc3Qh\rIQ==\r",
            "\n\n\nc2Vh\n\nbHBvc3Qh   \n\t IQ==\n \n",
            "\x0bc 2\tV\x0ch b H B v c 3 Q h I Q = \n=\n",
            "\nc2VhbHBvc3\nQhI\nQ=\n=\n",
        ] {
            assert_eq!(read(body), content, "{body:?}");
        }
        for body in [
            "\nc2VhbHBvc3QhIQ\n",
            "\nc2VhbHBvc3QhIQ=\n",
            "\nc2VhbHBvc3QhIQ===\n",
            "\nc2VhbHBvc3QhIR==\n",
            "\nc2Vh-HBvc3QhIQ==\n",
            "\nc2Vh\u{a0}bHBvc3QhIQ==\n",
            "\nc2Vh\0bHBvc3QhIQ==\n",
            "\nc2VhbHBvc3QhIQ==\nc2Vh\n",
            "\nComment: a\n\nc2VhbHBvc3QhIQ==\n",
        ] {
            assert_eq!(read(body), None, "{body:?}");
        }
    }

    #[test]
    fn base64_of_any_length_is_decoded_and_padding_ends_it() {
        let decoded = |digits: &str| {
            let file = alloc::format!("-----BEGIN X-----\n{digits}\n-----END X-----\n");
            let block = blocks(file.as_bytes()).next();
            block.and_then(|block| block.decode().ok().map(|content| content.to_vec()))
        };
        for length in 0..1200 {
            let content: Vec<u8> = (0..=250_u8).cycle().take(length).collect();
            let digits = Base64::encode_string(&content);
            assert_eq!(decoded(&digits), Some(content), "{length}");
            assert_eq!(decoded(&alloc::format!("{digits}A")), None, "{length}");
            if length % 3 != 0 {
                // In whatever piece it stands.
                assert_eq!(decoded(&alloc::format!("{digits}AAAA")), None, "{length}");
            }
        }
        // Last digits that are not canonical.
        for digits in ["AB==", "AAB=", "A", "AA", "AAA", "AA=", "A===", "===="] {
            assert_eq!(decoded(digits), None, "{digits}");
            let behind = "A".repeat(DIGITS) + digits;
            assert_eq!(decoded(&behind), None, "{behind}");
        }
    }

    #[test]
    fn what_is_written_is_strict_and_is_read() {
        for length in [0, 1, 47, 48, 49, 96, 1000] {
            let content: Vec<u8> = (0..=250_u8).cycle().take(length).collect();
            let text = encode("CERTIFICATE", &content);
            assert!(text.lines().all(|line| line.len() <= 64), "{length}");
            assert!(text.ends_with("\n-----END CERTIFICATE-----\n"), "{length}");
            assert!(text.capacity() >= text.len());
            let block = blocks(text.as_bytes()).next().unwrap();
            assert_eq!(block.label(), "CERTIFICATE");
            assert_eq!(block.decode().unwrap().to_vec(), content);
        }
    }

    #[test]
    fn every_block_is_seen() {
        let read = |file: &[u8]| -> Vec<_> {
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
