//! From a secret's name and project to its name in a vault.

use hkdf::Hkdf;
use sha2::Sha256;

use super::{VaultSecretName, grammar};
use crate::kind::VaultKind;
use crate::lengths::{HASH, PREFIX, SUFFIX};

impl VaultSecretName {
    /// The name under which a vault of this kind holds the secret `name` of `project`.
    ///
    /// `name` may be any text of any length; `project` is a UUID as its 16 bytes. The same arguments
    /// always give the same name. With `c` for the name, or `p`, the project in 32 hex digits, `-`
    /// and the name:
    ///
    /// `c` is taken as it stands if
    /// 1. it is valid in the vault and within its limit,
    /// 2. where the vault ignores case (Azure), it has no upper-case letter,
    /// 3. folded to lower case, it does not end in `-x` and 32 characters of `a-z2-7`,
    /// 4. without a project and folded to lower case, it does not begin with `p`, 32 hex digits and
    ///    `-`,
    /// 5. the name is not empty, `.` or `..`.
    ///
    /// Otherwise the name is rewritten: the project's prefix, a slug for people to read, `-x`, and
    /// 32 characters of base32 (RFC 4648 §6, in lower case) of
    /// `HKDF-SHA-256(salt "sealpost/name/1", ikm = name, info = kind ‖ project)[..20]` (RFC 5869).
    ///
    /// The slug is the name's ASCII letters and digits in lower case, with one `-` for whatever
    /// stands between them, cut to what the limit leaves, without a `-` at its ends. It is `s` if
    /// nothing is left, and `s-` goes before a digit where the vault wants a letter.
    ///
    /// # Security
    ///
    /// Two secrets of one vault never get one name by passing through: rules 3 and 4 keep such names
    /// away from rewritten ones and from those of projects, and on a vault that ignores case, rule 2
    /// keeps them away from each other. Rewritten names differ unless someone finds a collision of
    /// 160 bits, which takes 2⁸⁰ names.
    ///
    /// The hash is not secret: anyone who sees a rewritten name can confirm a guess of the name behind it.
    #[must_use]
    pub fn derive(kind: VaultKind, project: Option<&[u8; 16]>, name: &str) -> Self {
        let mut derived = Self::empty(kind);
        if let Some(project) = project {
            derived.push_project(project);
        }
        let prefix = derived.len;
        let max = kind.limits().max_name;

        if name.len() <= max.saturating_sub(prefix) {
            derived.push_all(name.as_bytes());
            if passes(kind, project.is_some(), name, derived.as_bytes()) {
                return derived;
            }
            derived.len = prefix;
        }

        derived.push_slug(name, max.saturating_sub(SUFFIX));
        derived.push_all(b"-x");
        derived.push_base32(&hash(kind, project, name));
        derived
    }

    /// `p`, the project in 32 lower-case hex digits, `-`.
    fn push_project(&mut self, project: &[u8; 16]) {
        self.push_all(b"p");
        for byte in project {
            self.push_all(&[hex_digit(byte >> 4), hex_digit(byte & 0xf)]);
        }
        self.push_all(b"-");
    }

    /// The readable part of a rewritten name. The whole is at most `max` bytes long then.
    fn push_slug(&mut self, name: &str, max: usize) {
        let start = self.len;
        let mut gap = false;
        for byte in name.bytes() {
            if !byte.is_ascii_alphanumeric() {
                gap = self.len > start;
                continue;
            }
            if self.len == 0 && byte.is_ascii_digit() && !self.kind.rules().first.contains(byte) {
                self.push_all(b"s-");
            }
            // No dash goes in without the character behind it, so none stands where the slug is cut.
            if self.len + usize::from(gap) >= max {
                break;
            }
            if gap {
                self.push_all(b"-");
                gap = false;
            }
            self.push_all(&[byte.to_ascii_lowercase()]);
        }
        if self.len == start {
            self.push_all(b"s");
        }
    }

    /// RFC 4648 §6 in lower case; 20 bytes need no padding.
    fn push_base32(&mut self, bytes: &[u8; HASH]) {
        let mut bits = 0_u16;
        let mut count = 0;
        for byte in bytes {
            bits = (bits << 8) | u16::from(*byte);
            count += 8;
            while count >= 5 {
                count -= 5;
                let [_, digit] = ((bits >> count) & 31).to_be_bytes();
                self.push_all(&[base32_digit(digit)]);
            }
        }
    }
}

