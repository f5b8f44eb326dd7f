"""Both directions against the Rust command: called by check.sh with the command's path. Prints each failing case and the count."""

import base64, json, os, subprocess, sys, tempfile
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import channels
import sealpost
import vectors
from sealpost import Context

HERE = Path(__file__).resolve().parent
KEYS, VECTORS, RUST = HERE.parent / "keys", HERE.parent / "vectors", sys.argv[1]
PROJECT = "8f14e45f-ceea-467f-a6d0-1d9b4b6e102c"
TRUST_ANY = "--danger-trust-any-certificate"
passed, failed = 0, []


def case(name: str, ok: bool, detail: object = "") -> None:
    global passed
    passed += bool(ok)
    if not ok:
        failed.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def run(command: list, stdin: bytes) -> tuple[int, bytes, bytes]:
    done = subprocess.run([str(c) for c in command], input=stdin, capture_output=True)
    return done.returncode, done.stdout, done.stderr


def options(context: Context) -> list[str]:
    pairs = [("--agent-id", context.agent), ("--name", context.name), ("--key", context.key), ("--type", context.type),
             ("--project", context.project)]
    return [word for option, value in pairs if value is not None for word in (option, value)]


def rust_seal(certificates: list, context: Context, message: bytes, *more) -> tuple[int, bytes, bytes]:
    to = [word for c in certificates for word in ("--to", c)]
    return run([RUST, "seal", *to, *options(context), *(more or [TRUST_ANY])], message)


def rust_open(key, context: Context, data: bytes) -> tuple[int, bytes, bytes]:
    return run([RUST, "open", "--identity", key, *options(context)], data)


def private(key) -> rsa.RSAPrivateKey:
    return serialization.load_pem_private_key(Path(key).read_bytes(), None)


def python_open(key, context: Context, data: bytes) -> bytes | type:
    """The message, or the class of the error."""
    try:
        return sealpost.Opener(sealpost.from_file(data), private(key)).message(0, context)
    except sealpost.SealpostError as error:
        return type(error)


def exit_code(outcome: bytes | type) -> int:
    """The command's exit code for what Python says: 1 for what is refused without a key, 3 for what does not open."""
    return 0 if isinstance(outcome, bytes) else 1 if outcome in (sealpost.TextError, sealpost.ParseError) else 3


def both_fail(name: str, key, context: Context, data: bytes, want: type) -> None:
    outcome, (code, out, err) = python_open(key, context, data), rust_open(key, context, data)
    case(f"{name}, Python", outcome is want, outcome)
    case(f"{name}, Rust", code == exit_code(want) and out == b"", (code, out[:40], err[:200]))


def certificate(name: str) -> Path:
    return KEYS / f"agent-{name}.pem"


def identity(name: str) -> Path:
    return KEYS / f"agent-{name}.key.pem"


def public(name: str) -> rsa.RSAPublicKey:
    return sealpost.recipient(certificate(name).read_bytes(), None)


SIZES = [0, 1, 252, 253, 4096, 65536]
NAMES = ["a2048", "a3072", "a4096"]
CONTEXTS = [Context("agent-1", "my secret/ü", p, k, t) for p, k, t in product((None, PROJECT), (None, "password"), (None, "PASSWORD"))]
FULL = CONTEXTS[-1]


# The vectors are for libraries. A command strips white space around a text (§11).
WHITE_SPACE_AROUND = {"text_prefix_space", "text_space_after"}


# (1) Every vector, with Python; and with the Rust command those with one message whose context the command accepts.
def run_vectors() -> None:
    files = sorted(p.stem for p in VECTORS.glob("*.txt"))
    good, bad = vectors.run(str(VECTORS), str(KEYS))
    for name in good:
        case(f"vector {name}", True)
    for line in bad:
        case(f"vector {line}", False)
    case("all vectors ran", len(good) + len(bad) == len(files) >= 60, (len(good), len(bad), len(files)))
    read = {name: vectors.read(VECTORS / f"{name}.txt") for name in files if not any(b.startswith(f"{name}:") for b in bad)}
    case("a vector for each class", {h["expect"] for h, _ in read.values()} == {"success", *vectors.EXPECT})
    for name, (headers, data) in read.items():
        contexts = [Context(**json.loads(c)) for c in headers["context"]]
        if headers["mode"] != "single" or "" in contexts[0]:
            continue
        want = vectors.EXPECT.get(headers["expect"], b"") if name not in WHITE_SPACE_AROUND else b""
        code, out, err = rust_open(identity(headers["identity"]), contexts[0], data)
        case(f"vector {name}, Rust", code == exit_code(want), (code, err[:200]))


