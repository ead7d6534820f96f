"""Python's locks and queues, for as long as somebody asks: each line of input, `WHAT ITEMS`, is a batch."""

import asyncio
import sys

PARTIES = 100


async def uncontended(items):
    lock = asyncio.Lock()
    for _ in range(items):
        await lock.acquire()
        lock.release()


async def handed_over(items):
    lock = asyncio.Lock()

    async def to_and_fro():
        await lock.acquire()
        await asyncio.sleep(0)  # so that the other one waits
        for _ in range(items // 2):
            lock.release()
            await lock.acquire()
        lock.release()

    one, other = asyncio.create_task(to_and_fro()), asyncio.create_task(to_and_fro())
    await one
    await other


async def queued(items, maxsize=0):
    queue = asyncio.Queue(maxsize)

    async def produce():
        for i in range(items):
            await queue.put(i)

    producer = asyncio.create_task(produce())
    for _ in range(items):
        await queue.get()
    await producer


async def queued_one(items):
    await queued(items, 1)


async def permits(items):
    semaphore = asyncio.Semaphore(10)

    async def hold():
        async with semaphore:
            await asyncio.sleep(0)

    tasks = [asyncio.create_task(hold()) for _ in range(items)]
    await tasks[-1]


async def meeting(items):
    barrier = asyncio.Barrier(PARTIES)

    async def arrive():
        for _ in range(items // PARTIES):
            await barrier.wait()

    for task in [asyncio.create_task(arrive()) for _ in range(PARTIES)]:
        await task


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    print("ready", flush=True)
    for line in sys.stdin:
        what, items = line.split()
        work = {f.__name__: f for f in (uncontended, handed_over, queued, queued_one, permits, meeting)}
        loop.run_until_complete(work[what](int(items)))
        print("done", flush=True)
    loop.close()
