"""AWS Secrets Manager: a double that answers as documented, inside the tests, and moto, which this starts. Called by check.py."""

import os
import socket
import ssl
import subprocess
import threading
import urllib.request

from checks import command, configuration, double, of, policy, result, test
from product import Product
from servers import free_ports, wait


def check(sealpost, folder):
    double("aws double", ["AWS_UNIT_TESTS", "AWS_TESTS"])
    vault = "aws moto"
    plain, tls, proxy = free_ports(3)
    certificates(folder)
    servers = [moto(folder, plain, []), moto(folder, tls, ["-s", "-c", "moto.pem", "-k", "moto.key"])]
    try:
        address = f"http://127.0.0.1:{plain}"
        ready(address)
        ready(f"https://127.0.0.1:{tls}", ssl.create_default_context(cafile=os.path.join(folder, "ca.pem")))
        tests = os.environ["AWS_TESTS"]
        environment = {"MOTO_ADDRESS": address, "MOTO_TLS_ADDRESS": f"https://127.0.0.1:{tls}", "MOTO_CA_FILE": os.path.join(folder, "ca.pem"),
                       "AWS_ACCESS_KEY_ID": "AKIDKEY", "AWS_SECRET_ACCESS_KEY": "secret", "HOME": folder}
        test(vault, tests, "moto::the_suite_passes_on_moto_with_every_fault", environment)
        test(vault, tests, "moto::the_suite_passes_on_moto_with_tls_and_the_credentials_of_the_environment", environment)
        test(vault, tests, "residue::creating_leaves_nothing_of_a_value_in_freed_memory", environment)
        seen = connect(proxy, tls)
        test(vault, tests, "moto::the_proxy_of_the_environment_is_gone_through",
             {**environment, "HTTPS_PROXY": f"http://127.0.0.1:{proxy}", "MOTO_PROXIED": f"https://moto.example:{tls}"})
        result(vault, "the proxy was asked", seen and set(seen) == {f"moto.example:{tls}"}, seen)
        operator(vault, sealpost, folder, address)
        product(of("product on moto"), sealpost, folder, address)
    finally:
        for server in servers:
            server.terminate()
            server.wait(30)


def moto(folder, port, options):
    with open(os.path.join(folder, f"moto-{port}.log"), "w") as log:
        return subprocess.Popen([os.environ["MOTO"], "-H", "127.0.0.1", "-p", str(port), *options], cwd=folder, stdout=log, stderr=log)


def ready(address, context=None):
    handlers = [urllib.request.ProxyHandler({})] + ([urllib.request.HTTPSHandler(context=context)] if context else [])
    opener = urllib.request.build_opener(*handlers)
    wait("moto", lambda: opener.open(f"{address}/moto-api/data.json", timeout=5).status == 200)


def certificates(folder):
    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=folder, stderr=subprocess.DEVNULL)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=authority",
            "-addext", "basicConstraints=critical,CA:TRUE")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "moto.key", "-out", "moto.csr", "-subj", "/CN=moto")
    with open(os.path.join(folder, "extensions"), "w") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:moto.example\n")
    openssl("x509", "-req", "-in", "moto.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "extensions",
            "-out", "moto.pem")


def connect(port, target):
    """A proxy for CONNECT that leads to one port of this machine, whatever name is asked for. Returns the names, as they come."""
    seen = []
    listener = socket.create_server(("127.0.0.1", port))

    def copy(a, b):
        try:
            while data := a.recv(65536):
                b.sendall(data)
        except OSError:
            pass
        for end in (a, b):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def serve(client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                return
            head += data
        method, name, _ = head.split(b"\r\n")[0].decode().split(" ")
        if method != "CONNECT":
            return client.close()
        seen.append(name)
        server = socket.create_connection(("127.0.0.1", target))
        client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        threading.Thread(target=copy, args=(client, server), daemon=True).start()
        copy(server, client)

    def accept():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return seen


def section(folder, address, more):
    path = os.path.join(folder, "credentials")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("[default]\naws_access_key_id = AKIDKEY\naws_secret_access_key = canary-secret-key\n")
    return f'region = "eu-central-1"\nendpoint = "{address}"\ncredentials_file = "{path}"\nprefix = "team"\n{more}'


def operator(vault, sealpost, folder, address):
    """`sealpost vault test`, and the printed policies as moto's IAM reads them."""
    for access in ["create", "resolve", "delete"]:
        path = configuration(folder, section(folder, address, f'access = "{access}"\nkms_key = "alias/team"\naccount = "123456789012"\n'), "aws")
        text = policy(sealpost, path)
        done = subprocess.run([os.environ["MOTO"].replace("moto_server", "python"), "-c", f"""
import boto3, sys
iam = boto3.client("iam", endpoint_url="{address}", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
iam.create_policy(PolicyName="{access}", PolicyDocument=sys.stdin.read())
"""], input=text, text=True, capture_output=True)
        result(vault, f"IAM reads the policy, {access}", done.returncode == 0, done.stderr[-1000:])
        # What resolves is between the two.
        if access != "resolve":
            command(vault, sealpost, path, access)


def product(result, sealpost, folder, address):
    """From the request to moto and back."""
    product = Product(sealpost, folder, section(folder, address, 'access = "resolve"\n'), "aws")

    def delete():
        request = urllib.request.Request(address, b'{"SecretId": "team/prod/db", "RecoveryWindowInDays": 7}', {
            "X-Amz-Target": "secretsmanager.DeleteSecret", "Content-Type": "application/x-amz-json-1.1",
            "Authorization": "AWS4-HMAC-SHA256 Credential=A/20261130/eu-central-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0"})
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request).read()

    try:
        product.works(result, "prod/db", delete)
        product.is_silent(result, ["canary-secret-key"])
    finally:
        product.stop()
