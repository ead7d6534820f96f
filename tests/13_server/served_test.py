"""Treats the served program of chapter 13 as the world would: well, badly, and with a hammer.

    python3 tests/13_server/served_test.py BUILD/recipe [ONLY]

`LONG=yes` in the environment does more often what is done by chance: 200 times `kill -9`, 100 times SIGTERM, 100,000
requests of the fuzzer. What needs a program that is not here is skipped, and that is said. The exit status is 1 if
something is wrong."""

import collections
import contextlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import client
import hostile
from client import Connection, Ended, Server, Skipped, Wrong, check, until

LONG = os.environ.get("LONG") == "yes"
SEED = int(os.environ.get("SEED", time.time_ns() % 1_000_000))
JSON = "Content-Type: application/json"


def started(*arguments, **how):
    return Server(PROGRAM, *arguments, **how)


def needs(program):
    if not shutil.which(program):
        raise Skipped(f"there is no {program} here")


def job(kind, **args):
    return {"kind": kind, "args": args}


def ended(server, number):
    """Waits until a job has ended. @returns it"""
    return until(
        lambda: (found := server.ask("GET", f"/jobs/{number}?wait_ms=1000").json)["finished_ms"] is not None and found,
        f"the end of job {number}",
    )


def metrics(server):
    """All metrics, by name and labels."""
    found = {}
    for line in server.ask("GET", "/metrics").body.decode().splitlines():
        if line.startswith("#") or not line:
            continue
        match = re.fullmatch(r'([a-z_]+(?:\{[a-z_]+="[^"]*"(?:,[a-z_]+="[^"]*")*\})?) ([0-9.eE+-]+|\+Inf|NaN)', line)
        if not match:
            raise Wrong(f"not a line of metrics: {line!r}")
        found[match[1]] = float(match[2])
    return found


# ---- As a client would that means well


def curl(server, *arguments):
    """@returns the status, the headers and the body that curl gets"""
    output = subprocess.run(
        ["curl", "-s", "-i", "--max-time", "60", *arguments[:-1], f"http://127.0.0.1:{server.port}{arguments[-1]}"],
        stdout=subprocess.PIPE, check=True,
    ).stdout  # fmt: skip
    head, _, body = output.partition(b"\r\n\r\n")
    first, *fields = head.decode().split("\r\n")
    return int(first.split()[1]), {k.lower(): v.strip() for k, _, v in (f.partition(":") for f in fields)}, body


POST_JSON = ("-H", JSON, "-d")

ROUTES = [
    (200, ["/healthz"]),
    (200, ["--http1.0", "/healthz"]),
    (200, ["-I", "/healthz"]),
    (204, ["-X", "OPTIONS", "/jobs"]),
    (200, ["/"]),
    (200, ["-I", "/"]),
    (200, ["/page.css"]),
    (200, ["/page.js"]),
    (200, ["/metrics"]),
    (200, ["/workers"]),
    (200, ["/jobs"]),
    (404, ["/jobs/1"]),
    (202, [*POST_JSON, '{"kind":"empty"}', "/jobs"]),
    (200, ["/jobs/1"]),
    (200, ["/jobs/1?wait_ms=60000"]),
    (409, ["-X", "DELETE", "/jobs/1"]),
    (400, ["/jobs/1?wait_ms=60001"]),
    (400, ["/jobs/1?wait_ms=soon"]),
    (202, [*POST_JSON, '{"kind":"sleep","args":{"ms":60000}}', "/jobs"]),
    (200, ["-X", "DELETE", "/jobs/2"]),
    (200, [*POST_JSON, '{"kind":"count","args":{"number":2}}', "/run"]),
    (200, [*POST_JSON, '{"kind":"random"}', "/run"]),
    (200, [*POST_JSON, '{"kind":"sleep","args":{"ms":1}}', "/run"]),
    (200, ["-H", "Transfer-Encoding: chunked", *POST_JSON, '{"kind":"empty"}', "/run"]),
    (500, [*POST_JSON, '{"kind":"fail","args":{"what":"no"}}', "/run"]),
    (500, [*POST_JSON, '{"kind":"crash"}', "/run"]),
    (504, [*POST_JSON, '{"kind":"spin","args":{"ms":60000},"deadline_ms":20}', "/run"]),
    (504, [*POST_JSON, '{"kind":"sleep","args":{"ms":60000},"deadline_ms":20}', "/run"]),
    (400, [*POST_JSON, '{"kind":', "/jobs"]),
    (400, [*POST_JSON, '{"kind":"what?"}', "/run"]),
    (415, ["-d", "kind=empty", "/jobs"]),
    (405, ["/run"]),
    (405, ["-X", "DELETE", "/jobs"]),
    (405, ["-X", "POST", "/healthz"]),
    (404, ["/nowhere"]),
    (404, ["-X", "POST", "/nowhere"]),
    (417, ["-H", "Expect: a miracle", *POST_JSON, "{}", "/jobs"]),
]


