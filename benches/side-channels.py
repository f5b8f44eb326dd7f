#!/usr/bin/env python3
"""Holds what memcheck found against the list of what is known and benign.

    side-channels.py ALLOWED LOG...

Each log is of one part and is named like it. A line of ALLOWED is `parts <tab> least-most <tab> where <tab> reason`: in each part that
matches the first, so many findings are benign whose stack matches the third. A stack is matched as its innermost frames, `function (file)`
without type parameters and lines, joined by ` < `. Fails if a finding is on no line, if there are more of one kind than its line says or
fewer (what is known to depend on a secret was not found: the secret was not marked), if the control was not found, or if a log is cut.
"""
import os
import re
import sys

DEPTH = 16


def findings(path):
    """The stacks in a log; None if there are not as many as memcheck counted, or it did not get to the end."""
    stacks, stack, counted = [], None, None
    for line in open(path, errors="replace"):
        text = re.sub(r"^==\d+== ?", "", line.rstrip("\n"))
        if re.match(r"(Conditional jump|Use of uninit|Syscall param|Argument|Invalid|Jump to)", text):
            stack = [text]
            stacks.append(stack)
        elif stack is not None and re.match(r"\s+(at|by) 0x", text):
            stack.append(re.sub(r"^\s+(?:at|by) 0x[0-9A-F]+: ", "", text))
        elif not text.strip():
            stack = None
        elif found := re.match(r"ERROR SUMMARY: \d+ errors from (\d+) contexts", text):
            counted = int(found[1])
    return stacks if counted == len(stacks) else None


def plain(frame):
    """`function (file)`"""
    frame, place = re.fullmatch(r"(.*) \((?:in )?([^()]*?)(?::\d+)?\)", frame).groups()
    before = None
    while before != frame:
        before, frame = frame, re.sub(r"<[^<>]*>", "", frame)
    return f"{frame} ({place.rsplit('/', 1)[-1]})"


def main(allowed, *logs):
    known = []
    for line in open(allowed):
        if line.strip() and not line.startswith("#"):
            parts, counts, where, reason = line.rstrip("\n").split("\t")
            least, most = map(int, counts.split("-"))
            known.append((re.compile(parts), least, most, re.compile(where), reason, {}))

    ok, unexplained, missing = True, [], []
    print(f"{'part':20}{'findings':>10}{'allowed':>10}{'unexplained':>13}")
    for log in logs:
        part = os.path.basename(log)
        stacks = findings(log)
        if stacks is None:
            print(f"{part:20} THE LOG IS CUT, or has other findings than memcheck counted")
            ok = False
            continue
        left = []
        for stack in stacks:
            joined = " < ".join(plain(frame) for frame in stack[1 : 1 + DEPTH])
            for parts, _, most, where, _, used in known:
                if parts.fullmatch(part) and where.search(joined) and used.get(part, 0) < most:
                    used[part] = used.get(part, 0) + 1
                    break
            else:
                left.append((stack, joined))
        lacks = [
            f"{where.pattern}: {used.get(part, 0)} of at least {least}"
            for parts, least, _, where, _, used in known
            if parts.fullmatch(part) and used.get(part, 0) < least
        ]
        missing += [(part, lack) for lack in lacks]
        ok &= not lacks
        verdict = "  FAILED: what must be found is not" if lacks else ""
        if part == "control":
            verdict = "  found, as it must be" if left else "  NOT FOUND: nothing here means anything"
            ok &= bool(left)
        elif left:
            verdict = "  FAILED"
            unexplained += [(part, *finding) for finding in left]
            ok = False
        print(f"{part:20}{len(stacks):10}{len(stacks) - len(left):10}{len(left):13}{verdict}")

    print("\nallowed, and where:")
    for _, _, _, where, reason, used in known:
        counts = ", ".join(f"{count} in {part}" for part, count in used.items()) or "nothing: it may go"
        print(f"    {reason}\n        {where.pattern}: {counts}")
    for part, stack, joined in unexplained:
        print(f"\nNOT KNOWN, {part}: {stack[0]}\n    {joined}\n    at {stack[1]}")
    for part, lack in missing:
        print(f"\nNOT FOUND, {part}: is its secret marked?\n    {lack}")
    return not ok


sys.exit(main(*sys.argv[1:]))
