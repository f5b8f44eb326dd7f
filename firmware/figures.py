#!/usr/bin/env python3
"""What the programs for small machines take: read, shown, and compared with baseline.json. Called by check.sh."""

import base64
import gzip
import hashlib
import json
import pathlib
import random
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
BASELINE = HERE / "baseline.json"
# A figure may grow by this much before the check fails.
TOLERANCE = 0.05
# The targets, for RSA-2048 on the board with 64 KiB of RAM, in bytes.
LIMITS = {
    "flash open-only lm3s6965evb": 140_000,
    "flash everything lm3s6965evb": 165_000,
    "lm3s6965evb 2048 open heap": 12_288,
    "lm3s6965evb 2048 open stack": 8_192,
    "lm3s6965evb 2048 import heap": 12_288,
    "lm3s6965evb 2048 import stack": 8_192,
    "lm3s6965evb 2048 certificate heap": 12_288,
    "lm3s6965evb 2048 certificate stack": 8_192,
    "lm3s6965evb 2048 seal heap": 12_288,
    "lm3s6965evb 2048 seal stack": 8_192,
    "lm3s6965evb 2048 validate stack": 8_192,
}
BOARDS = {"lm3s6965evb": "thumbv7m-none-eabi", "mps2-an386": "thumbv7em-none-eabihf"}
OURS = re.compile(rb"[\w/.-]*(crates/(?:context|envelope|json|validator|vault-key)/src/[\w/.-]+\.rs)")
THEIRS = re.compile(rb"[\w/.-]*(crypto-bigint-[\w.-]+/src/[\w/.-]+\.rs)")
# The panics that are left, by the texts of their `expect`: docs/FIRMWARE.md says why.
INVARIANTS = ["HMAC takes keys of every length"]


def main(arguments):
    match arguments:
        case ["--files", folder, stem]:
            write_files(pathlib.Path(folder), stem)
        case ["--panic-paths", program]:
            panic_paths(program)
        case [work, out, rust, as_json, baseline]:
            figures = collect(pathlib.Path(work), pathlib.Path(out))
            report(figures, rust, as_json == "true", baseline == "true")


def write_files(folder, stem):
    """What a device reads. The random bytes are always the same, so that two runs can be compared."""
    (folder / "certificate.pem").write_bytes(pathlib.Path(stem + ".pem").read_bytes())
    (folder / "pin").write_text(hashlib.sha256(der(stem + ".pem")).hexdigest())
    (folder / "key.der").write_bytes(der(stem + ".key.pem"))
    (folder / "noise").write_bytes(random.Random(1).randbytes(8191))
    (folder / "value").write_text('{"password":"P@ssw0rd123"}')
    (folder / "request.json").write_text(
        '{"secret": {"name": "wifi", "key": "password", "type": "PASSWORD", "value": {"password": "x"}}}'
    )


def der(path):
    lines = pathlib.Path(path).read_text().splitlines()
    return base64.b64decode("".join(line for line in lines if not line.startswith("-----")))


# --- figures -----------------------------------------------------------------------------------------


def collect(work, out):
    figures = {}
    for board, target in BOARDS.items():
        for program in ("open-only", "everything"):
            figures[f"flash {program} {board}"] = flash(out / target / "release" / program)
    figures["flash no-alloc lm3s6965evb"] = flash(out / BOARDS["lm3s6965evb"] / "release" / "sealpost-no-alloc")
    for log in sorted(work.glob("* everything *.log")):
        board, _, bits = log.stem.split(" ")
        for line in log.read_text().splitlines():
            if line.startswith("measured "):
                _, operation, *fields = line.split(" ")
                for field in fields:
                    name, value = field.split("=")
                    figures[f"{board} {bits} {operation} {name}"] = int(value)
    for name, path in (("seal", HERE / "wasm/web/sealpost.wasm"), ("seal and open", work / "with-open.wasm")):
        module = path.read_bytes()
        figures[f"wasm {name} bytes"] = len(module)
        figures[f"wasm {name} bytes gzip"] = len(gzip.compress(module, 9, mtime=0))
    return figures


