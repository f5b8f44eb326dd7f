#!/usr/bin/env python3
"""Writes docs/DEPENDENCIES.md: every crate that the core crates pull in on a 64-bit Linux host.

    docs/dependencies.py            writes the page
    docs/dependencies.py --check    fails if the page is not what would be written

Versions, licences and counts are read from Cargo.lock and from the sources; purposes and audits are written down here.
A dependency that is not known here is a failure: somebody has to say what it is for.
"""
import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/DEPENDENCIES.md"
CORE = ["sealpost-context", "sealpost-envelope", "sealpost-json", "sealpost-validator", "sealpost-vault-key"]
FEATURES = ",".join(f"sealpost-envelope/{f}" for f in ["aws-lc", "rustcrypto", "std"])
HOST = "x86_64-unknown-linux-gnu"
DEVICE = "thumbv7em-none-eabihf"

NCC = "NCC Group 2020, an older version"
# Purpose, and the audit that its own README or its maker speaks of.
KNOWN = {
    "aead": ("traits of AEADs", ""),
    "aes": ("AES", NCC),
    "aes-gcm": ("AES-256-GCM of the pure-Rust backend", NCC),
    "autocfg": ("build: what the compiler can do", ""),
    "aws-lc-rs": ("every primitive of the host backend", ""),
    "aws-lc-sys": ("AWS-LC itself, in C and assembly", "parts formally verified (AWS-LC's own proofs); FIPS 140-3 for its FIPS branch, which is not used here"),
    "base64": ("base64 of what is public: the text form, JWE", ""),
    "base64ct": ("base64 in constant time: PEM, private keys in JWK", ""),
    "block-buffer": ("blocks of hashes", ""),
    "cc": ("build: calls the C compiler", ""),
    "cfg-if": ("conditional compilation", ""),
    "cipher": ("traits of ciphers", ""),
    "cmake": ("build: not run where `cc` suffices", ""),
    "cmov": ("constant-time selection", "none, says its README"),
    "cms": ("structures of CMS", ""),
    "const-oid": ("object identifiers", ""),
    "cpubits": ("width of the processor's words", ""),
    "cpufeatures": ("which instructions there are", ""),
    "crypto-bigint": ("numbers of RSA", "NCC Group (for Entropy); changed much since, says its README"),
    "crypto-common": ("traits of keys", ""),
    "crypto-primes": ("primes; only `rsa`'s key generation, which is not called", ""),
    "ctr": ("counter mode", ""),
    "ctutils": ("constant-time comparison", "none, says its README"),
    "der": ("ASN.1 DER", ""),
    "der_derive": ("macros of `der`", ""),
    "digest": ("traits of hashes", ""),
    "dunce": ("build: paths", ""),
    "find-msvc-tools": ("build: a compiler on Windows", ""),
    "flagset": ("key usages as flags", ""),
    "fs_extra": ("build: copies files", ""),
    "getrandom": ("the operating system's randomness", ""),
    "ghash": ("authentication of GCM", NCC),
    "hkdf": ("HKDF of the pure-Rust backend", ""),
    "hmac": ("HMAC of the pure-Rust backend", ""),
    "hybrid-array": ("arrays whose length is a type", ""),
    "inout": ("buffers that are input and output", ""),
    "jobserver": ("build: parallel compilers", ""),
    "libc": ("the C library's declarations, for getrandom", ""),
    "num-traits": ("traits of numbers", ""),
    "pem-rfc7468": ("PEM", ""),
    "pkcs1": ("RSA keys in ASN.1", ""),
    "pkcs8": ("private keys in ASN.1", ""),
    "pkg-config": ("build: finds libraries", ""),
    "polyval": ("arithmetic of GHASH", NCC),
    "proc-macro2": ("build: macros", ""),
    "quote": ("build: macros", ""),
    "rand_core": ("traits of generators; in the public API", ""),
    "rsa": ("RSA-OAEP of the pure-Rust backend", "Include Security 2019, an older version; RUSTSEC-2023-0071 is open, see SECURITY.md"),
    "rustls-pki-types": ("certificates as types, for `rustls-webpki`", ""),
    "rustls-webpki": ("paths of certificates", "Cure53 2020 for rustls, of `webpki`, which it was forked from"),
    "sha2": ("SHA-256 of the pure-Rust backend", ""),
    "shlex": ("build: command lines", ""),
    "signature": ("traits of signatures", ""),
    "spki": ("public keys in ASN.1", ""),
    "subtle": ("comparison and selection in constant time", ""),
    "syn": ("build: macros", ""),
    "typenum": ("numbers as types", ""),
    "unicode-ident": ("build: macros", ""),
    "universal-hash": ("traits of GHASH", ""),
    "untrusted": ("reading without panics, for `rustls-webpki`", ""),
    "x509-cert": ("certificates", ""),
    "zeroize": ("wiping buffers; in the public API", ""),
    "zeroize_derive": ("macros of `zeroize`", ""),
}


# Vaults that are features of the command: seconds of processor time that `--profile dist` takes longer with it, and megabytes that the command
# grows by.
VAULTS = {
    "vault-aws": ("not measured", "not measured"),
    "vault-azure": ("not measured", "not measured"),
    "vault-google": ("not measured", "not measured"),
    "vault-kv2": ("not measured", "not measured"),
    "all-vaults": ("not measured", "not measured"),
}


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def tree(target, *features, of=CORE):
    packages = [argument for name in of for argument in ("-p", name)]
    lines = cargo("tree", "--locked", *packages, *features, "-e", "normal,build", "--target", target, "--prefix", "none")
    found = (re.match(r"(\S+) v(\S+)", line) for line in lines.splitlines())
    return {match.groups() for match in found if match and match[1] not in of}