def curl_is_answered_on_each_route():
    needs("curl")
    with started("--workers", 2) as server:
        for wanted, arguments in ROUTES:
            status, headers, body = curl(server, *arguments)
            check(status, wanted, " ".join(arguments))
            check(headers.get("x-content-type-options"), "nosniff", " ".join(arguments))
            if status == 405 or status == 204:
                check("allow" in headers, True, f"Allow of {arguments}")
            if status >= 400 and status != 405:
                check(headers["content-type"].startswith("application/json"), True, str(headers))
        status, headers, body = curl(server, *POST_JSON, '{"kind":"count","args":{"number":3}}', "/jobs")
        location = headers["location"]
        check(re.fullmatch(r"/jobs/\d+", location) is not None, True, location)
        answer = server.ask("GET", location + "?wait_ms=60000").json
        check((answer["state"], answer["result"]), ("done", 30_000_000))
        policy = curl(server, "/")[1]["content-security-policy"]
        check("default-src 'none'" in policy and "unsafe" not in policy, True, policy)
        return f"{len(ROUTES)} of curl's requests"


def a_socket_of_unix_serves_as_well():
    needs("curl")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        process = subprocess.Popen([PROGRAM, "--unix", path], stdout=subprocess.PIPE, text=True)
        try:
            check(process.stdout.readline().strip(), f"A job server at unix:{path}")
            command = ["curl", "-s", "--unix-socket", path, "http://localhost/healthz"]
            got = subprocess.run(command, stdout=subprocess.PIPE)
            check(got.stdout, b'{"status":"ok"}\n')
            process.send_signal(signal.SIGTERM)
            check(process.wait(client.SECONDS), 0)
        finally:
            process.kill()
            process.communicate()


def a_connection_serves_many_requests():
    with started() as server, server.connect() as connection:
        for _ in range(1000):
            check(connection.ask("GET", "/healthz").status, 200)
        request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
        sender = threading.Thread(target=lambda: connection.send(request * 2000))
        sender.start()
        for _ in range(2000):
            check([connection.answer().status, connection.answer().status], [200, 404])
        sender.join()


def what_it_counts_is_right():
    with started("--workers", 2) as server:
        with server.connect() as connection:
            for kind, status in [("empty", 200), ("empty", 200), ("random", 200), ("fail", 500)]:
                args = {"what": "x"} if kind == "fail" else {}
                check(connection.ask("POST", "/run", job(kind, **args)).status, status)
            connection.ask("GET", "/nowhere")
        found = metrics(server)
        check(found["jobs_accepted_total"], 4)
        check(found['jobs_ended_total{state="done"}'], 3)
        check(found['jobs_ended_total{state="failed"}'], 1)
        check(found['http_requests_total{status="200"}'], 3)
        check(found['http_requests_total{status="404"}'], 1)
        check(found["job_seconds_count"], 4)
        check(found['job_seconds_bucket{le="+Inf"}'], 4)
        check((found["jobs_waiting"], found["jobs_running"]), (0, 0))