# (2) and (3) Each key, each size, each combination of the optional fields, in both directions.
def run_matrix() -> None:
    for name, size, (i, context) in product(NAMES, SIZES, enumerate(CONTEXTS)):
        message = os.urandom(size)
        label = f"{name}, {size} bytes, project/key/type {context.project is not None:d}{context.key is not None:d}{context.type is not None:d}"
        data = sealpost.seal([public(name)], [(context, message)])
        for form, sealed in (("binary", data), ("text", sealpost.to_text(data) + b"\n")):
            code, out, err = rust_open(identity(name), context, sealed)
            case(f"Python to Rust, {label}, {form}", (code, out) == (0, message), (code, err[:200]))
        lengths = []
        for form, more in (("binary", [TRUST_ANY, "--binary"]), ("text", [TRUST_ANY])):
            code, sealed, err = rust_seal([certificate(name)], context, message, *more)
            outcome = python_open(identity(name), context, sealed) if code == 0 else err[:200]
            case(f"Rust to Python, {label}, {form}", code == 0 and outcome == message, outcome)
            lengths.append(len(sealed))
        case(f"lengths, {label}", lengths == [len(data), len(sealpost.to_text(data)) + 1], lengths)
    for size, small, middle, large in ((252, 614, 742, 870), (1000, 1382, 1510, 1638), (4096, 4710, 4838, 4966), (65536, 67942, 68070, 68198)):
        got = tuple(len(sealpost.seal([public(name)], [(FULL, bytes(size))])) for name in NAMES)
        case(f"the page's table of sizes, {size} bytes", got == (small, middle, large), got)


# (2) and (3) through this folder's own command.
def run_command() -> None:
    python = [sys.executable, HERE / "sealpost.py"]
    pin = x509.load_pem_x509_certificate(certificate("a2048").read_bytes()).fingerprint(hashes.SHA256()).hex()
    # Under a pin the certificate must be that of the context's agent.
    for context, form in product((CONTEXTS[0]._replace(agent="a2048"), FULL._replace(agent="a2048")), ((), ("--binary",))):
        seal = [*python, "seal", "--to", certificate("a2048"), "--pin", pin, *options(context), *form]
        code, sealed, err = run(seal, b"through the command")
        case(f"Python's command to Rust {form}", (code, rust_open(identity("a2048"), context, sealed)[1]) == (0, b"through the command"), err)
        sealed = rust_seal([certificate("a2048")], context, b"through the command", "--pin", pin, *form)[1]
        opened = run([*python, "open", "--identity", identity("a2048"), *options(context)], sealed)
        case(f"Rust to Python's command {form}", opened[:2] == (0, b"through the command"), opened)
        wrong = run([*python, "open", "--identity", identity("a2048"), *options(context._replace(name="other"))], sealed)
        case(f"Python's command, wrong name {form}", wrong[:2] == (3, b""), wrong)
    code, out, err = run([*python, "inspect"], sealed)
    case("Python's command: inspect", code == 0 and sealpost.key_id(public("a2048")).hex().encode() in out, err)


def run_recipients() -> None:
    context = FULL._replace(agent="a2048")
    two, both = ["a2048", "b2048"], [certificate("a2048"), certificate("b2048")]
    pins = [x509.load_pem_x509_certificate(c.read_bytes()).fingerprint(hashes.SHA256()) for c in both]
    envelopes = {
        "Rust, any": rust_seal(both, context, b"for two")[1],
        "Rust, pins": rust_seal(both, context, b"for two", "--pin", pins[1].hex(), "--pin", pins[0].hex(), "--binary")[1],
        "Python": sealpost.seal([sealpost.recipient(c.read_bytes(), pins) for c in both], [(context, b"for two")]),
        "Rust, reversed": rust_seal(both[::-1], context, b"for two")[1],
    }
    for name, sealed in envelopes.items():
        for who in two:
            case(f"two recipients, sealed by {name}, opened by {who} in Python", python_open(identity(who), context, sealed) == b"for two")
            case(f"two recipients, sealed by {name}, opened by {who} in Rust", rust_open(identity(who), context, sealed)[:2] == (0, b"for two"))
        both_fail(f"two recipients, sealed by {name}, opened by another", identity("a3072"), context, sealed, sealpost.NotForThisKey)
    case("one certificate twice, Rust", rust_seal([both[0]] * 2, context, b"x")[0] == 1)
    case("a certificate without its pin, Rust", rust_seal(both, context, b"x", "--pin", pins[0].hex())[0] == 1)
    for name, refused in (("one certificate twice", lambda: sealpost.seal([public("a2048")] * 2, [(context, b"x")])),
                          ("a certificate without its pin", lambda: sealpost.recipient(both[1].read_bytes(), pins[:1]))):
        try:
            case(f"{name}, Python", False, refused())
        except sealpost.KeyRefused:
            case(f"{name}, Python", True)


