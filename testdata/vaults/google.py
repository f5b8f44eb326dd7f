"""Google Secret Manager: a double that answers as documented, inside the tests, and drongo, which this starts. Called by check.py."""

import http.server
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request

from doubles import double
from product import Product
from servers import free_ports, wait


def check(result, test, configuration, policy, sealpost, folder):
    double(result, "google double", ["GOOGLE_UNIT_TESTS", "GOOGLE_TESTS"])
    vault = "google drongo"
    [port] = free_ports(1)
    with open(os.path.join(folder, "drongo.log"), "w") as log:
        server = subprocess.Popen([os.environ["DRONGO"], "server", "--host", "127.0.0.1", "--port", str(port)], cwd=folder, stdout=log, stderr=log)
    tokens = issuer()
    try:
        address = f"http://127.0.0.1:{port}"
        wait("drongo", lambda: answers(address))
        for name in ["drongo::the_suite_passes_on_drongo_with_every_fault", "drongo::the_suite_passes_on_drongo_where_nothing_may_be_read",
                     "residue::creating_leaves_nothing_of_a_value_in_freed_memory"]:
            test(vault, os.environ["GOOGLE_TESTS"], name, {"DRONGO_ADDRESS": address})
        credentials = workload_identity(folder, tokens.server_port)
        command(lambda *what: result(vault, *what), configuration, policy, sealpost, folder, address, credentials)
        product(lambda *what: result("product on drongo", *what), sealpost, folder, address, credentials)
    finally:
        tokens.shutdown()
        server.terminate()
        server.wait(30)


def answers(address):
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(f"{address}/v1/projects/p/secrets", timeout=5)
    except urllib.error.HTTPError:
        pass
    return True


def issuer():
    """Exchanges any token for one of Google's kind."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            answer = json.dumps({"access_token": "ya29.canary-token", "token_type": "Bearer", "expires_in": 3600,
                                 "issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def workload_identity(folder, port):
    """Writes credentials of workload identity."""
    subject = os.path.join(folder, "subject")
    with open(subject, "w") as file:
        file.write("canary-subject")
    path = os.path.join(folder, "credentials.json")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump({"type": "external_account", "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                   "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/p",
                   "token_url": f"http://127.0.0.1:{port}/v1/token", "credential_source": {"file": subject}}, file)
    return path


def section(address, credentials, access):
    return f'project = "team"\nendpoint = "{address}"\ncredentials_file = "{credentials}"\naccess = "{access}"\n'


def command(result, configuration, policy, sealpost, folder, address, credentials):
    """`sealpost vault policy` and `sealpost vault test`."""
    for access, count in [("create", 4), ("resolve", 5), ("delete", 6)]:
        path = configuration(folder, section(address, credentials, access), "google")
        role = policy(sealpost, path)
        result(f"vault policy, {access}", role.count("\n- secretmanager.") == count, role)
        refused = subprocess.run([sealpost, "vault", "test", "--config", path], text=True, capture_output=True, stdin=subprocess.DEVNULL)
        result("vault test asks", refused.returncode == 2 and "--yes" in refused.stderr, refused.stdout + refused.stderr)
        done = subprocess.run([sealpost, "vault", "test", "--config", path, "--yes"], text=True, capture_output=True,
                              stdin=subprocess.DEVNULL)
        output = done.stdout + done.stderr
        left = "nothing is left" in output if access == "delete" else "They stay" in output
        result(f"vault test, {access}", done.returncode == 0 and left and " 0 failed" in output, output[-2000:])


def product(result, sealpost, folder, address, credentials):
    """From the request to drongo and back."""
    product = Product(sealpost, folder, section(address, credentials, "resolve"), "google")
    try:
        value = '{"password": "a\\u00e9<&>", "port": 12345678901234567890.0}'
        status, reference = product.create("prod-db", value, "key-1")
        result("created", status == 201 and reference == "secret:prod-db", (status, reference))
        result("resolved", product.resolve(reference) == value.encode(), product.resolve(reference))
        result("a property", product.resolve("secret:prod-db#port") == b"12345678901234567890.0", product.resolve("secret:prod-db#port"))
        result("a retry", product.create("prod-db", value, "key-1") == (201, reference), product.create("prod-db", value, "key-1"))
        result("a conflict", product.create("prod-db", value) == (409, "secret-exists"), product.create("prod-db", value))
        with open(os.path.join(folder, "product.log")) as log:
            text = log.read()
        secrets = ["canary", "12345678901234567890"]
        result("the log", len(text) > 1000 and not any(secret in text for secret in secrets), "it has a secret")
    finally:
        product.stop()
