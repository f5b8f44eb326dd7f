//! How messages show text of foreign origin.

use std::path::Path;

/// Returns a path as messages show it: in backticks, control characters escaped.
#[must_use]
pub fn quoted(path: &Path) -> String {
    format!("`{}`", printable(&path.display().to_string()))
}

/// Returns `text` with control characters and those that reverse the direction of writing escaped.
#[must_use]
pub fn printable(text: &str) -> String {
    let escape =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match escape(c) {
            true => shown.extend(c.escape_default()),
            false => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_without_control_characters() {
        assert_eq!(quoted(Path::new("a b\u{1b}[31m")), "`a b\\u{1b}[31m`");
        assert_eq!(printable("ä\u{202e}b"), "ä\\u{202e}b");
    }
}
