"""Python's coroutines and generators, without a loop: each line of input, `WHAT ITEMS`, is a batch."""

import sys


async def leaf(n):
    return n


async def await_leaves(count):
    total = 0
    for i in range(count):
        total += await leaf(i)
    return total


def awaits(items):
    try:
        await_leaves(items).send(None)
    except StopIteration:
        pass


def countdown(start):
    while start > 0:
        yield start
        start -= 1


def values(items):
    for _ in countdown(items):
        pass


if __name__ == "__main__":
    print("ready", flush=True)
    for line in sys.stdin:
        what, items = line.split()
        {"awaits": awaits, "values": values}[what](int(items))
        print("done", flush=True)
