"""Python's tasks, for as long as somebody asks: each line of input, `WHAT ITEMS`, is a batch. On asyncio's own loop or,
with the argument `uvloop`, on that one."""

import asyncio
import sys


async def job():
    pass


async def nap():
    await asyncio.sleep(0.001)


async def yields(times):
    for _ in range(times):
        await asyncio.sleep(0)


async def spawn(coroutine, items):
    tasks = [asyncio.create_task(coroutine()) for _ in range(items)]
    await tasks[-1]


async def switch(items):
    one = asyncio.create_task(yields(items // 2))
    other = asyncio.create_task(yields(items // 2))
    await one
    await other


if __name__ == "__main__":
    if sys.argv[1:] == ["uvloop"]:
        import uvloop

        loop = uvloop.new_event_loop()
    else:
        loop = asyncio.new_event_loop()
    print("ready", flush=True)
    for line in sys.stdin:
        what, items = line.split()
        work = {
            "spawned": lambda n: spawn(job, n),
            "switches": switch,
            "sleepers": lambda n: spawn(nap, n),
        }
        loop.run_until_complete(work[what](int(items)))
        print("done", flush=True)
    loop.close()
