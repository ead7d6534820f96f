"""Lets programs that others have written talk to the streams of chapter 12, and these to them.

    python3 tests/12_streams/real_clients.py BUILD/real_clients BUILD/recipe

`nc`, `curl` and Python's own streams, as clients and as servers. A program that is not here is not compared, and
that is said. The exit status is 1 if something was compared and is wrong."""

import asyncio
import contextlib
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SECONDS = 60  # after which whoever still waits, waits for ever


class NotCompared(Exception):
    pass


class Wrong(Exception):
    pass


def needs(program):
    if not shutil.which(program):
        raise NotCompared(f"there is no {program} here")


def check(what, wanted):
    if what != wanted:
        raise Wrong(f"{what!r} instead of {wanted!r}")


@contextlib.contextmanager
def server(*arguments):
    """Runs one of our servers. Gives the first line that it prints."""
    with server_process(*arguments) as process:
        yield process.stdout.readline().strip()


@contextlib.contextmanager
def server_process(*arguments):
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
        process.stdin.close()
        check(process.wait(SECONDS), 0)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def output_of(*arguments, given=""):
    done = subprocess.run(arguments, input=given, stdout=subprocess.PIPE, text=True, timeout=SECONDS)
    check(done.returncode, 0)
    return done.stdout


def lines(count):
    return "".join(f"line {i} " + "x" * (i * 37 % 3000) + "\n" for i in range(count))


# ---- Their clients, our servers


def nc_is_echoed():
    needs("nc")
    with server(OURS, "echo") as port:
        text = lines(2000)
        check(output_of("nc", "-N", "127.0.0.1", port, given=text), text)


def nc_is_echoed_at_a_unix_socket():
    needs("nc")
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with server(OURS, "echo", path):
            check(output_of("nc", "-N", "-U", path, given="hello\nunix\n"), "hello\nunix\n")
        check(os.path.exists(path), False)


def curl_is_echoed_by_telnet():
    needs("curl")
    with server(OURS, "echo") as port:
        # It goes when its input has ended and nothing has come for a second.
        curl = subprocess.Popen(
            ["curl", "-sN", f"telnet://127.0.0.1:{port}"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            for line in ["hello\n", "and again\n"]:
                curl.stdin.write(line)
                curl.stdin.flush()
                check(curl.stdout.readline(), line)
        finally:
            curl.kill()
            curl.communicate()


def curl_gets_and_posts():
    needs("curl")
    with server(OURS, "http") as port:
        url = f"http://127.0.0.1:{port}/a/page"
        check(output_of("curl", "-s", url), "GET /a/page, 0 bytes: \n")
        body = "x" * 300_000
        check(output_of("curl", "-s", "--data-binary", "@-", url, given=body), f"POST /a/page, 300000 bytes: {body}\n")


async def echoed(reader, writer, text):
    """Writes a text and reads it back, both at the same time."""

    async def write():
        for begin in range(0, len(text), 1000):
            writer.write(text[begin : begin + 1000])
            await writer.drain()
        writer.write_eof()

    writing = asyncio.create_task(write())
    answer = await asyncio.wait_for(reader.read(), SECONDS)
    await writing
    writer.close()
    await writer.wait_closed()
    check(answer == text, True)


def pythons_streams_are_echoed():
    async def main(port):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await echoed(reader, writer, lines(2000).encode())

    with server(OURS, "echo") as port:
        asyncio.run(main(int(port)))


def a_hundred_of_pythons_streams_at_a_time():
    async def one(port, i):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await echoed(reader, writer, lines(i).encode())

    async def main(port):
        await asyncio.gather(*(one(port, i) for i in range(100)))

    with server(OURS, "echo") as port:
        asyncio.run(main(int(port)))


def ten_thousand_are_idle():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    count = 10_000 if hard == resource.RLIM_INFINITY or hard >= 10_500 else hard - 500
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, hard))
    idle = []
    try:
        with server_process(OURS, "echo") as process:
            port = int(process.stdout.readline())

            def connect():
                idle.append(socket.create_connection(("127.0.0.1", port), timeout=SECONDS))
                idle[-1].sendall(b"hello")
                check(idle[-1].recv(100), b"hello")

            connect()
            before = memory_of(process)
            while len(idle) <= count:
                connect()
            each = (memory_of(process) - before) / count
            for connection in idle:
                connection.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    check("under 4 KiB" if each < 4096 else f"{each:.0f} bytes", "under 4 KiB")
    return f"{count} of them, {each:.0f} bytes each"


