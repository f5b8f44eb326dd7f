"""The run: faults in random order while writers write, then a look at everything that was acknowledged."""

import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from issuer import Issuer
from service import AGENT, DISKS, Disk, Injected, Service
from writers import Ledger, Writer, verify

WRITERS = 6
EIO = "fsync,fdatasync:error=EIO:when=1"


class Faults:
    """Each method is a fault. It returns when the gateway is ready again."""

    def __init__(self, service, issuer, chance):
        self.service, self.issuer, self.random = service, issuer, chance

    def kill_while_it_serves(self):
        self.service.kill()
        self.service.restart()

    def kill_while_it_starts(self):
        self.service.kill()
        for _ in range(3):
            self.service.start()
            time.sleep(self.random.random() * 0.1)
            self.service.kill()
        self.service.restart()

    def stop_in_order(self):
        code = self.service.stop()
        expect(code == 0, f"it ended with {code} after SIGTERM")
        self.service.restart()

    def full_vault(self):
        self.full("vault")

    def full_ledger(self):
        self.full("ledger")

    def full_audit(self):
        self.full("audit")

    def full(self, disk):
        with Disk(self.service.folder / disk):
            self.seen_not_ready(5)
            time.sleep(self.random.random() * 2)
        # By itself: nothing is restarted.
        self.service.until_ready(15)

    def kill_on_a_full_disk(self):
        with Disk(self.service.folder / self.random.choice(["vault", "ledger"])):
            time.sleep(self.random.random() * 2)
            self.service.kill()
        self.service.restart()

    def failed_write_under_the_vault(self):
        self.failed_write("vault")

    def failed_write_under_the_ledger(self):
        self.failed_write("ledger")

    def failed_write(self, disk):
        injection = f"pwrite64,ftruncate:error=ENOSPC:when={self.random.randrange(1, 12)}+"
        with Injected(self.service.process, self.service.file(disk), injection):
            self.seen_not_ready(5)
        self.service.until_ready(15)

    def failed_fsync_of_the_vault(self):
        self.failed_fsync("vault")

    def failed_fsync_of_the_ledger(self):
        self.failed_fsync("ledger")

    def failed_fsync(self, disk):
        process = self.service.process
        with Injected(process, self.service.file(disk), EIO):
            until = time.monotonic() + 20
            while process.poll() is None and time.monotonic() < until:
                time.sleep(0.02)
        expect(process.poll() == 2, f"after a failed fsync of the {disk} it ended with {process.poll()}")
        self.service.restart()

    def failed_fsync_while_it_starts(self):
        self.service.kill()
        injection = f"fsync,fdatasync:error=EIO:when={self.random.randrange(1, 8)}"
        self.service.start(["strace", "-D", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={injection}"])
        time.sleep(2)
        self.service.kill()
        self.service.restart()

    def closed_log_reader(self):
        self.service.reader.closed = True
        time.sleep(1 + self.random.random())
        expect(self.service.readiness() == 200, f"a closed log made it unready: {self.service.missing()}")
        self.service.kill()
        self.service.restart()

    def stalled_log_reader(self):
        self.service.reader.stalled_until = time.monotonic() + 4
        time.sleep(3)
        expect(self.service.readiness() == 200, f"a stalled log made it unready: {self.service.missing()}")

    def changed_keys(self):
        self.issuer.rotate()
        time.sleep(1.5)

    def broken_key_set(self):
        self.issuer.break_set(self.random.choice(["", "no key set", "[]", '{"keys":{}}']))
        time.sleep(2)
        self.issuer.repair_set()
        time.sleep(1.5)
        self.service.until_ready()

    def empty_key_set(self):
        self.issuer.break_set('{"keys":[]}')
        time.sleep(2)
        self.issuer.repair_set()
        time.sleep(1.5)
        self.service.until_ready()

    def seen_not_ready(self, seconds):
        """Waits until it has noticed the fault, or for so long."""
        until = time.monotonic() + seconds
        while self.service.readiness() == 200 and time.monotonic() < until:
            time.sleep(0.02)


NAMES = [name for name, value in vars(Faults).items() if callable(value) and name[0] != "_"]
NAMES = [name for name in NAMES if name not in ("full", "failed_write", "failed_fsync", "seen_not_ready")]
unexpected = []


def expect(holds, what):
    if not holds:
        unexpected.append(what)
        print(f"WRONG: {what}", flush=True)


def main(minutes):
    seed = os.environ.get("SEALPOST_SOAK_SEED") or str(random.randrange(1 << 32))
    print(f"seed {seed}, {minutes} minutes, agent {AGENT}, disks of {DISKS} MiB", flush=True)
    chance = random.Random(seed)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sealpost-soak-"))
    folder.chmod(0o700)
    issuer = Issuer(folder)
    service, ledger, stop = Service(folder, issuer), Ledger(), threading.Event()
    service.restart()
    writers = [Writer(number, service, ledger, stop) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    faults, applied = Faults(service, issuer, chance), dict.fromkeys(NAMES, 0)
    until, left = time.monotonic() + minutes * 60, []
    while time.monotonic() < until:
        if not left:
            left = chance.sample(NAMES, len(NAMES))
        name = left.pop()
        getattr(faults, name)()
        applied[name] += 1
        time.sleep(0.3 + chance.random())
    stop.set()
    for writer in writers:
        writer.join(60)
    service.kill()
    service.restart()
    look_at_everything(service, ledger)
    service.kill()
    return report(ledger, applied, folder)


def look_at_everything(service, ledger):
    for name in list(ledger.acknowledged):
        expect(verify(service, ledger, name), f"{name} was not answered")
    # Of the payloads that were sent under one key, one was stored at most.
    for key, names in ledger.keys.items():
        if len(names) > 1:
            stored = [name for name in names if service.resolve(f"secret:{name}")[0] == 0]
            if len(stored) > 1:
                ledger.wrong(ledger.doubled, key, f"stored {stored}")


def report(ledger, applied, folder):
    for name, times in applied.items():
        print(f"{times:5} {name.replace('_', ' ')}")
    answers = ", ".join(f"{times} × {status or 'no answer'}" for status, times in sorted(ledger.answers.items(), key=str))
    print(f"{len(ledger.acknowledged)} secrets acknowledged; {answers}; folder {folder}, kept if something is wrong")
    never = [name for name, times in applied.items() if not times]
    expect(not never, f"never applied: {never}")
    print(f"{len(unexpected)} other failures; ready while creates fail: {ledger.misled}")
    print(f"{len(ledger.lost)} lost / {len(ledger.changed)} changed / {len(ledger.doubled)} doubled", flush=True)
    failed = ledger.lost or ledger.changed or ledger.doubled or ledger.misled or unexpected
    if not failed:
        for disk in DISKS:
            subprocess.run(["umount", folder / disk], check=True)
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
