"""Blocks that fail must be reported as failed, or all the rest says nothing."""

from pages import Block
from shell import Shell

WRONG = {
    "a command that fails": Block(0, "sh", "false"),
    "a command that fails before others": Block(0, "sh", "false\ntrue\n"),
    "a command that does not exist": Block(0, "sh", "sealpost-nowhere --help"),
    "a command that fails in a pipe": Block(0, "sh", "sealpost inspect nowhere.txt | cat"),
    "a variable that does not exist": Block(0, "sh", 'echo "$NOWHERE"'),
    "a server that ends at once": Block(0, "sh terminal", "sealpost dev --listen nowhere"),
    "a need that is not met": Block(0, "sh needs: systemd", "true"),
    "a secret that is not stored": Block(0, "sh", "echo no answer from /secret-value"),
    "a package that does not exist": Block(0, "sh", "cargo test -p sealpost-nowhere"),
    "an example that does not exist": Block(0, "sh", "cargo run -p sealpost-envelope --example nowhere"),
}


def run(checks, folder, root, binary, libraries):
    shell = Shell(folder, root, binary, libraries)
    try:
        for what, block in WRONG.items():
            checks.that(f"noticed: {what}", not shell.take(block).ok)
        shell.take(Block(0, "sh", "LEFT='two words'\ncd docs"))
        done = shell.take(Block(0, "sh", "[ \"$LEFT\" = 'two words' ] && ls API.md"))
        checks.that("variables and the folder stay from block to block", done.ok, done.said)
    finally:
        shell.end()
