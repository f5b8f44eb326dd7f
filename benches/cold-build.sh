#!/usr/bin/env bash
# How long `cargo run --release -- demo` takes from a clean clone: one line for each commit, one after the other, and the
# ratio to the first.
#
#   benches/cold-build.sh [COMMIT...]
#
# Without a commit it is HEAD. What the registry has is downloaded before the clock starts. Seconds by the clock are of a
# machine that does nothing else; seconds of processor move less.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
unset CARGO_TARGET_DIR CARGO_BUILD_TARGET_DIR RUSTC_WRAPPER
TIMEFORMAT='%R %U %S'
first=""

[ $# -gt 0 ] || set -- HEAD
for commit in "$@"; do
    hash="$(git -C "$root" rev-parse --verify --quiet "$commit^{commit}")" || { echo "no such commit: $commit" >&2; exit 2; }
    git clone --quiet --no-checkout "$root" "$folder/clone"
    git -C "$folder/clone" checkout --quiet --detach "$hash"
    cd "$folder/clone"
    cargo fetch --quiet --locked
    { time cargo run --release --locked -- demo >"$folder/said" 2>&1; } 2>"$folder/time" || { cat "$folder/said" >&2; exit 1; }
    cd "$root"
    rm -rf "$folder/clone"
    read -r clock user system <"$folder/time"
    first="${first:-$clock $user $system}"
    awk -v name="$commit" -v now="$clock $user $system" -v first="$first" -v processors="$(nproc)" 'BEGIN {
        split(now, n); split(first, f)
        printf "%s: %.0f s by the clock (%.2f), %.0f s of processor (%.2f), %d processors\n",
            name, n[1], n[1] / f[1], n[2] + n[3], (n[2] + n[3]) / (f[2] + f[3]), processors
    }'
done
