//! What a kind of vault holds, as data.

use core::fmt;

use crate::alphabet::Alphabet;
use crate::lengths::{MAX_VAULT_SECRET_NAME, MIN_ROOM};

/// The rules of one kind of vault for the names of its secrets, and its limits.
///
/// A new kind is a static of this type; nothing else in this crate changes:
///
/// ```
/// use sealpost_vault_key::{Alphabet, Limits, NameRules, VaultKind, VaultSecretName};
///
/// static KUBERNETES: NameRules = NameRules::new(
///     "kubernetes",
///     Alphabet::ALPHANUMERIC.without("ABCDEFGHIJKLMNOPQRSTUVWXYZ").with("-"),
///     Limits { max_name: 253, max_value: 1_000_000 },
/// )
/// .starting_with(Alphabet::ALPHANUMERIC)
/// .ending_with(Alphabet::ALPHANUMERIC);
///
/// let name = VaultSecretName::derive(VaultKind::new(&KUBERNETES), None, "db-password");
/// assert_eq!(name.as_str(), "db-password");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct NameRules {
    pub(crate) tag: &'static str,
    pub(crate) alphabet: Alphabet,
    pub(crate) first: Alphabet,
    pub(crate) last: Alphabet,
    pub(crate) shape: Shape,
    pub(crate) case: Case,
    pub(crate) limits: Limits,
}

/// The most that a kind of vault holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The longest name, in bytes. Names are ASCII, so these are characters, too.
    pub max_name: usize,
    /// The longest value, in bytes.
    pub max_value: usize,
}

impl Limits {
    /// Checks the length, in bytes, of the name that a vault with these limits would hold a secret under.
    ///
    /// A name that was derived for a kind keeps the limit of the kind. A vault that puts a prefix of its own before each
    /// name takes less.
    ///
    /// # Errors
    ///
    /// [`TooLong::Name`].
    pub const fn check_name(self, len: usize) -> Result<(), TooLong> {
        let max = self.max_name;
        match len <= max {
            true => Ok(()),
            false => Err(TooLong::Name { len, max }),
        }
    }

    /// Checks the length of a value in bytes.
    ///
    /// # Errors
    ///
    /// [`TooLong::Value`].
    pub const fn check_value(self, len: usize) -> Result<(), TooLong> {
        let max = self.max_value;
        match len <= max {
            true => Ok(()),
            false => Err(TooLong::Value { len, max }),
        }
    }
}

/// A secret breaks a limit of its vault. The text says what to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TooLong {
    /// The name.
    Name {
        /// The length of the name in the vault, in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
    /// The value.
    Value {
        /// The length of the value in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name { len, max } => write!(
                f,
                "has {len} bytes in the agent's vault, which takes {max}; choose a shorter one"
            ),
            Self::Value { len, max } => write!(
                f,
                "has {len} bytes, and the agent's vault takes {max}; store less under one name"
            ),
        }
    }
}

impl core::error::Error for TooLong {}

/// Whether names have segments.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Shape {
    Flat,
    /// Segments between slashes, none of which is empty, `.` or `..`.
    Path,
}

/// Whether two names that differ by case alone are two secrets.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Case {
    Distinguished,
    Ignored,
}

impl NameRules {
    /// Creates the rules of a kind whose names are any text of `alphabet` within `limits`, and distinguish case.
    ///
    /// `tag` is the text form of the kind. It goes into the hash of every rewritten name and therefore never
    /// changes.
    ///
    /// # Panics
    ///
    /// In a constant or a static the compiler reports these:
    ///
    /// - `tag` is not 1 to 16 characters of `a-z0-9`: with more, a tag could be mistaken for another one and a
    ///   project.
    /// - `alphabet` lacks a character of `a-z0-9-`, which rewritten names consist of.
    /// - `limits.max_name` is not between 71 (a project, a slug of one character, a hash) and
    ///   [`MAX_VAULT_SECRET_NAME`].
    #[must_use]
    pub const fn new(tag: &'static str, alphabet: Alphabet, limits: Limits) -> Self {
        assert!(is_tag(tag), "a tag is 1 to 16 characters of a-z0-9");
        assert!(
            alphabet.includes(REWRITTEN),
            "rewritten names need a-z, 0-9 and -"
        );
        assert!(
            limits.max_name >= MIN_ROOM && limits.max_name <= MAX_VAULT_SECRET_NAME,
            "names have 71 to 512 bytes at most"
        );
        Self {
            tag,
            alphabet,
            first: alphabet,
            last: alphabet,
            shape: Shape::Flat,
            case: Case::Distinguished,
            limits,
        }
    }

