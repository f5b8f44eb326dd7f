"""Runs the load and prints the figures; load.sh says how to start it."""

import argparse
import base64
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).parent
DIR = pathlib.Path(os.environ["SEALPOST_LOAD_DIR"])
KEYS = HERE.parent.parent / "testdata/keys"
PROCESSORS = os.cpu_count() or 1
# As long as a login with some fields: 200 bytes.
VALUE = '{"username":"warehouse","password":"%s","host":"db.example.com","port":5432,"note":"%s"}' % ("p" * 40, "n" * 76)
BARS = {"2048": 2.2, "3072": 1.5}


# What a change may cost, as a part of the other commit's creates per second.
AGAINST = 0.97
# What is compared with the other commit.
COMPARED = ("creates_per_second", "cpu_us_per_create", "p50_ms", "p99_ms", "rss_end_mib")


def main():
    parser = argparse.ArgumentParser(prog="load.sh")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--without-openbao", action="store_true")
    parser.add_argument("--against", metavar="COMMIT", help="measure this commit in turns with the present state")
    parser.add_argument("--rounds", type=int, default=5, help="with --against: runs of each build (5)")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")

    figures = {
        "seconds": options.seconds,
        "connections": options.connections,
        "value_bytes": len(VALUE),
        "processors": PROCESSORS,
        "load_average_before": os.getloadavg()[0],
    }
    if os.getloadavg()[0] > 0.5:
        say(f"!!! other work is running (load average {os.getloadavg()[0]:.2f}): the figures say little !!!")
    new, old = os.environ["SEALPOST_BIN"], os.environ.get("SEALPOST_OLD_BIN")
    if options.against:
        figures["against"] = {"commit": os.environ["SEALPOST_OLD_COMMIT"], "rounds": options.rounds}
    for bits in ("2048", "3072"):
        if options.against:
            runs = in_turns(bits, options, {"old": old, "new": new})
            figures[f"rsa{bits}"] = medians(runs["new"])
            figures["against"][f"rsa{bits}"] = compare(bits, medians(runs["old"]), figures[f"rsa{bits}"])
        else:
            figures[f"rsa{bits}"] = gateway(bits, options, new)
    if options.without_openbao:
        say("!!! OpenBao was left out: nothing to compare creates per second with !!!")
    else:
        figures["openbao"] = openbao(options)
    figures["bars"] = bars(figures)
    for bar, holds in figures["bars"].items():
        say(f"{'holds' if holds else 'DOES NOT HOLD'}: {bar}")
    print(json.dumps(figures), flush=True)
    sys.exit(0 if all(figures["bars"].values()) else 1)


# --- two builds ----------------------------------------------------------------------------------------


def in_turns(bits, options, binaries):
    """Runs each build `rounds` times. The order changes from round to round, so that a drift meets both alike."""
    runs = {name: [] for name in binaries}
    for round_ in range(options.rounds):
        for name in sorted(binaries, reverse=round_ % 2 == 0):
            say(f"RSA-{bits}, round {round_ + 1} of {options.rounds}, the {name} build")
            runs[name].append(gateway(bits, options, binaries[name]))
    return runs


def medians(runs):
    """The median of each figure; failures are counted over all runs."""
    of = {key: round(statistics.median(run[key] for run in runs), 3) for key in runs[0]}
    return of | {"not_201": sum(run["not_201"] for run in runs)}


def compare(bits, old, new):
    """Prints both builds and returns what the new one has for each 1 of the old one."""
    ratio = {key: round(new[key] / old[key], 3) if old[key] else None for key in COMPARED}
    say(f"{f'RSA-{bits}':20} {'old':>10} {'new':>10} {'new/old':>8}")
    for key in COMPARED:
        say(f"{key:20} {old[key]:10.1f} {new[key]:10.1f} {ratio[key]!s:>8}")
    return {"old": old, "ratio": ratio}


def bars(figures):
    """What has to hold, and whether it does."""
    holds = {}
    for bits, ratio in BARS.items():
        of = figures[f"rsa{bits}"]
        holds[f"rsa{bits}: nothing but 201s"] = of["not_201"] == 0 and of["creates"] > 0
        holds[f"rsa{bits}: memory at the end at most 1.1 times that at a third"] = of["rss_ratio"] <= 1.1
        holds[f"rsa{bits}: processor time at most {ratio} times bare cryptography"] = of["cpu_ratio"] <= ratio
        if "against" in figures:
            of = figures["against"][f"rsa{bits}"]
            holds[f"rsa{bits}: nothing but 201s from the old build"] = of["old"]["not_201"] == 0
            holds[f"rsa{bits}: at least {AGAINST} times the old build's creates per second"] = (
                (of["ratio"]["creates_per_second"] or 0) >= AGAINST
            )
    if "openbao" in figures:
        faster = figures["rsa2048"]["creates_per_second"] >= figures["openbao"]["writes_per_second"]
        holds["as many creates per second as OpenBao takes writes"] = faster and figures["openbao"]["failed"] == 0
    return holds


