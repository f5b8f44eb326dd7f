"""Attacks on native envelopes, JWE and CMS by somebody who carries them: no key, every byte."""

import base64
import json
import struct

from tools import DOES_NOT_OPEN, REFUSED_INPUT

VALUE = b'{"password":"P@ssw0rd123"}'
CONTEXT = ("--name", "prod/db", "--key", "password", "--type", "PASSWORD",
           "--project", "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e6f")
BAD = (REFUSED_INPUT, DOES_NOT_OPEN)


def run(attacks):
    context(attacks)
    bytes_of_an_envelope(attacks)
    frames(attacks)
    recipients(attacks)
    jwe(attacks)
    cms(attacks)


def changed(option, value):
    """The context with one part exchanged, or taken away."""
    parts = list(CONTEXT)
    place = parts.index(option)
    parts[place:place + 2] = [option, value] if value is not None else []
    return parts


def context(attacks):
    sealed = attacks.seal("berlin-1", VALUE, *CONTEXT)
    opened = attacks.open("berlin-1", sealed, *CONTEXT)
    attacks.control("an envelope opens under its own context", opened.stdout == VALUE, opened.stderr)
    for option, value in [("--name", "prod/other"), ("--name", "prod/DB"), ("--key", "user"), ("--key", None),
                          ("--type", "USER"), ("--type", None), ("--project", None),
                          ("--project", "0b9c4f6e-7d1a-4a52-8f37-1a2b3c4d5e60")]:
        what = f"open an envelope with {option} {value or 'left out'} instead of what it was sealed for"
        attacks.refused(what, attacks.open("berlin-1", sealed, *changed(option, value)), [DOES_NOT_OPEN])
    for what, done in [
        ("open an envelope in the name of another agent", attacks.open("berlin-1", sealed, *CONTEXT, agent_id="paris-1")),
        ("open an envelope with another agent's key", attacks.open("paris-1", sealed, *CONTEXT, agent_id="berlin-1")),
    ]:
        attacks.refused(what, done, [DOES_NOT_OPEN])


class Envelope:
    """The parts of docs/FORMAT.md, section 3."""

    def __init__(self, data):
        assert data[:9] == b"sealpost\x01"
        self.stanzas, at = [], 10
        for _ in range(data[9]):
            length = struct.unpack(">H", data[at + 33:at + 35])[0]
            self.stanzas.append(data[at:at + 35 + length])
            at += 35 + length
        self.frames = []
        while at < len(data):
            length = struct.unpack(">I", data[at + 37:at + 41])[0]
            self.frames.append(data[at:at + 41 + length])
            at += 41 + length

    def bytes(self):
        return b"sealpost\x01" + bytes([len(self.stanzas)]) + b"".join(self.stanzas + self.frames)


def decode(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def flip(data, place):
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]


def bytes_of_an_envelope(attacks):
    sealed = attacks.seal("berlin-1", VALUE, *CONTEXT, "--binary")
    envelope = Envelope(sealed)
    attacks.control("the parts are the whole", envelope.bytes() == sealed)
    head = 10 + len(envelope.stanzas[0])
    for part, place in {
        "magic": 0, "version": 8, "number of recipients": 9, "stanza type": 10, "key id": 11, "stanza length": 44,
        "encapsulation": 45, "encapsulation's end": head - 1, "frame number": head + 3, "mark of the last frame": head + 4,
        "commitment": head + 5, "commitment's end": head + 36, "length of the ciphertext": head + 40,
        "ciphertext": head + 41, "tag": len(sealed) - 1,
    }.items():
        attacks.refused(f"flip a bit of an envelope's {part}", attacks.open("berlin-1", flip(sealed, place), *CONTEXT), BAD)
    attacks.refused("cut an envelope's last byte", attacks.open("berlin-1", sealed[:-1], *CONTEXT), BAD)
    attacks.refused("append a byte to an envelope", attacks.open("berlin-1", sealed + b"\0", *CONTEXT), BAD)


def frames(attacks):
    def batch(*values):
        lines = "".join(json.dumps({"name": f"n{n}", "value": {"v": value}}) + "\n" for n, value in enumerate(values))
        *heads, last = attacks.seal("berlin-1", lines.encode(), "--batch").decode().splitlines()
        return heads, Envelope(decode(json.loads(last)["envelope"].removeprefix("sealpost.v1.")))

    heads, whole = batch("a", "b", "c")
    _, other = batch("x", "y", "z")

    def opened(frames, heads=heads):
        envelope = Envelope(whole.bytes())
        envelope.frames = frames
        text = "sealpost.v1." + encode(envelope.bytes())
        return attacks.open("berlin-1", "\n".join([*heads, json.dumps({"envelope": text})]).encode() + b"\n", "--batch")

    a, b, c = whole.frames
    done = opened([a, b, c])
    attacks.control("a batch opens", done.returncode == 0 and done.stdout.count(b"\n") == 3, done.stderr)
    renumbered = [a[:4] + b[4:], b[:4] + a[4:]]
    for what, done in [
        ("swap two frames of a batch", opened([b, a, c])),
        ("swap two frames of a batch, and their numbers too", opened([*renumbered, c])),
        ("swap two names of a batch", opened([a, b, c], [heads[1], heads[0], heads[2]])),
        ("drop the last frame of a batch", opened([a, b], heads[:2])),
        ("drop a frame in the middle of a batch", opened([a, c], [heads[0], heads[2]])),
        ("repeat a frame of a batch", opened([a, a, b, c], [heads[0], *heads])),
        ("put a frame of another batch in place", opened([a, other.frames[1], c])),
        ("mark a frame in the middle as the last", opened([a, b[:4] + b"\x01" + b[5:]], heads[:2])),
    ]:
        attacks.refused(what, done, BAD)


