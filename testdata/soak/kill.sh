#!/usr/bin/env bash
# Runs `sealpost gateway` under kills and faults, with writers that remember what was acknowledged.
#
#   testdata/soak/kill.sh [MINUTES]          10 unless given
#
# Faults: kill -9 while it serves and while it starts; full disks (a small tmpfs under the vault, the ledger, the audit trail);
# writes that fail; a failed fsync, while it serves and while it starts; log readers that close or stall; changes of the issuer's keys.
# It ends with the number of times that each was applied, which must not be 0, and with `N lost / N changed / N doubled`:
# secrets that were acknowledged and are gone, that have another value or another reference, and that were stored twice for
# one request; then how often a create failed with a 5xx while `/readyz` said 200 before and after. The exit code is 0 if all
# of these are 0.
#
# Needs root (it mounts tmpfs), strace, openssl and python3 (3.11 or later). SEALPOST_BIN: a release build that exists already.
# SEALPOST_SOAK_SEED: repeats the order of faults.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/../.." && pwd)"

for tool in strace openssl python3 mount; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done
strace -qq -o /dev/null true || { echo "strace may not trace here" >&2; exit 2; }
if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --release --locked -p sealpost-cli)
    SEALPOST_BIN="${CARGO_TARGET_DIR:-$root/target}/release/sealpost"
fi
export SEALPOST_BIN
# Mounts are in a namespace of their own, and end with the process.
PYTHONDONTWRITEBYTECODE=1 exec unshare --mount python3 "$here/kill.py" "${1:-10}"
