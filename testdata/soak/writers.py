"""Writers that remember what was acknowledged, and say what is wrong with it."""

import json
import random
import threading
import time


class Ledger:
    """What was acknowledged, and what was found wrong."""

    def __init__(self):
        self.lock = threading.Lock()
        # Names to the value and the answer that acknowledged it.
        self.acknowledged = {}
        # Idempotency keys to the names of all payloads that were sent under them.
        self.keys = {}
        self.lost, self.changed, self.doubled, self.misled = set(), set(), set(), 0
        self.answers = {}
        self.late = 0

    def count(self, status):
        with self.lock:
            self.answers[status] = self.answers.get(status, 0) + 1

    def acknowledge(self, name, value, body):
        with self.lock:
            known = self.acknowledged.setdefault(name, (value, body))
        if known != (value, body):
            self.wrong(self.changed, name, f"answered {body} after {known[1]}")

    def wrong(self, kind, name, what):
        with self.lock:
            kind.add(name)
        print(f"WRONG: {name}: {what}", flush=True)

    def some(self, number):
        with self.lock:
            names = list(self.acknowledged)
        return random.sample(names, min(number, len(names)))


class Writer(threading.Thread):
    """Creates secrets one after the other, and tries again until each is settled."""

    def __init__(self, number, service, ledger, stop):
        super().__init__(daemon=True)
        self.number, self.service, self.ledger, self.stop = number, service, ledger, stop
        self.random = random.Random(number)

    def run(self):
        count = 0
        while not self.stop.is_set():
            count += 1
            name = f"w{self.number}-{count}"
            value = {"password": f"{self.random.getrandbits(128):x}", "more": "x" * self.random.choice([0, 0, 0, 200, 4000])}
            key = f"soak-key-{name}" if self.random.random() < 0.8 else None
            self.settle(name, value, key)
            if self.random.random() < 0.2:
                self.read_back()

    def ask(self, name, value, key):
        """One attempt, with a look at the readiness before and after it."""
        service = self.service
        incarnation, began, before = service.incarnation, time.monotonic(), service.readiness()
        status, body = service.create(name, value, key)
        failed = status is not None and status >= 500
        if failed and before == 200:
            after, took = service.readiness(), time.monotonic() - began
            if after == 200 and took <= 1 and incarnation == service.incarnation:
                with self.ledger.lock:
                    self.ledger.misled += 1
                print(f"WRONG: ready while {name} failed with {status} after {took:.2f} s: {body.decode()}", flush=True)
        self.ledger.count(status)
        if key is not None:
            with self.ledger.lock:
                self.ledger.keys.setdefault(key, set()).add(name)
        return status, body

    def settle(self, name, value, key):
        attempts = 0
        while not self.stop.is_set():
            attempts += 1
            status, body = self.ask(name, value, key)
            if status == 201:
                self.ledger.acknowledge(name, value, body)
                return self.afterwards(name, value, key)
            if status == 409:
                # Without a key, an earlier attempt may have succeeded. With one, only if its name is another's, which is never.
                if key is not None or attempts == 1:
                    self.ledger.wrong(self.ledger.doubled, name, f"exists at attempt {attempts}, with key {key}")
                return None
            if status == 400:
                self.ledger.wrong(self.ledger.changed, name, f"refused at attempt {attempts}: {body.decode()}")
                return None
            # Not settled. The same key must not store another payload, whatever became of this one; a key that stored nothing
            # may, and then this one must not be stored: the end of the run looks at both.
            if key is not None and status is not None and status >= 500 and self.random.random() < 0.1:
                if self.ask(f"{name}-other", value, key)[0] == 201:
                    return None
            time.sleep(0.05 if status == 403 else 0.02 + self.random.random() * 0.2)
        return None

    def afterwards(self, name, value, key):
        """What was acknowledged is neither stored again nor answered otherwise."""
        if key is not None and self.random.random() < 0.2:
            status, body = self.ask(name, value, key)
            if status == 201:
                self.ledger.acknowledge(name, value, body)
            elif status in (400, 409):
                self.ledger.wrong(self.ledger.changed, name, f"the retry was answered with {status}: {body.decode()}")
        if key is not None and self.random.random() < 0.2:
            if self.ask(f"{name}-other", value, key)[0] == 201:
                self.ledger.wrong(self.ledger.doubled, name, "its key stored another payload")
        if self.random.random() < 0.1:
            if self.ask(name, {"password": "another"}, None)[0] == 201:
                self.ledger.wrong(self.ledger.doubled, name, "its name was stored again")

    def read_back(self):
        for name in self.ledger.some(3):
            verify(self.service, self.ledger, name)


def verify(service, ledger, name):
    """Compares what is stored with what was acknowledged. Returns whether there was an answer."""
    value, body = ledger.acknowledged[name]
    status, text = service.resolve(json.loads(body)["resolver_ref"])
    if status == 0:
        if json.loads(text) != value:
            ledger.wrong(ledger.changed, name, "has another value")
    elif status == 1:
        ledger.wrong(ledger.lost, name, text.decode())
    return status in (0, 1)
