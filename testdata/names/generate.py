#!/usr/bin/env python3
"""Writes names.jsonl: the vault secret names and references that every version must derive.

Written from the rule in the documentation of sealpost-vault-key, with nothing but the standard
library, and shares no code with the Rust that it checks.

    python3 generate.py > names.jsonl     write the file anew
    python3 generate.py --check           compare with the file that is there

Rows may be added. A row that is there may never change: somebody has stored a secret under that name.
"""

import hashlib
import hmac
import json
import pathlib
import re
import sys
import urllib.parse
import uuid

LIMIT = {"aws": 512, "azure": 127, "embedded": 512, "google": 255, "kv2": 512}
SUFFIX = re.compile(r"-x[a-z2-7]{32}\Z")
SCOPED = re.compile(r"p[0-9a-f]{32}-")

HEADER = """\
# Golden names: kind of vault, project, name and key -> vaultSecretName and resolver_ref.
# One JSON object a line, written by generate.py beside this file. These lines may never change, since
# secrets are stored under these names; new lines may be added at the end.
"""


def hkdf_sha256(salt, ikm, info, length):
    """RFC 5869; length is at most one block here."""
    assert length <= 32
    prk = hmac.new(salt, ikm, hashlib.sha256).digest()
    return hmac.new(prk, info + b"\x01", hashlib.sha256).digest()[:length]


def base32(data):
    """RFC 4648 section 6, in lower case."""
    bits = "".join(f"{byte:08b}" for byte in data)
    return "".join("abcdefghijklmnopqrstuvwxyz234567"[int(bits[i : i + 5], 2)] for i in range(0, len(bits), 5))


def valid(kind, name):
    if not 1 <= len(name.encode()) <= LIMIT[kind]:
        return False
    if kind == "aws":
        return re.fullmatch(r"[A-Za-z0-9/_+=.@-]+", name) is not None
    if kind == "azure":
        return re.fullmatch(r"[A-Za-z][0-9A-Za-z-]*", name) is not None
    if kind == "google":
        return re.fullmatch(r"[A-Za-z0-9_-]+", name) is not None
    visible = all(0x21 <= ord(char) <= 0x7E and char not in "%?#" for char in name)
    return visible and all(segment not in ("", ".", "..") for segment in name.split("/"))


def passes(kind, project, name, candidate):
    if not valid(kind, candidate):
        return False
    if kind == "azure" and candidate != candidate.lower():
        return False
    if SUFFIX.search(candidate.lower()):
        return False
    if project is None and SCOPED.match(candidate.lower()):
        return False
    return name not in ("", ".", "..")


def derive(kind, project, name):
    prefix = "" if project is None else f"p{project.hex}-"
    if passes(kind, project, name, prefix + name):
        return prefix + name
    slug = "-".join(re.findall(r"[A-Za-z0-9]+", name)).lower() or "s"
    if kind == "azure" and not prefix and slug[0].isdigit():
        slug = "s-" + slug
    slug = slug[: LIMIT[kind] - len(prefix) - 34].rstrip("-")
    info = kind.encode() + (b"" if project is None else project.bytes)
    digest = hkdf_sha256(b"sealpost/name/1", name.encode(), info, 20)
    return f"{prefix}{slug}-x{base32(digest)}"


def resolver_ref(name, key):
    # quote() leaves exactly the unreserved characters of RFC 3986 alone when nothing is named safe.
    ref = "secret:" + urllib.parse.quote(name, safe="")
    return ref if key is None else ref + "#" + urllib.parse.quote(key, safe="")


P = "0189f0c2-5e21-7c4a-9b3d-0f6e8d7a11fe"
Q = "ffffffff-ffff-4fff-bfff-ffffffffffff"
HASH = "abcdefghijklmnopqrstuvwxyz234567"
HEX = "0189f0c25e217c4a9b3d0f6e8d7a11fe"
ALL = ("aws", "azure", "embedded", "google", "kv2")


