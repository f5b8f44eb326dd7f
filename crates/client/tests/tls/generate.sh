#!/usr/bin/env bash
# Makes the certificates of the TLS tests, with nothing but the `openssl` command: an authority, a server on the
# loopback interface and a client, valid for a hundred years. They are public: never use one for anything else.
set -euo pipefail
cd "$(dirname "$0")"

key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

key ca.key.pem
openssl req -x509 -new -key ca.key.pem -days 36500 -subj "/CN=test authority" -out ca.pem \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign

issue() { # name subjectAltName extendedKeyUsage
    key "$1.key.pem"
    openssl req -new -key "$1.key.pem" -subj "/CN=$1" -out "$1.csr"
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca.key.pem -days 36500 -out "$1.pem" -extfile <(
        printf 'basicConstraints=critical,CA:FALSE\nsubjectAltName=%s\nextendedKeyUsage=%s\n' "$2" "$3"
    )
    rm "$1.csr"
}

issue server IP:127.0.0.1,DNS:localhost serverAuth
issue client URI:urn:test:client clientAuth
# Nothing more is to be issued.
rm -f ca.key.pem ca.srl
