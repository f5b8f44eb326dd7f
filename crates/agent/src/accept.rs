//! Which formats an agent takes.

use sealpost_channel::Kind;
use thiserror::Error;

/// The formats that an agent takes: values that the gateway seals, and JWE, unless told otherwise.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Accept {
    native: bool,
    jwe: bool,
    cms: bool,
}

impl Accept {
    /// Reads the names of formats: `native` (sealed by the gateway), `jwe`, `cms`.
    ///
    /// # Errors
    ///
    /// [`InvalidAccept`] for another name, and for none at all.
    pub fn parse<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, InvalidAccept> {
        let mut accept = Self {
            native: false,
            jwe: false,
            cms: false,
        };
        for name in names {
            match name.as_ref() {
                NATIVE => accept.native = true,
                JWE => accept.jwe = true,
                CMS => accept.cms = true,
                other => return Err(InvalidAccept::Unknown(other.into())),
            }
        }
        if accept.names().is_empty() {
            return Err(InvalidAccept::Nothing);
        }
        Ok(accept)
    }

    /// The names of the formats.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        [(self.native, NATIVE), (self.jwe, JWE), (self.cms, CMS)]
            .into_iter()
            .filter_map(|(taken, name)| taken.then_some(name))
            .collect()
    }

    /// The kinds of requests.
    pub(crate) fn kinds(self) -> Vec<Kind> {
        [
            (self.native, Kind::Clear),
            (self.jwe, Kind::Jwe),
            (self.cms, Kind::Cms),
        ]
        .into_iter()
        .filter_map(|(taken, kind)| taken.then_some(kind))
        .collect()
    }
}

impl Default for Accept {
    fn default() -> Self {
        Self {
            native: true,
            jwe: true,
            cms: false,
        }
    }
}

/// Names that say no policy.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[non_exhaustive]
pub enum InvalidAccept {
    /// No format has this name.
    #[error("{0:?} is not a format: give native, jwe or cms")]
    Unknown(String),
    /// There is no name.
    #[error("the agent would take nothing: give native, jwe or cms")]
    Nothing,
}

/// The name of a kind in logs and metrics, and in configurations.
pub(crate) const fn format(kind: Kind) -> &'static str {
    match kind {
        Kind::Clear => NATIVE,
        Kind::Jwe => JWE,
        Kind::Cms => CMS,
        Kind::Native => "native-sealed",
    }
}

const NATIVE: &str = "native";
const JWE: &str = "jwe";
const CMS: &str = "cms";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_given() {
        assert_eq!(Accept::default().names(), ["native", "jwe"]);
        let all = Accept::parse(["cms", "native", "jwe", "cms"]).unwrap();
        assert_eq!(all.names(), ["native", "jwe", "cms"]);
        assert_eq!(Accept::parse(all.names()), Ok(all));
        assert_eq!(
            Accept::parse(["native", "CMS"]),
            Err(InvalidAccept::Unknown("CMS".into()))
        );
        assert_eq!(Accept::parse([] as [&str; 0]), Err(InvalidAccept::Nothing));
    }
}