/// Returns whether `candidate`, made of the project's prefix and `name`, is taken as it stands.
fn passes(kind: VaultKind, scoped: bool, name: &str, candidate: &[u8]) -> bool {
    let clashes_by_case = kind.ignores_case() && candidate.iter().any(u8::is_ascii_uppercase);
    grammar::check(kind, candidate).is_ok()
        && !clashes_by_case
        && !ends_like_rewritten(candidate)
        && (scoped || !begins_like_scoped(candidate))
        && !matches!(name, "" | "." | "..")
}

/// Returns whether it ends in `-x` and 32 characters of base32, in any case.
fn ends_like_rewritten(candidate: &[u8]) -> bool {
    candidate
        .last_chunk::<SUFFIX>()
        .is_some_and(|[dash, x, hash @ ..]| {
            *dash == b'-'
                && x.eq_ignore_ascii_case(&b'x')
                && hash
                    .iter()
                    .all(|byte| matches!(byte.to_ascii_lowercase(), b'a'..=b'z' | b'2'..=b'7'))
        })
}

/// Returns whether it begins with `p`, 32 hex digits and `-`, in any case.
fn begins_like_scoped(candidate: &[u8]) -> bool {
    candidate
        .first_chunk::<PREFIX>()
        .is_some_and(|[p, project @ .., dash]| {
            p.eq_ignore_ascii_case(&b'p')
                && project.iter().all(u8::is_ascii_hexdigit)
                && *dash == b'-'
        })
}

/// `HKDF-SHA-256(salt, ikm = name, info = kind ‖ project?)[..20]`, RFC 5869.
///
/// The info is unambiguous: a kind has 16 bytes at most, a project exactly 16, so its length tells both.
fn hash(kind: VaultKind, project: Option<&[u8; 16]>, name: &str) -> [u8; HASH] {
    let project = project.map_or(&[][..], |project| &project[..]);
    let mut okm = [0; HASH];
    Hkdf::<Sha256>::new(Some(SALT), name.as_bytes())
        .expand_multi_info(&[kind.as_str().as_bytes(), project], &mut okm)
        .expect("HKDF-SHA-256 gives up to 8,160 bytes, and 20 are asked for");
    okm
}

fn hex_digit(digit: u8) -> u8 {
    match digit {
        0..=9 => b'0' + digit,
        _ => b'a' + (digit - 10),
    }
}

fn base32_digit(digit: u8) -> u8 {
    match digit {
        0..=25 => b'a' + digit,
        _ => b'2' + (digit - 26),
    }
}

/// Product, purpose, version.
const SALT: &[u8] = b"sealpost/name/1";

#[cfg(test)]
mod tests {
    extern crate std;

    use super::*;
    use std::string::String;

    const PROJECT: [u8; 16] = [
        0x01, 0x89, 0xf0, 0xc2, 0x5e, 0x21, 0x7c, 0x4a, 0x9b, 0x3d, 0x0f, 0x6e, 0x8d, 0x7a, 0x11,
        0xfe,
    ];
    const HEX: &str = "0189f0c25e217c4a9b3d0f6e8d7a11fe";

    /// The slug of a rewritten name; panics if the name passes.
    fn slug(kind: VaultKind, project: Option<&[u8; 16]>, name: &str) -> String {
        let derived = VaultSecretName::derive(kind, project, name);
        assert_ne!(derived.as_str(), name, "it passes");
        let text = &derived.as_str()[project.map_or(0, |_| PREFIX)..];
        let (slug, suffix) = text.split_at(text.len() - SUFFIX);
        assert!(ends_like_rewritten(suffix.as_bytes()));
        slug.into()
    }

    fn passes(kind: VaultKind, project: Option<&[u8; 16]>, name: &str) -> bool {
        VaultSecretName::derive(kind, project, name)
            .as_str()
            .ends_with(name)
    }

    #[test]
    fn slugs_keep_what_people_read() {
        for (name, expected) in [
            ("My Secret", "my-secret"),
            ("%%a__B?%", "a-b"),
            ("Größe 7", "gr-e-7"),
            ("日本", "s"),
            ("", "s"),
            ("..", "s"),
            ("%", "s"),
            ("7%", "7"),
        ] {
            assert_eq!(slug(VaultKind::KV2, None, name), expected, "{name}");
        }
    }

