"""The matrix of check.sh: every peer, in both directions, with every size of key and value.

python check.py SEALPOST NODE_FOLDER
"""

import base64
import hashlib
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe as joserfc_jwe
from joserfc.jwk import RSAKey
from jwcrypto import jwe as jwcrypto_jwe
from jwcrypto import jwk

import recipes

# Authlib warns that joserfc is its successor.
with warnings.catch_warnings(record=True):
    from authlib.jose import JsonWebEncryption, JsonWebKey

KEYS = Path(__file__).resolve().parent.parent / "keys"
SIZES = {"a2048": 2048, "a3072": 3072, "a4096": 4096}
OTHER = "b2048"
PROJECT = "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f"
VALUES = {
    "empty": b"{}",
    "small": b'{"password":"P@ssw0rd123"}',
    "64 KiB": b'{"v":"' + b"x" * (65536 - 8) + b'"}',
}
FORMS = ("compact", "flattened", "general")
JOSE = {
    "jose": "Node jose",
    "webcrypto": "Node WebCrypto",
    "jwcrypto": "Python jwcrypto",
    "joserfc": "Python joserfc",
    "authlib": "Python Authlib",
}
ALGORITHMS = ["RSA-OAEP-256", "A256GCM"]
# A header of its own is not refused, and it is enough that one recipient's key is there.
JOSERFC = joserfc_jwe.JWERegistry(algorithms=ALGORITHMS, strict_check_header=False, verify_all_recipients=False)
AUTHLIB = JsonWebEncryption(algorithms=ALGORITHMS)
# The most that joserfc opens: 64 KiB of base64url.
JOSERFC_LIMIT = 49_152
AUTHLIB_LIMIT = 192_000
# What JSON can be written in more than one way for.
ODD_NAME = 'Schlüssel "日本" \\ 😀 /\u00a0'
OAEP = ["-keyopt", "rsa_padding_mode:oaep", "-keyopt", "rsa_oaep_md:sha256", "-keyopt", "rsa_mgf1_md:sha256"]


class Report:
    """What was run, and what failed."""

    def __init__(self):
        self.passed = Counter()
        self.failed = []

    def check(self, row, what, good, detail=""):
        if good:
            self.passed[row] += 1
        else:
            self.failed.append(f"{row}: {what}: {detail}")

    def end(self):
        for row, count in self.passed.items():
            print(f"{row:72} {count:4} passed")
        for failure in self.failed:
            print("FAILED", failure[:600])
        print(f"{sum(self.passed.values())} passed, {len(self.failed)} failed")
        sys.exit(1 if self.failed else 0)


