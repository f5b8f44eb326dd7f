//! Which names a vault accepts.

use core::fmt;

use crate::kind::{VaultKind, limits};

/// Why a text is no name in a vault of this kind.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidVaultSecretName {
    kind: VaultKind,
    reason: InvalidNameReason,
    position: usize,
}

/// The rule that a name breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidNameReason {
    /// The name has no characters.
    Empty,
    /// The name is longer than the vault allows.
    TooLong,
    /// The vault does not allow a character of the name.
    Character,
    /// The vault wants a letter in the first place.
    FirstCharacter,
    /// The path has an empty segment: a slash at an end, or two in a row.
    EmptySegment,
    /// A segment of the path is `.` or `..`.
    DotSegment,
}

impl InvalidVaultSecretName {
    /// The kind of vault whose rule is broken.
    #[must_use]
    pub const fn kind(&self) -> VaultKind {
        self.kind
    }

    /// The rule that is broken.
    #[must_use]
    pub const fn reason(&self) -> InvalidNameReason {
        self.reason
    }

    /// Where, in bytes from the start of the name.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for InvalidVaultSecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            reason,
            position,
        } = self;
        write!(f, "not the name of a secret in a vault of kind {kind}: ")?;
        match reason {
            InvalidNameReason::Empty => f.write_str("it is empty"),
            InvalidNameReason::TooLong => {
                write!(f, "it has more than {} bytes", limits(*kind).max_name)
            }
            InvalidNameReason::Character => write!(
                f,
                "the character at byte {position} is not allowed; allowed are {}",
                allowed(*kind)
            ),
            InvalidNameReason::FirstCharacter => f.write_str("it must start with an ASCII letter"),
            InvalidNameReason::EmptySegment => write!(
                f,
                "the path segment at byte {position} is empty; remove a slash"
            ),
            InvalidNameReason::DotSegment => write!(
                f,
                "the path segment at byte {position} is . or .., which paths use for something else"
            ),
        }
    }
}

impl core::error::Error for InvalidVaultSecretName {}

/// Is `name` a valid name in the vault, and within its limit?
pub(super) fn check(kind: VaultKind, name: &[u8]) -> Result<(), InvalidVaultSecretName> {
    let fail = |reason, position| {
        Err(InvalidVaultSecretName {
            kind,
            reason,
            position,
        })
    };
    let Some(first) = name.first() else {
        return fail(InvalidNameReason::Empty, 0);
    };
    let max = limits(kind).max_name;
    if name.len() > max {
        return fail(InvalidNameReason::TooLong, max);
    }
    if let Some(position) = name.iter().position(|byte| !is_allowed(kind, *byte)) {
        return fail(InvalidNameReason::Character, position);
    }
    match kind {
        VaultKind::Azure if !first.is_ascii_alphabetic() => {
            fail(InvalidNameReason::FirstCharacter, 0)
        }
        VaultKind::Embedded | VaultKind::Kv2 => match bad_segment(name) {
            Some((reason, position)) => fail(reason, position),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

fn is_allowed(kind: VaultKind, byte: u8) -> bool {
    match kind {
        VaultKind::Aws => byte.is_ascii_alphanumeric() || b"/_+=.@-".contains(&byte),
        VaultKind::Azure => byte.is_ascii_alphanumeric() || byte == b'-',
        VaultKind::Google => byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-',
        // Printable means visible here. A blank would have to be escaped in the request's path, where
        // clients write it as %20 or as a plus sign, which is a character of its own; and the command
        // line tools of KV v2 trim it at the ends.
        VaultKind::Embedded | VaultKind::Kv2 => byte.is_ascii_graphic() && !b"%?#".contains(&byte),
    }
}

const fn allowed(kind: VaultKind) -> &'static str {
    match kind {
        VaultKind::Aws => "A-Z a-z 0-9 / _ + = . @ -",
        VaultKind::Azure => "A-Z a-z 0-9 -",
        VaultKind::Google => "A-Z a-z 0-9 _ -",
        VaultKind::Embedded | VaultKind::Kv2 => "the visible ASCII characters except % ? #",
    }
}

/// The first segment of the path that no path can have, and where it starts.
fn bad_segment(path: &[u8]) -> Option<(InvalidNameReason, usize)> {
    let mut position = 0;
    for segment in path.split(|byte| *byte == b'/') {
        match segment {
            b"" => return Some((InvalidNameReason::EmptySegment, position)),
            b"." | b".." => return Some((InvalidNameReason::DotSegment, position)),
            _ => position += segment.len() + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    fn reason(kind: VaultKind, name: &str) -> Option<(InvalidNameReason, usize)> {
        check(kind, name.as_bytes())
            .err()
            .map(|error| (error.reason(), error.position()))
    }

    #[test]
    fn every_rule_is_told_with_its_place() {
        use InvalidNameReason::*;
        use VaultKind::*;
        let cases = [
            (Kv2, "", Empty, 0),
            (Aws, "a b", Character, 1),
            (Aws, "é", Character, 0),
            (Azure, "a_b", Character, 1),
            (Azure, "1a", FirstCharacter, 0),
            (Azure, "-a", FirstCharacter, 0),
            (Google, "ab/c", Character, 2),
            (Kv2, "a b", Character, 1),
            (Kv2, "a%2Fb", Character, 1),
            (Kv2, "a?", Character, 1),
            (Kv2, "#a", Character, 0),
            (Kv2, "a\u{7f}", Character, 1),
            (Kv2, "/a", EmptySegment, 0),
            (Kv2, "a/", EmptySegment, 2),
            (Kv2, "a//b", EmptySegment, 2),
            (Embedded, "a/../b", DotSegment, 2),
            (Embedded, "ab/.", DotSegment, 3),
            (Embedded, "..", DotSegment, 0),
        ];
        for (kind, name, expected, position) in cases {
            assert_eq!(
                reason(kind, name),
                Some((expected, position)),
                "{kind} {name}"
            );
        }
    }

    #[test]
    fn every_byte_is_decided_for_every_vault() {
        let count = |kind| (0..=255).filter(|byte| is_allowed(kind, *byte)).count();
        assert_eq!(count(VaultKind::Aws), 62 + 7);
        assert_eq!(count(VaultKind::Azure), 62 + 1);
        assert_eq!(count(VaultKind::Google), 62 + 2);
        assert_eq!(count(VaultKind::Embedded), 94 - 3);
        assert_eq!(count(VaultKind::Kv2), 94 - 3);
    }

    #[test]
    fn the_limit_is_the_last_length_that_fits() {
        let long = "a".repeat(513);
        for kind in VaultKind::ALL {
            let max = limits(kind).max_name;
            assert_eq!(reason(kind, &long[..max]), None);
            assert_eq!(
                reason(kind, &long[..=max]),
                Some((InvalidNameReason::TooLong, max))
            );
        }
    }

    #[test]
    fn dots_that_are_no_segment_are_allowed() {
        for name in [".env", "a..b", "a/...", "a.", "x/.y/z."] {
            assert_eq!(reason(VaultKind::Kv2, name), None, "{name}");
        }
    }

    #[test]
    fn the_message_says_what_is_allowed() {
        let error = check(VaultKind::Azure, b"a_b").unwrap_err();
        assert_eq!(
            error.to_string(),
            "not the name of a secret in a vault of kind azure: the character at byte 1 is not \
             allowed; allowed are A-Z a-z 0-9 -"
        );
    }
}
