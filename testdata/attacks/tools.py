"""What every group of attacks uses: the command, two agents' keys, and the count."""

import subprocess

# Exit codes of the command.
FINE, REFUSED_INPUT, USAGE, DOES_NOT_OPEN = 0, 1, 2, 3


class Attacks:
    """Runs the command, and judges what came of an attack."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder
        self.passed = self.failed = 0
        for agent, identity in (("berlin-1", "berlin-1"), ("berlin-1", "berlin-1-next"), ("paris-1", "paris-1")):
            self.must(["keygen", "--agent-id", agent, "--out", folder / identity])

    def path(self, identity, file):
        return self.folder / identity / file

    def pin(self, identity):
        """The certificate's SHA-256, as the operator publishes it."""
        return self.fingerprint(self.path(identity, "agent.pem"))

    @staticmethod
    def fingerprint(pem):
        shown = subprocess.run(
            ["openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256"],
            check=True, capture_output=True, text=True,
        )
        return shown.stdout.strip().split("=")[1].replace(":", "").lower()

    def run(self, arguments, data=b""):
        return subprocess.run([self.binary, *map(str, arguments)], input=data, capture_output=True, timeout=120)

    def must(self, arguments, data=b""):
        """Runs what has to succeed; returns its output."""
        done = self.run(arguments, data)
        if done.returncode != FINE:
            raise SystemExit(f"a control failed: {arguments}: {done.stderr.decode()}")
        return done.stdout

    def seal(self, agent, data, *more):
        to = ["--to", self.path(agent, "agent.pem"), "--pin", self.pin(agent), "--agent-id", agent]
        return self.must(["seal", *to, *more], data)

    def open(self, agent, data, *more, agent_id=None):
        identity = ["--identity", self.path(agent, "identity.pem"), "--agent-id", agent_id or agent]
        return self.run(["open", *identity, *more], data)

    def refused(self, what, done, codes, text=""):
        """The attack is refused iff the command ends with one of these codes, says this, and prints nothing else."""
        said = done.stderr.decode(errors="replace")
        self.judge(what, done.returncode in codes and not done.stdout and text in said,
                   f"exit {done.returncode}, stdout {done.stdout[:80]!r}, stderr {said[:300]!r}")

    def judge(self, what, good, seen):
        if good:
            self.passed += 1
            print(f"{what} ... REFUSED", flush=True)
        else:
            self.failed += 1
            print(f"{what} ... NOT AS EXPECTED: {seen}", flush=True)

    def control(self, what, good, seen=""):
        """What has to work, so that the refusals mean something."""
        if not good:
            raise SystemExit(f"control failed: {what}: {seen}")

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 0 if self.passed and not self.failed else 1
