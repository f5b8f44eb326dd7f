//! Names, keys and types: borrowed texts that were checked.

use core::fmt;

use crate::error::InvalidIdentifier;
use crate::rules::{self, Measure};

/// The name of a secret: 1 to [`MAX_NAME`](crate::rules::MAX_NAME) bytes, no control characters.
///
/// Any other text goes, of any script; a vault that can't hold it gets a name derived from it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SecretName<'a>(&'a str);

/// The name of a top-level property: 1 to [`MAX_KEY`](crate::rules::MAX_KEY) bytes, no control characters.
///
/// It is the name as it stands: `tls.crt` is the member `"tls.crt"`, never the member `"crt"` of a member `"tls"`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct PropertyKey<'a>(&'a str);

/// The type of a secret, such as `PASSWORD`: `[A-Za-z][A-Za-z0-9_]{0,63}`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct SecretType<'a>(&'a str);

macro_rules! text {
    ($type:ident, $broken:expr) => {
        impl<'a> $type<'a> {
            /// The text.
            #[must_use]
            pub const fn as_str(&self) -> &'a str {
                self.0
            }

            /// A text that was checked before it was put where it is taken from.
            #[cfg(feature = "alloc")]
            pub(crate) const fn checked(text: &'a str) -> Self {
                Self(text)
            }
        }

        impl<'a> TryFrom<&'a str> for $type<'a> {
            type Error = InvalidIdentifier;

            /// The error is the first rule that the text breaks.
            fn try_from(text: &'a str) -> Result<Self, Self::Error> {
                let broken: fn(&str) -> Option<InvalidIdentifier> = $broken;
                match broken(text) {
                    Some(broken) => Err(broken),
                    None => Ok(Self(text)),
                }
            }
        }

        impl fmt::Display for $type<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0)
            }
        }
    };
}

text!(SecretName, |text| rules::name(&Measure::from(text)).next());
text!(PropertyKey, |text| rules::key(&Measure::from(text)).next());
text!(SecretType, |text| rules::secret_type(text.chars()));
