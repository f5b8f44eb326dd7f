use std::fs;

use super::*;

/// Appends to `tail`, of which so many bytes fit. Returns what was written, and how far it came.
fn append(tail: &mut Tail, lines: &str, mut room: usize) -> (String, Option<usize>) {
    let mut text = Vec::new();
    let result = tail.append(lines.as_bytes(), |rest| {
        let fits = rest.len().min(room);
        room -= fits;
        text.extend_from_slice(&rest[..fits]);
        Ok(fits)
    });
    let text = String::from_utf8(text).unwrap();
    (text, result.err().map(|failed| failed.written))
}

#[test]
fn lines_after_a_torn_one_begin_on_a_line_of_their_own() {
    let mut tail = Tail::Torn;
    assert_eq!(append(&mut tail, "a\n", 9), ("\na\n".to_owned(), None));
    assert_eq!(append(&mut tail, "b\n", 9), ("b\n".to_owned(), None));
    // The writer knows of it, too: there is one line feed.
    let mut tail = Tail::Torn;
    assert_eq!(append(&mut tail, "\na\n", 9), ("\na\n".to_owned(), None));
    // What it knows of is in another file.
    assert_eq!(append(&mut tail, "\na\n", 9), ("a\n".to_owned(), None));
    assert_eq!(
        append(&mut Tail::Unknown, "\na\n", 9),
        ("\na\n".to_owned(), None)
    );
}

#[test]
fn a_line_feed_that_does_not_fit_is_written_later() {
    let mut tail = Tail::Torn;
    assert_eq!(append(&mut tail, "ab\n", 0), (String::new(), Some(0)));
    assert_eq!(append(&mut tail, "ab\n", 1), ("\n".to_owned(), Some(0)));
    assert_eq!(append(&mut tail, "ab\n", 2), ("ab".to_owned(), Some(2)));
    assert_eq!(tail, Tail::Torn);
    // The writer's own line feed counts as written.
    assert_eq!(append(&mut tail, "\nab\n", 2), ("\na".to_owned(), Some(2)));
    assert_eq!(append(&mut tail, "\nab\n", 9), ("\nab\n".to_owned(), None));
}

#[test]
fn the_end_of_a_file_is_looked_at() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    for (text, tail) in [
        ("", Tail::Whole),
        ("\n", Tail::Whole),
        ("a\n", Tail::Whole),
        ("a\nb", Tail::Torn),
    ] {
        fs::write(&path, text).unwrap();
        assert_eq!(
            Tail::of(&fs::metadata(&path).unwrap(), &path),
            tail,
            "{text:?}"
        );
    }
    // It is another file by now.
    fs::write(&path, "a\n").unwrap();
    let found = fs::metadata(&path).unwrap();
    let other = dir.path().join("other");
    fs::write(&other, "a\n").unwrap();
    assert_eq!(Tail::of(&found, &other), Tail::Torn);
    let folder = fs::metadata(dir.path()).unwrap();
    assert_eq!(Tail::of(&folder, dir.path()), Tail::Unknown);
}
