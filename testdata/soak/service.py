"""The gateway under test: its folders on small disks, its process, and the reader of its log."""

import json
import os
import pathlib
import signal
import socket
import subprocess
import threading
import time

import issuer as issuing

BIN = os.environ["SEALPOST_BIN"]
AGENT = "soak-1"
# In MiB: small, so that it can be filled, and large enough for a run.
DISKS = {"vault": 1024, "ledger": 384, "audit": 384}


class Service:
    def __init__(self, folder, issuer):
        self.folder, self.issuer = folder, issuer
        self.port, self.operations = free_port(), free_port()
        self.process, self.incarnation = None, 0
        self.log = open(folder / "gateway.log", "ab", buffering=0)
        for name, mib in DISKS.items():
            disk = folder / name
            disk.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=0700", "soak", disk], check=True)
        report = subprocess.run(
            [BIN, "keygen", "--agent-id", AGENT, "--out", folder / "agent", "--bits", "2048", "--json"],
            check=True, capture_output=True, text=True,
        ).stdout
        secret = folder / "idempotency.hex"
        secret.write_text("a5" * 32)
        secret.chmod(0o600)
        (folder / "gateway.toml").write_text(f"""
listen = "127.0.0.1:{self.port}"
idempotency = {{ secret_file = "idempotency.hex" }}
metrics = {{ listen = "127.0.0.1:{self.operations}" }}
audit = {{ file = "audit/audit.jsonl" }}
limits = {{ rate_per_second = 0, drain = "5s", deadline = "10s" }}
[auth]
issuer = "{issuing.NAME}"
audience = "{issuing.AUDIENCE}"
jwks_file = "jwks.json"
jwks_max_age = "1s"
jwks_min_interval = "1s"
[[agents]]
id = "{AGENT}"
identity = "agent/identity.pem"
certificate = "agent/agent.pem"
pin = "{json.loads(report)["fingerprint"]}"
ledger = "ledger/ledger.redb"
resolve_socket = "agent/resolve.sock"
vault = {{ kind = "embedded", path = "vault/files" }}
""")

    def file(self, disk):
        return {"vault": self.folder / "vault/files/vault.redb", "ledger": self.folder / "ledger/ledger.redb"}[disk]

    def start(self, under=()):
        """Starts it; does not wait."""
        read, write = os.pipe()
        command = [*under, BIN, "gateway", "--config", self.folder / "gateway.toml"]
        self.process = subprocess.Popen(command, stderr=write, env=os.environ | {"RUST_LOG": "debug"})
        os.close(write)
        self.incarnation += 1
        self.reader = LogReader(read, self.log)

    def restart(self):
        """Starts it and waits until it is ready."""
        self.start()
        self.until_ready()

    def until_ready(self, seconds=30):
        until = time.monotonic() + seconds
        while self.readiness() != 200:
            if self.process.poll() is not None:
                raise SystemExit(f"it ended with {self.process.returncode}: {self.folder}/gateway.log")
            if time.monotonic() > until:
                raise SystemExit(f"it is not ready after {seconds} s: {self.missing()}")
            time.sleep(0.02)

    def missing(self):
        return exchange(self.operations, b"GET /readyz HTTP/1.1\r\nHost: l\r\nConnection: close\r\n\r\n")

    def readiness(self):
        """The status of `/readyz`; None without an answer."""
        return self.missing()[0]

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def create(self, name, value, key=None):
        """Asks for a secret; returns the status (None without an answer) and the body."""
        body = json.dumps({"secret": {"name": name, "value": value}}).encode()
        headers = {
            "Host": "localhost", "Connection": "close", "Content-Type": "application/json",
            "Content-Length": str(len(body)), "Authorization": f"Bearer {self.issuer.token}",
        } | ({"Idempotency-Key": f'"{key}"'} if key else {})
        head = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
        head = f"POST /v1/secrets/{AGENT}/secret-value HTTP/1.1\r\n{head}\r\n"
        return exchange(self.port, head.encode() + body)

    def resolve(self, reference):
        """What a reference leads to: the status (None without an answer) and the bytes."""
        try:
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(20)
                asking.connect(str(self.folder / "agent/resolve.sock"))
                asking.sendall(reference.encode() + b"\n")
                answer = b"".join(iter(lambda: asking.recv(65536), b""))
        except OSError:
            return None, b""
        length = int.from_bytes(answer[1:5], "big")
        return (answer[0], answer[5:]) if len(answer) >= 5 and len(answer) == 5 + length else (None, b"")


class LogReader(threading.Thread):
    """Reads the log of one process, until it is told to stall or to close it."""

    def __init__(self, pipe, log):
        super().__init__(daemon=True)
        self.pipe, self.log = pipe, log
        self.stalled_until, self.closed = 0.0, False
        self.start()

    def run(self):
        while not self.closed:
            if time.monotonic() < self.stalled_until:
                time.sleep(0.05)
                continue
            text = os.read(self.pipe, 1 << 16)
            if not text:
                break
            self.log.write(text)
        os.close(self.pipe)


class Disk:
    """A disk that is full until this is left."""

    def __init__(self, folder):
        self.ballast = pathlib.Path(folder) / "ballast"

    def __enter__(self):
        size = 1 << 20
        with open(self.ballast, "wb", buffering=0) as file:
            while size >= 1:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2

    def __exit__(self, *_):
        self.ballast.unlink()


class Injected:
    """System calls of the process on one file that fail until this is left."""

    def __init__(self, process, file, injection):
        self.process = process
        self.strace = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-p", str(process.pid), "-P", file, "-e", f"inject={injection}"],
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self):
        until = time.monotonic() + 20
        while not self.traced() and self.process.poll() is None and time.monotonic() < until:
            time.sleep(0.01)

    def __exit__(self, *_):
        self.strace.send_signal(signal.SIGINT)
        self.strace.wait(20)

    def traced(self):
        try:
            tasks = list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())
            return all("TracerPid:\t0" not in (task / "status").read_text() for task in tasks)
        except OSError:
            return False


def exchange(port, data, timeout=30):
    """Sends bytes, returns the status (None without an answer) and the body."""
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as stream:
            stream.sendall(data)
            while piece := stream.recv(65536):
                answer += piece
    except OSError:
        pass
    head, _, body = answer.partition(b"\r\n\r\n")
    return (int(head.split(b" ", 2)[1]), body) if head.startswith(b"HTTP/1.") else (None, b"")


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
