#!/usr/bin/env python3
"""The sealpost envelope, version 1, written from docs/FORMAT.md: a companion for reading that page.

§ marks a section of the page, [X] one of its rules. Not constant-time and nothing is wiped: see README.md."""

import argparse, base64, hashlib, hmac, os, re, sys, uuid
from collections import namedtuple
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

MAGIC, VERSION, RSA_OAEP, TEXT_PREFIX = b"sealpost", 1, 1, b"sealpost.v1."
MAX_RECIPIENTS, MAX_MESSAGE, TAG = 16, 67_108_864, 16

# The classes of error that the page tells apart.
class SealpostError(Exception): pass
class KeyRefused(SealpostError): pass             # §2, §14.6: the key or the certificate
class ParseError(SealpostError): pass             # §3 [P1] to [P10]
class TextError(SealpostError): pass              # §11 [X1] [X2]
class NotForThisKey(SealpostError): pass          # §10.1 step 2 [R1]
class BadStanzaType(SealpostError): pass          # §10.1 step 3 [S2]
class EncapsulationLength(SealpostError): pass    # §10.1 step 4 [R2]
class EncapsulationRange(SealpostError): pass     # §10.1 step 4 [R3]
class NotSingle(SealpostError): pass              # §10.3 [T2]
class Cut(SealpostError): pass                    # §10.3 [T1]
class OpenError(SealpostError): pass              # §10.2: the one error, without detail

def u(bits: int, x: int) -> bytes:
    """§1: u8, u16, u32, u64."""
    return x.to_bytes(bits // 8, "big")

# ---- §2 keys, §14.6 certificates
def spki(key: rsa.RSAPublicKey) -> bytes:
    """§2 [K2]: the one canonical encoding."""
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

def key_id(key: rsa.RSAPublicKey) -> bytes:
    """§2."""
    return hashlib.sha256(spki(key)).digest()

def check_key(key) -> rsa.RSAPublicKey:
    """§2 [K1]."""
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyRefused("not an RSA key")
    n, e = key.public_numbers().n, key.public_numbers().e
    if n % 2 == 0 or not 2048 <= n.bit_length() <= 8192 or e % 2 == 0 or not 3 <= e < 2**32:
        raise KeyRefused("modulus or exponent out of bounds")
    return key

def spki_in_certificate(der: bytes) -> bytes:
    """§2 [K2]: SubjectPublicKeyInfo as the certificate has it, byte for byte (RFC 5280 §4.1)."""
    def element(at: int) -> tuple[int, int]:                     # (start of the content, end) of the element at `at`
        start = at + 2 + (der[at + 1] & 0x7F if der[at + 1] >= 0x80 else 0)
        return start, start + int.from_bytes(der[at + 2:start] or der[at + 1:start], "big")
    at = element(element(0)[0])[0]                               # into Certificate, into TBSCertificate
    for _ in range(6 if der[at] == 0xA0 else 5):                 # [version] serial signature issuer validity subject
        at = element(at)[1]
    return der[at:element(at)[1]]

def recipient(pem: bytes, pins: list[bytes] | None, now: datetime | None = None) -> rsa.RSAPublicKey:
    """§14.6, with pins (SHA-256 of the DER) or, for None, no check of trust at all. Chains are not done here."""
    certificate, now = x509.load_pem_x509_certificate(pem), now or datetime.now(UTC)
    if pins is not None and certificate.fingerprint(hashes.SHA256()) not in pins:
        raise KeyRefused("not a pinned certificate")
    if not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc:
        raise KeyRefused("outside the certificate's validity")
    usages = [e.value for e in certificate.extensions if isinstance(e.value, x509.KeyUsage)]
    if usages and not usages[0].key_encipherment:
        raise KeyRefused("keyUsage without keyEncipherment")
    key = check_key(certificate.public_key())
    if spki_in_certificate(certificate.public_bytes(serialization.Encoding.DER)) != spki(key):
        raise KeyRefused("the key is not in its canonical encoding")
    return key

# ---- §3 layout
class Stanza(NamedTuple):
    type: int
    key_id: bytes
    body: bytes

    def write(self) -> bytes:
        return u(8, self.type) + self.key_id + u(16, len(self.body)) + self.body

class Frame(NamedTuple):
    index: int
    last: int
    com: bytes
    ct: bytes

    def write(self) -> bytes:
        return u(32, self.index) + u(8, self.last) + self.com + u(32, len(self.ct)) + self.ct

class Envelope(NamedTuple):
    stanzas: list[Stanza]
    frames: list[Frame]

    def header(self) -> bytes:
        return MAGIC + u(8, VERSION) + u(8, len(self.stanzas)) + b"".join(s.write() for s in self.stanzas)

    def write(self) -> bytes:
        return self.header() + b"".join(f.write() for f in self.frames)

def parse(data: bytes) -> Envelope:
    """§3."""
    at = 0
    def take(n: int) -> bytes:
        nonlocal at
        if len(data) - at < n:
            raise ParseError(f"[P5] ends inside the field at {at}")
        at += n
        return data[at - n:at]
    def number(n: int) -> int:
        return int.from_bytes(take(n), "big")
    def refuse_if(wrong: bool, message: str) -> None:
        if wrong:
            raise ParseError(message)

    refuse_if(take(8) != MAGIC, "[P1] not an envelope")
    refuse_if(number(1) != VERSION, "[P2] unknown version")
    count = number(1)
    refuse_if(not 1 <= count <= MAX_RECIPIENTS, "[P3] count of recipients")
    stanzas = [Stanza(number(1), take(32), take(number(2))) for _ in range(count)]
    refuse_if(len({s.key_id for s in stanzas}) != count, "[P4] two stanzas for one key")
    refuse_if(at == len(data), "[P6] no message")
    frames: list[Frame] = []
    while at < len(data):
        refuse_if(bool(frames) and frames[-1].last == 1, "[P10] bytes after the last message")
        index, last, com, length = number(4), number(1), take(32), number(4)
        refuse_if(index != len(frames), "[P7] a message out of its place")
        refuse_if(last > 1, "[P8] last is neither 0 nor 1")
        refuse_if(not is_padded_length(length - TAG), "[P9] not a padded length")
        frames.append(Frame(index, last, com, take(length)))
    envelope = Envelope(stanzas, frames)
    assert envelope.write() == data                              # [P11]
    return envelope

# ---- §4 seed, §5 key schedule
OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), label=None)

