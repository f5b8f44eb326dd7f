//! The reference that is handed to the caller and resolved later.

mod component;

use core::fmt;

use crate::kind::VaultKind;
use crate::lengths::MAX_VAULT_SECRET_NAME;
use crate::name::{InvalidVaultSecretName, VaultSecretName};
use component::Malformed;
pub use component::{Component, ComponentChars};

/// The longest key, in bytes.
pub const MAX_KEY: usize = 256;

/// The longest reference, in bytes: `secret:`, a name and a key of which every byte is
/// percent-encoded, and the `#` between them: 7 + 3 · 512 + 1 + 3 · 256 = 2,312.
pub const MAX_RESOLVER_REF: usize = SCHEME.len() + 3 * MAX_VAULT_SECRET_NAME + 1 + 3 * MAX_KEY;

/// A `resolver_ref`: a URI (RFC 3986) that leads to a secret, or to one property of it.
///
/// ```text
/// resolver-ref = "secret:" name [ "#" key ]
/// name         = 1*( unreserved / escape )         ; vaultSecretName, at most 512 bytes of UTF-8
/// key          = 1*( unreserved / escape )         ; top-level property, at most 256 bytes of UTF-8
/// unreserved   = ALPHA / DIGIT / "-" / "." / "_" / "~"
/// escape       = "%" 2( DIGIT / "A" / "B" / "C" / "D" / "E" / "F" )
/// ```
///
/// Every character that is not unreserved is escaped, `/` too, and none that is. So there is exactly
/// one text for a name and a key: `parse` takes what `Display` writes and nothing else, and two
/// references are equal if and only if their texts are.
///
/// The value borrows, either the name and the key, or the text that was parsed.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct ResolverRef<'a> {
    name: Component<'a>,
    key: Option<Component<'a>>,
}

impl<'a> ResolverRef<'a> {
    /// The reference to the secret `name` in the vault; with a `key`, to that top-level property.
    ///
    /// # Errors
    ///
    /// [`InvalidResolverRef`] if the name or the key is empty or too long. A [`VaultSecretName`] is
    /// neither.
    pub fn new(name: &'a str, key: Option<&'a str>) -> Result<Self, InvalidResolverRef> {
        Self {
            name: Component::plain(name),
            key: key.map(Component::plain),
        }
        .within_limits()
    }

    /// Reads a reference in its one canonical form.
    ///
    /// Whether a vault can have a secret of that name is another question, which
    /// [`vault_secret_name`](Self::vault_secret_name) answers.
    ///
    /// # Errors
    ///
    /// [`InvalidResolverRef`] says what is wrong, and where.
    pub fn parse(text: &'a str) -> Result<Self, InvalidResolverRef> {
        let rest = text
            .strip_prefix(SCHEME)
            .ok_or(InvalidResolverRef::at(InvalidRefReason::Scheme, 0))?;
        let (name, key) = match rest.split_once('#') {
            Some((name, key)) => (name, Some(key)),
            None => (rest, None),
        };
        let component = |encoded, start| {
            Component::parse(encoded).map_err(|Malformed { reason, position }| {
                InvalidResolverRef::at(reason, start + position)
            })
        };
        Self {
            name: component(name, SCHEME.len())?,
            key: key
                .map(|key| component(key, SCHEME.len() + name.len() + 1))
                .transpose()?,
        }
        .within_limits()
    }