def each_request_is_a_line_in_the_log():
    with started("--log") as server:
        hostile_target = '/a"b\\c'
        server.ask("GET", hostile_target)
        server.process.send_signal(signal.SIGTERM)
        _, log = server.process.communicate(timeout=client.SECONDS)
        lines = [json.loads(line) for line in log.splitlines()]
        check([(line["method"], line["target"], line["status"]) for line in lines], [("GET", hostile_target, 404)])


def a_full_queue_refuses():
    with started("--workers", 1, "--queue", 3) as server, server.connect() as connection:
        statuses = [connection.ask("POST", "/jobs", job("spin", ms=600_000)) for _ in range(10)]
        refused = [answer for answer in statuses if answer.status == 503]
        check({answer.status for answer in statuses}, {202, 503})
        check(len(refused) in (6, 7), True, f"{len(refused)} refused")
        check("retry-after" in refused[0].headers, True)
        check(connection.ask("GET", "/healthz").status, 200)
        check(connection.ask("DELETE", "/jobs/2").status, 200)
        check(connection.ask("POST", "/jobs", job("empty")).status, 202)


def a_client_that_leaves_cancels_its_job():
    with started("--workers", 1, "--threads", 2) as server:
        for kind, args in [("spin", {"ms": 600_000}), ("sleep", {"ms": 600_000})]:
            for half in (False, True):
                connection = server.connect()
                connection.send(http_post("/run", job(kind, **args)))
                running = until(
                    lambda: [j for j in server.ask("GET", "/jobs").json["jobs"] if j["state"] == "running"], "it runs"
                )
                if half:
                    connection.socket.shutdown(1)
                else:
                    connection.close()
                check(ended(server, running[0]["id"])["state"], "cancelled")
                connection.close()
        check(server.ask("POST", "/run", job("count", number=1)).status, 200)


def http_post(target, body):
    data = json.dumps(body).encode()
    return f"POST {target} HTTP/1.1\r\nHost: a\r\n{JSON}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data


# ---- As somebody would who means ill


def hostile_requests_are_answered_as_they_must_be():
    requests = hostile.corpus()
    if len(requests) < 200:
        raise Wrong(f"only {len(requests)} requests")
    with started("--workers", 2, "--threads", 2, "--header-ms", 2000) as server:
        wrong = []
        for torn in (None, random.Random(SEED)):
            for request in requests:
                try:
                    hostile.tried(server, request, torn)
                except Wrong as reason:
                    wrong.append(f"{reason}{' (in pieces)' if torn else ''}")
                    server.is_well()
        server.is_well()
        if wrong:
            raise Wrong(f"{len(wrong)} of them:\n  " + "\n  ".join(wrong))
        check(server.terminate(), 0)
    return f"{len(requests)} requests, each whole and in pieces"


def no_request_of_a_fuzzer_harms_it():
    count = 100_000 if LONG else 4_000
    with started("--workers", 2, "--threads", 2) as server:
        statuses = hostile.fuzz(server, count, SEED)
        server.is_well()
        until(lambda: server.descriptors() < 60, "its descriptors are closed")
        check(server.terminate(), 0)
    return f"{count} requests, seed {SEED}, " + ", ".join(f"{n} × {status}" for status, n in sorted(statuses.items()))


def who_sends_too_slowly_is_sent_away():
    with started("--header-ms", 300, "--idle-ms", 600_000) as server:
        slow = [server.connect() for _ in range(200)]
        told = set()
        # Each sends a byte now and then, and would never come to an end.
        while len(told) < len(slow):
            for i, connection in enumerate(slow):
                if i in told:
                    continue
                with contextlib.suppress(ConnectionError):
                    connection.send(b"G" if not connection.bytes else b"E")
                connection.socket.setblocking(False)
                with contextlib.suppress(BlockingIOError, Ended):
                    connection.more()
                connection.socket.settimeout(client.SECONDS)
                if connection.bytes:
                    told.add(i)
            check(server.ask("GET", "/healthz").status, 200)
        for connection in slow:
            check(connection.answer().status, 408)
            with connection:
                connection.ends()
        until(lambda: server.descriptors() < 60, "its descriptors are closed")


