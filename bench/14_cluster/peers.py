"""mpi4py's pool, for as long as somebody asks: `mpirun -n 3 python3 -m mpi4py.futures peers.py`.

Each line of input, `CALLS CHUNKSIZE`, is a batch of calls; a line of output says that it is done.
"""

import sys

from mpi4py.futures import MPIPoolExecutor


def identity(number):
    return number


if __name__ == "__main__":
    with MPIPoolExecutor() as pool:
        for _ in pool.map(identity, range(100)):  # start the workers
            pass
        print("ready", flush=True)
        for line in sys.stdin:
            calls, chunksize = map(int, line.split())
            for _ in pool.map(identity, range(calls), chunksize=chunksize):
                pass
            print("done", flush=True)
