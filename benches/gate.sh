#!/usr/bin/env bash
# Nothing is slower than the committed baseline, and a build that is slowed down on purpose does not pass.
#
#   benches/gate.sh
#
# Installs valgrind where it is missing (Debian, as root).
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || {
    apt-get update -qq && apt-get install -qq -y valgrind
} || { echo "valgrind is not installed, and can't be"; exit 1; }

# Of cargo's output only what went wrong.
gate() {
    cargo run --quiet --profile dist -p sealpost-benches --bin gate "$@"
}

gate

slowed=$(mktemp)
trap 'rm -f "$slowed"' EXIT
if gate --features slowed >"$slowed" 2>&1; then
    cat "$slowed"
    echo "a slowed build passes the gate: it is broken"
    exit 1
fi
# Those that were slowed, and no others.
found=$(sed -n 's/.*WORSE (\(.*\))$/\1/p' "$slowed" | sort | uniq -c | xargs)
[ "$found" = "2 slower 1 slower, allocates" ] || {
    cat "$slowed"
    echo "the slowed build fails otherwise than it was slowed: '$found'"
    exit 1
}
echo "ok: a slowed build fails the gate, with the three operations that were slowed"
