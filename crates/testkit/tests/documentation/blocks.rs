//! The fenced blocks of a page.

/// A fenced block: what stands behind the fence, and the lines in it.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) info: String,
    pub(crate) text: String,
}

/// All blocks of a page, in order.
pub(crate) fn of(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut open: Option<Block> = None;
    for line in page.lines() {
        match (open.as_mut(), line.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block {
                    info: info.to_owned(),
                    text: String::new(),
                });
            }
            (None, None) => {}
            (Some(_), Some(rest)) => {
                assert_eq!(rest, "", "a block ends with a fence alone");
                blocks.extend(open.take());
            }
            (Some(block), None) => {
                block.text += line;
                block.text.push('\n');
            }
        }
    }
    assert!(open.is_none(), "a block has no end");
    blocks
}

#[test]
fn blocks_are_read() {
    let found = of("a\n```sh run\nx\ny\n```\n\n```\nz\n```\n");
    let found: Vec<_> = found.iter().map(|b| (&*b.info, &*b.text)).collect();
    assert_eq!(found, [("sh run", "x\ny\n"), ("", "z\n")]);
}
