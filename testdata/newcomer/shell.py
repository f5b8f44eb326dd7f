"""The shell that a page's blocks are pasted into."""

import os
import re
import shutil
import signal
import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Folders of a machine's own, which are below a folder of ours here.
SYSTEM = re.compile(r"(?<![\w./])/(usr/local/bin|etc/sealpost-container|etc/sealpost|etc/systemd|var/lib/sealpost|var/log/sealpost)\b")
SECONDS = 120


@dataclass
class Done:
    ok: bool
    said: str = ""


class Shell:
    def __init__(self, folder, root, binary, libraries):
        self.folder, self.processes = folder, []
        # The clone: what is in it, and room for what the commands write.
        self.clone, self.home, self.system = folder / "clone", folder / "home", folder / "system"
        for made in (self.clone, self.home, self.system, folder / "state"):
            made.mkdir(parents=True)
        for entry in root.iterdir():
            if entry.name not in ("target", ".git", "sealpost-data"):
                (self.clone / entry.name).symlink_to(entry)
        (self.clone / "node_modules").symlink_to(libraries / "node/node_modules")
        self.calls = folder / "calls"
        self.calls.touch()
        # systemd makes these.
        (self.system / "etc/systemd/system").mkdir(parents=True)
        (self.system / "usr/local/bin").mkdir(parents=True)
        path = [self.system / "usr/local/bin", self.clone / "target/release", libraries / "venv/bin"]
        path += [] if self.is_first_page else [binary.parent]
        system = [Path(shutil.which(tool)).parent for tool in ("node", "java", "openssl", "curl", "bash")]
        path += dict.fromkeys([*system, Path("/usr/bin"), Path("/bin")])
        path = os.pathsep.join(map(str, path))
        self.environment = {
            "PATH": f"{HERE}/stand-ins{os.pathsep}{path}", "STAND_IN_PATH": path, "HOME": str(self.home), "TERM": "dumb", "LANG": "C.UTF-8", "EDITOR": "vi",
            "STAND_IN_CALLS": str(self.calls), "STAND_IN_BINARY": str(binary), "STAND_IN_SYSTEM": str(self.system),
        }
        (folder / "state/variables").write_text("")
        (folder / "state/folder").write_text(str(self.clone))

    @property
    def is_first_page(self):
        """README builds the command and says how to find it; who reads another page has it."""
        return self.folder.name == "README.md"

    def take(self, block):
        if block.file:
            (self.clone / block.file).write_text(block.text)
            return Done(True)
        if not block.is_command:
            return Done(True)
        if block.info == "sh terminal":
            return self.start(block)
        called = self.stand_ins()
        done = self.run(block)
        missing = [need for need in block.needs if not any((self.stand_ins() - called)[name] for name in STAND_INS[need])]
        sent, references = block.text.count("/secret-value"), done.said.count('"resolver_ref"')
        if done.ok and references < sent:
            return Done(False, f"{sent} secrets were sent, and {references} references came back\n{done.said}")
        if done.ok and missing:
            return Done(False, f"it says that it needs {missing}, and called no stand-in of these")
        return done

    def script(self, block):
        """The block, between what the last one has left and what it leaves itself."""
        text = SYSTEM.sub(rf"{self.system}/\1", block.text)
        state = self.folder / "state"
        return (
            f"source {state}/variables\ncd \"$(cat {state}/folder)\"\nset -euo pipefail\n{text}\n"
            f"declare -p | grep -E '^declare -(-|x) ' | grep -vE '^declare -. (BASH|IFS|OLDPWD|PPID|PWD|SHLVL|_=)' > {state}/variables\n"
            f"pwd > {state}/folder\n"
        )

    def run(self, block):
        # The output goes to a file: a server that a block leaves behind keeps a pipe open.
        output = self.folder / "output"
        with open(output, "w") as out:
            try:
                code = subprocess.run(
                    ["bash", "-c", self.script(block)], env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                    timeout=SECONDS,
                ).returncode
            except subprocess.TimeoutExpired:
                code = f"it does not end within {SECONDS} s"
        return Done(code == 0, f"{output.read_text()}exit code {code}")

    def start(self, block):
        output = self.folder / "terminal"
        with open(output, "w") as out:
            process = subprocess.Popen(
                ["bash", "-c", self.script(block)], env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                start_new_session=True,
            )
        self.processes.append(process)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and process.poll() is None:
            if re.search(r"^sealpost resolve ", output.read_text(), re.MULTILINE):
                return Done(True)
            time.sleep(0.1)
        return Done(False, f"it does not serve: {output.read_text()}")

    def stand_ins(self):
        return Counter(self.calls.read_text().split())

    def end(self):
        started = self.folder / "system/started"
        pids = [process.pid for process in self.processes if process.poll() is None]
        pids += map(int, started.read_text().split() if started.exists() else [])
        for pid in pids:
            try:
                os.killpg(pid, signal.SIGTERM)
            except ProcessLookupError:
                continue
        for process in self.processes:
            process.wait()


# Which stand-ins play what a fence says that it needs.
STAND_INS = {"systemd": ["systemctl"], "issuer": ["issuer"], "container": ["docker"]}
