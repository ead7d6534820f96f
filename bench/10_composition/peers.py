"""Python's gather, TaskGroup, wait_for and the way to threads and back, for as long as somebody asks: each line of input,
`WHAT ITEMS`, is a batch."""

import asyncio
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

CHILDREN = 1_000


def nothing():
    pass


async def job():
    pass


async def one_pass():
    await asyncio.sleep(0)


async def gathered(items):
    for _ in range(items // CHILDREN):
        await asyncio.gather(*[job() for _ in range(CHILDREN)])


async def grouped(items):
    for _ in range(items // CHILDREN):
        async with asyncio.TaskGroup() as group:
            for _ in range(CHILDREN):
                group.create_task(job())


async def pairs(items):
    for _ in range(items):
        await asyncio.gather(job(), job())


async def waited_for(items):
    for _ in range(items):
        await asyncio.wait_for(one_pass(), 3600)


async def in_time(items):
    for _ in range(items):
        async with asyncio.timeout(3600):
            await one_pass()


async def in_executor(items):
    loop = asyncio.get_running_loop()
    for _ in range(items):
        await loop.run_in_executor(None, nothing)


class LoopThread:
    """A loop that runs on a thread of its own."""

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def call(self, items):
        for _ in range(items):
            asyncio.run_coroutine_threadsafe(job(), self.loop).result()


def submit(executor, items):
    for _ in range(items):
        executor.submit(nothing).result()


if __name__ == "__main__":
    coroutines = {
        "gathered": gathered,
        "grouped": grouped,
        "pairs": pairs,
        "waited_for": waited_for,
        "in_time": in_time,
        "in_executor": in_executor,
    }
    loop = asyncio.new_event_loop()
    thread = LoopThread()
    executor = ThreadPoolExecutor(max_workers=1)
    loop.set_default_executor(executor)
    print("ready", flush=True)
    for line in sys.stdin:
        what, items = line.split()
        if what == "threadsafe":
            thread.call(int(items))
        elif what == "submit":
            submit(executor, int(items))
        else:
            loop.run_until_complete(coroutines[what](int(items)))
        print("done", flush=True)
    thread.loop.call_soon_threadsafe(thread.loop.stop)
    executor.shutdown()