class Sealpost:
    """The command. An agent is called like its key."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def run(self, arguments, stdin=b""):
        return subprocess.run([self.binary, *arguments], input=stdin, capture_output=True, timeout=60)

    def seal(self, names, form, plaintext, context):
        arguments = ["seal", "--format", form]
        for name in names:
            arguments += ["--to", str(certificate(name)), "--pin", fingerprint(name)]
        return self.run(arguments + context, plaintext)

    def open(self, name, sealed, context):
        identity = ["--identity", str(KEYS / f"agent-{name}.key.pem"), "--certificate", str(certificate(name))]
        return self.run(["open", *identity, *context], sealed)


def certificate(name):
    return KEYS / f"agent-{name}.pem"


def certificate_der(name):
    lines = certificate(name).read_text().split("-----BEGIN CERTIFICATE-----")[1].split("-----END")[0]
    return base64.b64decode(lines)


def fingerprint(name):
    return hashlib.sha256(certificate_der(name)).hexdigest()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def kid(name):
    """SHA-256 of the SubjectPublicKeyInfo."""
    spki = subprocess.run(
        f"openssl x509 -in {certificate(name)} -noout -pubkey | openssl pkey -pubin -outform DER",
        shell=True, capture_output=True, check=True,
    )
    return encode(hashlib.sha256(spki.stdout).digest())


KIDS = {name: kid(name) for name in (*SIZES, OTHER)}


def flags(name):
    return ["--agent-id", name, "--name", "db-login", "--type", "PASSWORD", "--project", PROJECT]


def header(name):
    context = {"agent": name, "project": PROJECT, "name": "db-login", "type": "PASSWORD"}
    return {"alg": "RSA-OAEP-256", "enc": "A256GCM", "sealpost": context}


class Node:
    """Runs all jobs of `jose` and WebCrypto in one process."""

    def __init__(self, folder):
        self.folder = folder

    def run(self, jobs):
        done = subprocess.run(
            ["node", "peer.mjs"], cwd=self.folder, input=json.dumps(jobs).encode(), capture_output=True, timeout=120
        )
        if done.returncode != 0:
            sys.exit(f"node failed: {done.stderr.decode()}")
        return json.loads(done.stdout)


def each(one):
    """Runs all jobs of a peer in Python."""

    def run(jobs):
        results = []
        for job in jobs:
            try:
                results.append({"result": one(job)})
            except Exception as error:  # whatever it is, it is a failed case
                results.append({"error": repr(error)})
        return results

    return run


def public_key(to):
    """In PEM. joserfc and Authlib read no key out of a certificate."""
    certificate = x509.load_pem_x509_certificate(to["certificate"].encode())
    return certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def protected_header(job):
    own = {} if job["form"] == "general" else {"kid": job["to"][0]["kid"]}
    return {**job["header"], **own}


def joserfc_one(job):
    if job["op"] == "open":
        key = RSAKey.import_key(job["key"])
        if job["text"].startswith("{"):
            opened = joserfc_jwe.decrypt_json(json.loads(job["text"]), key, registry=JOSERFC)
        else:
            opened = joserfc_jwe.decrypt_compact(job["text"], key, registry=JOSERFC)
        return base64.b64encode(opened.plaintext).decode()
    plaintext, header = base64.b64decode(job["plaintext"]), protected_header(job)
    recipients = [(RSAKey.import_key(public_key(to)), to["kid"]) for to in job["to"]]
    if job["form"] == "compact":
        return joserfc_jwe.encrypt_compact(header, plaintext, recipients[0][0], registry=JOSERFC)
    if job["form"] == "flattened":
        sealing = joserfc_jwe.FlattenedJSONEncryption(header, plaintext)
        sealing.add_recipient({}, recipients[0][0])
    else:
        sealing = joserfc_jwe.GeneralJSONEncryption(header, plaintext)
        for key, name in recipients:
            sealing.add_recipient({"kid": name}, key)
    return json.dumps(joserfc_jwe.encrypt_json(sealing, None, registry=JOSERFC))


def authlib_one(job):
    if job["op"] == "open":
        key = JsonWebKey.import_key(job["key"], {"kty": "RSA"})
        opened = AUTHLIB.deserialize(job["text"], key)
        return base64.b64encode(opened["payload"]).decode()
    plaintext, header = base64.b64decode(job["plaintext"]), protected_header(job)
    keys = [public_key(to) for to in job["to"]]
    if job["form"] == "compact":
        return AUTHLIB.serialize_compact(header, plaintext, keys[0]).decode()
    own = [{"header": {"kid": to["kid"]}} for to in job["to"]]
    return json.dumps(AUTHLIB.serialize_json({"protected": header, "recipients": own}, plaintext, keys))


def jwcrypto_one(job):
    if job["op"] == "open":
        opened = jwcrypto_jwe.JWE()
        opened.deserialize(job["text"], jwk.JWK.from_pem(job["key"].encode()))
        return base64.b64encode(opened.payload).decode()
    recipients = [(jwk.JWK.from_pem(to["certificate"].encode()), to["kid"]) for to in job["to"]]
    protected = dict(job["header"])
    if job["form"] != "general":
        protected["kid"] = recipients[0][1]
    sealed = jwcrypto_jwe.JWE(base64.b64decode(job["plaintext"]), json.dumps(protected))
    for key, name in recipients:
        own = json.dumps({"kid": name}) if job["form"] == "general" else None
        sealed.add_recipient(key, header=own)
    return sealed.serialize(compact=job["form"] == "compact")


def jose_family(report, sealpost, node):
    """JWE in both directions."""
    run = {
        "jose": node.run,
        "webcrypto": node.run,
        "jwcrypto": each(jwcrypto_one),
        "joserfc": each(joserfc_one),
        "authlib": each(authlib_one),
    }
    for by in JOSE:
        cases = [
            (name, names, form, value)
            for name in SIZES
            for form, names in [("compact", [name]), ("flattened", [name]), ("general", [OTHER, name])]
            for value in VALUES
            if not (by == "authlib" and form == "flattened")  # it has the two other forms
            if not (by == "joserfc" and len(VALUES[value]) > JOSERFC_LIMIT)  # `limits` has its limit
        ]
        # Ours to theirs. Our own JSON form is flattened for one, general for several.
        sealed = []
        for name, names, form, value in cases:
            done = sealpost.seal(names, "jwe" if form == "compact" else "jwe-json", VALUES[value], flags(name))
            if done.returncode != 0:
                report.check(f"sealpost → {JOSE[by]}", (name, form, value), False, done.stderr.decode())
                sealed.append("")
                continue
            sealed.append(done.stdout.decode().strip())
        # jose and jwcrypto try all recipients; which one is whose is only for the one that does it by hand.
        jobs = [
            {"by": by, "op": "open", "text": text, "key": (KEYS / f"agent-{name}.key.pem").read_text()}
            for (name, *_), text in zip(cases, sealed)
        ]
        for case, result in zip(cases, run[by](jobs), strict=True):
            good = base64.b64decode(result.get("result", "")) == VALUES[case[3]] and "result" in result
            report.check(f"sealpost → {JOSE[by]}, JWE {case[2]}", case, good, str(result)[:300])
        # Theirs to ours.
        jobs = [
            {
                "by": by, "op": "seal", "form": form, "header": header(name),
                "to": [{"certificate": certificate(n).read_text(), "kid": KIDS[n]} for n in names],
                "plaintext": base64.b64encode(VALUES[value]).decode(),
            }
            for name, names, form, value in cases
        ]
        results = run[by](jobs)
        for case, result in zip(cases, results, strict=True):
            row = f"{JOSE[by]} → sealpost, JWE {case[2]}"
            if "result" not in result:
                report.check(row, case, False, str(result))
                continue
            opened = sealpost.open(case[0], result["result"].encode(), flags(case[0]))
            report.check(row, case, opened.stdout == VALUES[case[3]] and opened.returncode == 0, opened.stderr.decode())
        for form in {case[2] for case in cases}:
            count = sum(case[2] == form for case in cases)
            for row in (f"sealpost → {JOSE[by]}, JWE {form}", f"{JOSE[by]} → sealpost, JWE {form}"):
                report.check("as many cases as there are keys and values", row, report.passed[row] == count, count)
        odd_names(report, sealpost, run[by], by)
        # No context: refused unless the user insists, and then no byte is a message too.
        bare = [{**job, "header": {"alg": "RSA-OAEP-256", "enc": "A256GCM"}, "plaintext": ""} for job in jobs[:1]]
        [result] = run[by](bare)
        text = result.get("result", "").encode()
        row = f"{JOSE[by]} → sealpost, JWE without context and 0 bytes"
        refused = sealpost.open("a2048", text, flags("a2048"))
        report.check(row, "refused", refused.returncode == 3 and b"--danger-accept-unbound" in refused.stderr, result)
        opened = sealpost.open("a2048", text, ["--danger-accept-unbound"])
        report.check(row, "opened", opened.returncode == 0 and opened.stdout == b"", opened.stderr)
        # Another context.
        other = [*flags("a2048")[:3], "other", *flags("a2048")[4:]]
        refused = sealpost.open("a2048", results[0].get("result", "").encode(), other)
        row = f"{JOSE[by]} → sealpost, JWE for another name is refused"
        report.check(row, "refused", refused.returncode == 3 and b"another name" in refused.stderr, refused.stderr)


def odd_names(report, sealpost, run, by):
    """A name that JSON can be written in more than one way for. Some peers encode the header again to authenticate it."""
    context = ["--agent-id", "a2048", "--project", PROJECT, "--name", ODD_NAME]
    key = (KEYS / "agent-a2048.key.pem").read_text()
    forms = [("compact", "jwe", ["a2048"]), ("flattened", "jwe-json", ["a2048"]), ("general", "jwe-json", [OTHER, "a2048"])]
    for form, written, names in forms:
        if by == "authlib" and form == "flattened":
            continue
        row = f"sealpost → {JOSE[by]}, JWE with a name outside ASCII"
        done = sealpost.seal(names, written, VALUES["small"], context)
        [result] = run([{"by": by, "op": "open", "text": done.stdout.decode().strip(), "key": key}])
        good = base64.b64decode(result.get("result", "")) == VALUES["small"]
        report.check(row, form, good, f"{result} {done.stderr.decode()}")
        row = f"{JOSE[by]} → sealpost, JWE with a name outside ASCII"
        head = header("a2048")
        head["sealpost"] = {"agent": "a2048", "project": PROJECT, "name": ODD_NAME}
        [result] = run([{
            "by": by, "op": "seal", "form": form, "header": head,
            "to": [{"certificate": certificate(n).read_text(), "kid": KIDS[n]} for n in names],
            "plaintext": base64.b64encode(VALUES["small"]).decode(),
        }])
        opened = sealpost.open("a2048", result.get("result", "").encode(), context)
        report.check(row, form, opened.stdout == VALUES["small"], f"{result} {opened.stderr.decode()}")


def thumbprints(report, sealpost):
    """The name that a JOSE library gives a key by itself (RFC 7638), and the same as a URI (RFC 9278)."""
    [to] = [{"certificate": certificate("a2048").read_text()}]
    thumbprint = RSAKey.import_key(public_key(to)).thumbprint()
    for kid in (thumbprint, f"urn:ietf:params:oauth:jwk-thumbprint:sha-256:{thumbprint}"):
        job = {"op": "seal", "form": "compact", "header": header("a2048"), "to": [{**to, "kid": kid}], "plaintext": "e30="}
        opened = sealpost.open("a2048", joserfc_one(job).encode(), flags("a2048"))
        report.check("Python joserfc → sealpost, JWE that names a thumbprint", kid, opened.stdout == b"{}", opened.stderr)


def private_jwks(report, sealpost, folder):
    """A private key as JOSE libraries export it."""
    key = (KEYS / "agent-a2048.key.pem").read_text()
    sealed = sealpost.seal(["a2048"], "jwe", b"{}", flags("a2048")).stdout
    exports = {
        "joserfc": json.dumps(RSAKey.import_key(key).as_dict(private=True)),
        "Authlib": json.dumps(JsonWebKey.import_key(key, {"kty": "RSA"}).as_dict(is_private=True)),
        "jwcrypto": jwk.JWK.from_pem(key.encode()).export_private(),
    }
    for by, text in exports.items():
        path = folder / f"{by}.jwk"
        path.write_text(text)
        opened = sealpost.run(["open", "--identity", str(path), "--certificate", str(certificate("a2048")), *flags("a2048")], sealed)
        report.check("Python → sealpost, a private key as JWK", by, opened.stdout == b"{}", opened.stderr)


def limits(report, sealpost):
    """joserfc and Authlib open so much and no more, and seal more; we do both."""
    key = (KEYS / "agent-a2048.key.pem").read_text()
    to = [{"certificate": certificate("a2048").read_text(), "kid": KIDS["a2048"]}]
    for by, one, limit, said, forms in (
        ("joserfc", joserfc_one, JOSERFC_LIMIT, "ExceededSizeError", {"compact": "jwe", "flattened": "jwe-json"}),
        ("Authlib", authlib_one, AUTHLIB_LIMIT, "ciphertext is too long", {"compact": "jwe"}),
    ):
        row = f"sealpost ⇄ Python {by}, its limit of {limit:,} bytes"
        for length in (limit, limit + 1):
            value = b'"' + b"x" * (length - 2) + b'"'
            for form, written in forms.items():
                sealed = sealpost.seal(["a2048"], written, value, flags("a2048")).stdout.decode().strip()
                [result] = each(one)([{"op": "open", "text": sealed, "key": key}])
                good = "result" in result if length == limit else said in result.get("error", "")
                report.check(row, (length, form, f"opened by {by}"), good, str(result)[:300])
                job = {"op": "seal", "form": form, "header": header("a2048"), "to": to, "plaintext": base64.b64encode(value).decode()}
                [result] = each(one)([job])
                opened = sealpost.open("a2048", result.get("result", "").encode(), flags("a2048"))
                report.check(row, (length, form, f"sealed by {by}"), opened.stdout == value, str(result)[:300])


def jose_refused(report, sealpost, node):
    """What peers may write and we don't take, by what the error says."""
    to = [{"certificate": certificate("a2048").read_text(), "kid": KIDS["a2048"]}]
    base = {"op": "seal", "form": "compact", "to": to, "plaintext": "e30="}
    for name, change, said in [
        ("A128GCM", {"enc": "A128GCM"}, b"seal it with A256GCM"),
        ("A256CBC-HS512", {"enc": "A256CBC-HS512"}, b"seal it with A256GCM"),
        ("zip", {"zip": "DEF"}, b"compressed"),
        ("RSA1_5", {"alg": "RSA1_5"}, b"RSA1_5"),
        ("RSA-OAEP", {"alg": "RSA-OAEP"}, b"SHA-1"),
    ]:
        token = None
        if name.startswith("RSA"):
            key = jwk.JWK.from_pem(to[0]["certificate"].encode())
            algorithms = [change["alg"], "A256GCM"]
            sealed = jwcrypto_jwe.JWE(b"{}", json.dumps({**header("a2048"), **change}), algs=algorithms)
            sealed.add_recipient(key)
            token = sealed.serialize(compact=True)
        else:
            [result] = each(jwcrypto_one)([{**base, "header": {**header("a2048"), **change}}])
            token = result.get("result", "")
        done = sealpost.open("a2048", token.encode(), flags("a2048"))
        good = done.returncode == 1 and said in done.stderr
        report.check("Python jwcrypto → sealpost, refused with what to do", name, good, done.stderr)


