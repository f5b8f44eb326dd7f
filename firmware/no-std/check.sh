#!/usr/bin/env bash
# Proves that the core crates need neither std nor, three of them, an allocator; and that this proof
# fails when they do. Works on stable. Two cheap programs are type-checked, none is run.
set -euo pipefail
cd "$(dirname "$0")"
# Shared with nothing: the main build has other flags.
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-../../target}/no-std"
output=$(mktemp)
trap 'rm -f "$output"' EXIT

passes() {
    local what=$1
    shift
    cargo check --quiet "$@" >"$output" 2>&1 || { cat "$output"; fail "$what"; }
    echo "ok: $what"
}

fails_with() {
    local message=$1 what=$2
    shift 2
    if cargo check --quiet "$@" >"$output" 2>&1; then fail "$what: it passes"; fi
    grep -qF "$message" "$output" || { cat "$output"; fail "$what: another error than '$message'"; }
    echo "ok: $what"
}

fail() {
    echo "FAILED: $1" >&2
    exit 1
}

passes "json, validator, vault-key and envelope link without std" -p sealpost-proof-core
fails_with "E0152" "the proof notices std" -p sealpost-proof-core --features leak
passes "json, validator and vault-key link without an allocator" -p sealpost-proof-no-alloc
fails_with "no global memory allocator" "the proof notices alloc" -p sealpost-proof-no-alloc --features leak

# getrandom passes as no_std on a host and fails on a microcontroller: randomness is an argument.
cargo tree --quiet -p sealpost-proof-core --edges normal,build --target all --prefix none >"$output"
grep -q '^sealpost-envelope ' "$output" || fail "the dependency tree is not what it should be"
if grep '^getrandom ' "$output"; then fail "the core depends on getrandom"; fi
echo "ok: no getrandom below the core"