def memory_of(process):
    with open(f"/proc/{process.pid}/status", encoding="ascii") as file:
        return next(1024 * int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


# ---- Our client, their servers


def our_client_asks_pythons_streams():
    async def echo(reader, writer):
        while data := await reader.read(3000):
            writer.write(data)
            await writer.drain()
        writer.close()

    async def answer_of(*where):
        ours = await asyncio.create_subprocess_exec(OURS, "ask", *where, stdout=subprocess.PIPE)
        answer, _ = await asyncio.wait_for(ours.communicate(), SECONDS)
        check(ours.returncode, 0)
        wanted = sum(i * 7 % 5000 + 1 for i in range(3000)) + len("the end, without a newline")
        check(int(answer), wanted)

    async def main():
        over_tcp = await asyncio.start_server(echo, "127.0.0.1", 0)
        await answer_of(str(over_tcp.sockets[0].getsockname()[1]))
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            await asyncio.start_unix_server(echo, path)
            await answer_of(path)

    asyncio.run(main())


def our_client_finds_nobody():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    asked = subprocess.run([OURS, "ask", str(port)], stderr=subprocess.PIPE, text=True, timeout=SECONDS)
    check(asked.returncode, 1)
    check("Connection refused" in asked.stderr, True)


# ---- The chat


class Member:
    """A client of the chat that keeps all that it hears."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=SECONDS)
        self.file = self.socket.makefile("r", encoding="utf-8")

    def say(self, line):
        self.socket.sendall(line.encode() + b"\n")

    def hear(self, wanted):
        """Hears lines up to one that ends so."""
        while line := self.file.readline():
            if line.rstrip("\n").endswith(wanted):
                return line
        raise Wrong(f"the chat has ended before {wanted!r}")

    def take_all(self):
        """Takes what has come, until nothing more comes."""
        self.socket.settimeout(0.5)
        with contextlib.suppress(socket.timeout):
            while self.socket.recv(65536):
                pass
        self.socket.settimeout(SECONDS)


@contextlib.contextmanager
def chat():
    process = subprocess.Popen([RECIPE, "chat", "--serve"], stdout=subprocess.PIPE, text=True)
    try:
        yield int(process.stdout.readline().rsplit(":", 1)[1])
        process.send_signal(signal.SIGINT)
        check(process.wait(SECONDS), 0)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def nc_and_python_chat():
    needs("nc")
    with chat() as port:
        nc = subprocess.Popen(
            ["nc", "127.0.0.1", str(port)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        try:
            nc.stdin.write("ann\n")
            for wanted in ["Welcome. What is your name?\n", "* ann is here\n"]:
                check(nc.stdout.readline(), wanted)
            nc.stdout.readline()
            bob = Member(port)
            bob.say("ann")
            bob.hear("What is yours?")
            bob.say("bob")
            check(nc.stdout.readline(), "* bob is here\n")
            nc.stdin.write("hello, bob\n")
            bob.hear("ann: hello, bob")
            bob.say("hello, \x1b[31mann")
            nc.stdout.readline()
            check(nc.stdout.readline(), "bob: hello,  [31mann\n")
            bob.say("/join kitchen")
            check(nc.stdout.readline(), "* bob goes to kitchen\n")
            bob.say("/quit")
        finally:
            nc.kill()
            nc.communicate()


def one_who_does_not_read_holds_up_nobody():
    with chat() as port:
        ann, bob, sid = Member(port), Member(port), Member(port)
        for name, member in [("ann", ann), ("bob", bob), ("sid", sid)]:
            member.say(name)
            member.hear("/quit leaves")
        for i in range(20):
            for j in range(500):
                ann.say(f"{i} {j} " + "x" * 900)
            ann.say(f"round {i}")
            bob.hear(f"ann: round {i}")
            ann.hear(f"ann: round {i}")
        sid.take_all()
        ann.say("are you there, sid?")
        told = ""
        while "are you there, sid?" not in told:
            told += sid.socket.recv(65536).decode()
        check("* you read too slowly, and have missed " in told, True)


def a_line_that_is_too_long_is_told():
    with chat() as port:
        ann = Member(port)
        ann.say("ann")
        ann.say("x" * 5000)
        ann.hear("bytes are all right")
        ann.say("short")
        ann.hear("ann: short")


def what_leaves_without_a_word_has_left():
    with chat() as port:
        ann, bob = Member(port), Member(port)
        ann.say("ann")
        ann.hear("/quit leaves")
        bob.say("bob")
        ann.hear("bob is here")
        bob.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        bob.file.close()
        bob.socket.close()  # which resets the connection
        ann.hear("bob has left")


COMPARED = [
    nc_is_echoed,
    nc_is_echoed_at_a_unix_socket,
    curl_is_echoed_by_telnet,
    curl_gets_and_posts,
    pythons_streams_are_echoed,
    a_hundred_of_pythons_streams_at_a_time,
    ten_thousand_are_idle,
    our_client_asks_pythons_streams,
    our_client_finds_nobody,
    nc_and_python_chat,
    one_who_does_not_read_holds_up_nobody,
    a_line_that_is_too_long_is_told,
    what_leaves_without_a_word_has_left,
]


def main():
    wrong = 0
    for compare in COMPARED:
        name = compare.__name__.replace("_", " ")
        try:
            more = compare()
            print(f"ok            {name}" + (f": {more}" if more else ""))
        except NotCompared as reason:
            print(f"not compared  {name}: {reason}")
        except Exception as error:
            wrong += 1
            print(f"WRONG         {name}: {error}")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    OURS, RECIPE = (os.path.abspath(argument) for argument in sys.argv[1:])
    sys.exit(main())
