"""Tokens of a real issuer, and what happens when its keys change or it is away."""

import time

from harness import Gateway, Issuer, forged


def check(checks, folder):
    issuer = Issuer(folder)
    gateway = Gateway(folder, issuer)

    def status(token, name):
        return gateway.create(token, name)[0]

    try:
        token = issuer.token()
        checks.that(status(token, "good") == 201, "a token of the issuer is good")
        for what, bad in {
            "another audience": issuer.token(audience="somebody-else"),
            "no audience": issuer.token(audience=""),
            "another scope": issuer.token(scope="secrets:read"),
            "other claims under the same signature": forged(token, sub="root"),
            "no signature": token.rsplit(".", 1)[0] + ".",
            "no token": "",
        }.items():
            seen = gateway.create(bad, "bad")
            checks.that(seen[0] == 403 and seen[1]["type"] == "urn:sealpost:problem:forbidden", f"403 for {what}", seen)

        # A new process has a new key, and no other.
        issuer.stop()
        checks.that(status(token, "issuer-away") == 201, "the known keys serve while the issuer is away")
        issuer.start()
        rotated = issuer.token()
        time.sleep(1.1)  # jwks_min_interval
        checks.that(status(rotated, "rotated") == 201, "a token of a new key is good at once")
        checks.that(status(token, "old-key") == 403, "a token of the key that is gone is not good any more")

        denied = [event.get("denied") for event in gateway.audited() if event["status"] == 403]
        checks.that(len(denied) == 7 and all(denied) and len(set(denied)) >= 4, "the audit trail says why", denied)
        stored = [event for event in gateway.audited() if event["status"] == 201]
        checks.that(
            [event["name"] for event in stored] == ["good", "issuer-away", "rotated"]
            and all(event["issuer"] == issuer.name for event in stored),
            "the audit trail says who stored what",
            stored,
        )
        log = gateway.log.read_text() + (gateway.folder / "audit.jsonl").read_text()
        checks.that("P@ss" not in log and token[-40:] not in log, "neither a value nor a token is in log or trail")
    finally:
        checks.that(gateway.stop() == 0, "the gateway ends in order")
        issuer.stop()