def who_sends_a_body_too_slowly_is_sent_away():
    with started("--header-ms", 300) as server, server.connect() as connection:
        connection.send(b"POST /jobs HTTP/1.1\r\nHost: a\r\n" + JSON.encode() + b"\r\nContent-Length: 100\r\n\r\n{")
        check(connection.answer().status, 408)
        connection.ends()


def who_expects_it_is_told_to_go_on():
    with started() as server, server.connect() as connection:
        body = b'{"kind":"empty"}'
        connection.send(f"POST /run HTTP/1.1\r\nHost: a\r\n{JSON}\r\nExpect: 100-continue\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n".encode())  # fmt: skip
        check(connection.answer().status, 100)
        connection.send(body)
        check(connection.answer().status, 200)


def who_says_nothing_is_closed_after_a_while():
    with started("--idle-ms", 200) as server, server.connect() as connection, server.connect() as silent:
        check(connection.ask("GET", "/healthz").status, 200)
        check(connection.ends(), b"")
        check(silent.ends() in (b"", silent.bytes), True)


def who_never_reads_holds_up_nobody():
    with started("--workers", 2) as server:
        body = job("fail", what="x" * 15_000)
        for _ in range(100):
            check(server.ask("POST", "/jobs", body).status, 202)
        deaf = [server.connect() for _ in range(20)]
        for connection in deaf:
            connection.send(b"GET /jobs HTTP/1.1\r\nHost: a\r\n\r\n" * 20)
        listeners = [server.connect() for _ in range(20)]
        for connection in listeners:
            connection.send(b"GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(20):
            check(server.ask("POST", "/run", job("empty")).status, 200)
        server.is_well()
        for connection in deaf + listeners:
            connection.close()
        until(lambda: server.descriptors() < 60, "its descriptors are closed")
        server.is_well()


def ten_thousand_idle_connections_cost_nobody_anything():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 10_000 if hard == resource.RLIM_INFINITY or hard >= 10_500 else hard - 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, hard))
    try:
        with started("--idle-ms", 600_000) as server:
            before = memory(server)
            idle = [server.connect() for _ in range(count)]
            until(lambda: metrics(server)["http_connections"] >= count, "all of them are there")
            check(server.ask("POST", "/run", job("count", number=1)).status, 200)
            for connection in idle[::1000]:
                check(connection.ask("GET", "/healthz").status, 200)
            each = (memory(server) - before) / count
            for connection in idle:
                connection.close()
            until(lambda: metrics(server)["http_connections"] < 10, "all of them have gone")
            check(server.terminate(), 0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return f"{count} connections, {each / 1024:.1f} KiB each"


def memory(server):
    with open(f"/proc/{server.process.pid}/status") as file:
        return 1024 * int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


# ---- When something breaks


def descriptors_that_run_out_come_back():
    def few():
        resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80))

    with started("--workers", 1, "--threads", 1, before=few) as server, server.connect() as first:
        check(first.ask("GET", "/healthz").status, 200)
        crowd = [server.connect() for _ in range(120)]  # the system accepts them, and the server cannot
        check(first.ask("GET", "/healthz").status, 200, "who is in already")
        check(first.ask("POST", "/run", job("empty")).status, 200)
        began = client_time(server)
        time.sleep(0.5)
        check(client_time(server) - began < 25, True, "it waits, and does not spin")
        first.send(http_post("/run", job("crash")))  # its successor has no descriptor to begin with
        time.sleep(0.2)
        check(server.process.poll(), None)
        for connection in crowd:
            connection.close()
        check(first.answer().status, 500)
        until(lambda: answers(server), "it answers again")
        until(lambda: server.ask("POST", "/run", job("count", number=1)).status == 200, "it computes again")
        check(server.terminate(), 0)