# --- the gateway ---------------------------------------------------------------------------------------


def gateway(bits, options, binary, configured=lambda path: None):
    """Runs the gateway under load. `configured` may change its configuration."""
    bare_before = bare(bits)
    folder = fresh(f"gateway-{bits}")
    port, metrics = free_port(), free_port()
    token = issuer(folder)
    configure(folder, bits, port, metrics)
    configured(folder / "gateway.toml")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([binary, "gateway", "--config", folder / "gateway.toml"], stderr=log)
    try:
        wait_for(port, process)
        cpu = cpu_seconds(process.pid)
        memory = Memory(process.pid, options.seconds)
        result = wrk(
            f"http://127.0.0.1:{port}/v1/secrets/a{bits}/secret-value",
            options,
            ["sealpost", VALUE, "Authorization", f"Bearer {token}"],
        )
        rss_third, rss_end = memory.read()
        # What was under way at the end is answered, too.
        time.sleep(0.5)
        cpu = cpu_seconds(process.pid) - cpu
        statuses = answered(metrics)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)
    bare_us = (bare_before + bare(bits)) / 2
    creates = statuses.get("201", 0)
    cpu_us = cpu * 1e6 / max(creates, 1)
    return {
        "creates": creates,
        "creates_per_second": round(result["requests"] / result["seconds"], 1),
        "not_201": sum(n for status, n in statuses.items() if status != "201") + result["not_2xx"] + result["socket_errors"],
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "cpu_us_per_create": round(cpu_us, 1),
        "bare_us": round(bare_us, 1),
        "cpu_ratio": round(cpu_us / bare_us, 3),
        "rss_third_mib": round(rss_third / 1024, 1),
        "rss_end_mib": round(rss_end / 1024, 1),
        "rss_ratio": round(rss_end / rss_third, 3),
        "load_average_after": os.getloadavg()[0],
    }


def configure(folder, bits, port, metrics):
    """A configuration as an operator would write it: the log and the audit file are on."""
    shutil.copy(KEYS / f"agent-a{bits}.key.pem", folder / "identity.pem")
    os.chmod(folder / "identity.pem", 0o600)
    shutil.copy(KEYS / f"agent-a{bits}.pem", folder / "agent.pem")
    der = subprocess.run(["openssl", "x509", "-in", folder / "agent.pem", "-noout", "-fingerprint", "-sha256"],
                         check=True, capture_output=True, text=True).stdout
    pin = der.strip().split("=")[1].replace(":", "").lower()
    (folder / "gateway.toml").write_text(f"""
listen = "127.0.0.1:{port}"
[metrics]
listen = "127.0.0.1:{metrics}"
[auth]
issuer = "https://issuer.example"
audience = "sealpost"
jwks_file = "jwks.json"
[audit]
file = "audit.jsonl"
[log]
level = "{os.environ.get("SEALPOST_LOAD_LOG", "warn")}"
[limits]
rate_per_second = 0
[[agents]]
id = "a{bits}"
identity = "identity.pem"
certificate = "agent.pem"
pin = "{pin}"
vault = {{ kind = "embedded", path = "vault" }}
""")


def issuer(folder):
    """A key set with an RSA-2048 key, and a token of it (RS256, the most common algorithm)."""
    key = folder / "issuer.pem"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    modulus = subprocess.run(["openssl", "rsa", "-in", key, "-noout", "-modulus"], check=True, capture_output=True, text=True)
    modulus = bytes.fromhex(modulus.stdout.strip().split("=")[1])
    jwk = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "load", "n": b64(modulus), "e": "AQAB"}
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk]}))
    return token(folder, "load")


def token(folder, subject):
    """A token for this subject, of the issuer in this folder."""
    key = folder / "issuer.pem"
    now = int(time.time())
    claims = {"iss": "https://issuer.example", "aud": "sealpost", "sub": subject, "iat": now, "exp": now + 3600, "scope": "secrets:write"}
    signed = ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "RS256", "kid": "load", "typ": "at+jwt"}, claims))
    signature = subprocess.run(["openssl", "dgst", "-sha256", "-sign", key], input=signed.encode(), check=True, capture_output=True)
    return f"{signed}.{b64(signature.stdout)}"


