"""Those who mean it harm: malformed requests, slow clients, and whoever kills the process."""

import concurrent.futures
import json
import random
import socket
import threading
import time

from harness import AGENT, Gateway, Issuer, exchange, request, value_of

MALFORMED = 10_000
SLOW_CONNECTIONS = 500
SLOW_SECONDS = 15
KILLS = 3
KILL_AFTER_SECONDS = 3


def check(checks, folder):
    issuer = Issuer(folder)
    gateway = Gateway(folder, issuer)
    token = issuer.token()
    try:
        malformed(checks, gateway, token)
        slow(checks, gateway, token)
        kills(checks, gateway, token)
    finally:
        checks.that(gateway.stop() == 0, "the gateway ends in order")
        issuer.stop()


# --- malformed requests --------------------------------------------------------------------------------


def kinds(token):
    """Each kind: its name, bytes to send, whether to end the sending side, and the statuses that are right. None is for a
    connection that is closed without an answer."""
    target = f"/v1/secrets/{AGENT}/secret-value"
    auth = {"Authorization": f"Bearer {token}"}
    good = json.dumps({"secret": {"name": "never", "value": {"a": 1}}}).encode()
    post = lambda body=good, headers=None, to=target, method="POST": request(method, to, body, auth | (headers or {}))
    noise = lambda n: random.randbytes(n)
    junk = b"".join(b"%c" % random.choice(b"{}[]\",:\\ntrue019.eE \xff\x00") for _ in range(60))
    cut = post()[: random.randrange(40, len(post()) - 1)]
    wrong_utf8 = good.replace(b"never", b"\xff\xfe")
    return [
        ("noise instead of HTTP", noise(300), True, {400, None}),
        ("no version", b"POST / \r\n\r\n", True, {400, None}),
        ("another version", b"POST / HTTP/9.9\r\n\r\n", True, {400, 505, None}),
        ("HTTP/2 without agreement", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", True, {400, 505, None}),
        ("a header without a colon", b"POST / HTTP/1.1\r\nHost\r\n\r\n", True, {400, None}),
        ("a line that is too long", b"POST /" + b"a" * 200_000 + b" HTTP/1.1\r\n\r\n", True, {400, 414, 431, None}),
        ("headers that are too large", post(headers={"X": "a" * 200_000}), True, {400, 431, None}),
        ("too many headers", post(headers={f"X-{n}": "" for n in range(500)}), True, {400, 431, None}),
        ("two lengths", post(headers={"content-length": "3"}), True, {400, None}),
        ("a negative length", post(headers={"Content-Length": "-1"}), True, {400, None}),
        ("chunks and a length", post(headers={"Transfer-Encoding": "chunked"}), True, {400, None}),
        ("chunks that are none", request("POST", target, b"zz\r\n", auth | {"Transfer-Encoding": "chunked", "Content-Length": ""}).replace(b"Content-Length: \r\n", b""), True, {400, None}),
        ("a request that is cut off", cut, True, {400, None}),
        ("no route", post(to="/v1/nothing"), False, {404}),
        ("another method", post(method="PUT"), False, {405}),
        ("an invented method", post(method="CREATE"), False, {405}),
        ("bad percent-encoding in the path", post(to="/v1/secrets/%zz%/secret-value"), False, {400}),
        ("bad percent-encoding in the query", post(to=target + "?projectId=%e2%28%a1"), False, {400}),
        ("no UUID", post(to=target + "?projectId=1"), False, {400}),
        ("an agent that is none", post(to="/v1/secrets/" + "a" * 65 + "/secret-value"), False, {400}),
        ("no token", request("POST", target, good), False, {403}),
        ("a token of 100 KB", request("POST", target, good, {"Authorization": "Bearer " + "a" * 100_000}), True, {403, 431, None}),
        ("a token that is none", request("POST", target, good, {"Authorization": "Bearer a.b.c"}), False, {403}),
        ("another scheme", request("POST", target, good, {"Authorization": "Basic YTpi"}), False, {403}),
        ("another media type", post(headers={"Content-Type": "text/plain"}), False, {400}),
        ("another charset", post(headers={"Content-Type": "application/json; charset=utf-16"}), False, {400}),
        ("a compressed body", post(headers={"Content-Encoding": "gzip"}), False, {400}),
        ("an empty body", post(b""), False, {400}),
        ("a body of noise", post(noise(200)), False, {400}),
        ("nearly JSON", post(junk), False, {400}),
        ("wrong UTF-8", post(wrong_utf8), False, {400}),
        ("a body that is too large", post(b" " * 200_000), True, {400, None}),
        ("deep nesting", post(b'{"secret":{"name":"n","value":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}}"), False, {400}),
        ("many members", post(b'{"secret":{"name":"n","value":{' + b",".join(b'"%d":1' % n for n in range(3000)) + b"}}}"), False, {400}),
        ("duplicate members", post(b'{"secret":{"name":"n","name":"m","value":{"a":1}}}'), False, {400}),
        ("a value that is no object", post(b'{"secret":{"name":"n","value":[1]}}'), False, {400}),
        ("more after the object", post(good + b"{}"), False, {400}),
        ("a byte-order mark", post(b"\xef\xbb\xbf" + good), False, {400}),
        ("a name that is too long", post(json.dumps({"secret": {"name": "n" * 513, "value": {"a": 1}}}).encode()), False, {400}),
        ("a key that is not there", post(b'{"secret":{"name":"n","key":"k","value":{"a":1}}}'), False, {400}),
    ]


def malformed(checks, gateway, token):
    random.seed(1)
    before = gateway.resident()
    wrong, count, by_kind = [], 0, {}

    def send(kind):
        what, data, shut, right = kind
        status, body = exchange(gateway.port, data, shut)
        # What reaches routing says what is wrong.
        empty = status is not None and not body and status not in (400, 414, 431, 505)
        return what, status, status in right and not empty

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        while count < MALFORMED:
            for what, status, fine in pool.map(send, kinds(token)):
                count += 1
                by_kind.setdefault(what, set()).add(status)
                if not fine:
                    wrong.append((what, status))
    checks.that(not wrong, f"{count} malformed requests of {len(by_kind)} kinds are answered as they should", wrong[:10])
    answered(checks, gateway, token, "after-malformed", "it answers after them")
    grown = gateway.resident() / before
    checks.that(grown < 3, "they leave no memory behind", f"{before} KiB grew by {grown:.2f}")
    stored = [event["name"] for event in gateway.audited() if event["status"] == 201]
    checks.that(stored == ["after-malformed"], "none of them stored anything", stored)


def answered(checks, gateway, token, name, what):
    status, body = gateway.create(token, name)
    checks.that(status == 201, what, (status, body))


# --- slow clients --------------------------------------------------------------------------------------


class Slow:
    """Connections that send one byte a second; what the gateway ends is begun anew."""

    def __init__(self, port, token):
        head = request("POST", f"/v1/secrets/{AGENT}/secret-value", b"", {"Authorization": f"Bearer {token}", "Content-Length": "1000"})
        # Half of them are slow with their headers, half with the body.
        self.port, self.starts = port, (b"", head)
        self.rest = head[:40] + b"a" * 10_000
        self.begun = 0
        self.streams = {}
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopped.wait(1):
            while len(self.streams) < SLOW_CONNECTIONS:
                stream = socket.create_connection(("127.0.0.1", self.port), 10)
                stream.sendall(self.starts[self.begun % 2])
                stream.setblocking(False)
                self.streams[stream] = 0
                self.begun += 1
            for stream, sent in list(self.streams.items()):
                try:
                    stream.send(self.rest[sent : sent + 1])
                    self.streams[stream] = sent + 1
                    if stream.recv(4096) == b"":
                        raise ConnectionError
                except BlockingIOError:
                    pass
                except OSError:
                    stream.close()
                    del self.streams[stream]

    def stop(self):
        self.stopped.set()
        self.thread.join()
        for stream in self.streams:
            stream.close()


def slow(checks, gateway, token):
    slow = Slow(gateway.port, token)
    while slow.begun < SLOW_CONNECTIONS:
        time.sleep(0.1)
    durations, refused, until, n = [], [], time.monotonic() + SLOW_SECONDS, 0
    while time.monotonic() < until:
        start = time.monotonic()
        status, _ = gateway.create(token, f"beside-slow-{n}")
        durations.append(time.monotonic() - start)
        if status != 201:
            refused.append(status)
        n += 1
    slow.stop()
    durations.sort()
    worst, median = durations[-1], durations[len(durations) // 2]
    print(f"{n} requests beside {SLOW_CONNECTIONS} slow connections ({slow.begun} begun): median {median * 1000:.1f} ms, worst {worst * 1000:.1f} ms")
    checks.that(n >= 100 and not refused, "slow clients do not stop others", (n, refused[:10]))
    checks.that(worst < 5, "nor keep them waiting", worst)
    checks.that(slow.begun > SLOW_CONNECTIONS, "they are cut off in the end", slow.begun)
    answered(checks, gateway, token, "after-slow", "it answers after them")


# --- a killed process ------------------------------------------------------------------------------------


def kills(checks, gateway, token):
    promised = {}
    lock = threading.Lock()

    def load(round, worker, stop):
        n = 0
        while not stop.is_set():
            name = f"kill/{round}/{worker}/{n}"
            n += 1
            try:
                status, body = gateway.create(token, name)
            except (OSError, ValueError):
                continue
            if status == 201:
                with lock:
                    promised[name] = body["resolver_ref"]

    for round in range(KILLS):
        before = len(promised)
        stop = threading.Event()
        workers = [threading.Thread(target=load, args=(round, n, stop)) for n in range(8)]
        for worker in workers:
            worker.start()
        time.sleep(KILL_AFTER_SECONDS)
        # While all of them are at it.
        gateway.kill()
        stop.set()
        for worker in workers:
            worker.join()
        gateway.start()
        lost = [name for name, ref in promised.items() if (value := gateway.resolve(ref)) is None or json.loads(value) != value_of(name)]
        checks.that(
            len(promised) >= before + 50 and not lost,
            f"after {round + 1} kills under load all {len(promised)} secrets that were promised resolve",
            lost[:10],
        )
    answered(checks, gateway, token, "after-kills", "it answers after them")
