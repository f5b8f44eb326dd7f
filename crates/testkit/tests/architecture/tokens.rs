//! The words of a Rust file: names, `::` and single characters; no comments, no literals, nothing that only tests have.

/// The words without items under `#[cfg(test)]`, and without attributes.
pub(crate) fn production(text: &str) -> Vec<String> {
    let words = words(text);
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at] == "#" && matches!(words.get(at + 1).map(String::as_str), Some("[" | "!")) {
            let open = if words[at + 1] == "!" { at + 2 } else { at + 1 };
            let end = matching(&words, open);
            let test = words[open..end]
                .windows(3)
                .any(|w| w == ["cfg", "(", "test"])
                || words[open..end].windows(2).any(|w| w == ["[", "test"]);
            at = if test { item_end(&words, end) } else { end };
        } else {
            out.push(words[at].clone());
            at += 1;
        }
    }
    out
}

/// The calls of a function with this name, whichever type has it.
pub(crate) fn calls<'w>(words: &'w [String], name: &str) -> impl Iterator<Item = usize> + 'w {
    let name = name.to_owned();
    (1..words.len()).filter(move |at| {
        words[*at] == name
            && words[at - 1] != "fn"
            && words.get(at + 1).is_some_and(|next| next == "(")
    })
}

/// Where the item ends that begins at `start`, further attributes before it included.
fn item_end(words: &[String], mut start: usize) -> usize {
    while words.get(start).is_some_and(|word| word == "#") {
        start = matching(words, start + 1);
    }
    let mut at = start;
    while at < words.len() {
        match words[at].as_str() {
            ";" | "," => return at + 1,
            "{" => {
                let end = matching(words, at);
                // A `use` list goes on to its semicolon.
                return if words.get(end).is_some_and(|word| word == ";") {
                    end + 1
                } else {
                    end
                };
            }
            "(" | "[" => at = matching(words, at),
            _ => at += 1,
        }
    }
    at
}

/// Behind the bracket that closes the one at `open`.
pub(crate) fn matching(words: &[String], open: usize) -> usize {
    let mut depth = 0;
    for (at, word) in words.iter().enumerate().skip(open) {
        match word.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    words.len()
}

fn words(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            out.push(rest[..length].to_owned());
            length
        } else if rest.starts_with("::") {
            out.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                out.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    out
}

/// The length of the string, character or lifetime that `text` begins with.
fn literal(text: &str) -> Option<usize> {
    let unprefixed = text.trim_start_matches(['b', 'c']);
    let prefix = text.len() - unprefixed.len();
    if prefix > 1 {
        return None;
    }
    if let Some(raw) = unprefixed.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = raw[hashes + 1..].find(&end)? + end.len();
        return Some(prefix + 1 + hashes + 1 + length);
    }
    if unprefixed.starts_with('"') {
        return Some(prefix + quoted(unprefixed, '"'));
    }
    let inner = unprefixed.strip_prefix('\'')?;
    let character = inner.starts_with('\\') || inner.chars().nth(1) == Some('\'');
    // A lifetime: only its mark, its name is then a word like any other.
    Some(
        prefix
            + if character {
                quoted(unprefixed, '\'')
            } else {
                1
            },
    )
}

fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[test]
fn literals_comments_and_tests_are_left_out() {
    let text = r##"
        //! crate::no
        use crate::a; /* crate::b */
        const S: &str = "crate::c \" crate::d"; const R: &[u8] = br#"crate::"e"#; const C: char = '"';
        fn f<'x>(x: &'x str) {}
        #[cfg(test)] #[allow(x)] use crate::{t, u};
        #[derive(Debug)] struct X;
        #[cfg(test)] mod tests { use crate::v; }
        use crate::z;
    "##;
    let found = production(text).join(" ");
    assert!(found.starts_with("use crate :: a ; const S"), "{found}");
    assert!(found.ends_with("struct X ; use crate :: z ;"), "{found}");
    for no in ["no", "b", "c", "d", "e", "t", "u", "v"] {
        assert!(!found.contains(&format!(":: {no}")), "{no} in {found}");
    }
}

#[test]
fn a_definition_is_no_call() {
    let words = production("fn f(); impl X { fn f() { B::f(1); self.f(2); let g = f; } }");
    assert_eq!(calls(&words, "f").count(), 2);
}
