"""Channels, written from docs/CHANNELS.md: checks every byte of testdata/channels, in both directions. § marks a section of that page.

Not constant-time and nothing is wiped. Its author has seen the Rust code: see README.md."""

import base64, hashlib, hmac
from pathlib import Path

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from sealpost import OAEP, key_id, padme, u

HERE = Path(__file__).resolve().parent
VECTORS, KEYS = HERE.parent / "channels", HERE.parent / "keys"
LONGEST_BODY, LONGEST_OUTCOME, FLOOR = 132_093, 65_536, {"request": 1024, "reply": 512}
LONGEST = {"request": LONGEST_BODY, "reply": LONGEST_OUTCOME}

class Malformed(Exception): pass
class DoesNotOpen(Exception): pass

# ---- §1
def lp(x: bytes) -> bytes: return u(8, len(x)) + x
def s(x: bytes) -> bytes: return u(16, len(x)) + x
def opt(x: bytes | None) -> bytes: return b"\0" if x is None else b"\1" + x
def D(label: str) -> bytes: return lp(b"sealpost/v1/channel/" + label.encode())
def H(label: str, x: bytes) -> bytes: return hashlib.sha256(D(label) + x).digest()
def HMAC(k: bytes, x: bytes) -> bytes: return hmac.digest(k, x, "sha256")
def expand(prk: bytes, info: bytes) -> bytes: return HKDFExpand(hashes.SHA256(), 32, info).derive(prk)
def X(p: bytes, label: str, c: bytes = b"") -> bytes: return expand(p, lp(label.encode()) + c)

def kid(key: ed25519.Ed25519PrivateKey) -> bytes:
    """§2."""
    x = base64.urlsafe_b64encode(key.public_key().public_bytes_raw()).rstrip(b"=").decode()
    return hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()

# ---- §3
def padded_length(l: int, w: str) -> int: return padme(max(FLOOR[w], 4 + l))
def is_padded_length(p: int, w: str) -> bool: return FLOOR[w] <= p <= padded_length(LONGEST[w], w) and padme(p) == p
def pad(m: bytes, w: str) -> bytes: return (u(32, len(m)) + m).ljust(padded_length(len(m), w), b"\0")

def unpad(padded: bytes, w: str) -> bytes:
    length = int.from_bytes(padded[:4], "big")
    if length > LONGEST[w] or padded_length(length, w) != len(padded) or any(padded[4 + length:]):
        raise DoesNotOpen("padding")
    return padded[4:4 + length]

def seal(p: bytes, w: str, b: bytes, m: bytes) -> tuple[bytes, bytes]:
    com = HMAC(X(p, f"{w} commit"), b + m)
    return com, AESGCM(X(p, f"{w} key", b + com)).encrypt(bytes(12), m, com)

def open_frame(p: bytes, w: str, b: bytes, com: bytes, ct: bytes) -> bytes:
    try:
        m = AESGCM(X(p, f"{w} key", b + com)).decrypt(bytes(12), ct, com)
    except InvalidTag:
        raise DoesNotOpen("tag") from None
    if not hmac.compare_digest(com, HMAC(X(p, f"{w} commit"), b + m)):
        raise DoesNotOpen("commitment")
    return unpad(m, w)

class Reader:
    """§1: every length is exact."""
    def __init__(self, data: bytes): self.data, self.at = data, 0
    def take(self, n: int) -> bytes:
        if self.at + n > len(self.data): raise Malformed("cut")
        self.at += n
        return self.data[self.at - n:self.at]
    def number(self, n: int) -> int: return int.from_bytes(self.take(n), "big")
    def rest(self) -> bytes: return self.take(len(self.data) - self.at)
    def optional(self, read):
        presence = self.number(1)
        if presence > 1: raise Malformed("presence")
        return read() if presence else None
    def text(self, longest: int) -> str:
        length = self.number(2)
        if not 1 <= length <= longest: raise Malformed("text")
        try: return self.take(length).decode()
        except UnicodeDecodeError: raise Malformed("UTF-8") from None

