#!/usr/bin/env python3
"""What one principal's load does to another's requests.

    SEALPOST_BIN=target/dist/sealpost SEALPOST_LOAD_DIR=/tmp/fairness benches/load/fairness.py [--seconds N]

B creates secrets one after the other, alone and then beside A, which keeps 200 connections busy. Prints B's medians,
their ratio, and PASS, or FAIL with exit code 1 if the ratio is above 3. Client and gateway share the machine.
"""

import argparse
import http.client
import multiprocessing
import os
import selectors
import signal
import socket
import statistics
import subprocess
import sys
import time

import load

RATIO = 3


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=200)
    options = parser.parse_args()
    folder = load.fresh("fairness")
    port, metrics = load.free_port(), load.free_port()
    load.issuer(folder)
    load.configure(folder, "2048", port, metrics)
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([os.environ["SEALPOST_BIN"], "gateway", "--config", folder / "gateway.toml"], stderr=log)
    try:
        load.wait_for(port, process)
        one, other = load.token(folder, "a"), load.token(folder, "b")
        creates(port, other, "warm", 1)
        alone = creates(port, other, "alone", options.seconds)
        busy = multiprocessing.Process(target=keep_busy, args=(port, one, options.connections), daemon=True)
        busy.start()
        time.sleep(2)
        before = load.answered(metrics)["201"]
        beside = creates(port, other, "beside", options.seconds)
        rate = (load.answered(metrics)["201"] - before) / options.seconds
        busy.terminate()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    alone, beside = statistics.median(alone), statistics.median(beside)
    ratio = beside / alone
    print(f"B alone: {alone:.1f} ms; beside A with {options.connections} connections ({rate:.0f} creates/s in all): "
          f"{beside:.1f} ms; ratio {ratio:.2f} (at most {RATIO})")
    print("PASS" if ratio <= RATIO else f"FAIL: the ratio is above {RATIO}")
    sys.exit(0 if ratio <= RATIO else 1)


def request(token, name):
    body = '{"secret":{"name":"%s","value":%s}}' % (name, load.VALUE)
    return (f"POST /v1/secrets/a2048/secret-value HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def creates(port, token, prefix, seconds):
    """Milliseconds of each create, one after the other on one connection."""
    times, until = [], time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port)) as connection:
        while time.monotonic() < until:
            start = time.monotonic()
            connection.sendall(request(token, f"{prefix}-{len(times)}"))
            answer = http.client.HTTPResponse(connection)
            answer.begin()
            answer.read()
            if answer.status != 201:
                sys.exit(f"{answer.status} for B")
            times.append((time.monotonic() - start) * 1000)
    return times


def keep_busy(port, token, connections):
    """Sends the next request on each connection as soon as the last one is answered."""
    ready, count = selectors.DefaultSelector(), 0
    for _ in range(connections):
        connection = socket.create_connection(("127.0.0.1", port))
        count += 1
        connection.sendall(request(token, f"a-{count}"))
        ready.register(connection, selectors.EVENT_READ)
    while True:
        for key, _ in ready.select():
            # An answer is shorter than this, and comes in one piece.
            if not key.fileobj.recv(65536):
                sys.exit("a connection of A was closed")
            count += 1
            key.fileobj.sendall(request(token, f"a-{count}"))


if __name__ == "__main__":
    main()
