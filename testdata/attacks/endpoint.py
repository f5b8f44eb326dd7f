"""Attacks on a running endpoint: forged tokens, replays, values for somebody else, names that are taken."""

import base64
import hashlib
import hmac
import json
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

AGENT = "dev-agent"
VALUE = b'{"password":"P@ssw0rd123"}'


def run(attacks):
    server = Server(attacks)
    try:
        tokens(attacks, server)
        names(attacks, server)
        sealed(attacks, server)
    finally:
        server.stop()


class Server:
    """`sealpost dev` in a folder of its own."""

    def __init__(self, attacks):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.data, log = attacks.folder / "data", attacks.folder / "dev.log"
        self.attacks = attacks
        with open(log, "wb") as out:
            command = [attacks.binary, "dev", "--listen", f"127.0.0.1:{self.port}", "--data", self.data]
            self.process = subprocess.Popen(command, stdout=out, stderr=out)
        for _ in range(300):
            found = re.search(r"Bearer ([\w.-]+)", log.read_text())
            if found:
                break
            time.sleep(0.1)
        else:
            raise SystemExit(f"sealpost dev printed no token: {log.read_text()}")
        self.token = found[1]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(30)

    def post(self, body, token=None, media="application/json", agent=AGENT, **headers):
        """Status and problem type (its last part), or the answer."""
        url = f"http://127.0.0.1:{self.port}/v1/secrets/{agent}/secret-value"
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers |= {"Content-Type": media, "Authorization": f"Bearer {token or self.token}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)["type"].rsplit(":", 1)[1]

    def create(self, name, value="v", **more):
        body = {"secret": {"name": name, "type": "PASSWORD", "key": "password", "value": {"password": value}}}
        return self.post(json.dumps(body).encode(), **more)

    def resolve(self, name):
        return self.attacks.must(["resolve", "--data", self.data, f"secret:{name}"])

    def still(self, name, value):
        """The vault still holds this value."""
        seen = self.resolve(name)
        self.attacks.control(f"{name} is what was stored first", json.loads(seen) == value, seen)

    def refused(self, what, answer, *expected):
        self.attacks.judge(what, answer in expected, f"answered {answer}, expected {expected}")


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def tokens(attacks, server):
    status, _ = server.create("tokens")
    attacks.control("a good token stores", status == 201, status)
    head, claims, signature = server.token.split(".")
    payload = json.loads(base64.urlsafe_b64decode(claims + "=="))
    header = json.loads(base64.urlsafe_b64decode(head + "=="))
    encode = lambda part: b64(json.dumps(part).encode())
    public = subprocess.run(["openssl", "pkey", "-in", server.data / "issuer.pem", "-pubout"], capture_output=True, check=True)
    by_hmac = f"{encode(header | {'alg': 'HS256'})}.{claims}"
    mac = b64(hmac.digest(public.stdout, by_hmac.encode(), hashlib.sha256))
    for what, token in {
        "send a token without a signature": f"{encode(header | {'alg': 'none'})}.{claims}.",
        "sign a token with the public key as an HMAC's": f"{by_hmac}.{mac}",
        "change a token's claims": f"{head}.{encode(payload | {'sub': 'root'})}.{signature}",
        "change a token's end": f"{head}.{encode(payload | {'exp': payload['exp'] + 86400})}.{signature}",
        "change a bit of a token's signature": f"{head}.{claims}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}",
        "send a word instead of a token": "password",
    }.items():
        server.refused(what, server.create("forged", token=token), (403, "forbidden"))


def names(attacks, server):
    status, _ = server.create("taken", "first")
    attacks.control("a new name stores", status == 201, status)
    server.refused("overwrite a secret", server.create("taken", "second"), (409, "secret-exists"))
    server.still("taken", {"password": "first"})
    first = server.create("once", "first", Idempotency_Key="order-4711")
    again = server.create("once", "first", Idempotency_Key="order-4711")
    attacks.control("a retry gets the first answer", first[0] == 201 and again == first, (first, again))
    server.refused("send another value under a used idempotency key",
                   server.create("once", "second", Idempotency_Key="order-4711"), (400, "idempotency-key-reused"))
    server.still("once", {"password": "first"})
    server.refused("store for an agent that is not there", server.create("n", agent="paris-1"), (400, "unknown-agent"))


def sealed(attacks, server):
    certificate = server.data / "agent.pem"
    to = ["--to", certificate, "--pin", attacks.fingerprint(certificate)]

    def seal(name, *more, agent=AGENT, format="jwe", ends="15m", value=VALUE):
        use = ["--expires-in", ends] if ends else []
        trust = to if agent == AGENT else ["--to", certificate, "--danger-trust-any-certificate"]
        return attacks.must(["seal", *trust, "--agent-id", agent, "--name", name, "--format", format, *use, *more], value).strip()

    def send(jwe, **more):
        return server.post(jwe, media="application/jose", **more)

    late, ended = seal("late", ends="1s"), time.monotonic() + 1
    good = seal("at-source")
    first, again = send(good), send(good)
    attacks.control("a value sealed at the source is stored, and its replay stores nothing", first[0] == 201 and again == first, (first, again))
    parts = good.decode().split(".")
    other = seal("other").decode().split(".")
    header = json.loads(base64.urlsafe_b64decode(parts[0] + "=="))
    renamed = b64(json.dumps(header | {"sealpost": header["sealpost"] | {"name": "renamed"}}, separators=(",", ":")).encode())
    fresh = b64(json.dumps(header | {"sealpost": header["sealpost"] | {"jti": "another"}}, separators=(",", ":")).encode())
    for what, jwe in {
        "send a sealed value under another name": ".".join([renamed, *parts[1:]]),
        "send a sealed value again with another identifier": ".".join([fresh, *parts[1:]]),
        "put the content of one sealed value behind the header of another": ".".join([*other[:2], *parts[2:]]),
        "put the key of one sealed value beside the content of another": ".".join([other[0], parts[1], *other[2:]]),
    }.items():
        server.refused(what, send(jwe.encode()), (400, "sealed-does-not-open"), (400, "invalid-request"))
    for what, jwe, expected in [
        ("send a value that was sealed for another agent", seal("n", agent="paris-1"), (400, "context-mismatch")),
        ("send a value that was sealed for another project", seal("n", "--project", "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f"), (400, "context-mismatch")),
        ("send a sealed value that could be used twice", seal("n", ends=None), (400, "invalid-request")),
    ]:
        server.refused(what, send(jwe), expected)
    # Clocks may differ by a minute.
    print("waiting for a sealed value to end, one minute", file=sys.stderr, flush=True)
    time.sleep(max(0, ended + 62 - time.monotonic()))
    server.refused("send a sealed value after its end", send(late), (400, "invalid-request"))
    server.still("at-source", json.loads(VALUE))