def client_time(server):
    """Its processor time, in hundredths of a second."""
    with open(f"/proc/{server.process.pid}/stat") as file:
        words = file.read().rsplit(")", 1)[1].split()
    return int(words[11]) + int(words[12])


def answers(server):
    try:
        with server.connect(timeout=5) as connection:
            return connection.ask("GET", "/healthz").status == 200
    except (OSError, Ended):
        return False


def accept_until_refused(server):
    """Submits jobs until one is refused. @returns the IDs of those that were accepted, and the refusal"""
    ids = []
    with server.connect() as connection:
        while True:
            answer = connection.ask("POST", "/jobs", job("fail", what="x" * 10_000))
            if answer.status != 202:
                return ids, answer
            ids.append(answer.json["id"])
            if len(ids) > 5000:
                raise Wrong("its disk is never full")


def all_are_there(server, ids):
    for number in ids:
        check(ended(server, number)["state"], "failed")


def a_file_that_may_not_grow_is_told_and_loses_nothing():
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))

    with tempfile.TemporaryDirectory() as folder:
        journal = os.path.join(folder, "jobs.db")
        with started("--journal", journal, before=small_files) as server:
            ids, refusal = accept_until_refused(server)
            check(refusal.status, 507)
            check(bool(refusal.json["error"]), True)
            check(server.ask("POST", "/run", job("empty")).status in (200, 503), True)
            check(server.ask("GET", "/healthz").status, 503)
            server.kill()
        with started("--journal", journal) as server:
            all_are_there(server, ids)
            check(server.ask("POST", "/jobs", job("empty")).status, 202)
    return f"after {len(ids)} jobs"


def a_full_disk_is_told_and_loses_nothing():
    with tempfile.TemporaryDirectory() as folder:
        command = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]
        mounted = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        if mounted.returncode:
            raise Skipped(f"no small disk is to be had: {mounted.stderr.strip()}")
        try:
            filler = os.path.join(folder, "filler")
            with open(filler, "wb") as file:
                file.write(b"x" * (2 << 20))
            with started("--journal", os.path.join(folder, "jobs.db")) as server:
                ids, refusal = accept_until_refused(server)
                check(refusal.status, 507)
                os.remove(filler)
                until(lambda: server.ask("POST", "/jobs", job("empty")).status == 202, "there is room")
                until(lambda: server.ask("GET", "/healthz").status == 200, "it is well again")
                all_are_there(server, ids)
                server.kill()
            with started("--journal", os.path.join(folder, "jobs.db")) as server:
                all_are_there(server, ids)
                check(server.terminate(), 0)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)
    return f"after {len(ids)} jobs"


def workers_that_are_killed_cost_their_own_jobs():
    chance = random.Random(SEED)
    kills = 300 if LONG else 40
    with started("--workers", 3, "--threads", 2) as server:
        until(lambda: server.ask("POST", "/run", job("random")).status == 200, "it computes")
        told = collections.Counter()
        over = threading.Event()

        def ask():
            with contextlib.suppress(Ended, OSError), server.connect() as connection:
                while not over.is_set():
                    answer = connection.ask("POST", "/run", job("count", number=2))
                    told[answer.status] += 1
                    if answer.status == 500 and "worker" not in answer.json["error"]:
                        told[answer.json["error"]] += 1

        load = [threading.Thread(target=ask) for _ in range(6)]
        for thread in load:
            thread.start()
        killed = 0
        while killed < kills and any(thread.is_alive() for thread in load):
            time.sleep(chance.uniform(0, 0.05))
            if workers := server.workers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(chance.choice(workers), signal.SIGKILL)
                    killed += 1
        over.set()
        for thread in load:
            thread.join(client.SECONDS)
        server.is_well()
        check(set(told) <= {200, 500}, True, str(told))
        check(told[200] > 0, True, str(told))
        for _ in range(6):
            check(server.ask("POST", "/run", job("count", number=1)).status, 200, "all workers are new")
        until(lambda: not [pid for pid in server.workers() if state_of(pid) == "Z"], "no zombies")
        found = metrics(server)
        check((found["jobs_running"], found["jobs_waiting"]), (0, 0))
        until(lambda: server.descriptors() < 80, "its descriptors are closed")
        check(server.terminate(), 0)
    return f"{killed} kills, {told[200]} jobs done, {told[500]} failed"


