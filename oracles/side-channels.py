#!/usr/bin/env python3
"""Holds what memcheck found in one part against the list of what is known and benign.

    side-channels.py PART LOG ALLOWED

A line of ALLOWED is `parts <tab> function <tab> reason`, both names as regular expressions: a finding is benign if the function is
among the innermost six of its stack.
"""
import re
import sys

part, log, allowed = sys.argv[1:]
known = []
for line in open(allowed):
    if line.strip() and not line.startswith("#"):
        parts, function, reason = line.rstrip("\n").split("\t")
        if re.fullmatch(parts, part):
            known.append((re.compile(function), reason))

findings, stack = [], None
for line in open(log, errors="replace"):
    text = re.sub(r"^==\d+== ?", "", line.rstrip("\n"))
    if re.match(r"(Conditional jump|Use of uninit|Syscall param|Argument)", text):
        stack = [text]
        findings.append(stack)
    elif stack is not None and re.match(r"\s+(at|by) 0x", text):
        stack.append(re.sub(r"^\s+(?:at|by) 0x[0-9A-F]+: ", "", text))
    elif not text.strip():
        stack = None

open_findings = []
counts = {}
for stack in findings:
    reason = next((r for f, r in known if any(f.search(frame) for frame in stack[1:7])), None)
    if reason is None:
        open_findings.append(stack)
    else:
        counts[reason] = counts.get(reason, 0) + 1

for reason, count in counts.items():
    print(f"    {count} benign: {reason}")
if part == "control":
    ok = bool(findings)
    print("    the control fired" if ok else "    THE CONTROL DID NOT FIRE: nothing that follows means anything")
else:
    ok = not open_findings
    for stack in open_findings:
        print("    NOT KNOWN: " + "\n        ".join(stack[:8]))
sys.exit(not ok)
