"""An echo server on Python's asyncio, until the end of its input: each line asks for its port."""

import asyncio
import os
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "support"))
from answer_port import answer_port_until_the_end  # noqa: E402


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


async def main():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Echo, "127.0.0.1", 0)
    await answer_port_until_the_end(server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    asyncio.run(main())
