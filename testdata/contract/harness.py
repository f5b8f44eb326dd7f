"""A running gateway, a running issuer, HTTP without a library, and a count of what passed."""

import base64
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

BIN = os.environ["SEALPOST_BIN"]
AGENT = "contract-1"
AUDIENCE = "sealpost-contract"


class Checks:
    """Counts, and says each failure."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, holds, what, seen=""):
        if holds:
            self.passed += 1
            print(f"ok: {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAILED: {what}\n  seen: {seen}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(0 if self.passed and not self.failed else 1)


class Issuer:
    """The issuer of another project, with a new key at each start."""

    def __init__(self, folder):
        self.port = free_port()
        self.log = folder / "issuer.log"
        self.start()

    @property
    def name(self):
        return f"http://localhost:{self.port}"

    @property
    def jwks_url(self):
        return f"http://127.0.0.1:{self.port}/jwks"

    def start(self):
        with open(self.log, "ab") as log:
            command = [os.environ["SEALPOST_ISSUER"], "-a", "127.0.0.1", "-p", str(self.port)]
            # A group of its own: npm's script starts another process.
            self.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        wait_for(self.port, self.process, self.log)

    def stop(self):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait(20)

    def token(self, audience=AUDIENCE, scope="secrets:write"):
        form = {"grant_type": "client_credentials", "aud": audience, "scope": scope}
        body = urllib.parse.urlencode(form).encode()
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/token", body, timeout=20) as answer:
            return json.load(answer)["access_token"]


class Gateway:
    """`sealpost gateway` on a folder of its own, with one agent."""

    def __init__(self, folder, issuer, extra=""):
        self.folder = folder
        self.port, self.operations = free_port(), free_port()
        self.log = folder / "gateway.log"
        agent = folder / "agent"
        report = run(BIN, "keygen", "--agent-id", AGENT, "--out", agent, "--bits", "2048", "--json")
        pin = json.loads(report)["fingerprint"]
        self.config = folder / "gateway.toml"
        self.config.write_text(f"""
listen = "127.0.0.1:{self.port}"
{extra}
[metrics]
listen = "127.0.0.1:{self.operations}"
[auth]
issuer = "{issuer.name}"
audience = "{AUDIENCE}"
jwks_url = "{issuer.jwks_url}"
jwks_min_interval = "1s"
[limits]
rate_per_second = 0
[audit]
file = "audit.jsonl"
[[agents]]
id = "{AGENT}"
identity = "agent/identity.pem"
certificate = "agent/agent.pem"
pin = "{pin}"
resolve_socket = "agent/resolve.sock"
[agents.vault]
kind = "embedded"
path = "agent/vault"
""")
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([BIN, "gateway", "--config", self.config], stdout=log, stderr=log)
        wait_for(self.port, self.process, self.log)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def create(self, token, name, agent=AGENT):
        """Creates a secret; returns the status and the body as JSON."""
        body = json.dumps({"secret": {"name": name, "value": value_of(name)}}).encode()
        target = f"/v1/secrets/{agent}/secret-value"
        status, answer = exchange(self.port, request("POST", target, body, {"Authorization": f"Bearer {token}"}))
        return status, json.loads(answer) if answer else None

    def audited(self):
        """The events of the audit trail that say how a request was answered."""
        lines = (self.folder / "audit.jsonl").read_text().splitlines()
        return [event for event in map(json.loads, lines) if event["event"] == "request"]

    def resident(self):
        """Resident memory in KiB."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0])

    def resolve(self, reference):
        """What a reference leads to, asked as `sealpost resolve` asks a running process."""
        with socket.socket(socket.AF_UNIX) as asking:
            asking.settimeout(20)
            asking.connect(str(self.folder / "agent/resolve.sock"))
            asking.sendall(reference.encode() + b"\n")
            answer = b"".join(iter(lambda: asking.recv(65536), b""))
        return answer[5:] if answer[:1] == b"\0" else None


def value_of(name):
    return {"password": f"P@ss {name}"}


def request(method, target, body=b"", headers=None):
    """A request as bytes; the connection is closed after it."""
    lines = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close"]
    headers = {"Content-Type": "application/json", "Content-Length": str(len(body))} | (headers or {})
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def exchange(port, data, shut=False, timeout=30):
    """Sends bytes, returns the status (None without an answer) and the body."""
    with socket.create_connection(("127.0.0.1", port), timeout) as stream:
        try:
            stream.sendall(data)
            if shut:
                stream.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # An answer may come before all is sent.
        answer = b""
        try:
            while piece := stream.recv(65536):
                answer += piece
        except ConnectionError:
            pass
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split(b" ", 2)[1]), body) if head.startswith(b"HTTP/1.") else (None, b"")


def get(url):
    """The status and the text that a URL gives."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def forged(token, **claims):
    """The token with other claims under the old signature."""
    header, payload, signature = token.split(".")
    decoded = json.loads(base64.urlsafe_b64decode(payload + "=="))
    payload = base64.urlsafe_b64encode(json.dumps(decoded | claims).encode()).rstrip(b"=").decode()
    return f"{header}.{payload}.{signature}"


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def wait_for(port, process, log):
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{process.args} does not listen:\n{log.read_text()}")
            time.sleep(0.05)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