def state_of(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


class Load:
    """Clients that submit jobs, and keep what they were told, while the server is killed and comes back."""

    def __init__(self, clients=4):
        self.accepted = set()
        self.results = {}
        self.wrong = []
        self.over = threading.Event()
        self.lock = threading.Lock()
        self.server = None
        self.threads = [threading.Thread(target=self.run, args=(i,)) for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def run(self, i):
        chance = random.Random(SEED + i)
        while not self.over.is_set():
            server = self.server
            if server is None:
                time.sleep(0.005)
                continue
            try:
                with server.connect() as connection:
                    while not self.over.is_set():
                        self.once(connection, chance)
            except (Ended, OSError):
                time.sleep(0.005)
            except Exception as error:
                self.wrong.append(repr(error))
                return

    def once(self, connection, chance):
        kind = chance.choice(["random", "random", "empty", "sleep"])
        answer = connection.ask("POST", "/jobs", job(kind, **({"ms": 5} if kind == "sleep" else {})))
        if answer.status != 202:
            check(answer.status, 503)
            return
        number = answer.json["id"]
        with self.lock:
            if number in self.accepted:
                raise Wrong(f"{number} was given twice")
            self.accepted.add(number)
        if chance.random() < 0.5:
            self.note(number, connection.ask("GET", f"/jobs/{number}?wait_ms=200"))
        with self.lock:
            # Of those that have ended, 10,000 are kept.
            known = list(self.results)[-2000:] if chance.random() < 0.2 else []
        if known:
            number = chance.choice(known)
            self.note(number, connection.ask("GET", f"/jobs/{number}"))

    def note(self, number, answer):
        """Notes a result, and that it is the one that was told before."""
        check(answer.status, 200, f"job {number}")
        found = answer.json
        if found["finished_ms"] is None:
            return
        told = (found["state"], found["result"], found["error"])
        with self.lock:
            before = self.results.setdefault(found["id"], told)
        if before != told:
            raise Wrong(f"job {found['id']} was {before}, and is {told}")

    def end(self):
        self.over.set()
        for thread in self.threads:
            thread.join(client.SECONDS)


def nothing_that_was_accepted_is_lost_when_it_is_killed():
    chance = random.Random(SEED)
    times = 200 if LONG else 10
    with tempfile.TemporaryDirectory() as folder:
        journal = os.path.join(folder, "jobs.db")
        load = Load()
        try:
            for _ in range(times):
                with started("--workers", 2, "--threads", 4, "--journal", journal) as server:
                    load.server = server
                    time.sleep(chance.uniform(0.02, 0.4))
                    load.server = None
                    server.kill()
        finally:
            load.end()
        check(load.wrong, [])
        with started("--workers", 2, "--threads", 4, "--journal", journal) as server, server.connect() as connection:
            newest = sorted(load.accepted)[-9000:]  # of those that have ended, 10,000 are kept
            for number in newest:
                answer = connection.ask("GET", f"/jobs/{number}?wait_ms=60000")
                check(answer.status, 200, f"job {number}")
                check(answer.json["state"], "done", f"job {number}")
                load.note(number, answer)
            check(server.terminate(), 0)
    return f"{times} times, {len(load.accepted)} jobs, {len(load.results)} results; seed {SEED}"


def whoever_was_accepted_is_answered_when_it_is_asked_to_end():
    chance = random.Random(SEED)
    times = 100 if LONG else 5
    jobs = 0
    with tempfile.TemporaryDirectory() as folder:
        journal = os.path.join(folder, "jobs.db")
        for _ in range(times):
            load = Load()
            with started("--workers", 2, "--threads", 20, "--journal", journal) as server:
                # These have been accepted: they run. Those of the load may be told that it drains.
                wait = [server.connect() for _ in range(10)]
                for connection in wait:
                    connection.send(http_post("/run", job("sleep", ms=chance.randint(100, 600))))
                until(lambda: server.ask("GET", "/jobs").json["running"] == 10, "ten run")
                load.server = server
                time.sleep(chance.uniform(0, 0.2))
                server.process.send_signal(signal.SIGTERM)
                for connection in wait:
                    check(connection.answer().status, 200)
                    connection.close()
                load.over.set()
                output, _ = server.process.communicate(timeout=client.SECONDS)
                check(server.process.returncode, 0)
                check(output.splitlines()[-1], "Drained.")
            load.end()
            check(load.wrong, [])
            jobs += len(load.accepted)
            # What was accepted has been done before it ended: nothing is left for the next one.
            with started("--workers", 1, "--journal", journal) as server, server.connect() as connection:
                check(metrics(server)["jobs_waiting"] + metrics(server)["jobs_running"], 0)
                for number in load.accepted:
                    check(connection.ask("GET", f"/jobs/{number}").json["state"], "done", f"job {number}")
                server.kill()
    return f"{times} times, {jobs} jobs; seed {SEED}"


def a_second_signal_ends_it_at_once():
    with started() as server, server.connect() as connection:
        connection.send(http_post("/run", job("sleep", ms=600_000)))
        until(lambda: server.ask("GET", "/jobs").json["running"] == 1, "it runs")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: refuses(server), "it drains")
        server.process.send_signal(signal.SIGTERM)
        check(server.process.wait(client.SECONDS), 1)
        until(lambda: not client.descendants(server.process.pid), "its workers have gone")


def refuses(server):
    try:
        return server.ask("POST", "/jobs", job("empty")).status == 503
    except (OSError, Ended):
        return True


def nothing_is_left_of_it_when_it_is_killed():
    with started("--workers", 3) as server:
        with server.connect() as connection:
            check(connection.ask("POST", "/run", job("random")).status, 200)
            for _ in range(6):
                check(connection.ask("POST", "/jobs", job("spin", ms=600_000)).status, 202)
        until(lambda: server.ask("GET", "/jobs").json["running"] == 3, "all work")
        workers = server.workers()
        check(len(workers) >= 3, True, str(workers))
        server.kill()
        until(lambda: not [pid for pid in workers if state_of(pid) not in ("", "Z")], "its workers have gone")


TESTS = [
    curl_is_answered_on_each_route,
    a_socket_of_unix_serves_as_well,
    a_connection_serves_many_requests,
    what_it_counts_is_right,
    each_request_is_a_line_in_the_log,
    a_full_queue_refuses,
    a_client_that_leaves_cancels_its_job,
    hostile_requests_are_answered_as_they_must_be,
    no_request_of_a_fuzzer_harms_it,
    who_sends_too_slowly_is_sent_away,
    who_sends_a_body_too_slowly_is_sent_away,
    who_expects_it_is_told_to_go_on,
    who_says_nothing_is_closed_after_a_while,
    who_never_reads_holds_up_nobody,
    ten_thousand_idle_connections_cost_nobody_anything,
    descriptors_that_run_out_come_back,
    a_file_that_may_not_grow_is_told_and_loses_nothing,
    a_full_disk_is_told_and_loses_nothing,
    workers_that_are_killed_cost_their_own_jobs,
    nothing_that_was_accepted_is_lost_when_it_is_killed,
    whoever_was_accepted_is_answered_when_it_is_asked_to_end,
    a_second_signal_ends_it_at_once,
    nothing_is_left_of_it_when_it_is_killed,
]

if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 3:
        sys.exit(__doc__)
    PROGRAM = os.path.abspath(sys.argv[1])
    sys.exit(client.run(TESTS, sys.argv[2] if len(sys.argv) > 2 else ""))
