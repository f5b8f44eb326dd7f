//! Text of a server, made safe to show.

/// Replaces what moves a terminal's cursor or changes the order of what is shown: the text is not trusted.
pub(crate) fn printable(text: String) -> String {
    if !text.contains(is_active) {
        return text;
    }
    text.replace(is_active, "\u{fffd}")
}

/// Control characters, separators of lines, and marks of direction.
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_moves_the_cursor_or_turns_the_text() {
        for c in [
            '\u{1b}', '\n', '\t', '\u{7f}', '\u{9b}', '\u{202e}', '\u{2066}', '\u{2028}',
            '\u{feff}',
        ] {
            assert_eq!(printable(format!("a{c}b")), "a\u{fffd}b", "{c:?}");
        }
        assert_eq!(printable("ä 😀 – b".into()), "ä 😀 – b");
    }
}
