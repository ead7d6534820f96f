"""A server on Python's streams, until the end of its input: each line asks for its port.

Its arguments: `echo` or `one_way`, and `uvloop` for that in the place of asyncio's own loop."""

import asyncio
import os
import struct
import sys

sys.path.append(os.path.join(os.path.dirname(__file__), "..", "support"))
from answer_port import answer_port_until_the_end  # noqa: E402

BLOCK = bytes(65536)


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def one_way(reader, writer):
    """Sends so many bytes, takes so many, and answers with one."""
    try:
        while True:
            send, take = struct.unpack("QQ", await reader.readexactly(16))
            while send:
                size = min(send, len(BLOCK))
                writer.write(BLOCK[:size])
                await writer.drain()
                send -= size
            while take:
                take -= len(await reader.read(65536))
            writer.write(b"k")
    except asyncio.IncompleteReadError:
        writer.close()


async def main(handler):
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    await answer_port_until_the_end(server.sockets[0].getsockname()[1])


if __name__ == "__main__":
    if "uvloop" in sys.argv:
        import uvloop

        uvloop.install()
    asyncio.run(main({"echo": echo, "one_way": one_way}[sys.argv[1]]))
