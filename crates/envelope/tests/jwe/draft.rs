//! A JWE in parts.

use super::*;

/// A JWE whose parts a test changes before they are put together; the cryptography is right unless it is said.
pub(crate) struct Draft {
    pub(crate) header: String,
    pub(crate) key: String,
    pub(crate) iv: String,
    pub(crate) ciphertext: String,
    pub(crate) tag: String,
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(bytes)
}

pub(crate) fn draft() -> Draft {
    let text = seal::<Any>(&["a2048"], Serialization::Compact, b"{}");
    let parts: Vec<_> = text.split('.').map(str::to_owned).collect();
    let [header, key, iv, ciphertext, tag] = <[String; 5]>::try_from(parts).unwrap();
    let header = Base64UrlUnpadded::decode_vec(&header).unwrap();
    Draft {
        header: String::from_utf8(header).unwrap(),
        key,
        iv,
        ciphertext,
        tag,
    }
}

impl Draft {
    pub(crate) fn header(mut self, from: &str, to: &str) -> Self {
        assert!(self.header.contains(from), "{}", self.header);
        self.header = self.header.replace(from, to);
        self
    }

    pub(crate) fn add(self, member: &str) -> Self {
        self.header("{\"alg\"", &format!("{{{member},\"alg\""))
    }

    pub(crate) fn compact(&self) -> String {
        let header = encode(self.header.as_bytes());
        [&header, &self.key, &self.iv, &self.ciphertext, &self.tag]
            .map(String::as_str)
            .join(".")
    }

    pub(crate) fn json(&self, extra: &str) -> String {
        format!(
            r#"{{"protected":"{}","encrypted_key":"{}","iv":"{}","ciphertext":"{}","tag":"{}"{extra}}}"#,
            encode(self.header.as_bytes()),
            self.key,
            self.iv,
            self.ciphertext,
            self.tag
        )
    }
}
