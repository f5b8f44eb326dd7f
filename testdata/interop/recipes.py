"""Runs the recipes of docs/recipes as they stand there: seals, opens with `sealpost open`, and posts to `sealpost dev`.

A fenced block is a file if a file's name follows its language. `sh run` seals, `sh post` sends.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
from base64 import b64decode
from pathlib import Path

PAGES = Path(__file__).resolve().parent.parent.parent / "docs" / "recipes"
BLOCK = re.compile(r"^```(\w+) (\S+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMES = ("openssl", "node", "browser", "python", "python-joserfc", "python-authlib", "java")
CONTEXT = ["--agent-id", "dev-agent", "--name", "db-login", "--key", "password", "--type", "PASSWORD"]
# What a page does with `seal.js`, without a page.
BROWSER = """
import { readFileSync, writeFileSync } from 'node:fs'
import { seal } from './seal.js'
writeFileSync('sealed.jwe', await seal({
  certificatePem: readFileSync('agent.pem', 'utf8'),
  fingerprint: process.env.FINGERPRINT,
  context: { agent: 'dev-agent', name: 'db-login', key: 'password', type: 'PASSWORD' },
  value: readFileSync('value.json', 'utf8'),
}))
"""


def run(report, sealpost, node_folder, folder):
    found = {page.stem for page in PAGES.glob("*.md")} - {"README"}
    report.check("recipes: every page is run", sorted(found), found == set(NAMES))
    value = dict(blocks("README"))["value.json"]
    for name in NAMES:
        work = folder / name
        work.mkdir()
        Recipe(report, sealpost, node_folder, work, name, value).run()


def blocks(page):
    return [(name, text) for _, name, text in BLOCK.findall((PAGES / f"{page}.md").read_text())]


class Recipe:
    def __init__(self, report, sealpost, node_folder, work, name, value):
        self.report, self.sealpost, self.work, self.name, self.value = report, sealpost, work, name, value
        self.scripts = {}
        for block, text in blocks(name):
            if block in ("run", "post"):
                self.scripts[block] = text
            else:
                (work / block).write_text(text)
        if name == "browser":
            (work / "driver.mjs").write_text(BROWSER)
            (work / "package.json").write_text('{"type":"module"}')
            self.scripts["run"] = "node driver.mjs"
        (work / "value.json").write_text(value)
        (work / "node_modules").symlink_to(Path(node_folder).resolve() / "node_modules")
        # The interpreter that has what the recipe imports.
        path = os.pathsep.join([str(Path(sys.executable).parent), str(Path(sealpost).parent), os.environ["PATH"]])
        self.environment = {**os.environ, "PATH": path}

    def run(self):
        with Dev(self.sealpost, self.work) as dev:
            self.seal(dev)
            self.post(dev)

    def shell(self, script, **environment):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", self.scripts[script]],
            cwd=self.work, env={**self.environment, **environment}, capture_output=True, timeout=60,
        )

    def seal(self, dev):
        (self.work / "agent.pem").write_bytes(dev.certificate)
        sealed = self.work / ("sealed.der" if self.name == "openssl" else "sealed.jwe")
        row = f"recipe {self.name}: another certificate is refused"
        done = self.shell("run", FINGERPRINT="0" * 64)
        nothing = not sealed.exists() or sealed.read_bytes() == b""
        said = done.stdout + done.stderr
        self.report.check(row, "run", done.returncode != 0 and nothing and b"not the certificate" in said, said)
        row = f"recipe {self.name}: seals, and sealpost opens"
        done = self.shell("run", FINGERPRINT=dev.fingerprint)
        opened = subprocess.run(
            [self.sealpost, "open", "--identity", dev.identity, "--certificate", self.work / "agent.pem", *CONTEXT, sealed],
            capture_output=True, timeout=60,
        )
        good = done.returncode == 0 and opened.stdout.strip() == self.value.strip().encode()
        self.report.check(row, "run", good, done.stderr + opened.stderr)
        shown = subprocess.run([self.sealpost, "inspect", "--json", sealed], capture_output=True, timeout=60)
        shown = json.loads(shown.stdout or "{}")
        context = shown.get("context", {"jti": "in the wrapper", "exp": 1})
        self.report.check(row, "once and for a time", bool(context["jti"] and context["exp"]), shown)

    def post(self, dev):
        row = f"recipe {self.name}: posts, and the value resolves"
        (self.work / "authorization.txt").write_text(f"Authorization: Bearer {dev.token}\n")
        done = self.shell("post", GATEWAY=dev.url)
        try:
            answer = json.loads(done.stdout)
        except json.JSONDecodeError:
            self.report.check(row, "post", False, done.stdout + done.stderr)
            return
        resolved = subprocess.run(
            [self.sealpost, "resolve", "--data", dev.data, answer.get("resolver_ref", "none")],
            capture_output=True, timeout=60,
        )
        good = resolved.stdout.strip() == b'"P@ssw0rd123"' or resolved.stdout.strip() == b"P@ssw0rd123"
        self.report.check(row, "post", good, done.stdout + resolved.stdout + resolved.stderr)


class Dev:
    """`sealpost dev` in a folder of its own."""

    def __init__(self, sealpost, work):
        self.data = str(work / "data")
        self.process = subprocess.Popen(
            [sealpost, "dev", "--listen", "127.0.0.1:0", "--data", self.data],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("sealpost resolve"):
                break
        self.url = re.search(r"http://[0-9.:]+", said)[0]
        self.token = re.search(r"Bearer ([^']+)", said)[1]
        [certificate] = Path(self.data).rglob("agent.pem")
        self.certificate = certificate.read_bytes()
        self.identity = str(certificate.with_name("identity.pem"))
        der = b64decode(self.certificate.split(b"-----BEGIN CERTIFICATE-----")[1].split(b"-----END")[0])
        self.fingerprint = hashlib.sha256(der).hexdigest()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=60)
