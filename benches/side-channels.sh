#!/usr/bin/env bash
# Side channels, measured. docs/SIDE-CHANNELS.md says what of it is judged.
#
#   benches/side-channels.sh memcheck                  branches and addresses that depend on secrets, under valgrind
#   benches/side-channels.sh timing [SAMPLES] [RUNS]   a statistical test of the time to open, on a machine that does nothing else
#
# BUILD=no takes what is built. PIN=N keeps the timing on processor N. RUSTCRYPTO_SAMPLES is how many `rsa` gets, which is slower and not judged.
set -euo pipefail
cd "$(dirname "$0")/.."

# The profile `bench` is what is shipped, with the lines that a finding is named by.
build() {
    [ "${BUILD:-yes}" = no ] || cargo build --profile bench -p sealpost-benches --example "$1"
}

memcheck() {
    command -v valgrind >/dev/null || { echo "valgrind is not installed"; return 1; }
    build memcheck
    local part logs failed=no parts=(control null compare)
    for part in finish content open reject; do
        parts+=("$part-aws-lc" "$part-rustcrypto")
    done
    logs=$(mktemp -d)
    for part in "${parts[@]}"; do
        valgrind --tool=memcheck --track-origins=no --num-callers=40 --error-limit=no --log-file="$logs/$part" \
            target/release/examples/memcheck "$part"
    done
    python3 benches/side-channels.py benches/side-channels.allow "${parts[@]/#/$logs/}" || failed=yes
    # What is on no line of the list fails, or the list is worth nothing.
    cp "$logs/control" "$logs/unlisted"
    if python3 benches/side-channels.py benches/side-channels.allow "$logs/unlisted" >/dev/null; then
        echo "A FINDING THAT IS NOT LISTED DID NOT FAIL"
        failed=yes
    fi
    rm -rf "$logs"
    [ "$failed" = no ] && echo "ok: nothing that is not listed"
}

timing() {
    build timing
    local samples=${1:-100000} runs=${2:-3} failed=no on=()
    [ -z "${PIN:-}" ] || on=(taskset -c "$PIN")
    echo "load: $(cut -d' ' -f1-3 /proc/loadavg), processors: $(nproc)"
    "${on[@]}" target/release/examples/timing aws-lc "$samples" "$runs" || failed=yes
    "${on[@]}" target/release/examples/timing rustcrypto "${RUSTCRYPTO_SAMPLES:-$samples}" "$runs" || failed=yes
    echo "load: $(cut -d' ' -f1-3 /proc/loadavg)"
    [ "$failed" = no ]
}

case ${1:-} in
memcheck | timing) "$@" ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