def flash(program):
    """The bytes that a flash programmer would write: what the segments hold."""
    return sum(header[4] for header in headers(pathlib.Path(program).read_bytes()) if header[0] == 1)


def headers(elf):
    """The program headers of a 32-bit little-endian ELF file: type, offset, vaddr, paddr, filesz, memsz, …"""
    if elf[:6] != b"\x7fELF\x01\x01":
        sys.exit("not a 32-bit little-endian ELF file")
    (offset,) = struct.unpack_from("<I", elf, 28)
    size, count = struct.unpack_from("<HH", elf, 42)
    return [struct.unpack_from("<8I", elf, offset + size * n) for n in range(count)]


def report(figures, rust, as_json, baseline):
    if baseline:
        BASELINE.write_text(json.dumps({"rust": rust, "figures": figures}, indent=1) + "\n")
        print(f"written: {BASELINE.name}", file=sys.stderr)
    before = json.loads(BASELINE.read_text())
    if as_json:
        print(json.dumps({"rust": rust, "figures": figures}, indent=1))
    else:
        table(figures, before["figures"])
    if before["rust"] != rust:
        print(f"note: the baseline is of {before['rust']}, this is {rust}", file=sys.stderr)
    failures = grown(figures, before["figures"])
    if failures:
        sys.exit("FAILED:\n" + "\n".join(failures))
    print(f"ok: {len(figures)} figures, none more than {TOLERANCE:.0%} over the baseline", file=sys.stderr)


def grown(figures, before):
    failures = [f"  {name} is not measured any more" for name in sorted(before.keys() - figures.keys())]
    failures += [f"  {name} is not in the baseline: firmware/check.sh --baseline" for name in sorted(figures.keys() - before.keys())]
    for name in sorted(figures.keys() & before.keys()):
        # A tick of the timer is up to 80 instructions.
        slack = 200 if name.endswith("instructions") else 0
        if figures[name] > before[name] * (1 + TOLERANCE) + slack:
            failures.append(f"  {name}: {figures[name]}, the baseline is {before[name]}")
    for name, limit in LIMITS.items():
        if figures.get(name, limit + 1) > limit:
            failures.append(f"  {name}: {figures.get(name)}, the target is at most {limit}")
    return failures


def table(figures, before):
    width = max(map(len, figures))
    for name, value in figures.items():
        change = (value - before[name]) / before[name] if before.get(name) else 0
        print(f"{name:<{width}} {value:>12,} {change:>+7.1%}")


# --- panics ------------------------------------------------------------------------------------------


def panic_paths(program):
    """A panic carries the place that it is in. Whatever of our sources is named in the program can panic."""
    elf = pathlib.Path(program).read_bytes()
    if not places(elf, THEIRS):
        sys.exit(f"{program} names no place in a dependency: built without the places of panics, nothing can be said")
    found, known = [], 0
    for file, line, column in places(elf, OURS):
        source = (HERE.parent / file).read_text().splitlines()[line - 1]
        if any(f'expect("{invariant}")' in source for invariant in INVARIANTS):
            known += 1
        else:
            found.append(f"{file}:{line}:{column}: {source.strip()}")
    if found:
        sys.exit("FAILED: a panic is left at\n  " + "\n  ".join(found))
    print(f"ok: no panic is left in json, validator, vault-key and envelope but {known} with a known invariant")


def places(elf, pattern):
    """The places of panics in files with such names: `Location { file: &str, line: u32, column: u32 }`."""
    words = struct.unpack(f"<{len(elf) // 4}I", elf[: len(elf) // 4 * 4])
    found = set()
    for match in pattern.finditer(elf):
        for _, offset, address, _, size, *_ in headers(elf):
            if offset <= match.start() < offset + size:
                start = match.start() - offset + address
                for n in (n for n, word in enumerate(words[:-3]) if word == start):
                    if words[n + 1] == len(match[0]):
                        found.add((match[1].decode(), words[n + 2], words[n + 3]))
    return sorted(found)


main(sys.argv[1:])
