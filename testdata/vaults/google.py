"""Google Secret Manager: a double that answers as documented, inside the tests, and drongo, which this starts. Called by check.py."""

import http.server
import json
import os
import subprocess
import threading
import urllib.error
import urllib.request

from checks import command, configuration, double, of, policy, result, test
from product import Product
from servers import free_ports, wait


def check(sealpost, folder):
    double("google double", ["GOOGLE_UNIT_TESTS", "GOOGLE_TESTS"])
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
        operator(vault, sealpost, folder, address, credentials)
        product(of("product on drongo"), sealpost, folder, address, credentials)
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


def operator(vault, sealpost, folder, address, credentials):
    """`sealpost vault policy` and `sealpost vault test`."""
    for access, count in [("create", 4), ("resolve", 5), ("delete", 6)]:
        path = configuration(folder, section(address, credentials, access), "google")
        role = policy(sealpost, path)
        result(vault, f"vault policy, {access}", role.count("\n- secretmanager.") == count, role)
        # What resolves is between the two.
        if access != "resolve":
            command(vault, sealpost, path, access)


def product(result, sealpost, folder, address, credentials):
    """From the request to drongo and back."""
    product = Product(sealpost, folder, section(address, credentials, "resolve"), "google")
    try:
        product.works(result, "prod-db")
        product.is_silent(result, ["canary-token", "canary-subject"])
    finally:
        product.stop()
