//! Where the routes begin.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// The path before every route, such as `/dpc`; empty by default.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct BasePath(String);

impl BasePath {
    /// Returns the path without a slash at its end; empty if there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns a route under it.
    pub(crate) fn join(&self, route: &str) -> String {
        format!("{}{route}", self.0)
    }
}

impl FromStr for BasePath {
    type Err = InvalidBasePath;

    /// Accepts segments of unreserved characters (RFC 3986 §2.3), each after a slash. `/` and the empty text mean the
    /// empty path.
    fn from_str(text: &str) -> Result<Self, InvalidBasePath> {
        if matches!(text, "" | "/") {
            return Ok(Self::default());
        }
        let segments = text.strip_prefix('/').ok_or(InvalidBasePath)?;
        let is_valid = |segment: &str| {
            !matches!(segment, "" | "." | "..")
                && segment
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        segments
            .split('/')
            .all(is_valid)
            .then(|| Self(text.to_owned()))
            .ok_or(InvalidBasePath)
    }
}

impl fmt::Display for BasePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a base path.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error(
    "must be / or segments of letters, digits and -._~ with a slash before each and none at the end, such as /dpc"
)]
pub struct InvalidBasePath;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_parsed() {
        for (text, path) in [("", ""), ("/", ""), ("/dpc", "/dpc"), ("/a/b-1", "/a/b-1")] {
            assert_eq!(text.parse::<BasePath>().map(|p| p.0), Ok(path.to_owned()));
        }
        for text in [
            "dpc", "/dpc/", "//", "/a//b", "/..", "/a/.", "/{a}", "/a b", "/a%20", "/é", "/a?b",
        ] {
            assert_eq!(text.parse::<BasePath>(), Err(InvalidBasePath), "{text}");
        }
    }
}
