//! Which format some bytes are in.

use core::fmt;

/// A format, detected from its first bytes. The message may still be malformed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Format {
    /// The native envelope in binary.
    Native,
    /// The native envelope as text.
    NativeText,
    /// A JWE in compact serialisation.
    JweCompact,
    /// A JWE in flattened or general JSON serialisation.
    JweJson,
    /// CMS in DER, or in BER or S/MIME text, which are refused.
    Cms,
    /// CMS in PEM.
    CmsPem,
}

impl Format {
    /// The format that these bytes begin like; `None` if like none.
    ///
    /// ```
    /// use sealpost_envelope::Format;
    ///
    /// assert_eq!(Format::detect(b"sealpost.v1.c2VhbA"), Some(Format::NativeText));
    /// assert_eq!(Format::detect(b"eyJhbGciOiJSU0EtT0FFUC0yNTYifQ.x.x.x.x"), Some(Format::JweCompact));
    /// assert_eq!(Format::detect(b"hello"), None);
    /// ```
    #[must_use]
    pub fn detect(bytes: &[u8]) -> Option<Self> {
        let text = bytes.trim_ascii_start();
        if bytes.starts_with(b"sealpost.") {
            Some(Self::NativeText)
        } else if bytes.starts_with(b"sealpost") {
            Some(Self::Native)
        } else if text.starts_with(b"-----BEGIN ") {
            Some(Self::CmsPem)
        } else if text.starts_with(b"{") {
            Some(Self::JweJson)
        // A header starts with `{"`, which is `eyJ` in base64url. With white space between or before them it starts with
        // one of these, and four dots tell.
        } else if text.starts_with(b"eyJ")
            || (matches!(text, [b'e' | b'C' | b'D' | b'I', ..])
                && text.iter().filter(|b| **b == b'.').count() == 4)
        {
            Some(Self::JweCompact)
        // SEQUENCE, long or indefinite length: a message is never shorter than 128 bytes.
        } else if matches!(bytes, [0x30, 0x80..=0xff, ..]) || bytes.starts_with(b"MIME-Version:") {
            Some(Self::Cms)
        } else {
            None
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Native => "sealpost envelope, binary",
            Self::NativeText => "sealpost envelope, text",
            Self::JweCompact => "JWE, compact serialisation",
            Self::JweJson => "JWE, JSON serialisation",
            Self::Cms => "CMS, DER",
            Self::CmsPem => "CMS, PEM",
        })
    }
}