    /// The name of the secret in the vault.
    #[must_use]
    pub const fn name(&self) -> Component<'a> {
        self.name
    }

    /// The top-level property that is meant; `None` means the whole object.
    #[must_use]
    pub const fn key(&self) -> Option<Component<'a>> {
        self.key
    }

    /// The name, if a vault of this kind can have it.
    ///
    /// # Errors
    ///
    /// [`InvalidVaultSecretName`] says which rule of the vault the name breaks, and where.
    pub fn vault_secret_name(
        &self,
        kind: VaultKind,
    ) -> Result<VaultSecretName, InvalidVaultSecretName> {
        let mut buffer = [0; MAX_VAULT_SECRET_NAME];
        let name = self.name.decode_into(&mut buffer).unwrap_or_default();
        VaultSecretName::parse(kind, name)
    }

    /// The length of the text form in bytes, at most [`MAX_RESOLVER_REF`].
    #[must_use]
    pub fn encoded_len(&self) -> usize {
        let key = self.key.map_or(0, |key| 1 + key.encoded_len());
        SCHEME.len() + self.name.encoded_len() + key
    }

    /// Writes the text form into `buffer` and returns it; `None` if `buffer` is too small.
    ///
    /// For callers without an allocator; others have `Display`. A buffer of [`MAX_RESOLVER_REF`]
    /// bytes is always large enough. After a failure the buffer holds a part of the text.
    pub fn encode_into<'b>(&self, buffer: &'b mut [u8]) -> Option<&'b str> {
        let mut len = 0;
        let mut put = |text: &str| {
            let end = len + text.len();
            let slot = buffer.get_mut(len..end).ok_or(fmt::Error)?;
            // As long as the slot is; `copy_from_slice` would bring in a panic.
            for (slot, byte) in slot.iter_mut().zip(text.as_bytes()) {
                *slot = *byte;
            }
            len = end;
            Ok(())
        };
        self.encode(&mut put).ok()?;
        core::str::from_utf8(buffer.get(..len)?).ok()
    }

    fn within_limits(self) -> Result<Self, InvalidResolverRef> {
        let check = |component: &Component<'_>, max, empty, long, start| match component.len() {
            0 => Err(InvalidResolverRef::at(empty, start)),
            len if len > max => Err(InvalidResolverRef::at(long, start)),
            _ => Ok(()),
        };
        let Self { name, key } = &self;
        check(
            name,
            MAX_VAULT_SECRET_NAME,
            InvalidRefReason::EmptyName,
            InvalidRefReason::NameTooLong,
            SCHEME.len(),
        )?;
        if let Some(key) = key {
            check(
                key,
                MAX_KEY,
                InvalidRefReason::EmptyKey,
                InvalidRefReason::KeyTooLong,
                SCHEME.len() + name.encoded_len() + 1,
            )?;
        }
        Ok(self)
    }

    /// Gives the text form in pieces.
    fn encode(&self, put: &mut impl FnMut(&str) -> fmt::Result) -> fmt::Result {
        put(SCHEME)?;
        self.name.encode(put)?;
        if let Some(key) = &self.key {
            put("#")?;
            key.encode(put)?;
        }
        Ok(())
    }
}

/// The text form.
impl fmt::Display for ResolverRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.encode(&mut |piece| f.write_str(piece))
    }
}

/// Why a text is not a `resolver_ref`, or why a name and a key have none.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidResolverRef {
    reason: InvalidRefReason,
    position: usize,
}

/// The rule that a reference breaks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum InvalidRefReason {
    /// It does not start with `secret:`.
    Scheme,
    /// There is no name.
    EmptyName,
    /// The name has more than [`MAX_VAULT_SECRET_NAME`] bytes.
    NameTooLong,
    /// There is a `#`, and no key behind it.
    EmptyKey,
    /// The key has more than [`MAX_KEY`] bytes.
    KeyTooLong,
    /// A character stands as it is and should be escaped.
    Unescaped,
    /// A `%` without two upper-case hex digits behind it.
    Escape,
    /// An unreserved character is escaped and should stand as it is.
    NeedlessEscape,
    /// The escaped bytes are not UTF-8.
    Utf8,
}

impl InvalidResolverRef {
    const fn at(reason: InvalidRefReason, position: usize) -> Self {
        Self { reason, position }
    }

    /// The rule that is broken.
    #[must_use]
    pub const fn reason(&self) -> InvalidRefReason {
        self.reason
    }

    /// Where, in bytes from the start of the text form.
    #[must_use]
    pub const fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for InvalidResolverRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, position } = self;
        write!(f, "not a resolver_ref: at byte {position}, ")?;
        f.write_str(match reason {
            InvalidRefReason::Scheme => "it must start with \"secret:\"",
            InvalidRefReason::EmptyName => "the name is missing",
            InvalidRefReason::NameTooLong => "the name has more than 512 bytes",
            InvalidRefReason::EmptyKey => {
                "the key is missing; for the whole secret, leave out the #"
            }
            InvalidRefReason::KeyTooLong => "the key has more than 256 bytes",
            InvalidRefReason::Unescaped => {
                "a character other than A-Z a-z 0-9 - . _ ~ must be percent-encoded"
            }
            InvalidRefReason::Escape => "a % must be followed by two upper-case hex digits",
            InvalidRefReason::NeedlessEscape => {
                "the characters A-Z a-z 0-9 - . _ ~ must not be percent-encoded"
            }
            InvalidRefReason::Utf8 => "the percent-encoded bytes are not UTF-8",
        })
    }
}

impl core::error::Error for InvalidResolverRef {}

