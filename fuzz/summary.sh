#!/usr/bin/env bash
# What all campaigns together have done, as docs/FUZZING.md has it: what fuzz/campaigns.tsv counts, what is in fuzz/corpus, and
# how many lines of the code that a target is about are reached by its corpus, its seeds and what once failed.
#
#   fuzz/summary.sh [TARGET…]
#
# Lines are measured by the replay on stable, without a fuzzer. Needs llvm-tools (rustup component add llvm-tools).
set -euo pipefail
cd "$(dirname "$0")/.."

# The code that a target is about. What it passes through besides is another target's.
code() {
    local envelope=crates/envelope/src gateway=crates/gateway/src
    case $1 in
    batch) echo $envelope/{seal,opener,decapsulation,frame,key_schedule,padding}.rs ;;
    binding) echo $envelope/binding.rs $envelope/binding ;;
    certificate) echo $envelope/{certificate,public_key,fingerprint}.rs $envelope/certificate ;;
    cms) echo $envelope/cms.rs $envelope/cms ;;
    configuration) echo crates/server/src/configuration.rs crates/server/src/configuration ;;
    envelope) echo $envelope/{envelope,frame,header,reader}.rs ;;
    gateway_request) echo $gateway/{body,parameters,submission}.rs $gateway/submission $gateway/controllers/secret_value.rs ;;
    identity) echo $envelope/{identity,public_key,file_kind}.rs $envelope/file_kind ;;
    open_request) echo crates/agent/src/open_request.rs ;;
    jwe_compact | jwe_json) echo $envelope/jwe.rs $envelope/jwe ;;
    jwk) echo $envelope/identity/jwk.rs ;;
    jwks) echo $gateway/auth/keys.rs ;;
    open | open_keys) echo $envelope/{open,opener,envelope,key_schedule,padding}.rs ;;
    pem) echo $envelope/pem.rs ;;
    property | request) echo crates/{json,validator}/src ;;
    record) echo crates/vault-file/src/record.rs ;;
    resolver_ref) echo crates/vault-key/src/reference.rs crates/vault-key/src/reference ;;
    text) echo $envelope/text.rs ;;
    token) echo $gateway/{admission,auth/{bearer,jwt,principal}}.rs ;;
    trust) echo $envelope/trust ;;
    vault_file) echo crates/vault-file/src/{page,image,survey,rescue,seal}.rs crates/vault-file/src/page ;;
    vault_name) echo crates/vault-key/src/{name,kind}.rs crates/vault-key/src/name ;;
    wrapper) echo $envelope/wrapper.rs ;;
    *) echo "no such target: $1" >&2 && return 1 ;;
    esac
}

work=fuzz/work/coverage
rm -rf "$work"
mkdir -p "$work"
# The product alone is instrumented, not what it depends on. A compiler cache would not know this compiler.
printf '#!/bin/sh\nexec "$@" -C instrument-coverage\n' >"$work/rustc"
chmod +x "$work/rustc"
binary=$(RUSTC_WRAPPER='' RUSTC_WORKSPACE_WRAPPER=$PWD/$work/rustc CARGO_INCREMENTAL=0 LLVM_PROFILE_FILE=/dev/null \
    cargo test -p sealpost-oracles --test replay --no-run 2>&1 | tee "$work/build.log" |
    sed -n 's/^ *Executable .*(\(.*\))$/\1/p')
[ -x "$binary" ] || { cat "$work/build.log"; exit 1; }
tools=$(rustc --print sysroot)/lib/rustlib/$(rustc -vV | sed -n 's/^host: //p')/bin

[ $# -gt 0 ] && targets=("$@") || mapfile -t targets < <(grep -v '^#' fuzz/campaigns.tsv | cut -f 1)
printf '| target | executions | minutes of CPU | failed | files | bytes | lines of its code |\n|---|---|---|---|---|---|---|\n'
for target in "${targets[@]}"; do
    LLVM_PROFILE_FILE=$work/$target.profraw "$binary" --exact "$target" >"$work/$target.log"
    "$tools/llvm-profdata" merge -o "$work/$target.profdata" "$work/$target.profraw"
    # shellcheck disable=SC2046 # no name has a blank
    lines=$("$tools/llvm-cov" report "$binary" -instr-profile="$work/$target.profdata" $(code "$target") |
        awk '/^TOTAL/ { printf "%d of %d (%s)", $8 - $9, $8, $10 }')
    corpus=fuzz/corpus/$target
    awk -F '\t' -v target="$target" -v files="$(find "$corpus" -type f 2>/dev/null | wc -l)" \
        -v bytes="$(find "$corpus" -type f -printf '%s\n' 2>/dev/null | awk '{ n += $1 } END { print n + 0 }')" -v lines="$lines" '
        $1 == target { executions = $2; seconds = $3; failed = $4 }
        END { printf "| `%s` | %d | %.1f | %d | %d | %d | %s |\n", target, executions, seconds / 60, failed, files, bytes, lines }
    ' fuzz/campaigns.tsv
done