def command(*features):
    """The crates of others in the command."""
    return {crate for crate in tree(HOST, *features, of=["sealpost-cli"]) if not crate[0].startswith("sealpost-")}


def vaults(packages):
    """What each vault adds to the command, as rows."""
    default = command()
    for feature, (seconds, size) in VAULTS.items():
        added = command("--features", feature) - default
        needed = [packages[crate]["rust_version"] for crate in added | default]
        oldest = max((tuple(map(int, version.split("."))) for version in needed if version))
        yield f"| `{feature}` | {len(added)} | {seconds} | {size} | {'.'.join(map(str, oldest))} |"


def unsafe_lines(manifest):
    """Lines of Rust below src/ with the keyword `unsafe`, comments left out; or that the crate forbids it, whatever its features."""
    source = pathlib.Path(manifest).parent / "src"
    root = source / "lib.rs"
    if root.exists() and re.search(r"^#!\[forbid\([^)]*\bunsafe_code", root.read_text(), re.M):
        return "forbidden"
    count = 0
    for file in source.rglob("*.rs"):
        for line in file.read_text(errors="replace").splitlines():
            code = line.strip()
            count += bool(re.search(r"\bunsafe\b", code)) and not code.startswith("//")
    return f"{count:,}"


def page():
    metadata = json.loads(cargo("metadata", "--locked", "--all-features", "--format-version", "1"))
    packages = {(p["name"], p["version"]): p for p in metadata["packages"]}
    host, device = tree(HOST, "--features", FEATURES), tree(DEVICE)
    line = tree(HOST, "--no-default-features", "--features", "sealpost-envelope/aws-lc")
    # README says so, and SECURITY.md counts on it.
    assert not any(name == "rsa" for name, _ in line)
    rows = []
    for name, version in sorted(host):
        package = packages[name, version]
        purpose, audit = KNOWN[name]
        maker = re.sub(r"^https://git(?:hub|lab)\.com/|/$", "", package["repository"] or "")
        rows.append(
            f"| `{name}` {version} | {purpose} | {maker} | {package['license']} | "
            f"{unsafe_lines(package['manifest_path'])} | {'yes' if (name, version) in line else ''} | {'yes' if (name, version) in device else ''} | {audit} |"
        )
    return f"""# What the core depends on

Every crate that `sealpost-envelope` (all features), `sealpost-context`, `sealpost-json`, `sealpost-validator` and `sealpost-vault-key` pull in on {HOST}, those
that only build included: {len(host)}. A device without an operating system ({DEVICE}, the default features) gets the {len(device & host)} that are marked;
`sealpost-context`, `sealpost-json` and `sealpost-validator` have no dependency of others.

A program on a host should say `sealpost-envelope = {{ …, default-features = false, features = ["aws-lc"] }}`. That is the {len(line & host)} that are marked, and not `rsa`
(RUSTSEC-2023-0071). The pure-Rust backend is the default since it is the one that every target has.

This page is written by `docs/dependencies.py`, which reads Cargo.lock and the sources; `docs/dependencies.py --check` fails if it
is out of date. *unsafe* counts the lines of Rust with the keyword, comments left out; it says where to look, not how good
it is. *Audit* is what the crate's README or its maker speaks of; an empty field means that we know of none. "build" stands for
code that runs when compiling, and not in the product.

Licences, bans and sources of all dependencies, the programs' too, are checked by `cargo deny check licenses bans sources`
against `deny.toml`. Known vulnerabilities are looked for where RustSec's database can be
had (`cargo deny check advisories`); beside a copy of it of 2025-02-24 nothing was found but RUSTSEC-2023-0071, the one exception, of which
SECURITY.md tells.

| crate | what for | kept by | licence | unsafe | on a host | on devices | audit |
|---|---|---|---|---|---|---|---|
""" + "\n".join(rows) + f"""

## What a vault adds to the command

A default build has the vault in a file alone. Each feature adds crates of others to the {len(command())} that it has on {HOST}. Seconds (of processor
time) and megabytes are what `--profile dist` takes and makes beyond the default build.

| feature | crates | seconds | megabytes | oldest Rust |
|---|---|---|---|---|
""" + "\n".join(vaults(packages)) + """

No vault brings a second TLS stack or OpenSSL: all use rustls with AWS-LC.

- **AWS**: its SDK, whole. Its log is off, since it shows whole requests; the body with the value is put in under its own, which it would not wipe.
- **Azure**: Microsoft's `azure_identity` gets tokens, over our connection. Its own transport is left out, and with it the feature for certificates, which needs OpenSSL: we
  sign that assertion with AWS-LC. It keeps what it is given in strings that it does not wipe, so it is given a mark instead of a secret. Not used:
  `azure_security_keyvault_secrets`. It makes a string, a JSON text and an answer of each value, wipes none, and sends a value again by itself after a lost
  answer, which in this vault makes a version more.
- **Google**: its `google-cloud-auth` gets tokens. Not used: its client for Secret Manager, which does not wipe values, and logs them if an environment
  variable asks for it.
- **KV version 2**: plain HTTPS. `vaultrs` shows its token in `Debug`.
"""


if __name__ == "__main__":
    text = page()
    if "--check" not in sys.argv:
        PAGE.write_text(text)
    elif PAGE.read_text() != text:
        sys.exit("docs/DEPENDENCIES.md is not up to date: run docs/dependencies.py and read the difference")
