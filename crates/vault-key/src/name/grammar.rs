//! Which names a kind of vault accepts.

use core::fmt;

use crate::kind::VaultKind;
use crate::rules::Shape;

/// Why a text is not a name in a vault of this kind.
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
    /// The vault does not allow the name's first character in this place.
    FirstCharacter,
    /// The vault does not allow the name's last character in this place.
    LastCharacter,
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
                write!(f, "it has more than {} bytes", kind.limits().max_name)
            }
            InvalidNameReason::Character => write!(
                f,
                "the character at byte {position} is not allowed; allowed are {}",
                kind.rules().alphabet
            ),
            InvalidNameReason::FirstCharacter => {
                write!(f, "it must start with one of {}", kind.rules().first)
            }
            InvalidNameReason::LastCharacter => {
                write!(f, "it must end with one of {}", kind.rules().last)
            }
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

/// Checks that `name` is valid in the vault and within its limit.
pub(super) fn check(kind: VaultKind, name: &[u8]) -> Result<(), InvalidVaultSecretName> {
    let fail = |reason, position| {
        Err(InvalidVaultSecretName {
            kind,
            reason,
            position,
        })
    };
    let rules = kind.rules();
    let ([first, ..], [.., last]) = (name, name) else {
        return fail(InvalidNameReason::Empty, 0);
    };
    let max = rules.limits.max_name;
    if name.len() > max {
        return fail(InvalidNameReason::TooLong, max);
    }
    if let Some(position) = name.iter().position(|byte| !rules.alphabet.contains(*byte)) {
        return fail(InvalidNameReason::Character, position);
    }
    if !rules.first.contains(*first) {
        return fail(InvalidNameReason::FirstCharacter, 0);
    }
    if !rules.last.contains(*last) {
        return fail(InvalidNameReason::LastCharacter, name.len() - 1);
    }
    match rules.shape {
        Shape::Flat => Ok(()),
        Shape::Path => match bad_segment(name) {
            Some((reason, position)) => fail(reason, position),
            None => Ok(()),
        },
    }
}

/// Finds the first segment that a path cannot have, and where it starts.
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
        let cases = [
            (VaultKind::KV2, "", Empty, 0),
            (VaultKind::AWS, "a b", Character, 1),
            (VaultKind::AWS, "é", Character, 0),
            (VaultKind::AZURE, "a_b", Character, 1),
            (VaultKind::AZURE, "1a", FirstCharacter, 0),
            (VaultKind::AZURE, "-a", FirstCharacter, 0),
            (VaultKind::GOOGLE, "ab/c", Character, 2),
            (VaultKind::KV2, "a b", Character, 1),
            (VaultKind::KV2, "a%2Fb", Character, 1),
            (VaultKind::KV2, "a?", Character, 1),
            (VaultKind::KV2, "#a", Character, 0),
            (VaultKind::KV2, "a\u{7f}", Character, 1),
            (VaultKind::KV2, "/a", EmptySegment, 0),
            (VaultKind::KV2, "a/", EmptySegment, 2),
            (VaultKind::KV2, "a//b", EmptySegment, 2),
            (VaultKind::EMBEDDED, "a/../b", DotSegment, 2),
            (VaultKind::EMBEDDED, "ab/.", DotSegment, 3),
            (VaultKind::EMBEDDED, "..", DotSegment, 0),
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
        let count = |kind: VaultKind| {
            (0..=255)
                .filter(|byte| kind.rules().alphabet.contains(*byte))
                .count()
        };
        assert_eq!(count(VaultKind::AWS), 62 + 7);
        assert_eq!(count(VaultKind::AZURE), 62 + 1);
        assert_eq!(count(VaultKind::GOOGLE), 62 + 2);
        assert_eq!(count(VaultKind::EMBEDDED), 94 - 3);
        assert_eq!(count(VaultKind::KV2), 94 - 3);
    }

    #[test]
    fn the_limit_is_the_last_length_that_fits() {
        let long = "a".repeat(513);
        for kind in VaultKind::KNOWN {
            let max = kind.limits().max_name;
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
            assert_eq!(reason(VaultKind::KV2, name), None, "{name}");
        }
    }

    #[test]
    fn the_message_says_what_is_allowed() {
        let error = check(VaultKind::AZURE, b"a_b").unwrap_err();
        assert_eq!(
            error.to_string(),
            "not the name of a secret in a vault of kind azure: the character at byte 1 is not \
             allowed; allowed are A-Z a-z 0-9 -"
        );
    }
}