def recipients(attacks):
    both = ["--to", attacks.path("berlin-1", "agent.pem"), "--pin", attacks.pin("berlin-1"),
            "--to", attacks.path("berlin-1-next", "agent.pem"), "--pin", attacks.pin("berlin-1-next")]
    sealed = attacks.must(["seal", *both, "--agent-id", "berlin-1", *CONTEXT, "--binary"], VALUE)
    opened = attacks.open("berlin-1-next", sealed, *CONTEXT, agent_id="berlin-1")
    attacks.control("both recipients open", opened.stdout == VALUE, opened.stderr)
    alone = Envelope(attacks.seal("berlin-1", VALUE, *CONTEXT, "--binary"))

    def tried(what, stanzas):
        envelope = Envelope(sealed)
        envelope.stanzas = stanzas(envelope.stanzas)
        attacks.refused(what, attacks.open("berlin-1", envelope.bytes(), *CONTEXT), BAD)

    tried("take a recipient away", lambda all: all[:1])
    tried("exchange the order of the recipients", lambda all: all[::-1])
    tried("exchange a recipient's encapsulation for one of another envelope", lambda all: [alone.stanzas[0], all[1]])
    tried("name a recipient twice", lambda all: [all[0], all[0]])
    envelope = Envelope(sealed)
    envelope.frames = alone.frames
    attacks.refused("put the frame of another envelope behind a header",
                    attacks.open("berlin-1", envelope.bytes(), *CONTEXT), BAD)


def jwe(attacks):
    sealed = attacks.seal("berlin-1", VALUE, *CONTEXT, "--format", "jwe").decode().strip()
    opened = attacks.open("berlin-1", sealed.encode(), *CONTEXT)
    attacks.control("a JWE opens", opened.stdout == VALUE, opened.stderr)
    parts = sealed.split(".")

    def tried(what, change, *more):
        header = json.loads(decode(parts[0]))
        change(header)
        text = encode(json.dumps(header, separators=(",", ":")).encode())
        attacks.refused(what, attacks.open("berlin-1", ".".join([text, *parts[1:]]).encode(), *(more or CONTEXT)), BAD)

    tried("change the name in a JWE's header, and ask for that name",
          lambda header: header["sealpost"].update(name="prod/other"), *changed("--name", "prod/other"))
    tried("take the context out of a JWE's header", lambda header: header.pop("sealpost"))
    tried("declare alg dir in a JWE", lambda header: header.update(alg="dir"))
    tried("declare alg RSA1_5 in a JWE", lambda header: header.update(alg="RSA1_5"))
    tried("declare alg RSA-OAEP (SHA-1) in a JWE", lambda header: header.update(alg="RSA-OAEP"))
    tried("declare enc A128CBC-HS256 in a JWE", lambda header: header.update(enc="A128CBC-HS256"))
    tried("declare compression in a JWE", lambda header: header.update(zip="DEF"))
    tried("declare a critical extension in a JWE", lambda header: header.update(crit=["exp"], exp=1))
    for part, name in [(1, "encrypted key"), (2, "nonce"), (3, "ciphertext"), (4, "tag")]:
        altered = [encode(flip(decode(text), 0)) if n == part else text for n, text in enumerate(parts)]
        attacks.refused(f"flip a bit of a JWE's {name}", attacks.open("berlin-1", ".".join(altered).encode(), *CONTEXT), BAD)


def cms(attacks):
    sealed = attacks.seal("berlin-1", VALUE, *CONTEXT, "--format", "cms")
    opened = attacks.open("berlin-1", sealed, *CONTEXT)
    attacks.control("a CMS message opens", opened.stdout == VALUE, opened.stderr)
    binary = sealed[:1] == b"\x30"
    attacks.control("CMS is written as DER or PEM", binary or b"BEGIN CMS" in sealed, sealed[:40])
    der = sealed if binary else base64.b64decode(b"".join(sealed.split(b"\n")[1:-2]))
    for place, name in [(len(der) - 1, "tag"), (len(der) - 20, "ciphertext"), (4, "head")]:
        attacks.refused(f"flip a bit of a CMS message's {name}", attacks.open("berlin-1", flip(der, place), *CONTEXT), BAD)
    attacks.refused("open a CMS message for another name",
                    attacks.open("berlin-1", der, *changed("--name", "prod/other")), [DOES_NOT_OPEN])
