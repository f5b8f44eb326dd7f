//! The kinds of vault and what each of them can hold.

use core::fmt;
use core::str::FromStr;

/// A kind of vault.
///
/// Its text form is part of every rewritten name and therefore never changes.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum VaultKind {
    /// AWS Secrets Manager, `aws`.
    Aws,
    /// Azure Key Vault, `azure`. Its names ignore case.
    Azure,
    /// The vault in a file of our own, `embedded`.
    Embedded,
    /// Google Secret Manager, `google`.
    Google,
    /// Version 2 of the KV engine of OpenBao and HashiCorp Vault, `kv2`.
    Kv2,
}

impl VaultKind {
    /// Every kind, in the order of their text forms.
    pub const ALL: [Self; 5] = [
        Self::Aws,
        Self::Azure,
        Self::Embedded,
        Self::Google,
        Self::Kv2,
    ];

    /// The text form: lower-case ASCII.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::Azure => "azure",
            Self::Embedded => "embedded",
            Self::Google => "google",
            Self::Kv2 => "kv2",
        }
    }
}

impl fmt::Display for VaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for VaultKind {
    type Err = UnknownVaultKind;

    /// Takes the exact text form; `AWS` is not one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or(UnknownVaultKind)
    }
}

/// A text that names no kind of vault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct UnknownVaultKind;

impl fmt::Display for UnknownVaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown kind of vault: give one of aws, azure, embedded, google, kv2")
    }
}

impl core::error::Error for UnknownVaultKind {}

/// The most that a kind of vault holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// The longest name, in bytes. Names are ASCII, so these are characters, too.
    pub max_name: usize,
    /// The longest value, in bytes.
    pub max_value: usize,
}

/// The limits of a kind of vault as its maker documents them.
///
/// A single vault may be configured to take larger or smaller values.
#[must_use]
pub const fn limits(kind: VaultKind) -> Limits {
    match kind {
        VaultKind::Aws => Limits {
            max_name: 512,
            max_value: 65_536,
        },
        VaultKind::Azure => Limits {
            max_name: 127,
            max_value: 25_000,
        },
        VaultKind::Embedded => Limits {
            max_name: 512,
            max_value: 64 * 1024,
        },
        VaultKind::Google => Limits {
            max_name: 255,
            max_value: 65_536,
        },
        VaultKind::Kv2 => Limits {
            max_name: 512,
            max_value: 512 * 1024,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_and_parsing_are_inverses() {
        for kind in VaultKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert!(VaultKind::ALL.is_sorted_by_key(|kind| kind.as_str()));
        for text in ["", "AWS", "aws ", "kv", "vault"] {
            assert_eq!(text.parse::<VaultKind>(), Err(UnknownVaultKind));
        }
    }
}
