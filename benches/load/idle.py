#!/usr/bin/env python3
"""What two addresses with many idle connections leave a third one.

    SEALPOST_BIN=target/release/sealpost SEALPOST_LOAD_DIR=/tmp/idle benches/load/idle.py [--connections N]

Each of 127.0.0.2 and 127.0.0.3 keeps 700 connections that are idle in one way, and opens each again when it is closed; 127.0.0.4
sends 100 creates, each on a connection of its own. Prints for each way how many were answered with 201 within a second, and PASS, or
FAIL with exit code 1 if that is fewer than 95. Client and gateway share the machine.
"""

import argparse
import multiprocessing
import os
import resource
import selectors
import signal
import socket
import ssl
import subprocess
import sys
import time

import load
from fairness import request

ENOUGH, CREATES, LIMIT = 95, 100, 1
# In which way a connection is idle.
WAYS = ["no byte", "half a header line", "headers and half a body", "idle after a request", "TLS without a byte", "half a TLS handshake"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=700)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    failed = [way for way in WAYS if not holds(way, options.connections)]
    print(f"FAIL: {', '.join(failed)}" if failed else "PASS")
    sys.exit(1 if failed else 0)


def holds(way, connections):
    folder = load.fresh("idle")
    port, metrics = load.free_port(), load.free_port()
    load.issuer(folder)
    load.configure(folder, "2048", port, metrics)
    tls = certificate(folder) if "TLS" in way else None
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([os.environ["SEALPOST_BIN"], "gateway", "--config", folder / "gateway.toml"], stderr=log)
    idle = []
    try:
        load.wait_for(port, process)
        sent = first_bytes(way, load.token(folder, "idle"))
        for address in ("127.0.0.2", "127.0.0.3"):
            idle.append(multiprocessing.Process(target=keep_open, args=(address, port, sent, connections), daemon=True))
            idle[-1].start()
        time.sleep(3)
        other = load.token(folder, "other")
        in_time = sum(create(port, tls, request(other, f"n-{n}")) for n in range(CREATES))
    finally:
        for one in idle:
            one.kill()
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    print(f"{way}: {in_time} of {CREATES} creates within {LIMIT} s (at least {ENOUGH})", flush=True)
    return in_time >= ENOUGH


def first_bytes(way, token):
    whole = request(token, "idle")
    return {
        "no byte": b"",
        "half a header line": b"POST / HTTP/1.1\r\nHost: local",
        "headers and half a body": whole[:-100],
        "idle after a request": b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        "TLS without a byte": b"",
        "half a TLS handshake": b"\x16\x03\x01\x02\x00\x01",
    }[way]


def keep_open(address, port, sent, connections):
    """Opens every connection that is closed again, a second later."""
    ready, closed = selectors.DefaultSelector(), [0.0] * connections
    while True:
        while closed and closed[0] < time.monotonic():
            closed.pop(0)
            connection = socket.socket()
            try:
                connection.bind((address, 0))
                connection.settimeout(5)
                connection.connect(("127.0.0.1", port))
                connection.sendall(sent)
                connection.setblocking(False)
                ready.register(connection, selectors.EVENT_READ)
            except OSError:
                connection.close()
                closed.append(time.monotonic() + 1)
        for key, _ in ready.select(0.1):
            try:
                is_open = bool(key.fileobj.recv(65536))
            except OSError:
                is_open = False
            if not is_open:
                ready.unregister(key.fileobj)
                key.fileobj.close()
                closed.append(time.monotonic() + 1)


def create(port, tls, message):
    """Whether a create on a connection of its own is answered with 201 in time."""
    until = time.monotonic() + LIMIT
    message = message.replace(b"\r\nHost: x\r\n", b"\r\nHost: x\r\nConnection: close\r\n", 1)
    try:
        with socket.socket() as plain:
            plain.bind(("127.0.0.4", 0))
            plain.settimeout(LIMIT)
            plain.connect(("127.0.0.1", port))
            connection = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
            connection.sendall(message)
            answer = connection.recv(65536)
            return answer.startswith(b"HTTP/1.1 201 ") and time.monotonic() <= until
    except OSError:
        return False


def certificate(folder):
    """Has the gateway speak TLS, and returns who trusts it."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                    "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                    "-keyout", folder / "tls.key.pem", "-out", folder / "tls.pem"], check=True, capture_output=True)
    os.chmod(folder / "tls.key.pem", 0o600)
    configuration = (folder / "gateway.toml").read_text()
    (folder / "gateway.toml").write_text(configuration + '[tls]\ncertificate = "tls.pem"\nkey = "tls.key.pem"\n')
    return ssl.create_default_context(cafile=folder / "tls.pem")


if __name__ == "__main__":
    main()
