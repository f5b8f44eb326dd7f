#!/usr/bin/env bash
# Shows the product certificates, keys and messages that others made, and compares what it takes with OpenSSL and pyca.
# Every difference must have a rule in differences.tsv, with its count; labels.tsv has files and the reason that each must get.
# SEALPOST_FOREIGN: a folder to install into and to use again; SEALPOST_JUDGE: `judge` of oracles/, already built;
# PYTHON: an interpreter of 3.11 or later. `--write` writes differences.tsv with what was found, and the rules that it has.
# The last line is "N passed, 0 failed".
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"
python="${PYTHON:-python3}"

missing=()
for tool in "$python" openssl cargo; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
[ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=("ca-certificates")
[ ${#missing[@]} -eq 0 ] || { echo "not installed, and needed: ${missing[*]}" >&2; exit 2; }

if [ -z "${SEALPOST_FOREIGN:-}" ]; then
    SEALPOST_FOREIGN="$(mktemp -d)"
    trap 'rm -rf "$SEALPOST_FOREIGN"' EXIT
fi
venv="$SEALPOST_FOREIGN/venv"
[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
for requirement in $(cat "$here/requirements.txt"); do
    "$venv/bin/python" -m pip freeze | grep -xF "$requirement" >/dev/null ||
        "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
done

if [ -z "${SEALPOST_JUDGE:-}" ]; then
    (cd "$root" && cargo build --locked --quiet -p sealpost-oracles --bin judge)
    SEALPOST_JUDGE="${CARGO_TARGET_DIR:-$root/target}/debug/judge"
fi
crates="$(cd "$root" && cargo metadata --locked --format-version 1 | "$venv/bin/python" -c '
import json, os, sys
wanted = {"cms", "pkcs1", "pkcs8", "rsa", "rustls-pki-types", "rustls-webpki", "x509-cert"}
print(*sorted(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] in wanted))')"

PYTHONDONTWRITEBYTECODE=1 "$venv/bin/python" "$here/check.py" "$SEALPOST_JUDGE" "$crates" "$@"
