#!/usr/bin/env bash
# Fuzzes until every target has had its share of CPU, all campaigns so far counted, and minimises what was found into the
# committed corpus.
#
#   fuzz/campaign.sh [-m MINUTES] [-s SECONDS] [-j JOBS] [-n] [TARGET…]
#
#   -m MINUTES   of CPU that each target shall have had in all; fuzz/campaigns.tsv says what it has had (10)
#   -s SECONDS   of each turn, by the clock: the target with the least CPU so far is next, so that a campaign that is broken
#                off has treated all alike (60)
#   -j JOBS      processes in a turn (1)
#   -n           don't build: take the binaries that are there, or those in the folder SEALPOST_FUZZ_BINARIES
#
# Needs a nightly Rust and cargo-fuzz. A signal (TERM, INT) ends it in order: what was done is counted and minimised. Works in
# fuzz/work, which is not committed. An input that fails is copied to fuzz/crashes/TARGET, where `cargo test -p sealpost-oracles`
# replays it: mend it, and commit both. Such a target gets no further turn, and the end is 1.
set -euo pipefail
cd "$(dirname "$0")/.."

minutes=10 turn=60 jobs=1 build=yes
while getopts "m:s:j:n" option; do
    case $option in
    m) minutes=$OPTARG ;;
    s) turn=$OPTARG ;;
    j) jobs=$OPTARG ;;
    n) build=no ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

# The longest input, in bytes: what is slow beyond has nothing new to say.
MAX_LEN=4096
# One line a target: its name, executions, seconds of CPU, inputs that failed. Of all campaigns together.
TOTALS=fuzz/campaigns.tsv
# All of fuzz/corpus together, in bytes; oracles/tests/replay.rs holds all that is committed to 5 MiB.
MAX_CORPUS=$((4 << 20))

[ "$build" = no ] || cargo +nightly fuzz build
binaries=${SEALPOST_FUZZ_BINARIES:-fuzz/target/$(rustc +nightly -vV | sed -n 's/^host: //p')/release}
# In the order of the table of all targets.
[ $# -gt 0 ] && targets=("$@") ||
    mapfile -t targets < <(sed -n 's/^ *\([a-z_]*\), [a-z_]*::.*, ".*";/\1/p' oracles/src/lib.rs)

dictionary() {
    sed -n "s/^ *$1, .*, \"\(.*\)\";/\1/p" oracles/src/lib.rs
}

# A hang is for ever; a loaded machine is only slow, which libFuzzer would leave files about.
fuzzer() {
    "$binaries/$1" -max_len="$MAX_LEN" -timeout=60 -report_slow_units=60 -rss_limit_mb=2048 "${@:2}"
}

# A column of the totals of one target.
total() {
    awk -F '\t' -v target="$1" -v column="$2" '$1 == target { n = $column } END { print n + 0 }' "$TOTALS"
}

# Adds executions, seconds and failures to the totals of a target.
count() {
    awk -F '\t' -v OFS='\t' -v target="$1" -v executions="$2" -v seconds="$3" -v failures="$4" '
        $1 == target { $2 += executions; $3 = sprintf("%.1f", $3 + seconds); $4 += failures; found = 1 }
        { print }
        END { if (!found) print target, executions + 0, sprintf("%.1f", seconds), failures + 0 }' "$TOTALS" |
        LC_ALL=C sort -t "$(printf '\t')" -k 1,1 >fuzz/work/totals
    # The heading is no target, and stays above.
    { grep '^#' fuzz/work/totals; grep -v '^#' fuzz/work/totals; } >"$TOTALS"
}

# One turn of one target. Leaves what failed in fuzz/work/TARGET/crashes.
turn_of() {
    local target=$1 work=fuzz/work/$1 job
    rm -rf "$work/logs" "$work/crashes"
    mkdir -p "$work/inputs" "$work/logs" "$work/crashes" "fuzz/corpus/$target"
    local TIMEFORMAT='%U %S'
    for job in $(seq "$jobs"); do
        {
            time fuzzer "$target" -max_total_time="$turn" -print_final_stats=1 -reload=$((jobs > 1)) \
                -dict="fuzz/dictionaries/$(dictionary "$target").dict" -artifact_prefix="$work/crashes/" \
                "$work/inputs" "fuzz/corpus/$target" "fuzz/seeds/$target" >"$work/logs/$job.log" 2>&1 || true
        } 2>"$work/logs/$job.cpu" &
    done
    # A signal breaks a wait off; the fuzzers get it, too, and end in order.
    while ! wait; do :; done
    local executions seconds failures
    executions=$(cat "$work"/logs/*.log | awk '/^stat::number_of_executed_units:/ { n += $2 } END { print n + 0 }')
    seconds=$(cat "$work"/logs/*.cpu | awk '{ n += $1 + $2 } END { print n + 0 }')
    failures=$(find "$work/crashes" -type f | wc -l)
    count "$target" "$executions" "$seconds" "$failures"
    printf '%s %-16s %9d executions, %6.1f s of CPU, %d failed; %d found\n' "$(date +%T)" "$target" "$executions" \
        "$seconds" "$failures" "$(find "$work/inputs" -type f | wc -l)"
    if [ "$failures" -gt 0 ]; then
        mkdir -p "fuzz/crashes/$target"
        cp "$work/crashes"/* "fuzz/crashes/$target/"
        failed+=("$target")
    fi
}

# The smallest files that reach each edge that no seed reaches.
minimise() {
    local target=$1 work=fuzz/work/$1 corpus=fuzz/corpus/$1 merged=fuzz/work/$1/merged seed
    mkdir -p "$work/inputs" "$corpus"
    rm -rf "$merged"
    cp -r "fuzz/seeds/$target" "$merged"
    # What fails is no part of the corpus, and is reported where it is found.
    fuzzer "$target" -merge=1 -use_counters=0 "$merged" "$corpus" "$work/inputs" >"$work/merge.log" 2>&1 || true
    for seed in "fuzz/seeds/$target"/*; do rm "$merged/$(basename "$seed")"; done
    rm -rf "$corpus"
    mv "$merged" "$corpus"
}

# The target that has had least, if one has had too little.
next() {
    local target cpu
    for target in "${targets[@]}"; do
        case " ${failed[*]-} " in *" $target "*) continue ;; esac
        cpu=$(total "$target" 3)
        if awk -v cpu="$cpu" -v enough="$((minutes * 60))" 'BEGIN { exit (cpu >= enough) }'; then echo "$cpu $target"; fi
    done | sort -n -s -k 1,1 | sed -n '1s/.* //p'
}

mkdir -p fuzz/work fuzz/corpus
[ -f "$TOTALS" ] || printf '# target\texecutions\tseconds of CPU\tinputs that failed\n' >"$TOTALS"
stop=no failed=()
trap 'stop=yes; for job in $(jobs -p); do pkill -TERM -P "$job" || true; done' INT TERM
while [ "$stop" = no ]; do
    target=$(next)
    [ -n "$target" ] || break
    turn_of "$target"
done
trap - INT TERM
for target in "${targets[@]}"; do minimise "$target"; done
bytes=$(find fuzz/corpus -type f -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }')
echo "fuzz/corpus has $(find fuzz/corpus -type f | wc -l) files, $bytes bytes"
[ "$bytes" -le "$MAX_CORPUS" ] || { echo "more than $MAX_CORPUS: leave some out before you commit it"; exit 1; }
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}"; exit 1; }
