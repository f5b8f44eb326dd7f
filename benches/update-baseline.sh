#!/usr/bin/env bash
# Measures the baseline of benches/gate.sh anew. Commit it alone, and say what moved and why.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo run --quiet --profile dist -p sealpost-benches --bin gate -- --update
git --no-pager diff --stat -- benches/baseline.tsv
