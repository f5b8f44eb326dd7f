//! A secret's value in memory.

use std::fmt;
use std::ops::Deref;

use zeroize::Zeroizing;

/// The value of a secret. It is wiped when it is dropped, and shows nothing in `Debug`.
///
/// # Security
///
/// What is copied out of it is no longer wiped. Its length is not hidden.
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes a value. What the vector held before it was last grown cannot be wiped: give it its capacity before the
    /// secret goes in.
    #[must_use]
    pub const fn new(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, still in a buffer that wipes itself.
    #[must_use]
    pub fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl Deref for SecretValue {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        let value = SecretValue::new(Zeroizing::new(b"correct horse".to_vec()));
        assert_eq!(
            format!("{value:?} {value:#?}"),
            "SecretValue(..) SecretValue(..)"
        );
        assert_eq!(&value[..], b"correct horse");
    }
}
