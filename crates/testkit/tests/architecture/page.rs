//! The table of `docs/ARCHITECTURE.md`: each crate, and those that it may depend on.

use std::collections::BTreeSet;

/// The table.
#[derive(Debug)]
pub(crate) struct Page(Vec<Row>);

#[derive(Debug)]
struct Row {
    name: String,
    permitted: BTreeSet<String>,
}

impl Page {
    /// Reads the table whose heading is [`HEADING`]: names in backticks in the first two columns.
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.lines().skip_while(|line| !line.starts_with(HEADING));
        assert!(lines.next().is_some(), "the page has no table `{HEADING}`");
        let rows: Vec<Row> = lines
            .skip(1)
            .take_while(|line| line.starts_with('|'))
            .map(|line| {
                let mut cells = line.trim_matches('|').split('|').map(names);
                let name = cells.next().unwrap();
                assert_eq!(name.len(), 1, "one crate a row: {line}");
                Row {
                    name: name[0].clone(),
                    permitted: cells.next().unwrap().into_iter().collect(),
                }
            })
            .collect();
        for (n, row) in rows.iter().enumerate() {
            for other in &row.permitted {
                // So the crates can't form a circle either.
                assert!(
                    rows[..n].iter().any(|above| above.name == *other),
                    "{} may depend only on crates in rows above it, and {other} is not",
                    row.name
                );
            }
        }
        Self(rows)
    }

    pub(crate) fn crates(&self) -> BTreeSet<&str> {
        self.0.iter().map(|row| row.name.as_str()).collect()
    }

    /// What the crate may depend on; nothing if the page does not know it.
    pub(crate) fn permitted(&self, name: &str) -> BTreeSet<String> {
        let row = self.0.iter().find(|row| row.name == name);
        row.map(|row| row.permitted.clone()).unwrap_or_default()
    }
}

/// What stands in backticks.
fn names(cell: &str) -> Vec<String> {
    cell.split('`')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}

const HEADING: &str = "| crate | may depend on |";

#[test]
fn a_table_is_read() {
    let page = Page::parse(
        "text\n| crate | may depend on | what |\n|---|---|---|\n| `a` | nothing | `x` |\n| `b` | `a` | y |\n\n| `c` |",
    );
    assert_eq!(page.crates(), ["a", "b"].into());
    assert_eq!(page.permitted("b"), ["a".to_owned()].into());
    assert!(page.permitted("a").is_empty() && page.permitted("c").is_empty());
}

#[test]
#[should_panic(expected = "a may depend only on crates in rows above it, and b is not")]
fn nothing_depends_upwards() {
    let _ = Page::parse("| crate | may depend on |\n|---|---|\n| `a` | `b` |\n| `b` | |\n");
}