# Wrong contexts [C1] and what was tampered with: whoever sealed it, both refuse it, each with the class of the page.
def run_failures() -> None:
    message = b"to be kept" * 30
    sealed_by = {"Python": sealpost.seal([public("a2048"), public("b2048")], [(FULL, message)]),
                 "Rust": rust_seal([certificate("a2048"), certificate("b2048")], FULL, message, TRUST_ANY, "--binary")[1]}
    changed = {"agent": "agent-2", "name": "my secret/u", "key": "passwor", "type": "PASSWORd", "project": PROJECT.replace("8", "9", 1)}
    absent = {"key": None, "type": None, "project": None}
    for who, sealed in sealed_by.items():
        for what, fields in (("another", changed), ("no", absent)):
            for field, value in fields.items():
                both_fail(f"{what} {field}, sealed by {who}", identity("a2048"), FULL._replace(**{field: value}), sealed, sealpost.OpenError)
        swapped = FULL._replace(key=FULL.type, type=FULL.key)
        both_fail(f"key and type exchanged, sealed by {who}", identity("a2048"), swapped, sealed, sealpost.OpenError)
        frame = 10 + 2 * (35 + 256)
        bits = {                                                 # place of the byte: (what it is in, the class)
            0: ("magic", sealpost.ParseError), 8: ("version", sealpost.ParseError), 9: ("count", sealpost.ParseError),
            10: ("own stanza's type", sealpost.BadStanzaType), 11: ("own key_id", sealpost.NotForThisKey),
            44: ("length of the own body", sealpost.ParseError), 300: ("own body", sealpost.OpenError),
            301: ("other stanza's type", sealpost.OpenError), 302: ("other key_id", sealpost.OpenError),
            500: ("other body", sealpost.OpenError), frame + 3: ("index", sealpost.ParseError),
            frame + 4: ("last", sealpost.Cut), frame + 5: ("com", sealpost.OpenError),
            frame + 40: ("length of ct", sealpost.ParseError), frame + 41: ("first byte of ct", sealpost.OpenError),
            len(sealed) - 17: ("last byte of ct", sealpost.OpenError), len(sealed) - 1: ("tag", sealpost.OpenError),
        }
        for at, (what, want) in bits.items():
            data = bytearray(sealed)
            data[at] ^= 1
            both_fail(f"a bit of the {what}, sealed by {who}", identity("a2048"), FULL, bytes(data), want)
        both_fail(f"a byte less, sealed by {who}", identity("a2048"), FULL, sealed[:-1], sealpost.ParseError)
        both_fail(f"a byte more, sealed by {who}", identity("a2048"), FULL, sealed + b"\0", sealpost.ParseError)
        both_fail(f"without the frame, sealed by {who}", identity("a2048"), FULL, sealed[:frame], sealpost.ParseError)
        text = sealpost.to_text(sealed)
        for what, before, end in (("no line end", b"", b""), ("LF", b"", b"\n"), ("CRLF", b"", b"\r\n"), ("two line ends", b"", b"\n\n"),
                                  ("a bare CR", b"", b"\r"), ("a mark", b"\xef\xbb\xbf", b""), ("white space", b" \r\n\t", b" \n\n"),
                                  ("a mark and white space", b"\xef\xbb\xbf\r\n", b"\r\n\r\n")):
            whole = before + text + end
            case(f"text with {what}, sealed by {who}, Python", python_open(identity("a2048"), FULL, whole) == message)
            case(f"text with {what}, sealed by {who}, Rust", rust_open(identity("a2048"), FULL, whole)[:2] == (0, message))
        for what, at, inner in (("a line end within", 40, b"\n"), ("a space within", 40, b" "), ("a mark behind", len(text), b"\xef\xbb\xbf"),
                                ("a mark within", 40, b"\xef\xbb\xbf")):
            both_fail(f"text with {what}, sealed by {who}", identity("a2048"), FULL, text[:at] + inner + text[at:], sealpost.TextError)