    #[test]
    fn azure_wants_a_letter_first() {
        assert_eq!(slug(VaultKind::AZURE, None, "7 of 9"), "s-7-of-9");
        assert_eq!(slug(VaultKind::AZURE, None, "A7"), "a7");
        assert_eq!(slug(VaultKind::AZURE, None, "-7"), "s-7");
        assert_eq!(slug(VaultKind::AZURE, Some(&PROJECT), "7 of 9"), "7-of-9");
        assert_eq!(slug(VaultKind::GOOGLE, None, "7 of 9"), "7-of-9");
    }

    #[test]
    fn a_slug_is_cut_to_what_the_limit_leaves() {
        let long = "Ab ".repeat(300);
        for kind in VaultKind::KNOWN {
            for project in [None, Some(&PROJECT)] {
                let room = kind.limits().max_name - SUFFIX - project.map_or(0, |_| PREFIX);
                for name in [&long[..], &long[1..], &long[2..]] {
                    let slug = slug(kind, project, name);
                    assert!(slug.len() == room || slug.len() == room - 1, "{kind}");
                    assert!(!slug.starts_with('-') && !slug.ends_with('-'));
                }
            }
        }
        let digits = "7".repeat(300);
        let slug = slug(VaultKind::AZURE, None, &digits);
        assert_eq!(slug.len(), 127 - SUFFIX);
        assert!(slug.starts_with("s-77"));
    }

    #[test]
    fn names_that_look_like_ours_are_rewritten() {
        let hash = "abcdefghijklmnopqrstuvwxyz234567";
        let like = std::format!("a-x{hash}");
        for kind in VaultKind::KNOWN {
            assert!(!passes(kind, None, &like), "{kind}");
            assert!(!passes(kind, Some(&PROJECT), &like), "{kind}");
            // One character less, or one outside the alphabet, and it cannot be one of ours.
            assert!(passes(kind, None, &like[..like.len() - 1]), "{kind}");
            assert!(passes(kind, None, &like.replace('7', "1")), "{kind}");
        }
        assert!(!passes(VaultKind::AWS, None, &like.to_uppercase()));

        let like = std::format!("p{HEX}-a");
        for kind in VaultKind::KNOWN {
            assert!(!passes(kind, None, &like), "{kind}");
            assert!(passes(kind, Some(&PROJECT), &like), "{kind}");
            assert!(passes(kind, None, &like[..PREFIX - 1]), "{kind}");
            assert!(passes(kind, None, &like.replace('f', "g")), "{kind}");
        }
        assert!(!passes(VaultKind::AWS, None, &like.to_uppercase()));
        // Exactly the prefix, and nothing behind it.
        assert!(!passes(VaultKind::AWS, None, &like[..PREFIX]));
    }

    #[test]
    fn a_name_with_its_prefix_must_fit() {
        let name = "a".repeat(512);
        for kind in VaultKind::KNOWN {
            let max = kind.limits().max_name;
            assert!(passes(kind, None, &name[..max]));
            assert!(passes(kind, Some(&PROJECT), &name[..max - PREFIX]));
            assert!(!passes(kind, Some(&PROJECT), &name[..=max - PREFIX]));
        }
    }

    #[test]
    fn case_decides_on_azure_alone() {
        for kind in VaultKind::KNOWN {
            assert_eq!(passes(kind, None, "Foo"), kind != VaultKind::AZURE);
            assert_eq!(
                passes(kind, Some(&PROJECT), "Foo"),
                kind != VaultKind::AZURE
            );
        }
    }

    #[test]
    fn dots_are_rewritten_also_behind_a_project() {
        for kind in VaultKind::KNOWN {
            for name in ["", ".", ".."] {
                let derived = VaultSecretName::derive(kind, Some(&PROJECT), name);
                assert!(derived.as_str()[PREFIX..].starts_with("s-x"), "{kind}");
            }
        }
    }

    #[test]
    fn base32_as_in_the_rfc() {
        // RFC 4648 §10: "foobar" is MZXW6YTBOI; its bits go on here.
        let mut name = VaultSecretName::empty(VaultKind::AWS);
        name.push_base32(b"foobarfoobarfoobarfo");
        assert!(name.as_str().starts_with("mzxw6ytbo"));
        assert_eq!(name.len, 32);
        let mut name = VaultSecretName::empty(VaultKind::AWS);
        name.push_base32(&[0xff; HASH]);
        assert_eq!(name.as_str(), "7".repeat(32));
    }
}
