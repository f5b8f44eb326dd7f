"""Attacks on whom a secret is sealed to: another certificate in place of the agent's."""

import subprocess

from tools import REFUSED_INPUT

VALUE = b'{"password":"P@ssw0rd123"}'


def run(attacks):
    authority = Authority(attacks.folder)
    good = authority.issue("good", "berlin-1")
    chain = ["--ca", authority.certificate]

    def seal(certificate, trust, *more):
        return attacks.run(["seal", "--to", certificate, *trust, "--agent-id", "berlin-1", "--name", "prod/db", *more], VALUE)

    own, other = attacks.path("berlin-1", "agent.pem"), attacks.path("paris-1", "agent.pem")
    pin = ["--pin", attacks.pin("berlin-1")]
    for what, certificate, trust in [("a pinned certificate", own, pin), ("a certificate of the authority", good, chain)]:
        done = seal(certificate, trust)
        attacks.control(f"{what} is sealed to", done.returncode == 0, done.stderr)

    stranger = Authority(attacks.folder, "stranger")
    for what, certificate, trust in [
        ("put another agent's certificate in place of the pinned one", other, pin),
        ("put a certificate that nobody issued in place of an authority's", own, chain),
        ("put another agent's certificate of the same authority in place", authority.issue("paris", "paris-1"), chain),
        ("put a certificate without an agent in place", authority.issue("web", None), chain),
        ("put a certificate of another authority in place", stranger.issue("good-too", "berlin-1"), chain),
        ("put a certificate in place that may only sign", authority.issue("signs", "berlin-1", usage="digitalSignature"), chain),
        ("put a certificate with a 1024-bit key in place", authority.issue("short", "berlin-1", key="rsa:1024"), chain),
        ("put a certificate with a key that is not RSA in place",
         authority.issue("curve", "berlin-1", key="ec", options=["-pkeyopt", "ec_paramgen_curve:prime256v1"]), chain),
        ("put a certificate that has expired in place", authority.issue("old", "berlin-1", days=1), [*chain, "--now", "2036-01-01T00:00:00Z"]),
        ("have an agent's certificate issue another one", authority.issue_by("good", "below", "berlin-1"), chain),
    ]:
        attacks.refused(what, seal(certificate, trust), [REFUSED_INPUT])
    attacks.refused("seal to a certificate that is neither pinned nor issued",
                    attacks.run(["seal", "--to", own, "--agent-id", "berlin-1", "--name", "n"], VALUE), [2])


class Authority:
    """An authority of openssl."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = folder, name
        self.certificate = folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / f"{name}.key", "-out", self.certificate,
                "-subj", f"/CN={name}", "-days", "30", "-addext", "keyUsage=critical,keyCertSign")

    def issue(self, name, agent, **more):
        return self.issue_by(self.name, name, agent, **more)

    def issue_by(self, issuer, name, agent, usage="keyEncipherment", key="rsa:2048", days=20, options=()):
        """A certificate whose file holds its issuer too, where that is not the authority itself."""
        path = lambda end: self.folder / f"{name}.{end}"
        openssl("req", "-newkey", key, *options, "-nodes", "-keyout", path("key"), "-out", path("csr"), "-subj", f"/CN={name}")
        extensions = [f"keyUsage=critical,{usage}"] + ([f"subjectAltName=URI:urn:sealpost:agent:{agent}"] if agent else [])
        path("ext").write_text("\n".join(extensions))
        openssl("x509", "-req", "-in", path("csr"), "-CA", self.folder / f"{issuer}.pem", "-CAkey", self.folder / f"{issuer}.key",
                "-out", path("pem"), "-days", str(days), "-extfile", path("ext"))
        if issuer != self.name:
            path("pem").write_text(path("pem").read_text() + (self.folder / f"{issuer}.pem").read_text())
        return path("pem")


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
