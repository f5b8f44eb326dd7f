"""Runs the parts that are named, or all of them; check.sh says how to start it."""

import pathlib
import sys
import tempfile

import attack
import contract
import issuer
from harness import Checks

PARTS = {"contract": contract.check, "issuer": issuer.check, "attack": attack.check}


def main():
    names = sys.argv[1:] or list(PARTS)
    if unknown := set(names) - set(PARTS):
        sys.exit(f"no such part: {', '.join(unknown)} (there are: {', '.join(PARTS)})")
    checks = Checks()
    for name in names:
        print(f"--- {name} ---", flush=True)
        # Sockets have short paths.
        with tempfile.TemporaryDirectory(prefix="sealpost-") as folder:
            PARTS[name](checks, pathlib.Path(folder))
    checks.end()


if __name__ == "__main__":
    main()