class Channel:
    """§4, from what is random."""
    def __init__(self, gateway, agent: bytes, flags: int, issued_at: int, expires_at: int, seed: bytes, header: bytes, g: bytes):
        self.gateway, self.flags, self.g = gateway, flags, X25519PrivateKey.from_private_bytes(g)
        self.opening = (b"\1" + u(8, flags) + kid(gateway) + lp(agent) + u(64, issued_at) + u(64, expires_at)
                        + self.g.public_key().public_bytes_raw() + u(16, len(header)) + header)
        self.id, self.prk = H("id", self.opening), HMAC(H("salt", self.opening), seed)
        confirm = X(self.prk, "confirm")
        self.signed = self.opening + confirm + gateway.sign(D("opening") + self.opening + confirm)

    def request(self, n: int, body: bytes) -> tuple[bytes, bytes]:
        """§5: the message, and its commitment."""
        com, ct = seal(self.prk, "request", u(64, n), pad(body, "request"))
        signature = self.gateway.sign(D("request") + self.id + u(64, n) + com) if self.flags else b""
        return self.signed + u(64, n) + com + signature + ct, com

    def outcome(self, n: int, com: bytes, reply: bytes, agent: ed25519.Ed25519PrivateKey) -> bytes:
        """§7, as the gateway reads it."""
        r = Reader(reply)
        if not 730 <= len(reply) <= 67_802 or r.take(1) != b"\2": raise Malformed("no reply")
        acceptance, signature = r.take(97), r.take(64)
        if acceptance[:65] != b"\1" + kid(agent) + self.id: raise DoesNotOpen("acceptance")
        try: agent.public_key().verify(signature, D("acceptance") + acceptance)
        except InvalidSignature: raise DoesNotOpen("signature") from None
        if r.number(8) != n: raise DoesNotOpen("another number")
        rcom, rct = r.take(32), r.rest()
        if not is_padded_length(len(rct) - 16, "reply"): raise Malformed("length")
        shared = self.g.exchange(X25519PublicKey.from_public_bytes(acceptance[65:]))
        rprk = HMAC(H("reply salt", acceptance), X(self.prk, "reply") + shared)
        return open_frame(rprk, "reply", u(64, n) + com, rcom, rct)

class Agent:
    """§11, steps 1, 3, 5 and 6, and §7: from a message's bytes alone."""
    def __init__(self, identity: rsa.RSAPrivateKey, key, name: bytes, gateway, e: bytes):
        self.identity, self.key, self.name, self.gateway, self.e = identity, key, name, gateway, X25519PrivateKey.from_private_bytes(e)

    def request(self, message: bytes):
        """(channel id, prk, g, n, com, body)"""
        r = Reader(message)
        if not 1563 <= len(message) <= 137_581 or r.number(1) != 1: raise Malformed("no message")
        flags = r.number(1)
        if flags > 1 or r.take(32) != kid(self.gateway) or r.take(r.number(1)) != self.name: raise Malformed("opening")
        r.take(16)
        g, header = r.take(32), r.take(r.number(2))
        opening, confirm, signature = message[:r.at], r.take(32), r.take(64)
        self.gateway.public_key().verify(signature, D("opening") + opening + confirm)
        k = (self.identity.key_size + 7) // 8
        if header[:45] != b"sealpost\1\1\2" + key_id(self.identity.public_key()) + u(16, k) or len(header) != 45 + k:
            raise Malformed("header")
        decrypted = self.identity.decrypt(header[45:], OAEP)
        if len(decrypted) != 33 or decrypted[0] != 2: raise DoesNotOpen("seed")
        prk, channel = HMAC(H("salt", opening), decrypted[1:]), H("id", opening)
        if confirm != X(prk, "confirm"): raise DoesNotOpen("confirm")
        n, com = r.number(8), r.take(32)
        signature = r.take(64) if flags else b""
        ct = r.rest()
        if not is_padded_length(len(ct) - 16, "request"): raise Malformed("length")
        body = open_frame(prk, "request", u(64, n), com, ct)
        if flags: self.gateway.public_key().verify(signature, D("request") + channel + u(64, n) + com)
        return channel, prk, g, n, com, body

    def reply(self, channel: bytes, prk: bytes, g: bytes, n: int, com: bytes, outcome: bytes) -> bytes:
        acceptance = b"\1" + kid(self.key) + channel + self.e.public_key().public_bytes_raw()
        shared = self.e.exchange(X25519PublicKey.from_public_bytes(g))
        rprk = HMAC(H("reply salt", acceptance), X(prk, "reply") + shared)
        rcom, rct = seal(rprk, "reply", u(64, n) + com, pad(outcome, "reply"))
        return b"\2" + acceptance + self.key.sign(D("acceptance") + acceptance) + u(64, n) + rcom + rct

    def refusal(self, channel: bytes, code: int) -> bytes:
        """§9."""
        f = b"\3" + kid(self.key) + channel + u(8, code)
        return f + self.key.sign(D("refusal") + f)

# ---- §6
def body(verb, kind, tag, issued, deadline, request_id, marks, project, names, rest) -> bytes:
    context = opt(project)
    if kind != 3:
        name, key, secret_type = names
        context += s(name.encode()) + b"".join(opt(None if x is None else s(x.encode())) for x in (key, secret_type))
    return (u(8, verb) + u(8, kind) + tag + u(64, issued) + u(64, deadline) + lp(request_id.encode())
            + opt(marks) + context + rest)

