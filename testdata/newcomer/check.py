"""Runs the command blocks of the pages, and counts them and the stand-ins that they called. `check.sh` starts it.

A fence's words behind ```:
  sh                   is run, in the shell of its page: variables and the current folder stay
  sh terminal          is started, and runs until the page ends
  sh needs: WHAT…      runs against stand-ins, and calls each that is named
  sh run, sh post      the same as sh, for testdata/interop
  LANGUAGE FILE.END    is not run: it is the file
What sends a secret must print a reference. Every other fence names a language that is not a shell. A fence without a word is an error: it could be a command that was not run.
"""

import sys
from collections import Counter
from pathlib import Path

import controls
import library
from pages import RECIPE, blocks, pages
from shell import Shell

ROOT = Path(__file__).resolve().parent.parent.parent


def main():
    binary, libraries, folder = (Path(argument).resolve() for argument in sys.argv[1:4])
    if sys.argv[4] != "0":
        loopback()
    checks = Checks()
    controls.run(checks, folder / "controls", ROOT, binary, libraries)
    found = Counter()
    for page in pages(ROOT):
        name = str(page.relative_to(ROOT))
        own = blocks(page)
        found[name] = sum(block.is_command for block in own)
        # Another reader of the page counts the fences.
        fences = sum(line.startswith("```sh") for line in page.read_text().splitlines())
        files = sum(block.info.startswith("sh ") and block.file is not None for block in own)
        checks.that(f"{name}: {found[name]} command blocks", found[name] + files == fences, f"{fences} fences of sh")
        for block in own:
            checks.that(f"{name}:{block.line}: the fence says what it is", block.info != "", block.text)
        before = [] if page.parent.name != "recipes" or page.stem == "README" else blocks(page.with_name("README.md"))
        shell = Shell(folder / name.replace("/", "-"), ROOT, binary, libraries)
        try:
            for block in before:
                shell.take(block)
            for block in own:
                if RECIPE.get(page.stem) and block.info == "sh post":
                    shell.run(RECIPE[page.stem])
                done = shell.take(block)
                if block.is_command:
                    checks.that(f"{name}:{block.line}: {block.first_line}", done.ok, done.said)
        finally:
            shell.end()
        checks.stand_ins.update(shell.stand_ins())
    checks.that("every page has commands", all(found[page] for page in ("README.md", "docs/API.md", "docs/OPERATIONS.md")), found)
    library.run(checks, folder / "library", ROOT, binary)
    checks.end(sum(found.values()))


def loopback():
    """The network of our own begins with everything down."""
    import fcntl
    import socket
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        up_and_running = 0x1 | 0x40
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sh", b"lo", up_and_running))  # SIOCSIFFLAGS


class Checks:
    def __init__(self):
        self.passed, self.failed, self.stand_ins = 0, [], Counter()

    def that(self, what, good, otherwise=""):
        if good:
            self.passed += 1
            if "fence says" not in what:
                print(f"ok: {what}", flush=True)
        else:
            self.failed.append(what)
            print(f"FAILED: {what}\n{otherwise}", flush=True)

    def end(self, commands):
        print(f"{commands} command blocks")
        called = ", ".join(f"{name} {count} times" for name, count in sorted(self.stand_ins.items()))
        print(f"stand-ins: {called}")
        print(f"{self.passed} passed, {len(self.failed)} failed")
        sys.exit(bool(self.failed))


main()
