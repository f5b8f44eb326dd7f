#!/usr/bin/env bash
# Makes the keys and certificates that tests use, with nothing but the `openssl` command.
# They are public: never use one for anything else. Run it in this folder to make new ones; existing files stay.
set -euo pipefail
cd "$(dirname "$0")"

# One agent: agent-NAME.key.pem (PKCS#8) and agent-NAME.pem (self-signed, valid for a hundred years).
agent() { # name bits
    [ -e "agent-$1.key.pem" ] && return
    openssl genpkey -algorithm RSA -pkeyopt "rsa_keygen_bits:$2" -out "agent-$1.key.pem"
    openssl req -x509 -new -key "agent-$1.key.pem" -days 36500 -subj "/CN=$1" -out "agent-$1.pem" \
        -addext basicConstraints=critical,CA:FALSE \
        -addext keyUsage=critical,keyEncipherment \
        -addext "subjectAltName=URI:urn:sealpost:agent:$1"
}

agent a2048 2048
agent b2048 2048
agent a2049 2049
agent a3072 3072
agent a4096 4096

# The agent of the examples, in the files that `sealpost keygen` writes. The examples have its fingerprint.
examples=../../crates/envelope/examples/berlin-1
if [ ! -e "$examples/identity.pem" ]; then
    agent berlin-1 3072
    mkdir -p "$examples"
    mv agent-berlin-1.key.pem "$examples/identity.pem"
    mv agent-berlin-1.pem "$examples/agent.pem"
fi
