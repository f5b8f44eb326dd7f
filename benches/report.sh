#!/usr/bin/env bash
# One row for each operation: median, floor, ratio; three runs, and which bars do not hold.
#
#   benches/report.sh [--json] [--quick] [--op NAME] [--bits N] [--bytes N] [--backend aws-lc|rustcrypto]
#
# --op takes the beginning of a name. A full run takes about ten minutes; --quick a tenth. Times are of this machine
# and its load, which is printed: compare ratios.
set -euo pipefail
cd "$(dirname "$0")/.."

printf '# %s, load %s, %s\n' "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" \
    "$(cut -d ' ' -f 1-3 /proc/loadavg)" "$(rustc --version)" >&2
exec cargo run --quiet --profile dist -p sealpost-benches --bin report -- "$@"
