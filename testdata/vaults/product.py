"""The product from the request to OpenBao and back: a gateway with an agent whose vault is a cluster."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

from servers import free_ports, wait

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "soak"))
import issuer as issuing


# Bytes that vaults rewrite, and texts to look for.
VALUE = '{"password": "P4ssw0rd-canary \\u00e9<&>", "port": 12345678901234567890.0}'


class Product:
    def __init__(self, sealpost, folder, vault, kind="kv2"):
        self.sealpost, self.folder = sealpost, folder
        self.issuer = issuing.Issuer(pathlib.Path(folder))
        self.port, self.operations = free_ports(2)
        made = subprocess.run([sealpost, "keygen", "--agent-id", "product", "--out", "product", "--json"], check=True, cwd=folder,
                              capture_output=True, text=True)
        with open(os.path.join(folder, "product.toml"), "w") as file:
            file.write(f"""\
listen = "127.0.0.1:{self.port}"
metrics = {{ listen = "127.0.0.1:{self.operations}" }}
audit = {{ file = "audit.jsonl" }}
log = {{ level = "trace" }}
[auth]
issuer = "{issuing.NAME}"
audience = "{issuing.AUDIENCE}"
jwks_file = "jwks.json"
[[agents]]
id = "product"
identity = "product/identity.pem"
certificate = "product/agent.pem"
pin = "{json.loads(made.stdout)["fingerprint"]}"
ledger = "ledger/ledger.redb"
resolve_socket = "resolve/resolve.sock"
[agents.vault]
kind = "{kind}"
{vault}
""")
        for name in ["ledger", "resolve"]:
            os.mkdir(os.path.join(folder, name), 0o700)
        self.log = open(os.path.join(folder, "product.log"), "w")
        self.process = subprocess.Popen([sealpost, "gateway", "--config", "product.toml"], cwd=folder, stderr=self.log)
        wait("the gateway", lambda: self.ready() == 200)

    def ask(self, port, method, path, body=None, headers={}):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read()

    def ready(self):
        return self.ask(self.operations, "GET", "/readyz")[0]

    def create(self, name, value, key=None):
        """Returns the status, and the reference or the type of the problem. The value is JSON."""
        body = f'{{"secret":{{"name":{json.dumps(name)},"value":{value}}}}}'.encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.issuer.token}"}
        if key:
            headers["Idempotency-Key"] = f'"{key}"'
        status, answer = self.ask(self.port, "POST", "/v1/secrets/product/secret-value", body, headers)
        answer = json.loads(answer)
        return status, answer.get("resolver_ref") or answer["type"].rsplit(":", 1)[-1]

    def resolve(self, reference):
        done = subprocess.run([self.sealpost, "resolve", "--data", "resolve", reference], cwd=self.folder,
                              capture_output=True)
        return done.stdout if done.returncode == 0 else done.stderr

    def remembers(self, text):
        """Returns whether a text is in the writable memory of the process."""
        with open(f"/proc/{self.process.pid}/maps") as maps, open(f"/proc/{self.process.pid}/mem", "rb") as memory:
            for line in maps:
                area, permissions = line.split()[:2]
                if not permissions.startswith("rw"):
                    continue
                first, last = (int(end, 16) for end in area.split("-"))
                try:
                    memory.seek(first)
                    if text in memory.read(last - first):
                        return True
                # It was unmapped meanwhile, or is the kernel's.
                except OSError:
                    pass
        return False

    def works(self, result, name, delete=None):
        """Creates this name, resolves it, creates it again; `delete` deletes it as a person does."""
        reference = f"secret:{name.replace('/', '%2F')}"
        created = self.create(name, VALUE, "key-1")
        result("created", created == (201, reference), created)
        resolved = self.resolve(reference)
        result("resolved", resolved == VALUE.encode(), resolved)
        resolved = self.resolve(f"{reference}#port")
        result("a property", resolved == b"12345678901234567890.0", resolved)
        again = self.create(name, VALUE, "key-1")
        result("a retry", again == created, again)
        other = self.create(name, VALUE)
        result("a conflict", other == (409, "secret-exists"), other)
        if delete:
            delete()
            other = self.create(name, VALUE)
            result("deleted", other == (409, "secret-pending-deletion"), other)

    def is_silent(self, result, secrets):
        """Looks for values and credentials in the log, the audit trail and the metrics."""
        with open(os.path.join(self.folder, "product.log")) as log, open(os.path.join(self.folder, "audit.jsonl")) as audit:
            shown = {"log": log.read(), "audit trail": audit.read()}
        shown["metrics"] = self.ask(self.operations, "GET", "/metrics")[1].decode()
        for what, text in shown.items():
            found = [secret for secret in ["12345678901234567890", "P4ssw0rd-canary", *secrets] if secret in text]
            result(f"no secret is in the {what}", len(text) > 400 and not found, f"{len(text)} characters, {found}")

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


def check(result, sealpost, cluster, folder, vault):
    """`result` takes what was checked, whether it is right, and why not."""
    product = Product(sealpost, folder, vault)
    try:
        product.works(result, "prod/db", lambda: cluster.apis[0].do("DELETE", "team/data/kit/prod/db"))

        # Values of many lengths, created and resolved: nothing of them stays when the connections to the vault have ended.
        canary = "c4n4ry-0f-a-value-91e2d8b67f3a"
        for length in [1, 40, 400, 2_000]:
            value = json.dumps({"password": canary * length})
            created = product.create(f"canary-{length}", value)
            resolved = product.resolve(f"secret:canary-{length}")
            result("a canary", created[0] == 201 and resolved == value.encode(), created)
        result("the search finds what is there", product.remembers(b"/v1/secrets/"), "it does not")
        # The ends of a freed block are the allocator's.
        wait("the end of the connections", lambda: not product.remembers(canary.encode()[8:24]), 30)
        result("nothing of a value is left in memory", True)

        # Killed while a request is under way: it is answered when the server is back.
        cluster.kill(0)
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(product.create("waits", "{}")))
        waiting.start()
        time.sleep(1)
        cluster.start(0)
        time.sleep(1)
        cluster.unseal(0)
        waiting.join()
        result("killed meanwhile", answers == [(201, "secret:waits")], answers)
        wait("readiness", lambda: product.ready() == 200)
        with open(os.path.join(folder, "resolve.secret-id")) as file:
            product.is_silent(result, [file.read(), canary[:16]])
    finally:
        product.stop()
