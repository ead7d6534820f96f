"""An echo server on Python's asyncio, until the end of its input: each line asks for its port."""

import asyncio
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    ended = asyncio.Event()

    def answer():
        if sys.stdin.readline():
            print(server.sockets[0].getsockname()[1], flush=True)
        else:
            loop.remove_reader(sys.stdin)
            ended.set()

    loop.add_reader(sys.stdin, answer)
    print("ready", flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
