"""The given description: Schemathesis calls the endpoint as it allows and as it does not, in all its phases."""

import json
import os
import pathlib
import subprocess
import tomllib

from harness import AGENT, Gateway, Issuer, get

HERE = pathlib.Path(__file__).parent
EXAMPLES = 200


def check(checks, folder):
    issuer = Issuer(folder)
    gateway = Gateway(folder, issuer)
    try:
        # Of any agent, most of which there are not, and of the one that there is.
        schemathesis(checks, folder, gateway, issuer, "any agent", "")
        parameters = f'[parameters]\n"path.agentId" = "{AGENT}"\n'
        schemathesis(checks, folder, gateway, issuer, "our agent", parameters)
        counts = statuses(gateway)
        checks.that(counts.get(201, 0) >= 20, "secrets were stored meanwhile", counts)
        checks.that(counts.get(400, 0) >= 100, "requests were refused meanwhile", counts)
        checks.that(not any(status >= 500 for status in counts), "nothing failed at the gateway", counts)
        checks.that(set(counts) <= {201, 400, 403, 404, 405, 409}, "no other status", counts)
        descriptions(checks, gateway)
    finally:
        checks.that(gateway.stop() == 0, "the gateway ends in order")
        issuer.stop()


def schemathesis(checks, folder, gateway, issuer, what, more):
    config = folder / "schemathesis.toml"
    config.write_text(more + (HERE / "schemathesis.toml").read_text())
    tomllib.loads(config.read_text())
    report = folder / "report.json"
    command = [
        "schemathesis", "--config-file", config, "run", os.environ["SEALPOST_OPENAPI"], "--url", gateway.url,
        "--header", f"Authorization: Bearer {issuer.token()}", "--max-examples", str(EXAMPLES), "--seed", "1",
        "--phases", "examples,coverage,fuzzing,stateful", "--no-color", "--report", "json", "--report-json-path", report,
    ]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    tail = "\n".join((run.stdout + run.stderr).splitlines()[-60:])
    checks.that(run.returncode == 0, f"Schemathesis finds nothing, {what}", tail)
    print("\n".join(line for line in run.stdout.splitlines() if "generated" in line or "passed" in line))
    cases = number_of_cases(report)
    checks.that(cases >= EXAMPLES, f"it made {cases} requests, {what}", tail)


def number_of_cases(report):
    return json.loads(report.read_text()).get("total", 0) if report.exists() else 0


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
