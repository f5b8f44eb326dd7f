"""Runs the tests of vaults against servers that it starts. Called by check.sh: check.py BAO SEALPOST TESTS [CHECK...]"""

import json
import os
import subprocess
import sys
import tempfile

import aws
import azure
import file
import google
import kubernetes
import product
from checks import command, configuration, end, newcomer, of, policy, result, test
from servers import Api, Cluster, Dev, app_role


def development(bao, tests, folder):
    """A development server, with every fault, and what a person reads."""
    vault = "openbao dev"
    server = Dev(bao, folder)
    try:
        everything = 'path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }\n' \
                     'path "auth/token/*" { capabilities = ["read", "update"] }\n'
        role_id, secret_id = app_role(server.api, "kit", everything, folder)
        wrong = os.path.join(folder, "wrong.secret-id")
        with open(wrong, "w") as file:
            file.write("wrong")
        environment = {"BAO_ADDRESS": server.address, "BAO_ROOT": "root", "BAO_ROLE_ID": role_id, "BAO_SECRET_ID_FILE": secret_id,
                       "BAO_WRONG_SECRET_ID_FILE": wrong}
        test(vault, tests, "openbao::the_suite_passes_on_openbao_with_every_fault", environment)
        test(vault, tests, "openbao::every_number_of_members_is_kept_byte_for_byte", environment)
        test(vault, tests, "openbao::a_person_reads_and_edits_what_is_stored",
             {**environment, "BAO_COMMAND": bao, "VAULT_ADDR": server.address, "BAO_ADDR": server.address, "BAO_TOKEN": "root",
              "HOME": folder})
    finally:
        server.stop()


def raft(bao, sealpost, tests, folder):
    """Raft, TLS and AppRole, with exactly the policies that the command prints."""
    vault = "openbao raft"
    cluster = Cluster(bao, folder)
    try:
        api = cluster.apis[0]
        api.do("POST", "sys/mounts/team", {"type": "kv", "options": {"version": "2"}})
        environment = {"RAFT_ADDRESS": cluster.addresses[0], "RAFT_CA_FILE": cluster.ca, "RAFT_MOUNT": "team", "RAFT_PREFIX": "kit"}

        def section(access, role_id="ROLE", secret_id=None):
            return f"""\
address = "{cluster.addresses[0]}"
ca_file = "{cluster.ca}"
mount = "team"
prefix = "kit"
access = "{access}"
auth = "approle"
role_id = "{role_id}"
secret_id_file = "{secret_id or f"{folder}/{access}.secret-id"}"
"""

        for access in ["create", "resolve", "delete"]:
            path = configuration(folder, section(access))
            text = policy(sealpost, path)
            role_id, secret_id = app_role(api, access, text, folder)
            environment[f"RAFT_{access.upper()}_ROLE_ID"] = role_id
            environment[f"RAFT_{access.upper()}_SECRET_ID_FILE"] = secret_id
            least(vault, cluster, access, role_id, secret_id)
            configuration(folder, section(access, role_id))
            command(vault, sealpost, path, access)
            if access == "resolve":
                there = section(access, role_id)
                product.check(of("product on raft"), sealpost, cluster, folder, there)
        too_small(vault, sealpost, api, folder, section)
        test(vault, tests, "openbao::the_suite_passes_on_raft_with_tls_and_the_printed_policies", environment)
        test(vault, tests, "residue::creating_leaves_nothing_of_a_value_in_freed_memory", environment)
        methods(vault, cluster, tests, folder, environment)
    finally:
        cluster.stop()


def methods(vault, cluster, tests, folder, environment):
    """Every method of authentication, tokens that end, and what is missing."""
    api = cluster.apis[0]
    environment = {**environment, "ROOT": cluster.root, "ROLE_ID": environment["RAFT_CREATE_ROLE_ID"],
                   "SECRET_ID_FILE": environment["RAFT_CREATE_SECRET_ID_FILE"]}
    short = api.do("GET", "sys/policies/acl/create")["data"]["policy"]
    environment["SHORT_ROLE_ID"], environment["SHORT_SECRET_ID_FILE"] = app_role(api, "short", short, folder, "3s", "8s")
    token = api.do("POST", "auth/token/create", {"policies": ["create"], "ttl": "1h"})["auth"]["client_token"]
    environment["TOKEN_FILE"] = write(folder, "token", token + "\n")
    client = cluster.certificate("client", "extendedKeyUsage=clientAuth\n")
    environment["CERTIFICATE_FILE"] = client
    api.do("POST", "sys/auth/cert", {"type": "cert"})
    with open(cluster.ca) as ca:
        api.do("POST", "auth/cert/certs/writers", {"certificate": ca.read(), "token_policies": ["create"]})
    jwt = kubernetes.jwt()
    environment["JWT_FILE"] = write(folder, "jwt", jwt)
    api.do("POST", "sys/auth/kubernetes", {"type": "kubernetes"})
    api.do("POST", "auth/kubernetes/config", {"kubernetes_host": kubernetes.start(jwt), "token_reviewer_jwt": jwt,
                                              "kubernetes_ca_cert": open(cluster.ca).read(), "disable_local_ca_jwt": True})
    api.do("POST", "auth/kubernetes/role/writers", {"bound_service_account_names": ["agent"],
                                                    "bound_service_account_namespaces": ["default"], "token_policies": ["create"]})
    api.do("POST", "sys/namespaces/tenant", {})
    tenant = Api(cluster.addresses[0], cluster.root, cluster.ca, "tenant")
    tenant.do("POST", "sys/mounts/team", {"type": "kv", "options": {"version": "2"}})
    for name in ["every_method_logs_in", "a_proxy_is_gone_through", "tokens_are_renewed_and_got_again_after_their_longest_life", "what_is_missing_is_named"]:
        test(vault, tests, f"methods::{name}", environment)


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    return path


