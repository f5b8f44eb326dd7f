#!/usr/bin/env bash
# Runs every command block of README, docs/API.md, docs/OPERATIONS.md and docs/recipes as a newcomer pastes them: page by page,
# from a clone, in an empty HOME. The last line is "N passed, 0 failed".
#
#   testdata/newcomer/check.sh
#
# SEALPOST_BIN: the command, if it is built already; beside it, `examples/` has the examples. SEALPOST_INTEROP: a folder to install the
# recipes' libraries into and to use again. What a machine of this kind does not have (systemd, an issuer, containers) or has no
# time for (cargo) is played by a stand-in: the end says which, and how often each was called.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
python="${PYTHON:-python3}"

missing=()
for tool in "$python" node npm java openssl curl; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
[ ${#missing[@]} -eq 0 ] || { echo "not installed, and needed: ${missing[*]}" >&2; exit 2; }

if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --quiet --locked -p sealpost-cli &&
        cargo build --quiet --locked --workspace --examples)
    SEALPOST_BIN="${CARGO_TARGET_DIR:-$root/target}/debug/sealpost"
fi
[ -x "$SEALPOST_BIN" ] || { echo "no command at $SEALPOST_BIN" >&2; exit 2; }

# The libraries of the recipes, as testdata/interop pins them.
interop="$root/testdata/interop"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
libraries="${SEALPOST_INTEROP:-$folder/libraries}"
mkdir -p "$libraries/node"
[ -x "$libraries/venv/bin/python" ] || "$python" -m venv "$libraries/venv"
"$libraries/venv/bin/python" -m pip freeze | grep -xFf "$interop/requirements.txt" | cmp -s - "$interop/requirements.txt" ||
    "$libraries/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$interop/requirements.txt"
cp "$interop"/node/package*.json "$libraries/node/"
[ -d "$libraries/node/node_modules/jose" ] || (cd "$libraries/node" && npm ci --no-audit --no-fund --silent)

# The pages use the usual ports. In a network of its own nothing else has them; where there is none to be had, they must be free.
network=()
if unshare --user --map-root-user --net true 2>/dev/null; then
    network=(unshare --user --map-root-user --net)
fi
export PYTHONDONTWRITEBYTECODE=1
"${network[@]}" "$python" "$here/check.py" "$SEALPOST_BIN" "$libraries" "$folder" "${#network[@]}"
