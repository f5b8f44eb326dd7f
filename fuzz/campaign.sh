#!/usr/bin/env bash
# A fuzzing campaign: every target for some minutes, minimised into the committed corpus, with a summary.
#
#   fuzz/campaign.sh [-j JOBS] [-m MINUTES] [-c] [TARGET…]
#
#   -j JOBS      processes for each target (1)
#   -m MINUTES   for each target (10)
#   -c           coverage of each target, with a table
#
# Needs a nightly Rust and cargo-fuzz. Works in fuzz/work, which is not committed; what is worth keeping is merged into
# fuzz/corpus. A crash is copied to fuzz/crashes/TARGET, where `cargo test -p sealpost-oracles` replays it: mend it, and commit
# both. Ends with 1 if there was one.
set -euo pipefail
cd "$(dirname "$0")/.."

jobs=1 minutes=10 coverage=no
while getopts "j:m:c" option; do
    case $option in
    j) jobs=$OPTARG ;;
    m) minutes=$OPTARG ;;
    c) coverage=yes ;;
    *) exit 2 ;;
    esac
done
shift $((OPTIND - 1))

# The longest input, in bytes: what is slow beyond has nothing new to say.
MAX_LEN=4096
HOST=$(rustc +nightly -vV | sed -n 's/^host: //p')
SUMMARY=fuzz/work/summary.md

cargo +nightly fuzz build
[ $# -gt 0 ] && targets=("$@") || mapfile -t targets < <(cargo +nightly fuzz list)

dictionary() {
    sed -n "s/^ *$1, .*, \"\(.*\)\";/\1/p" oracles/src/lib.rs
}

run() {
    "fuzz/target/$HOST/release/$1" -max_len="$MAX_LEN" -timeout=20 -rss_limit_mb=2048 "${@:2}"
}

# The sum of a statistic that each process prints at its end.
statistic() {
    cat fuzz/work/"$1"/*.log | sed -n "s/^stat::$2: *//p" | awk '{ sum += $1 } END { print sum + 0 }'
}

mkdir -p fuzz/work
crashed=no
printf '| target | executions | seconds of CPU | a second | corpus, files | corpus, bytes | features | crashes |\n|---|---|---|---|---|---|---|---|\n' >"$SUMMARY"
for target in "${targets[@]}"; do
    work=fuzz/work/$target crashes=fuzz/crashes/$target corpus=fuzz/corpus/$target
    rm -rf "$work"
    mkdir -p "$work/inputs" "$work/crashes" "$corpus"
    started=$SECONDS
    for job in $(seq "$jobs"); do
        run "$target" -max_total_time=$((minutes * 60)) -print_final_stats=1 -reload=1 \
            -dict="fuzz/dictionaries/$(dictionary "$target").dict" -artifact_prefix="$work/crashes/" \
            "$work/inputs" "$corpus" "fuzz/seeds/$target" >"$work/$job.log" 2>&1 &
    done
    wait || true
    seconds=$(((SECONDS - started) * jobs))
    found=$(find "$work/crashes" -type f | wc -l)
    if [ "$found" -gt 0 ]; then
        crashed=yes
        mkdir -p "$crashes"
        cp "$work/crashes"/* "$crashes/"
    fi
    # The smallest files that reach everything, without what seeds reach already.
    mkdir -p "$work/merged"
    run "$target" -merge=1 "$work/merged" "fuzz/seeds/$target" "$corpus" "$work/inputs" >"$work/merge" 2>&1 || true
    if [ -n "$(ls -A "$work/merged")" ]; then
        rm -rf "$corpus"
        mv "$work/merged" "$corpus"
    fi
    features=$(sed -n 's/.*MERGE-OUTER: .* \([0-9]*\) new features added.*/\1/p' "$work/merge" | tail -1)
    executions=$(statistic "$target" number_of_executed_units)
    printf '| `%s` | %d | %d | %d | %d | %d | %s | %d |\n' "$target" "$executions" "$seconds" \
        $((executions / (seconds > 0 ? seconds : 1))) "$(find "$corpus" -type f | wc -l)" \
        "$(cat "$corpus"/* 2>/dev/null | wc -c)" "${features:-?}" "$found" | tee -a "$SUMMARY"
done

if [ "$coverage" = yes ]; then
    printf '\n| target | regions of the product that it reaches | lines |\n|---|---|---|\n' >>"$SUMMARY"
    tools=$(dirname "$(find "$(rustc +nightly --print sysroot)" -name llvm-cov | head -1)")
    for target in "${targets[@]}"; do
        cargo +nightly fuzz coverage "$target" "fuzz/corpus/$target" "fuzz/seeds/$target" >"fuzz/work/$target/coverage" 2>&1
        "$tools/llvm-cov" report --ignore-filename-regex='/(registry|rustc|oracles|fuzz_targets)/' \
            --instr-profile="fuzz/coverage/$target/coverage.profdata" \
            "target/$HOST/coverage/$HOST/release/$target" |
            awk -v target="$target" '/^TOTAL/ { printf "| `%s` | %s | %s |\n", target, $4, $10 }' | tee -a "$SUMMARY"
    done
fi

cat "$SUMMARY"
[ "$crashed" = no ]
