//! The kinds of vault.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::ptr;
use core::str::FromStr;

use crate::alphabet::Alphabet;
use crate::rules::{Case, Limits, NameRules};

/// A kind of vault: which names it takes, and its limits.
///
/// The set of kinds is open. The constants are those that this product knows; [`VaultKind::new`] makes another one
/// from its [`NameRules`].
///
/// Its text form, the tag of its rules, is part of every rewritten name and therefore never changes.
#[derive(Clone, Copy)]
pub struct VaultKind(&'static NameRules);

impl VaultKind {
    /// AWS Secrets Manager, `aws`.
    pub const AWS: Self = Self(&AWS);
    /// Azure Key Vault, `azure`. Its names ignore case.
    pub const AZURE: Self = Self(&AZURE);
    /// The vault in a file of our own, `embedded`.
    pub const EMBEDDED: Self = Self(&EMBEDDED);
    /// Google Secret Manager, `google`.
    pub const GOOGLE: Self = Self(&GOOGLE);
    /// Version 2 of the KV engine of OpenBao and HashiCorp Vault, `kv2`.
    pub const KV2: Self = Self(&KV2);

    /// The kinds that [`FromStr`] knows, in the order of their text forms.
    pub const KNOWN: [Self; 5] = [
        Self::AWS,
        Self::AZURE,
        Self::EMBEDDED,
        Self::GOOGLE,
        Self::KV2,
    ];

    /// Creates the kind of vault that has these rules.
    #[must_use]
    pub const fn new(rules: &'static NameRules) -> Self {
        Self(rules)
    }

    /// Returns the text form: lower-case ASCII.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.0.tag
    }

    /// Returns the limits of this kind of vault as its maker documents them.
    ///
    /// A single vault may be configured to take larger or smaller values.
    #[must_use]
    pub const fn limits(self) -> Limits {
        self.0.limits
    }

    /// Returns whether two names that differ by case alone are one secret.
    #[must_use]
    pub const fn ignores_case(self) -> bool {
        matches!(self.0.case, Case::Ignored)
    }

    pub(crate) const fn rules(self) -> &'static NameRules {
        self.0
    }
}

/// Two kinds are the same if all their rules are.
impl PartialEq for VaultKind {
    fn eq(&self, other: &Self) -> bool {
        ptr::eq(self.0, other.0) || self.0 == other.0
    }
}

impl Eq for VaultKind {}

impl Hash for VaultKind {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.tag.hash(state);
    }
}

impl fmt::Debug for VaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for VaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for VaultKind {
    type Err = UnknownVaultKind;

    /// Takes the exact text form of a [known](Self::KNOWN) kind; `AWS` is not one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::KNOWN
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownVaultKind)
    }
}

/// The text does not name a known kind of vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownVaultKind;

impl fmt::Display for UnknownVaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kind of vault: give one of ")?;
        for (index, kind) in VaultKind::KNOWN.into_iter().enumerate() {
            write!(f, "{}{kind}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownVaultKind {}

static AWS: NameRules = NameRules::new(
    "aws",
    Alphabet::ALPHANUMERIC.with("/_+=.@-"),
    Limits {
        max_name: 512,
        max_value: 65_536,
    },
);

static AZURE: NameRules = NameRules::new(
    "azure",
    Alphabet::ALPHANUMERIC.with("-"),
    Limits {
        max_name: 127,
        max_value: 25_000,
    },
)
.starting_with(Alphabet::LETTERS)
.ignoring_case();

static EMBEDDED: NameRules = NameRules::new(
    "embedded",
    PATH,
    Limits {
        max_name: 512,
        max_value: 64 * 1024,
    },
)
.with_paths();

static GOOGLE: NameRules = NameRules::new(
    "google",
    Alphabet::ALPHANUMERIC.with("_-"),
    Limits {
        max_name: 255,
        max_value: 65_536,
    },
);

static KV2: NameRules = NameRules::new(
    "kv2",
    PATH,
    Limits {
        max_name: 512,
        max_value: 512 * 1024,
    },
)
.with_paths();

/// What needs no escape in the path of a request. A blank would: clients write it as %20 or as a plus sign, which is
/// a character of its own, and the command line tools of KV v2 trim it at the ends.
const PATH: Alphabet = Alphabet::VISIBLE.without("%?#");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_and_parsing_are_inverses() {
        for kind in VaultKind::KNOWN {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!(VaultKind::KNOWN.is_sorted_by_key(|kind| kind.as_str()));
        for text in ["", "AWS", "aws ", "kv", "vault"] {
            assert_eq!(text.parse::<VaultKind>(), Err(UnknownVaultKind));
        }
    }

    #[test]
    fn kinds_are_the_same_by_their_rules() {
        static COPY: NameRules = KV2_AGAIN;
        static OTHER: NameRules = KV2_AGAIN.ignoring_case();
        const KV2_AGAIN: NameRules =
            NameRules::new("kv2", PATH, VaultKind::KV2.limits()).with_paths();
        assert_eq!(VaultKind::new(&COPY), VaultKind::KV2);
        assert_ne!(VaultKind::new(&OTHER), VaultKind::KV2);
        assert_ne!(VaultKind::EMBEDDED, VaultKind::KV2);
        assert!(VaultKind::new(&OTHER).ignores_case());
        assert!(!VaultKind::KV2.ignores_case());
    }
}