# What each access is for. Everything else is tried and must be refused.
PERMITTED = {
    "create": {("POST", "data", "new"), ("GET", "subkeys", "old")},
    "resolve": {("POST", "data", "new"), ("GET", "subkeys", "old"), ("GET", "data", "old")},
    "delete": {("POST", "data", "new"), ("GET", "subkeys", "old"), ("GET", "data", "old"), ("DELETE", "metadata", "old")},
}


def least(vault, cluster, access, role_id, secret_id):
    """Tries every call of the engine, and others, with a token of this access."""
    root = cluster.apis[0]
    with open(secret_id) as file:
        login = {"role_id": role_id, "secret_id": file.read()}
    token = root.do("POST", "auth/approle/login", login)["auth"]["client_token"]
    body = {"data": {"a": "b"}, "options": {}}
    for prefix, permitted in [("kit/", PERMITTED[access]), ("", set()), ("other/", set())]:
        for method, part in [(method, part) for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "LIST"]
                             for part in ["data", "subkeys", "metadata", "delete", "undelete", "destroy"]]:
            for state in ["old", "new"]:
                name = f"{prefix}{access}-{state}"
                root.ask("DELETE", f"team/metadata/{name}")
                if state == "old":
                    root.do("POST", f"team/data/{name}", body)
                status, _ = root.ask(method, f"team/{part}/{name}", body if method in ("POST", "PUT", "PATCH") else None, token=token)
                # PUT is POST; what is read that is not there is not found.
                known = (method.replace("PUT", "POST"), part)
                may = known + (state,) in permitted or (known[0] in ("GET", "DELETE") and known + ("old",) in permitted)
                is_right = status in (200, 204, 404) if may else status in (403, 405, 404) and (status != 404 or method == "LIST")
                result(vault, f"{access}: {method} {part} {name}", is_right, f"{status}")
                root.ask("DELETE", f"team/metadata/{name}")
    for method, path in [("GET", "sys/mounts"), ("GET", "sys/policies/acl/create"), ("PUT", "sys/policies/acl/create"),
                         ("GET", "team/config"), ("POST", "team/config"), ("POST", "auth/token/create"),
                         ("GET", "cubbyhole/a"), ("LIST", "auth/approle/role"), ("GET", "team/detailed-metadata/kit")]:
        status, _ = root.ask(method, path, {} if method in ("POST", "PUT") else None, token=token)
        result(vault, f"{access}: {method} {path}", status == 403, f"{status}")


def too_small(vault, sealpost, api, folder, section):
    """`sealpost vault test` with policies that lack something: each permission that is missing is named, in one run."""
    data, subkeys, metadata = "team/data/kit/*", "team/subkeys/kit/*", "team/metadata/kit/*"
    own = {"auth/token/lookup-self": ["read"], "auth/token/renew-self": ["update"]}
    everything = {data: ["create", "read"], subkeys: ["read"], metadata: ["delete"], **own}
    for access, needs in [("create", [(data, "create"), (subkeys, "read"), *((path, own[path][0]) for path in own)]),
                          ("delete", [(path, capability) for path in everything for capability in everything[path]])]:
        for lacking in [[need] for need in needs] + [needs]:
            granted = {path: [one for one in capabilities if (path, one) not in lacking] for path, capabilities in everything.items()}
            # A token without any policy could not even be told from one that has ended.
            policy = "".join(f'path "{path}" {{ capabilities = {json.dumps(some or ["deny"])} }}\n' for path, some in granted.items())
            role_id, secret_id = app_role(api, "small", policy, folder)
            path = configuration(folder, section(access, role_id, secret_id))
            done = subprocess.run([sealpost, "vault", "test", "--config", path, "--yes"], text=True, capture_output=True,
                                  stdin=subprocess.DEVNULL)
            named = "\n".join(line for line in done.stdout.splitlines() if line.startswith("missing permission: "))
            is_right = done.returncode == 1 and all(f'"{capability}" on {path}' in named for path, capability in lacking)
            result(vault, f"{access} without {lacking}", is_right, f"exit {done.returncode}: {named}\n{done.stdout[-1500:]}{done.stderr}")


def main(bao, sealpost, tests, *only):
    checks = {
        "file": lambda folder: file.check(sealpost, folder),
        "aws": lambda folder: aws.check(sealpost, folder),
        "azure": lambda folder: azure.check(sealpost, folder),
        "google": lambda folder: google.check(sealpost, folder),
        "dev": lambda folder: development(bao, tests, folder),
        "raft": lambda folder: raft(bao, sealpost, tests, folder),
    }
    with tempfile.TemporaryDirectory() as folder:
        for name in only or checks:
            place = os.path.join(folder, name)
            os.mkdir(place)
            newcomer(sealpost, place)
            checks[name](place)
    sys.exit(not end())


main(*sys.argv[1:])