def openssl(arguments, stdin, folder):
    source, target = folder / "in", folder / "out"
    source.write_bytes(stdin)
    target.unlink(missing_ok=True)
    done = subprocess.run(
        ["openssl", "cms", *arguments, "-in", str(source), "-out", str(target)], capture_output=True, timeout=60
    )
    return target.read_bytes() if done.returncode == 0 and target.exists() else None, done.stderr.decode()


def openssl_encrypt(names, options, plaintext, folder):
    arguments = ["-encrypt", "-binary", "-aes-256-gcm", *options]
    for name in names:
        arguments += ["-recip", str(certificate(name)), *OAEP]
    return openssl(arguments, plaintext, folder)


def cms(report, sealpost, folder):
    """CMS in both directions."""
    for name in SIZES:
        keys = ["-inkey", str(KEYS / f"agent-{name}.key.pem"), "-recip", str(certificate(name))]
        for value, plaintext in VALUES.items():
            wrapper = sealpost.run(["wrap", *flags(name)], plaintext).stdout
            for names in ([name], [OTHER, name]):
                several = ", 2 recipients" if len(names) > 1 else ""
                for form, inform in [("cms", "DER"), ("cms-pem", "PEM")]:
                    row = f"sealpost → openssl cms, {inform}{several}"
                    done = sealpost.seal(names, form, plaintext, flags(name))
                    opened, said = openssl(["-decrypt", "-binary", "-inform", inform, *keys], done.stdout, folder)
                    report.check(row, (name, value), opened == wrapper and bool(wrapper), said + done.stderr.decode())
                for outform in ("DER", "PEM"):
                    for keyid in ([], ["-keyid"]):
                        by = "subject key id" if keyid else "issuer and serial"
                        row = f"openssl cms → sealpost, {outform}, by {by}{several}"
                        sealed, said = openssl_encrypt(names, ["-outform", outform, *keyid], wrapper, folder)
                        done = sealpost.open(name, sealed or b"", flags(name))
                        report.check(row, (name, value), done.stdout == plaintext and done.returncode == 0,
                                     said + done.stderr.decode())
        # Bare: no byte at all.
        row = "openssl cms → sealpost, without context and 0 bytes"
        sealed, _ = openssl_encrypt([name], ["-outform", "DER"], b"", folder)
        refused = sealpost.open(name, sealed or b"", flags(name))
        report.check(row, "refused", refused.returncode == 3 and b"wrap" in refused.stderr, refused.stderr)
        opened = sealpost.open(name, sealed or b"", ["--danger-accept-unbound"])
        report.check(row, "opened", opened.returncode == 0 and opened.stdout == b"", opened.stderr)
        row = "sealpost → openssl cms, without context and 0 bytes"
        done = sealpost.seal([name], "cms", b"", ["--danger-unbound"])
        opened, said = openssl(["-decrypt", "-binary", "-inform", "DER", *keys], done.stdout, folder)
        report.check(row, name, opened == b"", said)