def answered(port):
    """How many requests were answered with each status, as the gateway counts them."""
    statuses = {}
    text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10).read().decode()
    for line in text.splitlines():
        if line.startswith("sealpost_requests_total{"):
            labels, count = line.rsplit(" ", 1)
            status = labels.split('status="')[1].split('"')[0]
            statuses[status] = statuses.get(status, 0) + int(float(count))
    return statuses


class Memory:
    """The resident memory at a third of the time and at its end, in KiB."""

    def __init__(self, pid, seconds):
        self.samples = []
        times = (seconds / 3, seconds - 0.2)
        self.thread = threading.Thread(target=self.sample, args=(pid, times), daemon=True)
        self.thread.start()

    def sample(self, pid, times):
        start = time.monotonic()
        for at in times:
            time.sleep(max(0, start + at - time.monotonic()))
            status = pathlib.Path(f"/proc/{pid}/status").read_text()
            self.samples.append(int(status.split("VmRSS:")[1].split()[0]))

    def read(self):
        self.thread.join(10)
        return self.samples


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def bare(bits):
    """Microseconds of processor time for one seal and one open, with all processors at it."""
    command = [os.environ["BARE_CRYPTO"], bits, str(len(VALUE)), "5", str(PROCESSORS)]
    us = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    say(f"bare cryptography, RSA-{bits}: {us:.1f} us for a seal and an open")
    return us


# --- OpenBao -------------------------------------------------------------------------------------------


def openbao(options):
    """Direct writes of the same values into a real OpenBao: KV v2, raft storage, create-only."""
    folder = fresh("openbao")
    (folder / "raft").mkdir()
    port, cluster = free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    (folder / "bao.hcl").write_text(f"""
storage "raft" {{
  path    = "{folder / 'raft'}"
  node_id = "one"
}}
listener "tcp" {{
  address     = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{cluster}"
  tls_disable = true
}}
api_addr      = "{address}"
cluster_addr  = "http://127.0.0.1:{cluster}"
log_level     = "warn"
""")
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen([os.environ["BAO"], "server", f"-config={folder / 'bao.hcl'}"], stdout=log, stderr=log)
    try:
        wait_for(port, process)
        made = call(address, "PUT", "/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1})
        call(address, "PUT", "/v1/sys/unseal", {"key": made["keys"][0]})
        token = made["root_token"]
        retry(lambda: call(address, "POST", "/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, token))
        data = {"options": {"cas": 0}, "data": json.loads(VALUE)}
        # The engine prepares itself for a moment after it was mounted.
        retry(lambda: call(address, "POST", "/v1/secret/data/first", data, token))
        cpu = cpu_seconds(process.pid)
        result = wrk(f"{address}/v1/secret/data/", options, ["kv2", VALUE, "X-Vault-Token", token])
        cpu = cpu_seconds(process.pid) - cpu
    finally:
        process.terminate()
        process.wait(60)
    return {
        "writes": result["requests"],
        "writes_per_second": round(result["requests"] / result["seconds"], 1),
        "failed": result["not_2xx"] + result["socket_errors"],
        "p50_ms": result["p50_ms"],
        "p99_ms": result["p99_ms"],
        "cpu_us_per_write": round(cpu * 1e6 / max(result["requests"], 1), 1),
        "load_average_after": os.getloadavg()[0],
    }


def call(address, method, path, body, token=None):
    headers = {"Content-Type": "application/json"} | ({"X-Vault-Token": token} if token else {})
    request = urllib.request.Request(address + path, json.dumps(body).encode(), headers, method=method)
    answer = urllib.request.urlopen(request, timeout=10).read()
    return json.loads(answer) if answer else None


def retry(action):
    until = time.monotonic() + 20
    while True:
        try:
            return action()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.2)


# --- both ----------------------------------------------------------------------------------------------


def wrk(url, options, arguments):
    command = ["wrk", "-t2", f"-c{options.connections}", f"-d{options.seconds}s", "--timeout", "30s",
               "-s", HERE / "create.lua", url, "--", *arguments]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    result = json.loads(out.strip().splitlines()[-1])
    say(f"{url}: {result}")
    return result


def fresh(name):
    folder = DIR / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(mode=0o700, parents=True)
    return folder


def wait_for(port, process):
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                sys.exit(f"{process.args} does not listen; its log is in {DIR}")
            time.sleep(0.05)


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def say(text):
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
