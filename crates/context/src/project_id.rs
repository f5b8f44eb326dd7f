//! The id of a project.

use core::fmt;
use core::str::FromStr;

use crate::{
    error::{Field, InvalidIdentifier, Rule},
    hex,
};

/// A project's UUID (RFC 9562). Its text is the form with hyphens, the only one that is read: in either case. It is
/// written in lower case.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ProjectId([u8; 16]);

impl ProjectId {
    /// Takes the 16 bytes in network order.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes in network order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

// RFC 9562 §4, the form with hyphens; no braces, no "urn:uuid:", no bare digits.
impl FromStr for ProjectId {
    type Err = InvalidIdentifier;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = parse(text).map(Self);
        parsed.ok_or(InvalidIdentifier::new(Field::ProjectId, Rule::Form))
    }
}

impl TryFrom<&str> for ProjectId {
    type Error = InvalidIdentifier;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl fmt::Display for ProjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // In one piece, so that a string of it is allocated once.
        let mut text = [b'-'; 36];
        let mut places = text.iter_mut();
        for (i, byte) in self.0.iter().enumerate() {
            if matches!(i, 4 | 6 | 8 | 10) {
                places.next();
            }
            for (digit, place) in [byte >> 4, byte & 0xf].into_iter().zip(&mut places) {
                *place = if digit < 10 {
                    b'0' + digit
                } else {
                    b'a' + digit - 10
                };
            }
        }
        f.write_str(str::from_utf8(&text).unwrap_or_default())
    }
}

fn parse(text: &str) -> Option<[u8; 16]> {
    let mut id = [0; 16];
    let mut bytes = text.bytes();
    for (i, octet) in id.iter_mut().enumerate() {
        if matches!(i, 4 | 6 | 8 | 10) && bytes.next() != Some(b'-') {
            return None;
        }
        let mut digit = || hex::digit(bytes.next()?);
        *octet = digit()? << 4 | digit()?;
    }
    bytes.next().is_none().then_some(id)
}