def read_body(data: bytes) -> tuple:
    r = Reader(data)
    verb, kind, tag, issued, deadline = r.number(1), r.number(1), r.take(16), r.number(8), r.number(8)
    request_id = r.take(r.number(1)).decode("ascii")
    marks, project, names = r.optional(lambda: r.take(64)), r.optional(lambda: r.take(16)), None
    if kind != 3:
        names = r.text(512), r.optional(lambda: r.text(256)), r.optional(lambda: r.text(64))
    return verb, kind, tag, issued, deadline, request_id, marks, project, names, r.rest()

def caller_tag(secret: bytes, agent: bytes, issuer: bytes, subject: bytes | None) -> bytes:
    text = lambda x: u(64, len(x)) + x
    return HMAC(expand(secret, b"sealpost/v1/caller"), text(agent) + text(issuer) + opt(None if subject is None else text(subject)))[:16]

# ---- §15
def read(path: Path) -> tuple[dict[str, str], list[dict[str, str]]]:
    channel: dict[str, str] = {}
    cases: list[dict[str, str]] = []
    for line in path.read_text().splitlines():
        name, value = line.split(": ", 1)
        if name == "case":
            cases.append({})
        (cases[-1] if cases and not name.startswith("refusal_") else channel)[name] = value
    return channel, cases

def check(case) -> None:
    """Calls `case(name, ok, detail)` for each thing that must hold."""
    paths = sorted(VECTORS.glob("*.txt"))
    case("channels, four files", len(paths) == 4)
    for path in paths:
        run(path, case)
    tag = caller_tag(bytes(range(32)), b"agent-1", b"https://issuer.example", b"ci")
    value = body(1, 1, tag, 1_800_000_000, 1_800_000_030, "order-4711", None, None, ("db-login", "password", None), b'{"password":"hunter2"}')
    case("channels, the body of the page", tag.hex() == "2de15b9d0c11abe068eef9816d4b56d4" and len(value) == 91
         and hashlib.sha256(value).hexdigest() == "68c19f1a2e3af64607b17afe2acb3fbead3131afee4173769a059f4e8291d1ea")

def run(path: Path, case) -> None:
    fields, cases = read(path)
    data = lambda name: bytes.fromhex(fields[name])
    ed = ed25519.Ed25519PrivateKey.from_private_bytes
    gateway, agent_key, name = ed(data("gateway_key")), ed(data("agent_key")), fields["agent"].encode()
    pem = (KEYS / f"agent-{fields['rsa']}.key.pem").read_bytes()
    agent = Agent(serialization.load_pem_private_key(pem, None), agent_key, name, gateway, data("e_scalar"))
    channel = Channel(gateway, name, int(fields["flags"]), int(fields["issued_at"]), int(fields["expires_at"]), data("seed"),
                      data("header"), data("g_scalar"))
    what = f"channels, {path.stem}"
    case(f"{what}, opening", (channel.id, channel.signed) == (data("channel"), data("signed")))
    case(f"{what}, refusals", all(agent.refusal(channel.id, code) == data(f"refusal_{code}") for code in range(1, 7)))
    case(f"{what}, ten requests", len(cases) == 10)
    for c in cases:
        content = bytes.fromhex(c["body"]) if "body" in c else bytes(i % 251 for i in range(int(c["body_pattern"])))
        n, outcome = int(c["number"]), bytes.fromhex(c["outcome"])
        message, com = channel.request(n, content)
        opened = agent.request(message)
        reply = agent.reply(*opened[:5], outcome)
        digest = lambda x: hashlib.sha256(x).hexdigest()
        case(f"{what}, {c['case']}, request", digest(message) == c["message_sha256"] and com.hex() == c["commitment"]
             and H("operation", channel.id + u(64, n) + com).hex() == c["operation"])
        case(f"{what}, {c['case']}, opened", opened == (channel.id, channel.prk, channel.g.public_key().public_bytes_raw(), n, com, content))
        case(f"{what}, {c['case']}, reply", digest(reply) == c["reply_sha256"] and channel.outcome(n, com, reply, agent_key) == outcome)
        if "body" in c:
            case(f"{what}, {c['case']}, body", body(*read_body(content)) == content)
        if "message" in c:
            case(f"{what}, {c['case']}, whole", (message.hex(), reply.hex()) == (c["message"], c["reply"]))

if __name__ == "__main__":
    failed = 0
    def report(name: str, ok: bool, detail: object = "") -> None:
        global failed
        failed += not ok
        print("ok    " if ok else "FAILED", name, detail)
    check(report)
    raise SystemExit(bool(failed))
