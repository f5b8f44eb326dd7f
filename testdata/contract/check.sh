#!/usr/bin/env bash
# Holds the running `sealpost gateway` against the given description of the endpoint, against tokens of a real issuer,
# and against those who mean it harm. The last line is "N passed, 0 failed".
#
#   testdata/contract/check.sh                              everything
#   testdata/contract/check.sh contract | issuer | attack   only this
#
# SEALPOST_BIN: a `sealpost` that is built; SEALPOST_OPENAPI: the given description, if not the repository's copy;
# SEALPOST_VENV: a virtual environment to make or to use again; PYTHON: an interpreter of 3.11 or later.
# Needs node (20 or later) and npm for the issuer.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
tools="$target/contract"
mkdir -p "$tools"

for tool in node npm openssl "${PYTHON:-python3}"; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done
SEALPOST_VENV="${SEALPOST_VENV:-$tools/venv}"
[ -x "$SEALPOST_VENV/bin/python" ] || "${PYTHON:-python3}" -m venv "$SEALPOST_VENV"
python="$SEALPOST_VENV/bin/python"
"$python" -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
pinned="$(grep -v '^#' "$here/requirements.txt")"
"$python" -m pip freeze | grep -qxF "$pinned" ||
    "$python" -m pip install --quiet --requirement "$here/requirements.txt"
issuer="$tools/npm/node_modules/oauth2-mock-server"
[ "$(node -p "require('$issuer/package.json').version" 2>/dev/null)" = 8.2.3 ] ||
    npm install --silent --no-audit --no-fund --prefix "$tools/npm" oauth2-mock-server@8.2.3
export SEALPOST_ISSUER="$tools/npm/node_modules/.bin/oauth2-mock-server"

if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --locked -p sealpost-cli)
    SEALPOST_BIN="$target/debug/sealpost"
fi
[ -x "$SEALPOST_BIN" ] || { echo "no command at $SEALPOST_BIN" >&2; exit 2; }
export SEALPOST_BIN SEALPOST_OPENAPI="${SEALPOST_OPENAPI:-$root/crates/gateway/openapi/given.yaml}"
PYTHONDONTWRITEBYTECODE=1 PATH="$SEALPOST_VENV/bin:$PATH" exec "$python" "$here/check.py" "$@"
