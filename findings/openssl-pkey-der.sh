#!/usr/bin/env bash
# OpenSSL 3.0.20 (Debian 12): the format of a private key that `openssl pkey` writes as DER.
#
# Guess:  `openssl pkey` writes PKCS#8 in both encodings; its manual says so, and that `-traditional` asks for the older
#         format. So the DER file is what base64 in the PEM file decodes to.
# Seen:   PEM is PKCS#8 ("PRIVATE KEY"); `-outform DER` of the same key is the traditional format without being asked:
#         PKCS#1 for RSA, SEC 1 for an elliptic curve. Ed25519, which has no traditional format, is PKCS#8.
#         `openssl pkcs8 -topk8 -nocrypt -outform DER` writes PKCS#8 for all three.
# So "write it with openssl pkey" helps a reader of PKCS#8 in PEM only.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download -q openssl=3.0.20-1~deb12u1 libssl3=3.0.20-1~deb12u1 >/dev/null 2>&1 &&
    for package in ./*.deb; do dpkg-deb -x "$package" root; done)
libraries=$(dirname "$(find "$work/root" -name libcrypto.so.3)")
openssl() { LD_LIBRARY_PATH=$libraries OPENSSL_CONF=/dev/null OPENSSL_MODULES=$libraries/ossl-modules "$work/root/usr/bin/openssl" "$@"; }
openssl version
cd "$work"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null ||
    openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out ec.pem
openssl genpkey -algorithm ED25519 -out ed25519.pem

# Names the format of a private key in DER by its second and third element.
format() {
    python3 - "$1" <<'PYTHON'
import sys

der = open(sys.argv[1], "rb").read()


def element(at):
    length, header = der[at + 1], 2
    if length & 0x80:
        header += length & 0x7F
        length = int.from_bytes(der[at + 2 : at + header], "big")
    return der[at], at + header, at + header + length


_, first, _ = element(0)
_, start, end = element(first)
version, (second, _, _) = der[start:end][-1], element(end)
names = {(0, 0x30): "PKCS#8", (0, 0x02): "PKCS#1", (1, 0x04): "SEC 1"}
print(names.get((version, second), f"unknown: version {version}, tag {second:#x}"))
PYTHON
}
failed=0
expect() {
    local seen
    seen=$(format "$2")
    echo "$1: $seen"
    [ "$seen" = "$3" ] || { echo "  expected: $3"; failed=1; }
}
for key in rsa ec ed25519; do
    openssl pkey -in $key.pem -out $key-again.pem
    sed '/-----/d' $key-again.pem | base64 -d >$key-from-pem.der
    openssl pkey -in $key.pem -outform DER -out $key.der
    openssl pkcs8 -topk8 -nocrypt -in $key.pem -outform DER -out $key-pkcs8.der
    expect "$key, pkey as PEM" $key-from-pem.der "PKCS#8"
    case $key in rsa) traditional="PKCS#1" ;; ec) traditional="SEC 1" ;; *) traditional="PKCS#8" ;; esac
    expect "$key, pkey as DER" $key.der "$traditional"
    expect "$key, pkcs8 as DER" $key-pkcs8.der "PKCS#8"
done
exit $failed
