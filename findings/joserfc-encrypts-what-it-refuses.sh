#!/usr/bin/env bash
# joserfc 1.8.0, JWE: the size of plaintext that it encrypts, and the size that it decrypts.
#
# Guess:  a limit on sizes is one number that holds in both directions, so what a library encrypts it also decrypts.
# Seen:   `encrypt_compact` takes any length; `decrypt_compact` with the same key and the same default registry refuses
#         its own message from 49,153 bytes of plaintext on (the ciphertext's text in base64url is then over 65,536
#         characters), with ExceededSizeError. A registry of the caller's own with larger limits opens it.
# So a sender that tests with short secrets finds out at the receiver, after the plaintext is gone.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check joserfc==1.8.0
"$work/venv/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from joserfc import jwe
from joserfc.jwk import OctKey, RSAKey

print("joserfc", version("joserfc"))
failed = False
for alg, key in (("dir", OctKey.generate_key(256)), ("RSA-OAEP-256", RSAKey.generate_key(2048))):
    usual = jwe.JWERegistry(algorithms=[alg, "A256GCM"])
    wide = jwe.JWERegistry(algorithms=[alg, "A256GCM"])
    wide.max_ciphertext_length = 1 << 20
    for registry, length, expected in (
        (usual, 49152, "opened"),
        (usual, 49153, "ExceededSizeError"),
        (wide, 49153, "opened"),
    ):
        token = jwe.encrypt_compact({"alg": alg, "enc": "A256GCM"}, b"x" * length, key, registry=registry)
        try:
            opened = jwe.decrypt_compact(token, key, registry=registry).plaintext
            seen = "opened" if len(opened) == length else "cut"
        except Exception as error:
            seen = type(error).__name__
        limit = registry.max_ciphertext_length
        print(f"{alg}, {length} bytes, max_ciphertext_length {limit}: encrypted, then {seen}")
        failed |= seen != expected
sys.exit(failed)
PYTHON
