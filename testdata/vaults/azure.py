"""Azure Key Vault: a double that answers as documented, inside the tests, and in a process of its own. Called by check.py."""

import http.server
import json
import os
import subprocess
import threading
import urllib.request

from checks import asked, configuration, double, of, policy, result
from product import VALUE, Product


def check(sealpost, folder):
    vault = "azure double"
    double(vault, ["AZURE_UNIT_TESTS", "AZURE_TESTS", "AZURE_RESIDUE_TESTS"])
    server, address = served()
    tokens = issuer()
    try:
        for access in ["create", "resolve", "delete"]:
            path = configuration(folder, section(folder, address, tokens.server_port, access), "azure")
            role = json.loads(policy(sealpost, path))
            is_small = role["Actions"] == [] and len(role["DataActions"]) == 3 + (access == "delete")
            result(vault, f"vault policy, {access}", is_small, role)
            # The test itself would take minutes: a create waits for a second, as the service's time stamps demand.
            plan = asked(vault, sealpost, path)
            stays = "keeps what is deleted" if access == "delete" else "They stay"
            result(vault, f"vault test says what stays, {access}", stays in plan and "up to 250 secrets" in plan, plan)
        product(of("product on the azure double"), sealpost, folder, address, tokens.server_port)
    finally:
        tokens.shutdown()
        server.kill()
        server.wait(30)


def served():
    """Starts the double, which takes the token `static`. Returns its process and its address."""
    server = subprocess.Popen([os.environ["AZURE_RESIDUE_TESTS"], "--exact", "--ignored", "--nocapture", "a_double_serves"],
                              text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for line in server.stdout:
        if "address " in line:
            return server, line.split("address ")[1].strip()
    raise SystemExit("the double of Azure Key Vault does not start")


def issuer():
    """Gives the token that the double takes for the secret of the configuration."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_right = b"client_secret=canary-secret" in body and self.path == "/tenant/oauth2/v2.0/token"
            right = {"access_token": "static", "token_type": "Bearer", "expires_in": 3600}
            answer = json.dumps(right if is_right else {"error": "invalid_client"}).encode()
            self.send_response(200 if is_right else 401)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def section(folder, address, port, access):
    path = os.path.join(folder, "client.secret")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("canary-secret\n")
    return f"""\
address = "{address}"
resource = "https://vault.azure.net"
authority = "http://127.0.0.1:{port}"
auth = "client-secret"
tenant_id = "tenant"
client_id = "client"
secret_file = "{path}"
access = "{access}"
"""


def product(result, sealpost, folder, address, port):
    """From the request to the double and back."""
    product = Product(sealpost, folder, section(folder, address, port, "resolve"), "azure")

    def delete():
        request = urllib.request.Request(f"{address}/secrets/prod-db?api-version=7.4", headers={"Authorization": "Bearer static"}, method="DELETE")
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()

    try:
        product.works(result, "prod-db")
        # Names have no case there, and have one here: this one is rewritten.
        other = product.create("PROD-DB", VALUE)
        result("a name in upper case is another", other[0] == 201 and other[1].startswith("secret:prod-db-"), other)
        longest = json.dumps({"a": "x" * (25_000 - 9)})
        created = product.create("longest", longest)
        result("the longest value", created[0] == 201, (len(longest), created))
        created = product.create("longer", longest.replace("x", "xx", 1))
        result("one byte more", created[0] == 400, created)
        delete()
        other = product.create("prod-db", VALUE)
        result("deleted", other == (409, "secret-pending-deletion"), other)
        product.is_silent(result, ["canary-secret"])
    finally:
        product.stop()
