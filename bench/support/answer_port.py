"""What the peers that are servers share: they run until the end of their input, and each line asks for their port."""

import asyncio
import sys


async def answer_port_until_the_end(port):
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def answer():
        if sys.stdin.readline():
            print(port, flush=True)
        else:
            loop.remove_reader(sys.stdin)
            ended.set()

    loop.add_reader(sys.stdin, answer)
    print("ready", flush=True)
    await ended.wait()
