"""Starts OpenBao for the tests of vaults: a development server, and clusters with raft and TLS. Standard library only."""

import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Api:
    """One server's API."""

    def __init__(self, address, token=None, ca=None, namespace=None):
        self.address, self.token, self.namespace = address, token, namespace
        handlers = [NoRedirect(), urllib.request.ProxyHandler({})]
        if ca:
            handlers.append(urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=ca)))
        self.opener = urllib.request.build_opener(*handlers)

    def ask(self, method, path, body=None, token=None, timeout=10):
        """Returns the status and the JSON of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.address}/v1/{path}", data, method=method)
        if method == "PATCH":
            request.add_header("Content-Type", "application/merge-patch+json")
        if self.namespace:
            request.add_header("X-Vault-Namespace", self.namespace)
        if token or self.token:
            request.add_header("X-Vault-Token", token or self.token)
        try:
            with self.opener.open(request, timeout=timeout) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            status, text = answer.code, answer.read()
        try:
            return status, json.loads(text)
        except ValueError:
            return status, {}

    def do(self, method, path, body=None):
        status, answer = self.ask(method, path, body)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {answer}")
        return answer


def wait(what, found, seconds=60):
    """Waits until `found` returns something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            result = found()
        except OSError:
            result = None
        if result:
            return result
        time.sleep(0.05)
    raise SystemExit(f"{what}: not within {seconds} s")


def free_ports(count):
    """Returns ports that nothing listens on, each with the next one free as well."""
    ports = []
    while len(ports) < count:
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        if not any(abs(port - other) < 2 for other in ports):
            ports.append(port)
    return ports


class Dev:
    """A development server: in memory, unsealed, root token `root`."""

    def __init__(self, bao, folder):
        (port,) = free_ports(1)
        self.address = f"http://127.0.0.1:{port}"
        self.log = open(os.path.join(folder, "dev.log"), "w")
        self.process = subprocess.Popen(
            [bao, "server", "-dev", "-dev-root-token-id=root", f"-dev-listen-address=127.0.0.1:{port}", "-dev-no-store-token"],
            stdout=self.log, stderr=self.log,
        )
        self.api = Api(self.address, "root")
        wait("the development server", lambda: self.api.ask("GET", "sys/health")[0] == 200)

    def stop(self):
        self.process.kill()
        self.process.wait()


class Cluster:
    """Nodes with raft and TLS on this machine, unsealed, the first one the leader."""

    def __init__(self, bao, folder, count=1):
        self.bao, self.folder = bao, folder
        self.ports = free_ports(count)
        self.addresses = [f"https://127.0.0.1:{port}" for port in self.ports]
        self.processes = [None] * count
        self.ca = os.path.join(folder, "ca.pem")
        self._certificates()
        self.apis = [Api(address, None, self.ca) for address in self.addresses]
        for node in range(count):
            shutil.rmtree(os.path.join(folder, f"node{node}"), ignore_errors=True)
            os.makedirs(os.path.join(folder, f"node{node}"))
        self.start(0)
        wait("the first node", lambda: self.apis[0].ask("GET", "sys/health")[0] == 501)
        made = self.apis[0].do("POST", "sys/init", {"secret_shares": 1, "secret_threshold": 1})
        self.key, self.root = made["keys"][0], made["root_token"]
        for api in self.apis:
            api.token = self.root
        self.unseal(0)
        wait("the leader", lambda: self.apis[0].ask("GET", "sys/health")[0] == 200)
        for node in range(1, count):
            self.start(node)
            self.unseal(node)
        if count > 1:
            # Until autopilot has made them voters, a cluster that loses its leader has none.
            wait("the voters", lambda: self.voters() == count)

    def _openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=self.folder, stderr=subprocess.DEVNULL)

    def _certificates(self):
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test CA",
                      "-addext", "keyUsage=critical,keyCertSign,digitalSignature", "-keyout", "ca.key", "-out", "ca.pem")
        self.certificate("server", "subjectAltName=IP:127.0.0.1\n")

    def certificate(self, name, extensions):
        """Issues a certificate. Returns a file with it and its key; they are in files of their own, too."""
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout",
                      f"{name}.key", "-out", f"{name}.csr")
        path = os.path.join(self.folder, name)
        with open(f"{path}.ext", "w") as text:
            text.write(extensions)
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-extfile", f"{name}.ext",
                      "-out", f"{name}.pem")
        with open(f"{path}.pem") as certificate, open(f"{path}.key") as key, open(f"{path}.both.pem", "w") as both:
            both.write(certificate.read() + key.read())
        return f"{path}.both.pem"

    def start(self, node):
        joins = "".join(
            f'  retry_join {{\n    leader_api_addr = "{address}"\n    leader_ca_cert_file = "{self.ca}"\n  }}\n'
            for other, address in enumerate(self.addresses) if other != node
        )
        configuration = os.path.join(self.folder, f"node{node}.hcl")
        port = self.ports[node]
        with open(configuration, "w") as text:
            text.write(f"""\
storage "raft" {{
  path = "{self.folder}/node{node}"
  node_id = "node{node}"
  performance_multiplier = 1
{joins if node else ""}}}
listener "tcp" {{
  address = "127.0.0.1:{port}"
  cluster_address = "127.0.0.1:{port + 1}"
  tls_cert_file = "{self.folder}/server.pem"
  tls_key_file = "{self.folder}/server.key"
}}
api_addr = "{self.addresses[node]}"
cluster_addr = "https://127.0.0.1:{port + 1}"
""")
        log = open(os.path.join(self.folder, f"node{node}.log"), "a")
        self.processes[node] = subprocess.Popen([self.bao, "server", f"-config={configuration}"], stdout=log, stderr=log)

    def unseal(self, node):
        api = self.apis[node]
        wait("unsealing", lambda: api.ask("POST", "sys/unseal", {"key": self.key})[0] == 200
             and api.ask("GET", "sys/seal-status")[1].get("sealed") is False)

    def kill(self, node):
        self.processes[node].send_signal(signal.SIGKILL)
        self.processes[node].wait()

    def leader(self):
        """Returns the node that says of itself that it leads, or None."""
        for node, process in enumerate(self.processes):
            if process.poll() is None:
                try:
                    if self.apis[node].ask("GET", "sys/leader", timeout=2)[1].get("is_self"):
                        return node
                except OSError:
                    pass
        return None

    def voters(self):
        leader = self.leader()
        if leader is None:
            return 0
        answer = self.apis[leader].ask("GET", "sys/storage/raft/configuration")[1]
        servers = answer.get("data", {}).get("config", {}).get("servers", [])
        return sum(server["voter"] for server in servers)

    def stop(self):
        for process in self.processes:
            if process and process.poll() is None:
                process.kill()
                process.wait()


def app_role(api, name, policy, folder, ttl="1h", longest="2h"):
    """Creates a policy and a role with it. Returns the role id and the file with a secret id."""
    status, _ = api.ask("GET", "sys/auth/approle/tune")
    if status != 200:
        api.do("POST", "sys/auth/approle", {"type": "approle"})
    api.do("PUT", f"sys/policies/acl/{name}", {"policy": policy})
    api.do("POST", f"auth/approle/role/{name}", {
        "token_policies": [name], "token_no_default_policy": True, "token_ttl": ttl, "token_max_ttl": longest,
    })
    role_id = api.do("GET", f"auth/approle/role/{name}/role-id")["data"]["role_id"]
    path = os.path.join(folder, f"{name}.secret-id")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(api.do("POST", f"auth/approle/role/{name}/secret-id", {})["data"]["secret_id"])
    return role_id, path