def seal_seed(key: rsa.RSAPublicKey, seed: bytes) -> Stanza:
    """§4."""
    return Stanza(RSA_OAEP, key_id(key), key.encrypt(u(8, RSA_OAEP) + seed, OAEP))

Schedule = namedtuple("Schedule", "salt prk key base_nonce commit_key")

def schedule(header: bytes, seed: bytes) -> Schedule:
    """§5 [B1]."""
    salt = hashlib.sha256(b"sealpost/v1/header" + header).digest()
    prk = hmac.digest(salt, seed, "sha256")                      # RFC 5869 §2.2: the salt is HMAC's key

    def x(label: bytes, n: int) -> bytes:
        return HKDFExpand(hashes.SHA256(), n, u(8, len(label)) + label).derive(prk)

    return Schedule(salt, prk, x(b"key", 32), x(b"nonce", 12), x(b"commit", 32))

# ---- §6 context
UUID_TEXT = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")

class Context(NamedTuple):
    agent: str
    name: str
    project: str | None = None                                   # a UUID in its hyphenated form
    key: str | None = None
    type: str | None = None

    def encode(self) -> bytes:
        """§6 [C1]."""
        def string(s: str) -> bytes:
            return u(64, len(s.encode())) + s.encode()
        def opt(x: bytes | None) -> bytes:
            return b"\0" if x is None else b"\1" + x
        if self.project is not None and not UUID_TEXT.fullmatch(self.project):
            raise ValueError("a project is a UUID in its hyphenated form")
        return (b"sealpost/v1/context" + string(self.agent)
                + opt(None if self.project is None else uuid.UUID(self.project).bytes) + string(self.name)
                + opt(None if self.key is None else string(self.key))
                + opt(None if self.type is None else string(self.type)))