# Keys and certificates at the bounds of §2 and §14.6, which no vector holds. `n` need not be a product of two primes to seal to it.
def tlv(tag: int, content: bytes) -> bytes:
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag]) + (length if len(content) < 0x80 else bytes([0x80 + len(length)]) + length) + content


def make_certificate(key: rsa.RSAPublicKey, issuer: rsa.RSAPrivateKey, usage: bool | None = True, days: tuple[int, int] = (-1, 1),
                     null: bool = True) -> bytes:
    """A PEM certificate; `usage`: keyEncipherment or another; `null`: whether rsaEncryption has its NULL parameters."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key, 1, now + timedelta(days[0]), now + timedelta(days[1]))
    if usage is not None:
        builder = builder.add_extension(x509.KeyUsage(not usage, False, usage, *[False] * 6), critical=True)
    made = builder.sign(issuer, hashes.SHA256())
    if null:
        return made.public_bytes(serialization.Encoding.PEM)
    spki, rsa_encryption = sealpost.spki(key), bytes.fromhex("06092a864886f70d010101")
    bits = spki[spki.index(rsa_encryption) + len(rsa_encryption) + 2:]
    before, after = made.tbs_certificate_bytes.split(spki)
    tbs = tlv(0x30, before[4:] + tlv(0x30, tlv(0x30, rsa_encryption) + bits) + after)
    algorithm = bytes.fromhex("300d06092a864886f70d01010b0500")
    der = tlv(0x30, tbs + algorithm + tlv(0x03, b"\0" + made.signature))
    return x509.load_der_x509_certificate(der).public_bytes(serialization.Encoding.PEM)


def run_certificates(folder: Path) -> None:
    signer, e = private(identity("a2048")), 65537

    def number(bits: int) -> int:
        return int.from_bytes(os.urandom(bits // 8 + 1), "big") % 2 ** (bits - 1) | 2 ** (bits - 1) | 1

    def key(bits: int, e: int = e) -> rsa.RSAPublicKey:
        return rsa.RSAPublicNumbers(e, number(bits)).public_key()

    rows = [
        ("2,047 bits", make_certificate(key(2047), signer), False), ("2,048 bits", make_certificate(key(2048), signer), True),
        ("8,192 bits", make_certificate(key(8192), signer), True), ("8,193 bits", make_certificate(key(8193), signer), False),
        ("e = 3", make_certificate(key(2048, 3), signer), True), ("e = 2³² − 1", make_certificate(key(2048, 2**32 - 1), signer), True),
        ("e = 2³² + 1", make_certificate(key(2048, 2**32 + 1), signer), False),
        ("no NULL parameters", make_certificate(key(2048), signer, null=False), False),
        ("no keyUsage", make_certificate(key(2048), signer, usage=None), True),
        ("another keyUsage", make_certificate(key(2048), signer, usage=False), False),
        ("expired", make_certificate(key(2048), signer, days=(-2, -1)), False),
        ("not yet valid", make_certificate(key(2048), signer, days=(1, 2)), False),
    ]
    for what, pem, fine in rows:
        path = folder / "certificate.pem"
        path.write_bytes(pem)
        code, out, err = rust_seal([path], FULL, b"x")
        case(f"certificate, {what}, Rust", code == (0 if fine else 1) and bool(out) == fine, (code, err[:200]))
        try:
            sealed = sealpost.seal([sealpost.recipient(pem, None)], [(FULL, b"x")])
            case(f"certificate, {what}, Python", fine, f"sealed, {len(sealed)} bytes")
        except sealpost.KeyRefused as error:
            case(f"certificate, {what}, Python", not fine, error)
    # A modulus that does not fill its last byte: k is 257.
    own, path, pem = rsa.generate_private_key(e, 2049), folder / "own.key.pem", folder / "own.pem"
    path.write_bytes(own.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    pem.write_bytes(make_certificate(own.public_key(), own))
    sealed = sealpost.seal([own.public_key()], [(FULL, b"odd size")])
    case("2,049 bits, Python to Rust", rust_open(path, FULL, sealed)[:2] == (0, b"odd size"))
    case("2,049 bits, Rust to Python", python_open(path, FULL, rust_seal([pem], FULL, b"odd size")[1]) == b"odd size")


# (4) Batches.
def run_batches() -> None:
    contexts = [FULL._replace(name=f"secret-{i}") for i in range(5)]
    messages = [os.urandom(100 * i) for i in range(5)]
    key = private(identity("a2048"))
    sealed = sealpost.seal([public("a2048")], list(zip(contexts, messages, strict=True)))
    case("batch, Python to Python", sealpost.open_batch(sealed, key, contexts) == messages)
    case("batch, one message by its frame", sealpost.Opener(sealed, key, single=False).message(3, contexts[3]) == messages[3])
    cut = sealpost.parse(sealed)
    cut.frames.pop()
    for name, data, given, want in (("cut", cut.write(), contexts[:4], sealpost.Cut),
                                    ("two contexts exchanged", sealed, contexts[:3] + contexts[:2:-1], sealpost.OpenError)):
        try:
            case(f"batch, {name}", False, sealpost.open_batch(data, key, given))
        except sealpost.SealpostError as error:
            case(f"batch, {name}", type(error) is want, repr(error))
    both_fail("batch, opened as one message", identity("a2048"), contexts[0], sealed, sealpost.NotSingle)
    for name, data, complete in (("whole", sealed, True), ("cut", cut.write(), False)):
        code, out, err = run([RUST, "inspect", "--json"], data)
        shown, parsed = json.loads(out or b"{}"), sealpost.parse(data)
        case(f"batch, {name}, inspected by Rust", code == 0 and shown["complete"] is complete
             and [(f["index"], f["last"], f["paddedBytes"], f["commitment"]) for f in shown["frames"]]
             == [(f.index, bool(f.last), len(f.ct) - 16, f.com.hex()) for f in parsed.frames]
             and [(r["type"], r["keyId"]) for r in shown["recipients"]] == [(s.type, s.key_id.hex()) for s in parsed.stanzas], out[:300])
    run_batch_lines(contexts, messages, sealed)


# The command's batches: a JSON line for each message, without its value once it is sealed, and then the envelope.
def run_batch_lines(contexts: list[Context], messages: list[bytes], sealed: bytes) -> None:
    def line(context: Context, message: bytes | None = None) -> dict:
        fields = {"name": context.name, "key": context.key, "type": context.type}
        if message is not None:
            fields["base64"] = base64.b64encode(message).decode()
        return {name: value for name, value in fields.items() if value is not None}

    def lines(objects: list[dict]) -> bytes:
        return b"".join(json.dumps(o).encode() + b"\n" for o in objects)

    owner = ["--agent-id", FULL.agent, "--project", FULL.project, "--batch"]
    plain = [line(c, m) for c, m in zip(contexts, messages, strict=True)]
    code, out, err = run([RUST, "seal", "--to", certificate("a2048"), TRUST_ANY, *owner], lines(plain))
    rows = [json.loads(row) for row in out.splitlines()]
    case("batch, sealed by Rust, its lines", code == 0 and rows[:-1] == [line(c) for c in contexts], err[:300])
    case("batch, sealed by Rust, opened by Python", rows != [] and sealpost.open_batch(
        sealpost.from_file(rows[-1]["envelope"].encode()), private(identity("a2048")), contexts) == messages)

    def opened(data: bytes, given: list[Context]) -> tuple[int, list[dict], bytes]:
        given = lines([line(c) for c in given] + [{"envelope": sealpost.to_text(data).decode()}])
        code, out, err = run([RUST, "open", "--identity", identity("a2048"), *owner], given)
        return code, [json.loads(row) for row in out.splitlines()], err

    code, rows, err = opened(sealed, contexts)
    case("batch, sealed by Python, opened by Rust", code == 0 and rows == plain, err[:300])
    cut = sealpost.parse(sealed)
    cut.frames.pop()
    for name, data, given, want in (("cut", cut.write(), contexts[:4], 1), ("a context too many", sealed, contexts + contexts[:1], 1),
                                    ("two contexts exchanged", sealed, contexts[:3] + contexts[:2:-1], 3)):
        code, rows, err = opened(data, given)
        case(f"batch, {name}, Rust", code == want and rows == [], (code, err[:300]))


run_vectors()
run_matrix()
run_command()
run_recipients()
run_failures()
with tempfile.TemporaryDirectory() as temporary:
    run_certificates(Path(temporary))
run_batches()
channels.check(case)
print(f"{passed} passed, {len(failed)} failed")
sys.exit(bool(failed))
