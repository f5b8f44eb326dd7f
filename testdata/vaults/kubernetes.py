"""A double of a Kubernetes API server that knows one service account: it answers reviews of tokens, which OpenBao asks for."""

import base64
import http.server
import json
import threading
import time


def jwt():
    """A token of the service account `agent`, whose signature only the double looks at."""
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    account = {"namespace": "default", "serviceaccount": {"name": "agent", "uid": "u-1"}}
    claims = {"iss": "kubernetes/serviceaccount", "sub": "system:serviceaccount:default:agent", "exp": int(time.time()) + 3600, "nbf": int(time.time()) - 60,
              "kubernetes.io": account, "aud": ["https://kubernetes.default.svc"]}
    return ".".join([part({"alg": "RS256", "typ": "JWT"}), part(claims), "c2lnbmF0dXJl"])


def start(token):
    """Returns the address."""

    class Reviews(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            known = review["spec"]["token"] == token
            user = {"username": "system:serviceaccount:default:agent", "uid": "u-1",
                    "groups": ["system:serviceaccounts", "system:serviceaccounts:default", "system:authenticated"]}
            status = {"authenticated": True, "user": user, "audiences": review["spec"].get("audiences", [])} if known else {
                "authenticated": False, "error": "unknown"}
            body = json.dumps({**review, "status": status}).encode()
            self.send_response(201)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Reviews)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"