# ---- §7 messages, §8 padding
def commitment(keys: Schedule, index: int, last: int, context: Context) -> bytes:
    """§7 [M1]."""
    return hmac.digest(keys.commit_key, u(64, index) + u(8, last) + context.encode(), "sha256")

def nonce(keys: Schedule, index: int) -> bytes:
    """§7."""
    return bytes(a ^ b for a, b in zip(keys.base_nonce, bytes(8) + u(32, index), strict=True))

def padme(x: int) -> int:
    """§8; floor(log2 x) is one less than the number of bits."""
    e = x.bit_length() - 1
    z = 2 ** (e - e.bit_length()) - 1
    return (x + z) & ~z

def padded_length(length: int) -> int:
    """§8, P(l)."""
    return padme(max(256, 4 + length))

def is_padded_length(p: int) -> bool:
    """§8."""
    return 256 <= p <= padded_length(MAX_MESSAGE) and padme(p) == p

def pad(message: bytes) -> bytes:
    """§8."""
    return (u(32, len(message)) + message).ljust(padded_length(len(message)), b"\0")

def unpad(padded: bytes) -> bytes:
    """§8 [D1] [D2]."""
    length, rest = int.from_bytes(padded[:4], "big"), padded[4:]
    if padded_length(length) != len(padded) or any(rest[length:]):
        raise OpenError
    return rest[:length]

# ---- §9 sealing
def seal(recipients: list[rsa.RSAPublicKey], messages: list[tuple[Context, bytes]]) -> bytes:
    """§9. The keys are trusted by the caller: see recipient()."""
    if not 1 <= len(recipients) <= MAX_RECIPIENTS or len({key_id(r) for r in recipients}) != len(recipients):
        raise KeyRefused("1 to 16 different recipients")
    if not messages or any(len(m) > MAX_MESSAGE for _, m in messages):
        raise ValueError("one message or more, none over 64 MiB")
    seed = os.urandom(32)
    envelope = Envelope([seal_seed(check_key(r), seed) for r in recipients], [])
    keys = schedule(envelope.header(), seed)
    for i, (context, message) in enumerate(messages):
        last = int(i == len(messages) - 1)
        com = commitment(keys, i, last, context)
        envelope.frames.append(Frame(i, last, com, AESGCM(keys.key).encrypt(nonce(keys, i), pad(message), com)))
    return envelope.write()

# ---- §10 opening
class Opener:
    """§10 for an envelope that parses; `single` says that exactly one message is expected (§10.3)."""

    def __init__(self, data: bytes, identity: rsa.RSAPrivateKey, single: bool = True):
        self.envelope = parse(data)                                                      # step 1
        if single and len(self.envelope.frames) > 1:
            raise NotSingle("[T2] more than one message")
        if single and not self.envelope.frames[0].last:
            raise Cut("[T1] messages are missing at the end")
        public = check_key(identity.public_key())
        stanza = next((s for s in self.envelope.stanzas if s.key_id == key_id(public)), None)    # step 2
        if stanza is None:
            raise NotForThisKey("[R1] no recipient is this key")
        if stanza.type != RSA_OAEP:                                                      # step 3
            raise BadStanzaType(f"[S2] this key's stanza has type {stanza.type}")
        n = public.public_numbers().n
        if len(stanza.body) != (n.bit_length() + 7) // 8:                                # step 4
            raise EncapsulationLength("[R2] not as long as the modulus")
        if not 1 < int.from_bytes(stanza.body, "big") < n - 1:
            raise EncapsulationRange("[R3] not between 2 and n − 2")
        substitute = os.urandom(32)                                                      # step 5
        try:
            message = identity.decrypt(stanza.body, OAEP)                                # step 6
        except ValueError:
            message = b""
        self.valid = len(message) == 33 and message[0] == RSA_OAEP                       # [E1]
        self.seed = message[1:] if self.valid else substitute                            # step 7
        self.keys = schedule(self.envelope.header(), self.seed)                          # step 8

    def message(self, i: int, context: Context) -> bytes:
        """§10.2 steps 9 to 11: the message in frame `i`."""
        frame = self.envelope.frames[i]
        com = commitment(self.keys, frame.index, frame.last, context)
        if not (hmac.compare_digest(com, frame.com) and self.valid):                     # step 9
            raise OpenError
        try:
            return unpad(AESGCM(self.keys.key).decrypt(nonce(self.keys, i), frame.ct, com))      # steps 10 and 11
        except InvalidTag:
            raise OpenError from None

