"""What the tests of the served program share: it is started and stopped, and asked by plain sockets, so that each byte
that goes out is one that a test has written."""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time

SECONDS = 60  # after which whoever still waits, waits for ever


class Skipped(Exception):
    """What a test needs is not here."""


class Wrong(Exception):
    pass


def check(what, wanted, about=""):
    if what != wanted:
        raise Wrong(f"{about and about + ': '}{what!r} instead of {wanted!r}")


def until(condition, what, seconds=SECONDS):
    """Waits until something is so. @returns it"""
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise Wrong(f"not within {seconds} s: {what}")
        time.sleep(0.01)
    return found


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def json(self):
        return json.loads(self.body)

    def __repr__(self):
        return f"{self.status} {self.headers} {self.body[:200]!r}"


class Ended(Exception):
    """The connection has ended before an answer, or within one."""


class Connection:
    """A connection to the server, at most one of whose answers is read at a time."""

    def __init__(self, server, timeout=SECONDS):
        self.socket = socket.create_connection(("127.0.0.1", server.port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.bytes = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self):
        try:
            part = self.socket.recv(65536)
        except ConnectionError as error:
            raise Ended(str(error)) from None
        if not part:
            raise Ended("closed")
        self.bytes += part

    def line(self):
        while b"\r\n" not in self.bytes:
            self.more()
        line, self.bytes = self.bytes.split(b"\r\n", 1)
        return line.decode("latin-1")

    def exactly(self, size):
        while len(self.bytes) < size:
            self.more()
        part, self.bytes = self.bytes[:size], self.bytes[size:]
        return part

    def head(self):
        first = self.line()
        words = first.split(" ", 2)
        versions = ("HTTP/1.1", "HTTP/1.0")
        if len(words) < 3 or words[0] not in versions or not (words[1].isdigit() and len(words[1]) == 3):
            raise Wrong(f"not the first line of an answer: {first!r}")
        headers = {}
        while line := self.line():
            name, colon, value = line.partition(":")
            if not colon:
                raise Wrong(f"not a header: {line!r}")
            headers[name.lower()] = value.strip()
        return int(words[1]), headers

    def answer(self, method="GET"):
        """Reads an answer. Interim ones (1xx) are answers, too, without a body."""
        status, headers = self.head()
        size = 0 if method == "HEAD" or status < 200 or status == 204 else int(headers.get("content-length", -1))
        if size < 0:
            raise Wrong(f"an answer without Content-Length: {status} {headers}")
        return Answer(status, headers, self.exactly(size))

    def ask(self, method, target, body=None, headers=()):
        if isinstance(body, dict):
            headers = [*headers, "Content-Type: application/json"]
            body = json.dumps(body).encode()
        head = [f"{method} {target} HTTP/1.1", "Host: localhost", *headers]
        if body is not None:
            head.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(head).encode() + b"\r\n\r\n" + (body or b""))
        return self.answer(method)

    def ends(self, seconds=SECONDS):
        """Waits until the server closes the connection. @returns what came before that"""
        self.socket.settimeout(seconds)
        with contextlib.suppress(Ended):
            while True:
                self.more()
        return self.bytes


class Server:
    """The program, on a port of its own, in a process group of its own."""

    def __init__(self, program, *arguments, before=None, wrap=()):
        self.arguments = [*wrap, program, *(str(argument) for argument in arguments)]
        self.process = subprocess.Popen(
            self.arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            start_new_session=True, preexec_fn=before,
        )  # fmt: skip
        first = self.process.stdout.readline().strip()
        if ":" not in first:
            self.process.kill()
            raise Wrong(f"not the address of a server: {first!r} {self.process.communicate()[1]}")
        self.port = int(first.rsplit(":", 1)[1].rstrip("/"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """Ends what is left of it, whatever state it is in."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def kill(self):
        """As `kill -9` of the server does, or the system that runs out of memory."""
        self.process.kill()
        self.process.wait()

    def terminate(self):
        """Asks it to drain. @returns its exit status"""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise Wrong("it does not end after SIGTERM") from None
        return self.process.returncode

    def connect(self, timeout=SECONDS):
        return Connection(self, timeout)

    def ask(self, method, target, body=None, headers=()):
        with self.connect() as connection:
            return connection.ask(method, target, body, headers)

    def is_well(self):
        check(self.process.poll(), None, "the server has ended")
        check(self.ask("GET", "/healthz").status, 200, "/healthz")

    def workers(self):
        """The processes that compute: its children and theirs, down to the last."""
        return descendants(self.process.pid)

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def descendants(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            direct = [int(word) for word in file.read().split()]
    except OSError:
        return []
    # A child may have been begun by any thread.
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                direct += [int(word) for word in file.read().split()]
    direct = sorted(set(direct))
    return direct + [deeper for child in direct for deeper in descendants(child)]


def run(tests, chosen=""):
    """Runs functions, each of which is a test. @returns the exit status"""
    passed = failed = 0
    for test in tests:
        name = test.__name__.replace("_", " ")
        if chosen.replace("_", " ") not in name:
            continue
        began = time.monotonic()
        try:
            told = test()
            passed += 1
            print(f"ok       {name}{told and ': ' + told or ''}  ({time.monotonic() - began:.1f} s)", flush=True)
        except Skipped as reason:
            print(f"skipped  {name}: {reason}", flush=True)
        except Exception as error:
            failed += 1
            kind = type(error).__name__ if not isinstance(error, Wrong) else ""
            print(f"WRONG    {name}: {kind} {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
