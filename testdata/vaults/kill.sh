#!/usr/bin/env bash
# OpenBao is killed under 16 writers: one node ten times, the leader of three nodes five times while the writers speak to a standby.
# Nothing that was acknowledged may be lost, overwritten or stored twice, and no writer may be told that its own write is another's.
# The last line begins with "ok:". It takes five minutes, and is not part of CI.
#
#   testdata/vaults/kill.sh
#
# SEALPOST_VAULTS: see check.sh.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
source "$here/install.sh"
PYTHONDONTWRITEBYTECODE=1 "$python" "$here/kill.py" "$bao" "$tests"
