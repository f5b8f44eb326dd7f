#!/usr/bin/env bash
# Side channels, measured. docs/SIDE-CHANNELS.md says what of it is judged.
#
#   oracles/side-channels.sh memcheck                  branches and addresses that depend on secrets, under valgrind
#   oracles/side-channels.sh timing [SAMPLES] [RUNS]   a statistical test of the time to open, on a machine that does nothing else
#
# PROFILE=dev builds without the optimiser, which takes a tenth of the time and looks at other machine code than is shipped.
set -euo pipefail
cd "$(dirname "$0")/.."

profile=${PROFILE:-release}
folder=$profile
[ "$profile" = dev ] && folder=debug

build() {
    cargo build --profile "$profile" -p sealpost-oracles --example "$1"
}

memcheck() {
    command -v valgrind >/dev/null || { echo "valgrind is not installed"; return 1; }
    [ "${BUILD:-yes}" = no ] || build memcheck
    local part logs failed=no
    logs=$(mktemp -d)
    for part in control null finish-aws-lc finish-rustcrypto open-aws-lc reject-aws-lc open-rustcrypto reject-rustcrypto; do
        valgrind --tool=memcheck --track-origins=no --num-callers=40 --error-limit=no --log-file="$logs/$part" \
            "target/$folder/examples/memcheck" "$part"
        python3 oracles/side-channels.py "$part" "$logs/$part" oracles/side-channels.allow || failed=yes
    done
    rm -rf "$logs"
    [ "$failed" = no ]
}

timing() {
    [ "${BUILD:-yes}" = no ] || build timing
    echo "load: $(cut -d' ' -f1-3 /proc/loadavg), processors: $(nproc)"
    local backend
    for backend in aws-lc rustcrypto; do
        "target/$folder/examples/timing" "$backend" "${1:-250000}" "${2:-3}"
    done
}

case ${1:-} in
memcheck | timing) "$@" ;;
*)
    sed -n '2,7s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