/// In lower case, as RFC 3986 §3.1 wants schemes to be written.
const SCHEME: &str = "secret:";

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::ToString;

    fn refused(text: &str) -> (InvalidRefReason, usize) {
        let error = ResolverRef::parse(text).unwrap_err();
        (error.reason(), error.position())
    }

    #[test]
    fn a_reference_has_one_text() {
        for (name, key, text) in [
            ("a", None, "secret:a"),
            ("a", Some("k"), "secret:a#k"),
            ("prod/db", Some("user name"), "secret:prod%2Fdb#user%20name"),
            ("A-z.0_9~", None, "secret:A-z.0_9~"),
            ("a#b%c", Some("#"), "secret:a%23b%25c#%23"),
            (
                "é€𝄞",
                Some("é"),
                "secret:%C3%A9%E2%82%AC%F0%9D%84%9E#%C3%A9",
            ),
            ("a\0b", None, "secret:a%00b"),
        ] {
            let reference = ResolverRef::new(name, key).unwrap();
            assert_eq!(reference.to_string(), text);
            assert_eq!(reference.encoded_len(), text.len());
            let parsed = ResolverRef::parse(text).unwrap();
            assert_eq!(parsed, reference);
            assert_eq!(parsed.to_string(), text);
            assert_eq!(parsed.name(), *name);
            assert_eq!(parsed.key().is_some(), key.is_some());
        }
    }

    #[test]
    fn every_rule_is_told_with_its_place() {
        use InvalidRefReason::*;
        for (text, reason, position) in [
            ("", Scheme, 0),
            ("secret", Scheme, 0),
            ("Secret:a", Scheme, 0),
            (" secret:a", Scheme, 0),
            ("secret:", EmptyName, 7),
            ("secret:#k", EmptyName, 7),
            ("secret:a#", EmptyKey, 9),
            ("secret:a/b", Unescaped, 8),
            ("secret:a b", Unescaped, 8),
            ("secret:é", Unescaped, 7),
            ("secret:a?b", Unescaped, 8),
            ("secret:a:b", Unescaped, 8),
            ("secret:a#b#c", Unescaped, 10),
            ("secret:a#b/c", Unescaped, 10),
            ("secret:a\n", Unescaped, 8),
            ("secret:a%2fb", Escape, 8),
            ("secret:a%", Escape, 8),
            ("secret:a%2", Escape, 8),
            ("secret:a%2#k", Escape, 8),
            ("secret:a%G0", Escape, 8),
            ("secret:a%+1", Escape, 8),
            ("secret:a%2é", Escape, 8),
            ("secret:%41", NeedlessEscape, 7),
            ("secret:a#%7E", NeedlessEscape, 9),
            ("secret:%FF", Utf8, 7),
            ("secret:a%C3", Utf8, 8),
            ("secret:%C3a", Utf8, 7),
            ("secret:%C3#%A9", Utf8, 7),
            ("secret:%A9", Utf8, 7),
            ("secret:%C0%AF", Utf8, 7),
            ("secret:%ED%A0%80", Utf8, 7),
            ("secret:%F4%90%80%80", Utf8, 7),
        ] {
            assert_eq!(refused(text), (reason, position), "{text}");
        }
    }

    #[test]
    fn names_and_keys_are_bounded_in_bytes_not_in_escapes() {
        let name = "%".repeat(512);
        let key = "é".repeat(128);
        let reference = ResolverRef::new(&name, Some(&key)).unwrap();
        let text = reference.to_string();
        assert_eq!(text.len(), MAX_RESOLVER_REF);
        assert_eq!(ResolverRef::parse(&text), Ok(reference));

        let name = "a".repeat(513);
        let reason = |name, key| ResolverRef::new(name, key).unwrap_err().reason();
        assert_eq!(reason(&name, None), InvalidRefReason::NameTooLong);
        assert_eq!(reason("", None), InvalidRefReason::EmptyName);
        assert_eq!(reason("a", Some("")), InvalidRefReason::EmptyKey);
        assert_eq!(
            reason("a", Some(&name[..257])),
            InvalidRefReason::KeyTooLong
        );
        let text = std::format!("secret:{name}");
        assert_eq!(refused(&text), (InvalidRefReason::NameTooLong, 7));
        let text = std::format!("secret:a#{}", &name[..257]);
        assert_eq!(refused(&text), (InvalidRefReason::KeyTooLong, 9));
        assert!(ResolverRef::parse(&text[..text.len() - 1]).is_ok());
    }

    #[test]
    fn the_vault_decides_about_the_name() {
        let reference = ResolverRef::parse("secret:prod%2Fdb#k").unwrap();
        let name = reference.vault_secret_name(VaultKind::KV2).unwrap();
        assert_eq!(name.as_str(), "prod/db");
        assert!(reference.vault_secret_name(VaultKind::AZURE).is_err());
        for escape in ["secret:a%2F..%2Fb", "secret:..", "secret:%2Fa"] {
            let reference = ResolverRef::parse(escape).unwrap();
            assert!(reference.vault_secret_name(VaultKind::KV2).is_err());
        }
    }

    #[test]
    fn encodes_into_a_buffer_that_just_fits() {
        let reference = ResolverRef::new("a/b", Some("k")).unwrap();
        let mut buffer = [0; 14];
        assert_eq!(reference.encode_into(&mut buffer), Some("secret:a%2Fb#k"));
        assert_eq!(reference.encode_into(&mut buffer[..13]), None);
        assert_eq!(reference.encode_into(&mut []), None);
    }
}
