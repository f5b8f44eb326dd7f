#!/usr/bin/env bash
# Attacks on what the product seals, sends and stores: each line says what was tried, and ends in REFUSED.
#
#   testdata/attacks/run.sh
#
# Needs a C compiler and Rust, openssl and python3 (3.11); uses loopback and a temporary folder. SEALPOST_BIN names a
# command that is built already. A control comes before each group: the unaltered thing has to be accepted, or a refusal
# would say nothing. Ends with 1 if an attack is not refused for the reason given here.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
for tool in openssl python3; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done
if [ -z "${SEALPOST_BIN:-}" ]; then
    cargo build --quiet --locked -p sealpost-cli
    SEALPOST_BIN="${CARGO_TARGET_DIR:-$PWD/target}/debug/sealpost"
fi
export SEALPOST_BIN PYTHONDONTWRITEBYTECODE=1
exec python3 testdata/attacks/attacks.py
