#!/usr/bin/env bash
# Runs the reference implementation and the Rust command against each other and over all vectors.
# SEALPOST_VENV: a virtual environment to make or to use again; SEALPOST_BIN: a `sealpost` that is already built;
# PYTHON: an interpreter of 3.11 or later. The last line is "N passed, 0 failed".
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"

if [ -z "${SEALPOST_VENV:-}" ]; then
    SEALPOST_VENV="$(mktemp -d)"
    trap 'rm -rf "$SEALPOST_VENV"' EXIT
fi
[ -x "$SEALPOST_VENV/bin/python" ] || "${PYTHON:-python3}" -m venv "$SEALPOST_VENV"
python="$SEALPOST_VENV/bin/python"
"$python" -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
if ! "$python" -m pip freeze | grep -xFf "$here/requirements.txt" >/dev/null; then
    "$python" -m pip install --quiet --requirement "$here/requirements.txt"
fi

if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --locked -p sealpost-cli)
    SEALPOST_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/sealpost"
fi
[ -x "$SEALPOST_BIN" ] || { echo "no command at $SEALPOST_BIN" >&2; exit 2; }

PYTHONDONTWRITEBYTECODE=1 "$python" "$here/check.py" "$SEALPOST_BIN"
