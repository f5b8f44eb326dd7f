//! What the demo prints, and how long and strange texts fit a line of a terminal.

use std::fmt::Display;

use crate::error::Failure;
use crate::io;

pub(super) fn say(line: impl Display) -> Result<(), Failure> {
    io::write_stdout(format!("{line}\n").as_bytes())
}

pub(super) fn check(what: &str, holds: bool) -> Result<(), Failure> {
    match holds {
        true => Ok(()),
        false => Err(not_so(what, "it does not")),
    }
}

/// The failure of a step that does not do what it says.
pub(super) fn not_so(what: &str, why: impl Display) -> Failure {
    Failure::refused(format!(
        "this should hold and does not: {what}\n       {why}"
    ))
    .hint("report it as a bug, with the request if it holds no secret")
}

/// White space collapsed, control characters escaped, at most about `width` characters.
pub(super) fn one_line(text: &str, width: usize) -> String {
    let mut line = String::new();
    for c in text
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .chars()
    {
        if line.chars().count() >= width {
            line.push('…');
            break;
        }
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// The beginning and the end of a SHA-256 in hex; another word as it is.
pub(super) fn abbreviated(word: &str) -> String {
    let (digest, rest) = word.split_at(word.trim_end_matches(',').len());
    match (digest.get(..8), digest.get(56..)) {
        (Some(start), Some(end)) if digest.len() == 64 => format!("{start}…{end}{rest}"),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_short_and_harmless() {
        assert_eq!(one_line("{\n  \"a\": 1\n}", 40), "{ \"a\": 1 }");
        assert_eq!(one_line("a\u{1b}[31mb", 40), "a\\u{1b}[31mb");
        assert_eq!(one_line("äöüßx", 3), "äöü…");
        assert_eq!(
            abbreviated(&"0123456789abcdef".repeat(4)),
            "01234567…89abcdef"
        );
        assert_eq!(
            abbreviated(&format!("{},", "ab".repeat(32))),
            "abababab…abababab,"
        );
        assert_eq!(abbreviated("short,"), "short,");
    }
}
