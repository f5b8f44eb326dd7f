"""Runs the vectors of docs/FORMAT.md §15; testdata/vectors/README.md describes their files."""

import base64, hashlib, json
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key

import sealpost

# The value of `expect`, and the class of error it stands for here.
EXPECT = {"text error": sealpost.TextError, "parse error": sealpost.ParseError, "not single": sealpost.NotSingle,
          "cut": sealpost.Cut, "unknown recipient": sealpost.NotForThisKey, "stanza type": sealpost.BadStanzaType,
          "encapsulation length": sealpost.EncapsulationLength, "encapsulation range": sealpost.EncapsulationRange,
          "open failure": sealpost.OpenError}
ONCE = ["expect", "comment", "rules", "form", "mode", "identity"]
SCHEDULE = ["seed", *sealpost.Schedule._fields]
LISTS = ["context", "sha256", "com"]


def read(path: Path) -> tuple[dict, bytes]:
    """A vector's headers, those of LISTS as lists, and what follows them as the `form` says."""
    head, body = path.read_bytes().split(b"\n\n", 1)
    headers: dict = {name: [] for name in LISTS}
    for line in head.decode().split("\n"):
        name, value = line.split(": ", 1)
        if name in LISTS:
            headers[name].append(value)
        elif name in ONCE + SCHEDULE and name not in headers:
            headers[name] = value
        else:
            raise ValueError(f"a header that is unknown or repeated: {name}")
    if headers["form"] == "text":
        if not body.endswith(b"\n"):
            raise ValueError("the text form is not one line")
        return headers, body[:-1]
    if headers["form"] != "binary":
        raise ValueError("an unknown form")
    return headers, base64.b64decode(body.replace(b"\n", b""), validate=True)


def open_vector(headers: dict, data: bytes, keys: Path) -> tuple[sealpost.Opener, list[bytes]]:
    identity = load_pem_private_key((keys / f"agent-{headers['identity']}.key.pem").read_bytes(), None)
    contexts = [sealpost.Context(**json.loads(c)) for c in headers["context"]]
    if headers["form"] == "text":
        data = sealpost.from_text(data)
    if headers["mode"] == "batch":
        return sealpost.Opener(data, identity, single=False), sealpost.open_batch(data, identity, contexts)
    if headers["mode"] != "single" or len(contexts) != 1:
        raise ValueError("an unknown mode, or contexts that do not fit it")
    opener = sealpost.Opener(data, identity)
    return opener, [opener.message(0, contexts[0])]


def check(path: Path, keys: Path) -> str | None:
    """What is wrong with the vector, or None."""
    headers, data = read(path)
    if headers["expect"] != "success":
        want = EXPECT[headers["expect"]]
        try:
            open_vector(headers, data, keys)
        except sealpost.SealpostError as error:
            return None if type(error) is want else f"expected {want.__name__}, got {error!r}"
        return f"expected {want.__name__}, and it opened"
    opener, messages = open_vector(headers, data, keys)
    got = {"seed": opener.seed.hex(), **{name: value.hex() for name, value in opener.keys._asdict().items()},
           "sha256": [hashlib.sha256(m).hexdigest() for m in messages],
           "com": [sealpost.commitment(opener.keys, i, int(i == len(messages) - 1), sealpost.Context(**json.loads(c))).hex()
                   for i, c in enumerate(headers["context"])]}
    wrong = [name for name in got if got[name] != headers[name]]
    return f"differs: {', '.join(wrong)}" if wrong else None


def run(directory: str, keys: str) -> tuple[list[str], list[str]]:
    """The names of the vectors that passed, and those that failed with the reason."""
    passed, failed = [], []
    for path in sorted(Path(directory).glob("*.txt")):
        try:
            reason = check(path, Path(keys))
        except Exception as error:                               # a file that can't be read is a failure with a name too
            reason = repr(error)
        if reason is None:
            passed.append(path.stem)
        else:
            failed.append(f"{path.stem}: {reason}")
    return passed, failed


def main(directory: str, keys: str) -> int:
    passed, failed = run(directory, keys)
    for line in failed:
        print(f"FAILED {line}")
    print(f"{len(passed)} vectors passed, {len(failed)} failed")
    return int(bool(failed) or not passed)
