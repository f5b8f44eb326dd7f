//! Where a secret is: the path of a request.

use std::fmt::Write as _;

/// The mount of the engine and the folder below it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) mount: String,
    /// Without slashes at its ends; empty without a folder.
    pub(crate) prefix: String,
}

impl Place {
    /// Returns the path of a secret below `/v1/`, escaped. `part` is a part of the engine, such as `data`.
    pub(crate) fn request(&self, part: &str, name: &str) -> String {
        escaped(&self.full(part, name))
    }

    /// Returns the same path as people and policies write it.
    pub(crate) fn full(&self, part: &str, name: &str) -> String {
        let Self { mount, prefix } = self;
        match prefix.as_str() {
            "" => format!("{mount}/{part}/{name}"),
            prefix => format!("{mount}/{part}/{prefix}/{name}"),
        }
    }

    /// Returns what `bao kv get` takes.
    pub(crate) fn location(&self, name: &str) -> String {
        let Self { mount, prefix } = self;
        match prefix.as_str() {
            "" => format!("{mount}/{name}"),
            prefix => format!("{mount}/{prefix}/{name}"),
        }
    }
}

/// Escapes everything but unreserved characters and the slashes between segments: a URL parser would read a backslash as a
/// slash, and `+` means a blank to some servers.
pub(crate) fn escaped(path: &str) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// Returns whether a path from the configuration is one or more segments, none of which the server would rewrite.
pub(crate) fn is_clean(path: &str) -> bool {
    path.split('/').all(|segment| {
        !matches!(segment, "" | "." | "..")
            && segment
                .bytes()
                // `*` and `+` are wildcards in a policy.
                .all(|byte| byte.is_ascii_graphic() && !b"%?#*+\"\\".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_of_a_name_reaches_the_server_as_it_is() {
        let place = Place {
            mount: "secret".to_owned(),
            prefix: "team/a".to_owned(),
        };
        assert_eq!(
            place.request("data", r#"a/b.c~d-e_f\g+h"i:j@k"#),
            "secret/data/team/a/a/b.c~d-e_f%5Cg%2Bh%22i%3Aj%40k"
        );
        assert_eq!(place.location("n"), "secret/team/a/n");
    }

    #[test]
    fn paths_that_the_server_would_rewrite_are_refused() {
        for path in ["secret", "a/b", "team-a_1.x"] {
            assert!(is_clean(path), "{path}");
        }
        for path in [
            "", "/", "a/", "/a", "a//b", ".", "a/..", "a%2Fb", "a?b", "a*", "a+", "a b", "é",
            "a\"b",
        ] {
            assert!(!is_clean(path), "{path}");
        }
    }
}
