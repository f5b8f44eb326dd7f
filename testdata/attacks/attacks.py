"""The attacks of run.sh: on envelopes, on certificates, on other formats, and on a running endpoint."""

import os
import sys
import tempfile
from pathlib import Path

import endpoint
import envelopes
import trust
from tools import Attacks


def main():
    with tempfile.TemporaryDirectory() as folder:
        attacks = Attacks(os.environ["SEALPOST_BIN"], Path(folder))
        for group in (envelopes, trust, endpoint):
            group.run(attacks)
        sys.exit(attacks.end())


main()
