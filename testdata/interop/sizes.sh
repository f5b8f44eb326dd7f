#!/usr/bin/env bash
# How many bytes each format adds to a value, as a Markdown table, by sealing. SEALPOST_BIN: a `sealpost` that is built.
set -euo pipefail
root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
bin="${SEALPOST_BIN:-${CARGO_TARGET_DIR:-$root/target}/debug/sealpost}"
[ -x "$bin" ] || { echo "no command at $bin: cargo build -p sealpost-cli, or set SEALPOST_BIN" >&2; exit 2; }

# A JSON object of this many bytes.
value() { printf '{"password":"%s"}' "$(head -c $(($1 - 15)) /dev/zero | tr '\0' x)"; }

seal() { # KEY FORMAT… ; the value on stdin
    local key=$1
    shift
    "$bin" seal --to "$root/testdata/keys/agent-$key.pem" --danger-trust-any-certificate \
        --agent-id agent-1 --name db-login --key password --type PASSWORD --format "$@" | wc -c
}

echo "| key | value | native, binary | native, text | JWE, compact | JWE, JSON | CMS, DER | CMS, PEM |"
echo "|---|---|---|---|---|---|---|---|"
for key in 2048 3072 4096; do
    for size in 26 256 4096 65536; do
        printf '| %s | %s |' "$key" "$size"
        for format in "native --binary" native jwe jwe-json cms cms-pem; do
            # shellcheck disable=SC2086 # two words are meant to be two
            printf ' %s |' "$(($(value "$size" | seal "a$key" $format) - size))"
        done
        echo
    done
done
