#!/usr/bin/env bash
# Seals with `sealpost` and opens with others, and the other way round; then runs the recipes of docs/recipes.
# The others: jose and WebCrypto (Node), jwcrypto, joserfc and Authlib (Python), the openssl command, the JDK.
# SEALPOST_BIN: a `sealpost` that is already built; SEALPOST_INTEROP: a folder to install into and to use again;
# PYTHON: an interpreter of 3.11 or later. The last line is "N passed, 0 failed".
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
python="${PYTHON:-python3}"

missing=()
for tool in "$python" node npm openssl java curl; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
[ ${#missing[@]} -eq 0 ] || { echo "not installed, and needed: ${missing[*]}" >&2; exit 2; }
"$python" -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
node -e 'if (process.versions.node.split(".")[0] < 20) { console.error("Node 20 or later is needed"); process.exit(2) }'

if [ -z "${SEALPOST_INTEROP:-}" ]; then
    SEALPOST_INTEROP="$(mktemp -d)"
    trap 'rm -rf "$SEALPOST_INTEROP"' EXIT
fi
mkdir -p "$SEALPOST_INTEROP/node"
venv="$SEALPOST_INTEROP/venv"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
"$venv/bin/python" -m pip freeze | grep -xFf "$here/requirements.txt" | cmp -s - "$here/requirements.txt" ||
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
cp "$here"/node/* "$SEALPOST_INTEROP/node/"
[ -d "$SEALPOST_INTEROP/node/node_modules/jose" ] ||
    (cd "$SEALPOST_INTEROP/node" && npm ci --no-audit --no-fund --silent)

if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --locked -p sealpost-cli)
    SEALPOST_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/sealpost"
fi
[ -x "$SEALPOST_BIN" ] || { echo "no command at $SEALPOST_BIN" >&2; exit 2; }

PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/check.py" "$SEALPOST_BIN" "$SEALPOST_INTEROP/node"