def cms_refused(report, sealpost, folder):
    """What openssl does when an option is missing, by what the error says."""
    recipient = ["-recip", str(certificate("a2048"))]
    der = ["-outform", "DER"]
    for what, arguments, said in [
        ("PKCS#1 v1.5", ["-aes-256-gcm", *der, *recipient], b"rsa_padding_mode:oaep"),
        ("OAEP with SHA-1", ["-aes-256-gcm", *der, *recipient, *OAEP[:2]], b"rsa_oaep_md:sha256"),
        ("MGF1 with SHA-1", ["-aes-256-gcm", *der, *recipient, *OAEP[:4], "-keyopt", "rsa_mgf1_md:sha1"],
         b"rsa_mgf1_md:sha256"),
        ("a label", ["-aes-256-gcm", *der, *recipient, *OAEP, "-keyopt", "rsa_oaep_label:6c"], b"rsa_oaep_label"),
        ("-stream", ["-aes-256-gcm", "-stream", *der, *recipient, *OAEP], b"-stream"),
        ("AES-256-CBC", ["-aes-256-cbc", *der, *recipient, *OAEP], b"-aes-256-gcm"),
        ("AES-128-GCM", ["-aes-128-gcm", *der, *recipient, *OAEP], b"-aes-256-gcm"),
        ("S/MIME", ["-aes-256-gcm", *recipient, *OAEP], b"-outform"),
    ]:
        sealed, error = openssl(["-encrypt", "-binary", *arguments], b"{}", folder)
        done = sealpost.open("a2048", sealed or b"", flags("a2048"))
        good = sealed is not None and done.returncode == 1 and said in done.stderr
        report.check("openssl cms → sealpost, refused with what to add", what, good, error + done.stderr.decode())


def main():
    binary, node_folder = sys.argv[1:]
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        sealpost = Sealpost(str(Path(binary).resolve()), folder)
        node = Node(node_folder)
        jose_family(report, sealpost, node)
        jose_refused(report, sealpost, node)
        thumbprints(report, sealpost)
        limits(report, sealpost)
        private_jwks(report, sealpost, folder)
        cms(report, sealpost, folder)
        cms_refused(report, sealpost, folder)
        recipes.run(report, sealpost.binary, node_folder, folder)
    versions = [
        subprocess.run(command, capture_output=True, text=True).stdout.strip().split("\n")[0]
        for command in (["openssl", "version"], ["node", "--version"], [sealpost.binary, "--version"])
    ]
    print("keys of", ", ".join(map(str, SIZES.values())), "bits; values:", ", ".join(VALUES), "·", " · ".join(versions))
    report.end()


main()
