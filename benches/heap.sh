#!/usr/bin/env bash
# What the command's allocator, which wipes what it frees, costs: instructions of a create with it and without, as packages
# ship the command. The last line is PASS or FAIL. Needs valgrind. Other load on the machine does not matter.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
cd "$root"
cargo build --profile dist --locked -p sealpost-cli -p sealpost-benches --bin sealpost --bin without-wiping
export SEALPOST_BIN="${SEALPOST_BIN:-$target/dist/sealpost}" SEALPOST_PLAIN_BIN="$target/dist/without-wiping"
export SEALPOST_LOAD_DIR="${SEALPOST_LOAD_DIR:-$target/load}"
mkdir -p "$SEALPOST_LOAD_DIR"
PYTHONDONTWRITEBYTECODE=1 exec python3 benches/load/heap.py
