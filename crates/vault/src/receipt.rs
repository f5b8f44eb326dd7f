//! What a vault says of a secret that it stored.

use std::{borrow::Cow, fmt};

/// What a vault says of a secret that it stored. Nothing of it is secret.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Receipt {
    /// The version of the secret, where the vault keeps versions.
    pub version: Option<Version>,
    /// Where the vault keeps the secret, in the vault's own words: an ARN, a resource name, a path.
    pub location: Option<String>,
}

impl Receipt {
    /// Adds the version.
    #[must_use]
    pub fn with_version(mut self, version: Version) -> Self {
        self.version = Some(version);
        self
    }

    /// Adds the location.
    #[must_use]
    pub fn with_location(mut self, location: impl Into<String>) -> Self {
        self.location = Some(location.into());
        self
    }
}

/// The version of a secret as its vault calls it: a number, a UUID, a hash. Versions can be compared for equality and
/// have no order.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Version(Cow<'static, str>);

impl Version {
    /// The vault's own text for a version.
    #[must_use]
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Self(text.into())
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
