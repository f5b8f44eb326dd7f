#!/usr/bin/env python3
"""Runs the quick commands of docs/EVIDENCE.md, and compares the last line that each prints. Tests are those that `cargo test --workspace`
has built: with `-p` cargo would select other features, and compile for minutes.

    testdata/newcomer/evidence.py
"""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
CARGO = os.environ.get("CARGO", "cargo")
SECONDS = 900


def main():
    page = (ROOT / "docs/EVIDENCE.md").read_text()
    quick = page.split("\n## Quick\n")[1].split("\n## ")[0]
    rows = [line[1:-1].split("|") for line in quick.splitlines() if line.startswith("| ") and not line.startswith("| claim")]
    binaries = built()
    failed = 0
    for claim, command, _, _, last in rows:
        command, last = (cell.strip().strip("`") for cell in (command, last))
        began = time.monotonic()
        good, said = run(command, last, binaries)
        failed += not good
        print(f"{'ok' if good else 'FAILED'}: {command} ({time.monotonic() - began:.0f} s)", flush=True)
        if not good:
            print(f"the claim: {claim.strip()}\nthe last line should be: {last}\n{said[-4000:]}", flush=True)
    print(f"{len(rows) - failed} passed, {failed} failed")
    sys.exit(failed > 0 or not rows)


def built():
    """The programs of the workspace's tests, by package and target, with the folder to run them in."""
    command = [CARGO, "test", "--quiet", "--locked", "--workspace", "--no-run", "--message-format", "json"]
    output = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
    programs = {}
    for line in output.splitlines():
        message = json.loads(line)
        if not message.get("executable"):
            continue
        if message["target"]["name"] == "sealpost" and not message["profile"]["test"]:
            # The scripts take it, and build none of their own.
            os.environ.setdefault("SEALPOST_BIN", message["executable"])
        if message["profile"]["test"]:
            manifest, target = Path(message["manifest_path"]), message["target"]
            name = "--lib" if "lib" in target["kind"] else target["name"]
            programs[f"sealpost-{manifest.parent.name}", name] = (message["executable"], manifest.parent)
    return programs


def run(command, last, programs):
    folder, words = ROOT, command.split()
    if words[:2] == ["cargo", "test"]:
        package, target = words[words.index("-p") + 1], "--lib" if "--lib" in words else words[words.index("--test") + 1]
        if (package, target) not in programs:
            return False, f"{package} has no tests {target}"
        program, folder = programs[package, target]
        words = [program, *(words[words.index("--") + 1 :] if "--" in words else [])]
    try:
        done = subprocess.run(
            words, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=SECONDS, errors="replace",
        )
    except subprocess.TimeoutExpired:
        return False, f"it does not end within {SECONDS} s"
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    pattern = ".*".join(map(re.escape, last.split("…")))
    good = done.returncode == 0 and lines and re.fullmatch(pattern, lines[-1]) and not re.search(r"\b0 passed", lines[-1])
    return bool(good), done.stdout


main()
