"""What creating into OpenBao costs beside creating into the file vault; load.sh --into-openbao starts it.

In each round the same gateway creates the same secrets into its file vault, into OpenBao over TLS, and into OpenBao without TLS.
Processor time is that of gateway and agent, which are one process. OpenBao counts its requests itself."""

import argparse
import json
import os
import statistics
import subprocess
import sys
import urllib.request

import load
from load import call, cpu_seconds, free_port, fresh, gateway, retry, say, wait_for

# What a create into OpenBao may cost, as a multiple of one into the file vault.
MAX_RATIO = 1.3
MAX_REQUESTS = 1.1


class OpenBao:
    """One node with raft storage, unsealed, and a token that only creates."""

    def __init__(self, name, has_tls):
        self.folder = fresh(name)
        (self.folder / "raft").mkdir()
        self.port, cluster = free_port(), free_port()
        # Telemetry is plain, on a listener of its own.
        self.telemetry = free_port()
        self.has_tls = has_tls
        self.address = f"{'https' if has_tls else 'http'}://127.0.0.1:{self.port}"
        tls = "tls_disable = true"
        if has_tls:
            self._certificate()
            tls = f'tls_cert_file = "{self.folder}/bao.pem"\n  tls_key_file = "{self.folder}/bao.key"'
        (self.folder / "bao.hcl").write_text(f"""
storage "raft" {{
  path    = "{self.folder / 'raft'}"
  node_id = "one"
}}
listener "tcp" {{
  address         = "127.0.0.1:{self.port}"
  cluster_address = "127.0.0.1:{cluster}"
  {tls}
}}
listener "tcp" {{
  address         = "127.0.0.1:{self.telemetry}"
  cluster_address = "127.0.0.1:{free_port()}"
  tls_disable     = true
  telemetry {{
    unauthenticated_metrics_access = true
  }}
}}
telemetry {{
  prometheus_retention_time = "1h"
  disable_hostname          = true
}}
api_addr     = "{self.address}"
cluster_addr = "https://127.0.0.1:{cluster}"
log_level    = "warn"
""")
        with open(self.folder / "log", "wb") as log:
            self.process = subprocess.Popen([os.environ["BAO"], "server", f"-config={self.folder / 'bao.hcl'}"], stdout=log, stderr=log)
        wait_for(self.telemetry, self.process)
        plain = f"http://127.0.0.1:{self.telemetry}"
        made = retry(lambda: call(plain, "PUT", "/v1/sys/init", {"secret_shares": 1, "secret_threshold": 1}))
        call(plain, "PUT", "/v1/sys/unseal", {"key": made["keys"][0]})
        root = made["root_token"]
        retry(lambda: call(plain, "POST", "/v1/sys/mounts/secret", {"type": "kv", "options": {"version": "2"}}, root))
        # The engine prepares itself for a moment after it was mounted.
        first = {"options": {"cas": 0}, "data": {"first": "1"}}
        retry(lambda: call(plain, "POST", "/v1/secret/data/first", first, root))
        self.root = root

    def _certificate(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=load", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", self.folder / "bao.key",
                        "-out", self.folder / "bao.pem"], check=True, capture_output=True)

    def section(self, sealpost, configuration):
        """Gives the gateway a token with the printed policy. Returns the section of its vault."""
        ca = f'ca_file = "{self.folder}/bao.pem"' if self.has_tls else ""
        lines = f'kind = "kv2"\naddress = "{self.address}"\n{ca}\nauth = "token-file"\ntoken_file = "token"\n'
        token = configuration.parent / "token"
        token.write_text("none")
        token.chmod(0o600)
        text = configuration.read_text().replace("vault = { kind = \"embedded\", path = \"vault\" }", f"[agents.vault]\n{lines}")
        configuration.write_text(text)
        printed = subprocess.run([sealpost, "vault", "policy", "--config", configuration], check=True, capture_output=True, text=True)
        plain = f"http://127.0.0.1:{self.telemetry}"
        call(plain, "PUT", "/v1/sys/policies/acl/creates", {"policy": printed.stdout}, self.root)
        made = call(plain, "POST", "/v1/auth/token/create", {"policies": ["creates"], "no_default_policy": True}, self.root)
        token.write_text(made["auth"]["client_token"])

    def requests(self):
        """How many requests it has handled, logins left out."""
        text = urllib.request.urlopen(f"http://127.0.0.1:{self.telemetry}/v1/sys/metrics?format=prometheus", timeout=10).read().decode()
        counts = [line for line in text.splitlines() if line.split("{")[0].split(" ")[0].endswith("_core_handle_request_count")]
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in counts)

    def stop(self):
        self.process.terminate()
        self.process.wait(60)


def into_openbao(name, has_tls, options, sealpost):
    server = OpenBao(name, has_tls)
    try:
        before, cpu = server.requests(), cpu_seconds(server.process.pid)
        result = gateway("2048", options, sealpost, lambda configuration: server.section(sealpost, configuration))
        handled = server.requests() - before
        cpu = cpu_seconds(server.process.pid) - cpu
        # Reading the metrics is a request, too.
        result["requests_per_create"] = round((handled - 1) / max(result["creates"], 1), 4)
        result["openbao_cpu_us_per_create"] = round(cpu * 1e6 / max(result["creates"], 1), 1)
        return result
    finally:
        server.stop()


def main():
    parser = argparse.ArgumentParser(prog="load.sh --into-openbao")
    parser.add_argument("--into-openbao", action="store_true")
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    sealpost = os.environ["SEALPOST_BIN"]
    runs = {"file": [], "openbao_tls": [], "openbao_plain": []}
    for number in range(options.rounds):
        say(f"round {number + 1} of {options.rounds}")
        runs["file"].append(gateway("2048", options, sealpost))
        runs["openbao_tls"].append(into_openbao("openbao-tls", True, options, sealpost))
        runs["openbao_plain"].append(into_openbao("openbao-plain", False, options, sealpost))
    figures = {"seconds": options.seconds, "connections": options.connections, "processors": os.cpu_count()}
    for leg, of in runs.items():
        figures[leg] = {key: round(statistics.median(run[key] for run in of), 3) for key in of[0]}
    figures["openbao_direct"] = load.openbao(options)
    file = figures["file"]["cpu_us_per_create"]
    bars = {}
    for leg in ("openbao_tls", "openbao_plain"):
        ratio = figures[leg]["cpu_us_per_create"] / file
        figures[leg]["cpu_ratio_to_file"] = round(ratio, 3)
        bars[f"{leg}: processor time at most {MAX_RATIO} times that of the file vault"] = ratio <= MAX_RATIO
        bars[f"{leg}: at most {MAX_REQUESTS} requests a create"] = 0 < figures[leg]["requests_per_create"] <= MAX_REQUESTS
    for leg in runs:
        bars[f"{leg}: nothing but 201s"] = figures[leg]["creates"] > 0 and all(run["not_201"] == 0 for run in runs[leg])
    figures["bars"] = bars
    for bar, holds in bars.items():
        say(f"{'holds' if holds else 'DOES NOT HOLD'}: {bar}")
    print(json.dumps(figures), flush=True)
    sys.exit(0 if all(bars.values()) else 1)


if __name__ == "__main__":
    main()
