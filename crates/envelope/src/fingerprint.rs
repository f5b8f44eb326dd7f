//! SHA-256 digests that people see: of a certificate, and of a public key.

use core::{fmt, str::FromStr};

use sealpost_context::hex::{self, Hex};

/// SHA-256 of a certificate's DER: what a caller pins.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Fingerprint([u8; 32]);

/// SHA-256 of a SubjectPublicKeyInfo's DER (RFC 5280 §4.1.2.7): names the key in an envelope.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct KeyId([u8; 32]);

/// Not the 64 hexadecimal digits of a SHA-256 digest (colons between bytes are allowed).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InvalidDigest;

impl fmt::Display for InvalidDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a SHA-256 digest is 64 hexadecimal digits, with colons between the bytes or without",
        )
    }
}

impl core::error::Error for InvalidDigest {}

macro_rules! digest_type {
    ($name:ident) => {
        impl $name {
            /// The digest from its 32 bytes.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The digest's 32 bytes.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        /// 64 lower-case hexadecimal digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                Hex(&self.0).fmt(f)
            }
        }

        /// 64 hexadecimal digits in either case, with a colon between any two bytes or between none.
        impl FromStr for $name {
            type Err = InvalidDigest;

            fn from_str(text: &str) -> Result<Self, InvalidDigest> {
                parse_hex(text.as_bytes()).map(Self).ok_or(InvalidDigest)
            }
        }
    };
}

digest_type!(Fingerprint);
digest_type!(KeyId);

fn parse_hex(text: &[u8]) -> Option<[u8; 32]> {
    let step = match text.len() {
        64 => 2,
        95 => 3,
        _ => return None,
    };
    let mut digest = [0; 32];
    for (byte, digits) in digest.iter_mut().zip(text.chunks(step)) {
        let (high, low) = match *digits {
            [high, low] | [high, low, b':'] => (high, low),
            _ => return None,
        };
        *byte = hex::digit(high)? << 4 | hex::digit(low)?;
    }
    Some(digest)
}

#[cfg(test)]
mod tests {
    use alloc::{format, string::ToString};

    use super::*;

    #[test]
    fn prints_and_parses_hex() {
        let digest =
            Fingerprint::from_bytes(core::array::from_fn(|i| u8::try_from(i * 7).unwrap()));
        let text = digest.to_string();
        assert_eq!(text.len(), 64);
        assert_eq!(text.parse(), Ok(digest));
        assert_eq!(text.to_uppercase().parse(), Ok(digest));
        assert_eq!(format!("{digest:?}"), format!("Fingerprint({text})"));
    }

    #[test]
    fn takes_colons_between_all_bytes_or_none() {
        let with_colons = ["AB"; 32].join(":");
        assert_eq!(with_colons.parse(), Ok(Fingerprint::from_bytes([0xab; 32])));
        for wrong in [
            "",
            "ab",
            &"a".repeat(63),
            &"g".repeat(64),
            &"ab:".repeat(32),
            &with_colons.replacen(':', "0", 1),
            &format!("{}é", "a".repeat(62)),
        ] {
            assert_eq!(wrong.parse::<Fingerprint>(), Err(InvalidDigest), "{wrong}");
        }
    }
}
