"""The given description: Schemathesis calls the endpoint as it allows and as it does not, in all its phases."""

import json
import os
import pathlib
import re
import subprocess

from harness import AGENT, Gateway, Issuer, get

HERE = pathlib.Path(__file__).parent
EXAMPLES = 200
OUR_AGENT = f'[parameters]\n"path.agentId" = "{AGENT}"\n'


def check(checks, folder):
    issuer = Issuer(folder)
    gateway = Gateway(folder, issuer)
    given = os.environ["SEALPOST_OPENAPI"]
    try:
        # Of any agent, most of which there are not, and of the one that there is.
        run = lambda what, *others: schemathesis(checks, folder, gateway, issuer, what, *others)
        run("any agent", given)
        run("our agent", given, OUR_AGENT)
        run("our agent and bodies that say what the texts say", narrowed(folder, given), OUR_AGENT, "--mode", "positive")
        counts = statuses(gateway)
        checks.that(counts.get(201, 0) >= 20, "secrets were stored meanwhile", counts)
        checks.that(counts.get(400, 0) >= 100, "requests were refused meanwhile", counts)
        checks.that(not any(status >= 500 for status in counts), "nothing failed at the gateway", counts)
        checks.that(set(counts) <= {201, 400, 403, 404, 405, 409}, "no other status", counts)
        descriptions(checks, gateway)
    finally:
        checks.that(gateway.stop() == 0, "the gateway ends in order")
        issuer.stop()


def narrowed(folder, given):
    """The given description with what its texts say and its schemas do not: most bodies are then taken."""
    text = pathlib.Path(given).read_text()
    for schema, rule in {
        "    JsonNode: {}\n": "    JsonNode: {type: object}\n",
        "          example: my-secret\n": "          example: my-secret\n          pattern: ^[a-z/ A-Z0-9.-]{8,40}$\n",
        "          example: PASSWORD\n": "          example: PASSWORD\n          pattern: ^[A-Z]{1,9}$\n",
        "        key:\n          type: string\n": "        unknown:\n          type: string\n",
    }.items():
        if text.count(schema) != 1:
            raise ValueError(f"the given description has not exactly one {schema!r}")
        text = text.replace(schema, rule)
    path = folder / "narrowed.yaml"
    path.write_text(text)
    return path


def schemathesis(checks, folder, gateway, issuer, what, description, more="", *options):
    config = folder / "schemathesis.toml"
    config.write_text(more + (HERE / "schemathesis.toml").read_text())
    command = [
        "schemathesis", "--config-file", config, "run", description, "--url", gateway.url,
        "--header", f"Authorization: Bearer {issuer.token()}", "--max-examples", str(EXAMPLES), "--seed", "1",
        "--phases", "examples,coverage,fuzzing,stateful", "--no-color", *options,
    ]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    tail = "\n".join((run.stdout + run.stderr).splitlines()[-60:])
    checks.that(run.returncode == 0, f"Schemathesis finds nothing: {what}", tail)
    cases = re.search(r"(\d+) generated, (\d+) passed", run.stdout)
    generated, passed = map(int, cases.groups()) if cases else (0, 0)
    checks.that(generated >= EXAMPLES and passed >= EXAMPLES, f"{generated} requests, {passed} of them passed: {what}", tail)


def statuses(gateway):
    counts = {}
    for event in gateway.audited():
        counts[event["status"]] = counts.get(event["status"], 0) + 1
    return counts


def descriptions(checks, gateway):
    """What the gateway serves of itself."""
    status, text = get(f"{gateway.url}/openapi.yaml")
    checks.that(status == 200 and "encryptAndStoreSecret" in text, "the description is served as YAML", status)
    status, text = get(f"{gateway.url}/openapi.json")
    document = json.loads(text)
    operation = document["paths"]["/v1/secrets/{agentId}/secret-value"]["post"]["operationId"]
    checks.that(status == 200 and operation == "encryptAndStoreSecret", "the description is served as JSON", status)
    for path in ("/healthz", "/readyz"):
        status, text = get(f"http://127.0.0.1:{gateway.operations}{path}")
        checks.that(status == 200, f"{path} is well", (status, text))
    status, text = get(f"http://127.0.0.1:{gateway.operations}/metrics")
    checks.that(status == 200 and 'sealpost_requests_total{' in text, "metrics are served", status)
