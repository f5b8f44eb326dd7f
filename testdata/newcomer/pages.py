"""The pages, and their fenced blocks."""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent / "interop"))
from recipes import BROWSER  # noqa: E402

@dataclass
class Block:
    line: int
    info: str
    text: str

    @property
    def file(self):
        words = self.info.split()
        return words[1] if len(words) == 2 and "." in words[1] else None

    @property
    def is_command(self):
        return self.info.split()[:1] == ["sh"] and self.file is None

    @property
    def needs(self):
        head, _, needs = self.info.partition("needs:")
        return needs.split()

    @property
    def first_line(self):
        return self.text.split("\n")[0][:90]


def pages(root):
    return [root / "README.md", root / "docs/API.md", root / "docs/OPERATIONS.md", *sorted((root / "docs/recipes").glob("*.md"))]


def blocks(page):
    found, info, start, lines = [], None, 0, []
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if info is None and line.startswith("```"):
            info, start, lines = line[3:].strip(), number, []
        elif info is not None and line == "```":
            found.append(Block(start, info, "".join(f"{line}\n" for line in lines)))
            info = None
        elif info is not None:
            lines.append(line)
    assert info is None, f"{page}: a block has no end"
    return found


# What a page leaves to the reader, before its block `sh post`: the browser's part, played by Node.
RECIPE = {"browser": Block(0, "sh", f"cat > driver.mjs <<'END'\n{BROWSER}END\nbrowser driver.mjs\n")}