def inputs():
    """kind, project, name, key. The name says which rule a row is for where that is not plain."""
    # Plain names pass everywhere; with a project, behind its prefix.
    for kind in ALL:
        yield kind, None, "db-password", None
        yield kind, P, "db-password", "password"
        yield kind, Q, "x", None
    # Each vault's alphabet.
    for kind in ALL:
        yield kind, None, "prod/db", "user"
        yield kind, None, "with_underscore", None
        yield kind, None, "a+b=c.d@e", None
        yield kind, P, "prod/db_main.v1", "user"
        yield kind, None, "with blank", None
    for kind in ("embedded", "kv2"):
        for name in ("~!$&'()*,;:[]{}|\\^`\"<>", " a", "a ", "a/ b", "a%2Fb", "a?b", "a#b", "a\x7fb", ".env", "a/.hidden"):
            yield kind, None, name, None
        # Paths that are none.
        for name in ("/a", "a/", "a//b", "a/../b", "./a", "a/..", "a/...", "/"):
            yield kind, None, name, None
            yield kind, P, name, None
    # Names that no vault takes as they are.
    for kind in ALL:
        for name in ("", ".", ".."):
            yield kind, None, name, None
            yield kind, P, name, None
        for name in ("Größe", "日本語", "e\u0301", "\u00e9", "\U0001f511 key", "a\nb", "a\x00b", "---", "-"):
            yield kind, None, name, None
    # Case.
    for kind in ALL:
        yield kind, None, "Foo", None
        yield kind, None, "foo", None
        yield kind, P, "FOO", None
    # Digits first; Azure wants a letter.
    for kind in ALL:
        yield kind, None, "7-of-9", None
        yield kind, P, "7-of-9", None
        yield kind, None, "7 of 9", None
        yield kind, P, "7 of 9", None
        yield kind, None, "-7", None
    # Names that look like rewritten ones, and those that nearly do.
    for kind in ALL:
        yield kind, None, f"a-x{HASH}", None
        yield kind, P, f"a-x{HASH}", None
        yield kind, None, f"A-X{HASH.upper()}", None
        yield kind, None, f"-x{HASH}", None
        yield kind, None, f"a-x{HASH[:-1]}", None
        yield kind, None, f"a-x{HASH[:-1]}1", None
        yield kind, None, f"a-x{HASH}a", None
        yield kind, None, f"ax{HASH}", None
    # Names that look like those of a project, and those that nearly do.
    for kind in ALL:
        yield kind, None, f"p{HEX}-db", None
        yield kind, None, f"P{HEX.upper()}-db", None
        yield kind, None, f"p{HEX}-", None
        yield kind, None, f"p{HEX}", None
        yield kind, None, f"p{HEX[:-1]}g-db", None
        yield kind, None, f"q{HEX}-db", None
        yield kind, P, f"p{HEX}-db", None
    # The limit, one less and one more, with and without a project.
    for kind, limit in LIMIT.items():
        for length in (limit - 1, limit, limit + 1):
            yield kind, None, "a" * length, None
            yield kind, P, "a" * (length - 34), None
    # Slugs that are cut: in a run, at a dash, before a dash, behind "s-".
    for kind, limit in LIMIT.items():
        room = limit - 34
        for name in ("b" * limit + "%", "b" * (room - 1) + " c%" + "d" * 40, "b" * room + " c%" + "d" * 40, "b" * (room - 2) + " cd%" + "d" * 40, "7" * limit + "%"):
            yield kind, None, name, None
        yield kind, Q, "b" * (room - 35) + " c%" + "d" * 80, None
    # Longer than any request may be: the rule is total.
    for kind in ALL:
        yield kind, None, "long name " * 200, None
    # Keys.
    for key in ("a", "user name", "a/b", "a#b", "100%", "é", "日本", "~-._", "a.b", ":@!$&'()*+,;=", "k" * 256, "é" * 128):
        yield "kv2", None, "prod/db", key


def lines():
    for kind, project, name, key in inputs():
        scope = None if project is None else uuid.UUID(project)
        derived = derive(kind, scope, name)
        assert valid(kind, derived), (kind, name, derived)
        row = {
            "kind": kind,
            "project": project,
            "name": name,
            "key": key,
            "vaultSecretName": derived,
            "resolver_ref": resolver_ref(derived, key),
        }
        yield json.dumps(row, ensure_ascii=True) + "\n"


def main():
    text = HEADER + "".join(lines())
    if sys.argv[1:] == ["--check"]:
        there = pathlib.Path(__file__).with_name("names.jsonl").read_text()
        rows = len(there.splitlines()) - len(HEADER.splitlines())
        if there != text:
            sys.exit("names.jsonl differs from what the rule gives; if the rule was changed, change it back")
        print(f"{rows} names, 0 differ")
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    main()
