"""Python's asyncio loop, for as long as somebody asks: each line of input, `WHAT ITEMS`, is a batch."""

import asyncio
import random
import sys
import threading


def nothing():
    pass


def chained(loop, items):
    left = items

    def link():
        nonlocal left
        left -= 1
        if left:
            loop.call_soon(link)
        else:
            loop.stop()

    loop.call_soon(link)
    loop.run_forever()


def batch(loop, items):
    for _ in range(items):
        loop.call_soon(nothing)
    loop.stop()
    loop.run_forever()


def timers(loop, items):
    delays = random.Random(1)
    left = items // 2

    def due():
        nonlocal left
        left -= 1
        if not left:
            loop.stop()

    now = loop.time()
    handles = [loop.call_at(now + delays.randrange(100) / 1000, due) for _ in range(items)]
    for handle in handles[1::2]:
        handle.cancel()
    loop.run_forever()


def wake_ups(loop, items):
    woken = threading.Semaphore(0)

    def post():
        for _ in range(items):
            loop.call_soon_threadsafe(woken.release)
            woken.acquire()
        loop.call_soon_threadsafe(loop.stop)

    thread = threading.Thread(target=post)
    thread.start()
    loop.run_forever()
    thread.join()


if __name__ == "__main__":
    loop = asyncio.new_event_loop()
    print("ready", flush=True)
    for line in sys.stdin:
        what, items = line.split()
        {"chained": chained, "batch": batch, "timers": timers, "wake_ups": wake_ups}[what](loop, int(items))
        print("done", flush=True)
    loop.close()
