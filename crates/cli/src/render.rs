//! How things are written: hex, times, JSON, PEM, words of a shell.

use std::time::SystemTime;

use sealpost_context::hex::Hex;
use x509_cert::der::pem::{self, LineEnding};
use zeroize::Zeroizing;

use crate::error::Failure;

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Hex(bytes).to_string()
}

/// RFC 3339, UTC.
pub(crate) fn rfc3339(time: SystemTime) -> String {
    humantime::format_rfc3339_seconds(time).to_string()
}

/// One line of JSON, without the line break.
pub(crate) fn json(report: &impl serde::Serialize) -> Result<String, Failure> {
    serde_json::to_string(report)
        .map_err(|e| Failure::usage(format!("cannot write JSON: {e}")).hint("leave --json out"))
}

/// PEM (RFC 7468) in a buffer that is wiped.
pub(crate) fn armored(label: &'static str, der: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let failed = |e| Failure::usage(format!("cannot encode PEM: {e}")).hint("report it as a bug");
    let length = pem::encoded_len(label, LineEnding::LF, der).map_err(failed)?;
    let mut text = Zeroizing::new(vec![0; length]);
    pem::encode(label, LineEnding::LF, der, &mut text).map_err(failed)?;
    Ok(text)
}

/// A word as a POSIX shell reads it: quoted if it must be.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_words_are_read_as_they_are() {
        for word in [
            "plain/path_1.pem",
            "",
            "two words",
            "it's",
            "a\\b$HOME",
            "--x",
        ] {
            let printed = format!("printf %s {}", shell_word(word));
            let shell = std::process::Command::new("sh")
                .args(["-c", &printed])
                .output()
                .unwrap();
            assert_eq!(String::from_utf8(shell.stdout).unwrap(), word, "{printed}");
        }
    }
}
