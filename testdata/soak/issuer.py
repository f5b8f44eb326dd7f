"""An issuer: Ed25519 keys made by openssl, a key set in a file, and tokens."""

import base64
import json
import os
import subprocess
import time

NAME, AUDIENCE = "https://issuer.example", "sealpost-soak"


class Issuer:
    """Writes its key set to a file, which the gateway reads again each second."""

    def __init__(self, folder):
        self.folder, self.file, self.count = folder, folder / "jwks.json", 0
        self.keys = []
        self.rotate()

    def rotate(self):
        """Adds a key, signs with it from now on, and withdraws all but the last two."""
        self.count += 1
        kid, path = f"key-{self.count}", self.folder / f"issuer-{self.count}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True, capture_output=True)
        jwk = {"kty": "OKP", "crv": "Ed25519", "kid": kid, "x": encode(public.stdout[-32:])}
        self.keys = self.keys[-1:] + [jwk]
        self.write(json.dumps({"keys": self.keys}))
        self.token = self.sign(kid, path)

    def break_set(self, text):
        """Puts something else where the key set was."""
        self.write(text)

    def repair_set(self):
        self.write(json.dumps({"keys": self.keys}))

    def sign(self, kid, path):
        now = int(time.time())
        claims = {"iss": NAME, "aud": AUDIENCE, "sub": "soak", "scope": "secrets:write", "iat": now, "exp": now + 24 * 3600}
        header = {"alg": "EdDSA", "typ": "JWT", "kid": kid}
        signed = ".".join(encode(json.dumps(part).encode()) for part in (header, claims))
        message = self.folder / "message"
        message.write_text(signed)
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", path, "-in", message]
        signature = subprocess.run(command, check=True, capture_output=True).stdout
        return f"{signed}.{encode(signature)}"

    def write(self, text):
        fresh = self.file.with_suffix(".new")
        fresh.write_text(text)
        os.replace(fresh, self.file)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
