"""What the checks of all vaults share: counts, tests, configurations, and the command as an operator uses it."""

import hashlib
import os
import re
import ssl
import subprocess
import time

_passed, _failures, _seconds = {}, {}, {}
_last = time.monotonic()


def result(vault, what, is_right, why=""):
    """Counts one check."""
    global _last
    _seconds[vault] = _seconds.get(vault, 0) + time.monotonic() - _last
    _last = time.monotonic()
    if is_right:
        _passed[vault] = _passed.get(vault, 0) + 1
    else:
        _failures[vault] = _failures.get(vault, 0) + 1
        print(f"FAILED {vault}: {what}: {why}", flush=True)


def of(vault):
    """Returns what counts checks of this vault."""
    return lambda *what: result(vault, *what)


def end():
    """Prints the counts. Returns whether nothing failed."""
    print("seconds: " + ", ".join(f"{vault} {seconds:.0f}" for vault, seconds in sorted(_seconds.items())))
    for vault in sorted(_passed | _failures):
        print(f"{vault}: {_passed.get(vault, 0)} passed, {_failures.get(vault, 0)} failed")
    total = sum(_failures.values())
    print(f"VAULT: {sum(_passed.values())} passed, {total} failed")
    return total == 0


def test(vault, tests, name, environment, choice=("--ignored",)):
    """Runs one test, and counts it and the cases that it prints."""
    done = subprocess.run([tests, "--exact", *choice, "--nocapture", name], env={**os.environ, "RUST_BACKTRACE": "0", **environment}, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for case in re.findall(r"^(?:\S.*\.\.\. )?passed   (\S+)$", done.stdout, re.M):
        result(vault, case, True)
    for case in re.findall(r"^(?:\S.*\.\.\. )?FAILED   (.+)$", done.stdout, re.M):
        result(vault, name, False, case)
    result(vault, name, done.returncode == 0 and " 1 passed" in done.stdout, done.stdout[-3000:])


def double(vault, variables):
    """Runs all tests in the executables that these variables name, and counts them: doubles of services are inside."""
    for tests in [os.environ[variable] for variable in variables]:
        done = subprocess.run([tests, "--show-output"], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for case in re.findall(r"^(?:passed   (\S+)|test (\S+) \.\.\. ok)$", done.stdout, re.M):
            result(vault, "".join(case), True)
        is_right = done.returncode == 0 and re.search(r"^test result: ok\. [1-9]", done.stdout, re.M)
        result(vault, os.path.basename(tests), is_right, done.stdout[-3000:])


def configuration(folder, vault, kind="kv2"):
    """Writes a whole configuration with this section of a vault."""
    path = os.path.join(folder, "gateway.toml")
    with open(path, "w") as file:
        file.write(f"""\
listen = "127.0.0.1:0"
[auth]
issuer = "https://login.example"
audience = "sealpost"
jwks_url = "https://login.example/jwks"
[[agents]]
id = "agent-1"
identity = "agent-1/identity.pem"
certificate = "agent-1/agent.pem"
pin = "{pin(folder)}"
[agents.vault]
kind = "{kind}"
{vault}
""")
    return path


def newcomer(sealpost, folder):
    """What a configuration needs besides a vault."""
    subprocess.run([sealpost, "keygen", "--agent-id", "agent-1", "--out", "agent-1"], check=True, cwd=folder, stdout=subprocess.DEVNULL)


def pin(folder):
    with open(os.path.join(folder, "agent-1", "agent.pem")) as file:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(file.read())).hexdigest()


def policy(sealpost, path):
    done = subprocess.run([sealpost, "vault", "policy", "--config", path], text=True, capture_output=True)
    if done.returncode:
        raise SystemExit(f"sealpost vault policy: {done.stdout}{done.stderr}")
    return done.stdout


def asked(vault, sealpost, path):
    """`sealpost vault test` without `--yes` and a terminal. Returns what it says before it would ask."""
    refused = subprocess.run([sealpost, "vault", "test", "--config", path], text=True, capture_output=True, stdin=subprocess.DEVNULL)
    result(vault, "vault test asks", refused.returncode == 2 and "--yes" in refused.stderr, refused.stdout + refused.stderr)
    return refused.stdout


def command(vault, sealpost, path, access):
    """`sealpost vault test` with the agent's own credentials."""
    plan = asked(vault, sealpost, path)
    stays = "Each secret is deleted again" if access == "delete" else "They stay"
    result(vault, f"vault test says what stays, {access}", stays in plan and "up to 250 secrets" in plan, plan)
    done = subprocess.run([sealpost, "vault", "test", "--config", path, "--yes"], text=True, capture_output=True,
                          stdin=subprocess.DEVNULL)
    output = done.stdout + done.stderr
    left = "nothing is left" in output if access == "delete" else "They stay" in output
    result(vault, f"vault test, {access}", done.returncode == 0 and left and " 0 failed" in output, output[-2000:])
