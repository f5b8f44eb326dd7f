"""JWE with the package `jwcrypto` (`seal.py jwcrypto KEYS`), or `cryptography` by hand (`seal.py cryptography KEYS`).

Reads lines `seal|open BITS BYTES COUNT`, answers the COUNT times it took, in nanoseconds. Keys are parsed and the
message to open is made before the clock runs.
"""

import importlib.metadata
import os
import sys
import time

from cryptography import x509
from cryptography.hazmat.backends.openssl import backend
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM


def read(folder, bits, suffix):
    with open(f"{folder}/agent-a{bits}{suffix}", "rb") as file:
        return file.read()


def by_hand(folder, bits):
    """RSA-OAEP(key) ‖ nonce ‖ AES-256-GCM: no format at all."""
    public = x509.load_pem_x509_certificate(read(folder, bits, ".pem")).public_key()
    private = serialization.load_pem_private_key(read(folder, bits, ".key.pem"), None)
    oaep = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    width = bits // 8

    def seal(message):
        key, nonce = os.urandom(32), os.urandom(12)
        return public.encrypt(key, oaep) + nonce + AESGCM(key).encrypt(nonce, message, None)

    def unseal(sealed):
        key = private.decrypt(sealed[:width], oaep)
        return AESGCM(key).decrypt(sealed[width : width + 12], sealed[width + 12 :], None)

    return seal, unseal


def jwcrypto(folder, bits):
    from jwcrypto import jwe, jwk

    public = jwk.JWK.from_pem(read(folder, bits, ".pem"))
    private = jwk.JWK.from_pem(read(folder, bits, ".key.pem"))
    header = '{"alg":"RSA-OAEP-256","enc":"A256GCM"}'

    def seal(message):
        token = jwe.JWE(message, protected=header)
        token.add_recipient(public)
        return token.serialize(compact=True)

    def unseal(sealed):
        token = jwe.JWE()
        token.deserialize(sealed, key=private)
        return token.payload

    return seal, unseal


def main():
    which, folder = sys.argv[1:]
    load = jwcrypto if which == "jwcrypto" else by_hand
    keys = {bits: load(folder, bits) for bits in (2048, 3072, 4096)}
    print(f"{which} {importlib.metadata.version(which)}, {backend.openssl_version_text()}", flush=True)
    for line in sys.stdin:
        op, *numbers = line.split()
        bits, size, count = map(int, numbers)
        if which == "jwcrypto" and size == 0:
            # 1.6.1 does not open what it has sealed when that is empty.
            print("-", flush=True)
            continue
        seal, unseal = keys[bits]
        message = b"x" * size
        sealed = seal(message)
        assert unseal(sealed) == message, "it does not open"
        run, argument = (seal, message) if op == "seal" else (unseal, sealed)
        times = []
        for _ in range(count):
            start = time.perf_counter_ns()
            run(argument)
            times.append(time.perf_counter_ns() - start)
        print(*times, flush=True)


main()