def open_batch(data: bytes, identity: rsa.RSAPrivateKey, contexts: list[Context]) -> list[bytes]:
    """§10.3: the whole batch, one context a message, or an error."""
    opener = Opener(data, identity, single=False)
    if not opener.envelope.frames[-1].last:
        raise Cut("[T1] messages are missing at the end")
    if len(contexts) != len(opener.envelope.frames):
        raise ValueError("one context a message")
    return [opener.message(i, context) for i, context in enumerate(contexts)]

# ---- §11 text form
def to_text(data: bytes) -> bytes:
    """§11."""
    return TEXT_PREFIX + base64.urlsafe_b64encode(data).rstrip(b"=")

def from_text(text: bytes) -> bytes:
    """§11 [X1] [X2]: canonical is what to_text() writes."""
    rest = text.removeprefix(TEXT_PREFIX)
    if rest == text or not re.fullmatch(rb"[A-Za-z0-9_-]+", rest) or len(rest) % 4 == 1:
        raise TextError("the prefix, a character or the length")
    data = base64.urlsafe_b64decode(rest + b"=" * (-len(rest) % 4))
    if to_text(data) != text:
        raise TextError("[X2] unused bits that are not zero")
    return data

def from_file(content: bytes) -> bytes:
    """§11: either form, the text with a byte-order mark and white space around it or without. The ninth byte is a full stop in the
    one, the version in the other."""
    text = content.removeprefix(b"\xef\xbb\xbf").strip(b" \t\r\n")
    return from_text(text) if text[8:9] == b"." else content

# ---- the command
def main() -> int:
    parser = argparse.ArgumentParser(description="The reference of docs/FORMAT.md: for reading and for tests only")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("seal", "open", "inspect"):
        command = commands.add_parser(name)
        for option in () if name == "inspect" else ("agent-id", "name", "key", "type", "project"):
            command.add_argument(f"--{option}", required=option in ("agent-id", "name"))
        command.add_argument("file", nargs="?", default=0, help="default: stdin")
        if name == "seal":
            command.add_argument("--to", action="append", required=True, metavar="CERT.pem")
            trust = command.add_mutually_exclusive_group(required=True)
            trust.add_argument("--pin", action="append", type=bytes.fromhex, metavar="SHA256")
            trust.add_argument("--danger-trust-any-certificate", action="store_true")
            command.add_argument("--binary", action="store_true")
        elif name == "open":
            command.add_argument("--identity", required=True, metavar="KEY.pem")
    commands.add_parser("vectors").add_argument("folders", nargs=2, metavar=("DIR", "KEYS_DIR"))
    args, out = parser.parse_args(), sys.stdout.buffer
    if args.command == "vectors":
        import vectors
        return vectors.main(*args.folders)
    content = open(args.file, "rb").read()
    if args.command == "inspect":
        envelope = parse(from_file(content))
        for part in envelope.stanzas + envelope.frames:
            print({name: x.hex() if isinstance(x, bytes) else x for name, x in part._asdict().items()})
        return 0
    context = Context(args.agent_id, args.name, args.project, args.key, args.type)
    if args.command == "seal":
        data = seal([recipient(open(to, "rb").read(), args.pin) for to in args.to], [(context, content)])
        out.write(data if args.binary else to_text(data) + b"\n")
    else:
        key = serialization.load_pem_private_key(open(args.identity, "rb").read(), None)
        out.write(Opener(from_file(content), key).message(0, context))
    return 0

if __name__ == "__main__":
    try:
        sys.exit(main())
    except SealpostError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        sys.exit(1 if isinstance(error, KeyRefused | ParseError | TextError) else 3)
