"""Reads hostile_requests.txt, sends what it says, and compares; and a fuzzer that begins with the same requests."""

import os
import random
import re

from client import Connection, Ended, Wrong

CORPUS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hostile_requests.txt")
HOST = "Host: localhost\r\n"
POST = "POST /{} HTTP/1.1\r\n" + HOST + "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n"
REPEAT = re.compile(r"«([^»]+)\*(\d+)»")


def encoded(text):
    """The bytes of a line: \\x.. are bytes, all else is UTF-8."""
    parts = re.split(r"(\\(?:x[0-9a-f]{2}|.))", text)
    short = {"\\t": b"\t", "\\n": b"\n", "\\r": b"\r", "\\\\": b"\\"}
    return b"".join(
        (bytes([int(part[2:], 16)]) if part.startswith("\\x") else short[part]) if i % 2 else part.encode()
        for i, part in enumerate(parts)
    )


def repeated(text):
    """`«a*3»` is `aaa`, as bytes."""
    out, at = b"", 0
    for found in REPEAT.finditer(text):
        out += encoded(text[at : found.start()]) + encoded(found[1]) * int(found[2])
        at = found.end()
    return out + encoded(text[at:])


class Request:
    def __init__(self, line, wanted, data, ends):
        self.line, self.data, self.ends = line, data, ends
        self.closes = wanted.endswith("!")
        # One set for each answer; "-" for none.
        self.wanted = [set(answer.split("|")) for answer in wanted.rstrip("!").split(",")]


def corpus():
    requests = []
    with open(CORPUS, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            if not line or line.startswith("#"):
                continue
            wanted, _, text = line.partition(" ")
            any_of = re.search(r"«any \\x(..)-\\x(..)»", text)
            several = [text]
            if any_of:
                some = range(int(any_of[1], 16), int(any_of[2], 16) + 1)
                several = [text.replace(any_of[0], f"\\x{byte:02x}") for byte in some]
            for each in several:
                ends = each.endswith("⏏")
                each = each.rstrip("⏏").replace("{host}", "Host: localhost↵").replace("↵", "\\r\\n")
                post = re.match(r"\{(jobs|run)\}", each)
                if post:
                    body = repeated(each[post.end() :])
                    data = POST.format(post[1], len(body)).encode() + body
                else:
                    data = repeated(each)
                requests.append(Request(f"line {number}: {each[:100]}", wanted, data, ends))
    return requests


def send(connection, data, torn):
    """Sends bytes, in pieces if `torn` is a source of chance. That the server has heard enough is no error."""
    cuts = sorted(torn.randrange(len(data)) for _ in range(torn.randint(1, 3))) if torn and data else []
    try:
        for begin, end in zip([0, *cuts], [*cuts, len(data)]):
            connection.send(data[begin:end])
    except ConnectionError:
        pass


def tried(server, request, torn=None):
    """Sends a request. @throws Wrong if the answer is not what must come"""
    with Connection(server) as connection:
        send(connection, request.data, torn)
        if request.ends:
            connection.socket.shutdown(1)
        last = None
        try:
            for wanted in request.wanted:
                try:
                    last = connection.answer()
                    if torn and last.status == 100 and "100" not in wanted:
                        last = connection.answer()  # its body was late, so it was told to go on
                except Ended:
                    if "-" in wanted:
                        return
                    raise
                if torn and "505" in wanted:
                    wanted = wanted | {"400"}  # it may be refused before all of the version has come
                if str(last.status) not in wanted:
                    raise Wrong(f"{last} instead of {'|'.join(sorted(wanted))}, for {request.line}")
                if last.status >= 400 and not last.json.get("error"):
                    raise Wrong(f"no error is told: {last}, for {request.line}")
            says_close = last.headers.get("connection", "").lower() == "close"
            if request.closes and not (says_close or request.ends):
                raise Wrong(f"it does not say that it closes: {last}, for {request.line}")
            if request.closes or says_close:
                rest = connection.ends()
                if rest:
                    raise Wrong(f"more than the answer: {rest[:200]!r}, for {request.line}")
            elif connection.ask("GET", "/healthz").json != {"status": "ok"}:
                raise Wrong(f"the next request is not answered, after {request.line}")
        except Ended as error:
            raise Wrong(f"the connection has ended ({error}), for {request.line}") from None
        except TimeoutError:
            raise Wrong(f"no answer, or not closed, for {request.line}") from None


# ---- The fuzzer

TOKENS = [b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"-1", b"{", b"}", b"[", b'"', b"\\", b"/",
          b"%", b"\xff", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: a\r\n", b"HTTP/1.1",
          b"0\r\n\r\n", b"GET / HTTP/1.1\r\n", b"Connection: close\r\n", b"Expect: 100-continue\r\n",
          b"ffffffff\r\n"]  # fmt: skip


def mutated(data, others, chance):
    """A request that differs from `data` in one to four places."""
    data = bytearray(data[:4000])
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                del data[at : at + chance.randint(1, 20)]
            case 2:
                data[at:at] = chance.choice(TOKENS)
            case 3:
                data[at:at] = data[at : at + chance.randint(1, 60)]
            case 4:
                data[at:] = chance.choice(others)[-chance.randint(1, 300) :]
            case 5 if at < len(data):
                data[at] = chance.randrange(256)
    return bytes(data)


def fuzz(server, count, seed):
    """Sends mutated requests, many at a time. Each must be answered well or not at all, and the server must stay
    well."""
    chance = random.Random(seed)
    seeds = [request.data for request in corpus() if len(request.data) < 3000]
    statuses = {}
    for _ in range(count // 20):
        sent = [mutated(chance.choice(seeds), seeds, chance) for _ in range(20)]
        connections = [Connection(server) for _ in sent]
        for connection, data in zip(connections, sent):
            send(connection, data, chance if chance.random() < 0.3 else None)
            try:
                connection.socket.shutdown(1)
            except OSError:
                pass
        for connection, data in zip(connections, sent):
            with connection:
                status = 0
                try:
                    while True:
                        method = "HEAD" if re.search(rb"(^|\n)HEAD ", data) else "GET"
                        status = connection.answer(method).status
                        statuses[status] = statuses.get(status, 0) + 1
                        if method == "HEAD":
                            break  # which of its answers have a body is not worth the guessing
                except Ended as error:
                    if connection.bytes:
                        raise Wrong(f"half an answer: {connection.bytes[:100]!r}, seed {seed}, for {data!r}") from None
                except TimeoutError:
                    raise Wrong(f"no answer and no end, seed {seed}, for {data!r}") from None
                except Wrong as wrong:
                    # Events have no length.
                    if "text/event-stream" not in str(wrong):
                        raise Wrong(f"{wrong}, seed {seed}, for {data!r}") from None
    return statuses