    /// Requires a name to start with a character of `first`.
    ///
    /// # Panics
    ///
    /// Fails to compile, as [`new`](Self::new) does, if `first` lacks a letter of `a-z`: a rewritten name starts
    /// with one where a digit may not.
    #[must_use]
    pub const fn starting_with(mut self, first: Alphabet) -> Self {
        assert!(
            first.includes(LOWER),
            "rewritten names start with any of a-z"
        );
        self.first = first;
        self
    }

    /// Requires a name to end with a character of `last`.
    ///
    /// # Panics
    ///
    /// Fails to compile, as [`new`](Self::new) does, if `last` lacks a character of `a-z2-7`, with which rewritten
    /// names end.
    #[must_use]
    pub const fn ending_with(mut self, last: Alphabet) -> Self {
        assert!(
            last.includes(BASE32),
            "rewritten names end with any of a-z2-7"
        );
        self.last = last;
        self
    }

    /// Reads names as paths: segments between slashes, none of which is empty, `.` or `..`.
    #[must_use]
    pub const fn with_paths(mut self) -> Self {
        self.shape = Shape::Path;
        self
    }

    /// Declares that two names which differ by case alone are one secret.
    #[must_use]
    pub const fn ignoring_case(mut self) -> Self {
        self.case = Case::Ignored;
        self
    }
}

const fn is_tag(tag: &str) -> bool {
    let tag = tag.as_bytes();
    let mut index = 0;
    while index < tag.len() {
        if !tag[index].is_ascii_lowercase() && !tag[index].is_ascii_digit() {
            return false;
        }
        index += 1;
    }
    !tag.is_empty() && tag.len() <= MAX_TAG
}

/// A project has 16 bytes. The hash's input, a tag and perhaps a project, is therefore longer than this if and only
/// if there is a project, and its length gives that of the tag.
const MAX_TAG: usize = 16;

const LOWER: Alphabet = Alphabet::LETTERS.without("ABCDEFGHIJKLMNOPQRSTUVWXYZ");
const BASE32: Alphabet = LOWER.with("234567");
const REWRITTEN: Alphabet = LOWER.with("0123456789-");

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::panic::catch_unwind;
    use std::string::ToString as _;

    const LIMITS: Limits = Limits {
        max_name: 100,
        max_value: 1,
    };

    #[test]
    fn rules_that_rewritten_names_could_break_are_refused() {
        let rules = |tag, alphabet, max_name| {
            let limits = Limits { max_name, ..LIMITS };
            catch_unwind(move || NameRules::new(tag, alphabet, limits)).is_ok()
        };
        assert!(rules("k8s", REWRITTEN, 71));
        assert!(rules("abcdefghij012345", REWRITTEN, 512));
        for tag in ["", "K8s", "a-b", "é", "abcdefghij0123456"] {
            assert!(!rules(tag, REWRITTEN, 100), "{tag}");
        }
        for missing in ["a", "z", "0", "-"] {
            assert!(!rules("t", REWRITTEN.without(missing), 100), "{missing}");
        }
        assert!(!rules("t", REWRITTEN, 70));
        assert!(!rules("t", REWRITTEN, 513));
    }

    #[test]
    fn what_is_too_long_for_a_vault_is_told_with_the_limit() {
        let limits = Limits {
            max_name: 3,
            max_value: 5,
        };
        assert_eq!(limits.check_name(3), Ok(()));
        let long = limits.check_name(4).unwrap_err();
        assert_eq!(long, TooLong::Name { len: 4, max: 3 });
        assert!(
            long.to_string()
                .starts_with("has 4 bytes in the agent's vault, which takes 3;")
        );
        assert_eq!(limits.check_value(5), Ok(()));
        let long = limits.check_value(6).unwrap_err();
        assert_eq!(long, TooLong::Value { len: 6, max: 5 });
        assert!(
            long.to_string()
                .starts_with("has 6 bytes, and the agent's vault takes 5;")
        );
    }

    #[test]
    fn ends_that_rewritten_names_could_have_are_needed() {
        let base = NameRules::new("t", REWRITTEN, LIMITS);
        let first = |first| catch_unwind(move || base.starting_with(first)).is_ok();
        let last = |last| catch_unwind(move || base.ending_with(last)).is_ok();
        assert!(first(LOWER) && !first(LOWER.without("q")));
        assert!(last(BASE32) && !last(LOWER) && !last(BASE32.without("q")));
    }
}
