#!/usr/bin/env python3
"""What the command's allocator, which wipes what it frees, costs: instructions of a create with it and without.

benches/heap.sh builds both and calls this. It runs the gateway with its agent and vault under callgrind, and sends creates
on one connection: few, and then more. The difference is what they took, from HTTP to the vault's file. Prints the figures
and PASS, or FAIL with exit code 1 if wiping takes more than 3 % of a create. Other load on the machine does not matter.
"""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time

import load

FEW, MORE, MOST = 20, 120, 1.03


def main():
    binaries = {"wiping": os.environ["SEALPOST_BIN"], "plain": os.environ["SEALPOST_PLAIN_BIN"]}
    failed = False
    for name, length in (("200 bytes", 200), ("60 KB", 60_000)):
        each = {}
        for kind, binary in binaries.items():
            few, more = (instructions(binary, creates, length) for creates in (FEW, MORE))
            each[kind] = (more - few) / (MORE - FEW)
        ratio = each["wiping"] / each["plain"]
        failed |= ratio > MOST
        print(f"{name}: {each['plain']:,.0f} instructions without wiping, {each['wiping']:,.0f} with it: "
              f"{(ratio - 1) * 100:+.2f} % (at most {(MOST - 1) * 100:.0f} %)", flush=True)
    print("FAIL" if failed else "PASS")
    sys.exit(1 if failed else 0)


def instructions(binary, creates, length):
    """All that the gateway executes, from its start to its end, with so many creates."""
    folder = load.fresh("heap")
    port, metrics = load.free_port(), load.free_port()
    load.issuer(folder)
    load.configure(folder, "2048", port, metrics)
    out = folder / "callgrind.out"
    command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", binary, "gateway", "--config", folder / "gateway.toml"]
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        patient(port, process)
        token = load.token(folder, "heap")
        with socket.create_connection(("127.0.0.1", port), 120) as connection:
            for n in range(creates):
                connection.sendall(request(token, f"n-{n:04}", length))
                answer = http.client.HTTPResponse(connection)
                answer.begin()
                answer.read()
                if answer.status != 201:
                    sys.exit(f"{answer.status} for a create")
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(120)
    return int(re.search(r"^(?:summary|totals): (\d+)", out.read_text(), re.M)[1])


def request(token, name, length):
    value = '{"password":"%s"}' % ("x" * (length - len('{"password":""}')))
    body = '{"secret":{"name":"%s","value":%s}}' % (name, value)
    return (f"POST /v1/secrets/a2048/secret-value HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def patient(port, process):
    """Under callgrind a start takes fifty times as long."""
    for _ in range(600):
        try:
            return socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if process.poll() is not None:
                sys.exit(f"it does not start; its log is in {load.DIR}")
            time.sleep(0.5)
    sys.exit("it does not listen")


if __name__ == "__main__":
    main()
