"""A pool of Python's, for as long as somebody asks: `peers.py ProcessPoolExecutor 2`.

Each line of input, `CALLS CHUNKSIZE`, is a batch of calls; a line of output says that it is done.
"""

import concurrent.futures
import multiprocessing
import sys


def identity(number):
    return number


def run(pool):
    for _ in pool.map(identity, range(100)):  # start the workers
        pass
    print("ready", flush=True)
    for line in sys.stdin:
        calls, chunksize = map(int, line.split())
        for _ in pool.map(identity, range(calls), chunksize=chunksize):
            pass
        print("done", flush=True)


if __name__ == "__main__":
    kind, workers = sys.argv[1], int(sys.argv[2])
    make = concurrent.futures.ProcessPoolExecutor if kind == "ProcessPoolExecutor" else multiprocessing.Pool
    with make(workers) as pool:
        run(pool)
