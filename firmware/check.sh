#!/usr/bin/env bash
# Builds the core crates for microcontrollers and for WebAssembly, runs them, and compares what they take with baseline.json.
#
#   firmware/check.sh              all of it, with the figures as a table
#   firmware/check.sh --json       the figures as JSON on standard output; all else on standard error
#   firmware/check.sh --install    installs first what is missing (rustup targets, Debian's packages); CI does
#   firmware/check.sh --baseline   writes the figures to baseline.json instead of comparing them
#
# Needs Rust with four targets, QEMU for Arm, Node, python3, and the command `sealpost` (SEALPOST_BIN, or it is built).
set -euo pipefail
cd "$(dirname "$0")"

JSON=false INSTALL=false BASELINE=false
[ "${CI:-}" = true ] && INSTALL=true
for option in "$@"; do
    case "$option" in
    --json) JSON=true ;;
    --install) INSTALL=true ;;
    --baseline) BASELINE=true ;;
    *) echo "no such option: $option" >&2 && exit 2 ;;
    esac
done
# Standard output is for the figures.
exec 3>&1 1>&2

M3=thumbv7m-none-eabi M4=thumbv7em-none-eabihf RISCV=riscv32imac-unknown-none-elf WASM=wasm32-unknown-unknown
TARGETS=("$M3" "$M4" "$RISCV" "$WASM")
case "${CARGO_TARGET_DIR:=$PWD/target}" in /*) ;; *) CARGO_TARGET_DIR=$PWD/$CARGO_TARGET_DIR ;; esac
export CARGO_TARGET_DIR
OUT=$CARGO_TARGET_DIR
# How the library is had, where it does not come built.
LIBRARY=()
BUILD=(cargo build --quiet --release --locked)
CONTEXT=(--agent-id pump-7 --name wifi --key password --type PASSWORD)

main() {
    tools
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    host
    firmware
    no_alloc
    riscv
    wasm
    panic_paths
    python3 figures.py "$work" "$OUT" "$(rustc --version)" "$JSON" "$BASELINE" >&3
}

# --- what is there -----------------------------------------------------------------------------------

tools() {
    local missing=()
    command -v python3 >/dev/null || missing+=("python3")
    rust || missing+=("Rust for ${TARGETS[*]}: rustup target add ${TARGETS[*]}")
    package qemu-system-arm qemu-system-arm || missing+=("QEMU for Arm: apt-get install qemu-system-arm")
    package node nodejs || missing+=("Node 18 or later: apt-get install nodejs")
    [ ${#missing[@]} -eq 0 ] && return
    echo "!!! not checked on small machines, because this is missing:"
    printf '!!!   %s\n' "${missing[@]}"
    echo "!!! firmware/check.sh --install tries to install it"
    exit 1
}

# rustup's targets where they can be had; else Debian's Rust, which brings the sources of the library along.
rust() {
    has_targets && return
    $INSTALL || return
    rustup target add "${TARGETS[@]}" && has_targets && return
    echo "rustup has no such targets here: taking Debian's Rust, and building the library from its sources"
    package cargo-web "rustc-web cargo-web rust-web-src lld" || return
    rustup toolchain link debian /usr
    export RUSTUP_TOOLCHAIN=debian RUSTC_BOOTSTRAP=1
    LIBRARY=(-Zbuild-std=core,alloc)
    BUILD+=("${LIBRARY[@]}")
}

has_targets() {
    local target
    for target in "${TARGETS[@]}"; do
        [ -d "$(rustc --print sysroot)/lib/rustlib/$target/lib" ] || return 1
    done
}

package() {
    local command=$1 packages=$2
    command -v "$command" >/dev/null && return
    $INSTALL || return
    # Once more if it dies.
    # shellcheck disable=SC2086
    (apt-get update -q && apt-get install -qy --no-install-recommends $packages) ||
        apt-get install -qy --no-install-recommends $packages
}

# --- the host's side ---------------------------------------------------------------------------------

# For each size of key a folder with what the device reads: its files are its radio.
host() {
    if [ -z "${SEALPOST_BIN:-}" ]; then
        (cd .. && env -u CARGO_TARGET_DIR -u RUSTUP_TOOLCHAIN cargo build --quiet --locked -p sealpost-cli)
        SEALPOST_BIN=$PWD/../target/debug/sealpost
    fi
    "$SEALPOST_BIN" --version
    local bits
    for bits in 2048 3072 4096; do
        mkdir "$work/$bits"
        python3 figures.py --files "$work/$bits" "../testdata/keys/agent-a$bits"
        # The certificate is this repository's own, of an agent with another name than the device's.
        "$SEALPOST_BIN" seal --binary --to "../testdata/keys/agent-a$bits.pem" --danger-trust-any-certificate \
            "${CONTEXT[@]}" <"$work/$bits/value" >"$work/$bits/envelope"
    done
}

# --- Cortex-M ----------------------------------------------------------------------------------------

firmware() {
    local programs=(-p sealpost-firmware --bin open-only --bin everything)
    "${BUILD[@]}" "${programs[@]}" --target "$M3"
    "${BUILD[@]}" "${programs[@]}" --bin panics --target "$M4"
    run lm3s6965evb "$M3" open-only 2048
    run lm3s6965evb "$M3" everything 2048
    for bits in 2048 3072 4096; do
        run mps2-an386 "$M4" open-only "$bits"
        run mps2-an386 "$M4" everything "$bits"
    done
}

# Runs a program on a board, and opens on the host what it sealed.
run() {
    local board=$1 target=$2 program=$3 bits=$4 name
    name="$board $program $bits"
    rm -f "$work/$bits/opened" "$work/$bits/sealed"
    emulate "$board" "$OUT/$target/release/$program" "$work/$bits" >"$work/$name.log" ||
        { echo "exit code $?" && cat "$work/$name.log" && fail "$name"; }
    cmp "$work/$bits/value" "$work/$bits/opened" || fail "$name opened something else than the host sealed"
    if [ "$program" = everything ]; then
        grep -qx done "$work/$name.log" || fail "$name did not come to its end"
        grep -qx 'reference secret:wifi#password' "$work/$name.log" || fail "$name: another reference"
        "$SEALPOST_BIN" open --identity "../testdata/keys/agent-a$bits.key.pem" "${CONTEXT[@]}" \
            <"$work/$bits/sealed" >"$work/$bits/returned"
        [ "$(cat "$work/$bits/returned")" = '{"password":"from the device"}' ] || fail "$name sealed something else"
        # What the device sealed opens for nothing else.
        if "$SEALPOST_BIN" open --identity "../testdata/keys/agent-a$bits.key.pem" --agent-id pump-7 --name other \
            <"$work/$bits/sealed" 2>/dev/null; then fail "$name sealed without its context"; fi
    fi
    echo "ok: $name"
}

emulate() {
    (cd "$3" && timeout 120 qemu-system-arm -M "$1" -nographic -monitor none -serial none \
        -semihosting-config enable=on,target=native -icount shift=0 -kernel "$2" </dev/null)
}

no_alloc() {
    # What this rests on: a program that links `alloc` without an allocator is refused.
    if "${BUILD[@]}" -p sealpost-no-alloc --target "$M3" --features planted-alloc 2>"$work/planted"; then
        fail "a program that links alloc needs no allocator"
    fi
    grep -q 'no global memory allocator' "$work/planted" || { cat "$work/planted" && fail "another error"; }
    "${BUILD[@]}" -p sealpost-no-alloc --target "$M3"
    emulate lm3s6965evb "$OUT/$M3/release/sealpost-no-alloc" "$work/2048" >"$work/no-alloc.log" ||
        fail "the program without an allocator: exit code $?, $(cat "$work/no-alloc.log")"
    diff - "$work/no-alloc.log" <<'EOF' || fail "the program without an allocator says something else"
secret:wifi#password
secret:wifi#password
"x"
EOF
    echo "ok: validator and vault-key without an allocator"
}

# --- RISC-V, WebAssembly -----------------------------------------------------------------------------

riscv() {
    # Not optimised: that it builds is the question.
    cargo build --quiet --locked "${LIBRARY[@]}" --manifest-path no-std/Cargo.toml -p sealpost-proof-core --target "$RISCV"
    echo "ok: the core builds for $RISCV"
}

wasm() {
    local build=("${BUILD[@]}" -p sealpost-wasm --target "$WASM")
    "${build[@]}" --features open
    cp "$OUT/$WASM/release/sealpost_wasm.wasm" "$work/with-open.wasm"
    "${build[@]}"
    cp "$OUT/$WASM/release/sealpost_wasm.wasm" wasm/web/sealpost.wasm
    SEALPOST_BIN=$SEALPOST_BIN SEALPOST_WASM=$work/with-open.wasm node --test wasm/check.mjs >"$work/node.log" || {
        cat "$work/node.log"
        fail "the WASM module"
    }
    grep -E '^# (tests|pass|fail|skipped)' "$work/node.log"
    grep -qx '# skipped 0' "$work/node.log" || fail "tests of the WASM module were skipped"
    echo "ok: sealed in WASM and opened on the host, and back"
}

# --- panics ------------------------------------------------------------------------------------------

panic_paths() {
    python3 figures.py --panic-paths "$OUT/$M4/release/panics"
}

fail() {
    echo "FAILED: $1"
    exit 1
}

main
