"""Random programs of tasks that share locks, semaphores, events, conditions, barriers and queues, and cancel one another:
run by this chapter and by CPython, step by step, to the same log.

    random_programs.py INTERPRETER HOW_MANY [SEED]   compares, and says which program differs
    random_programs.py --show SEED                   shows one program, and what CPython makes of it

A program is a line of numbers: the permits of the semaphore, the size of the queue, the number of tasks; and for each task
the number of its operations, and these as triples: operation, argument, 1 if a cancellation is caught. random_programs.cpp
beside this file runs the same lines. CPython must be 3.13 or newer, whose behaviour the course has."""

import asyncio
import random
import subprocess
import sys

PASSES = 60
OPERATIONS = """yield lock lock_forever unlock semaphore semaphore_forever release event_set event_clear event_wait condition_wait
    condition_notify put get put_nowait get_nowait task_done join shutdown barrier reset abort cancel""".split()
# What is asked for rarely, because it ends much.
RARE = {"lock_forever", "semaphore_forever", "shutdown", "abort", "unlock"}


def make_program(seed):
    rng = random.Random(seed)
    weights = [1 if name in RARE else 6 for name in OPERATIONS]
    if rng.random() < 0.7:  # most programs are about few things, so that tasks meet
        chosen = set(rng.sample(range(len(OPERATIONS)), 5)) | {0, OPERATIONS.index("cancel")}
        weights = [w if i in chosen else 0 for i, w in enumerate(weights)]
    tasks = []
    for _ in range(rng.randint(2, 6)):
        codes = rng.choices(range(len(OPERATIONS)), weights, k=rng.randint(1, 8))
        tasks.append([(code, rng.randint(0, 5), int(rng.random() < 0.3)) for code in codes])
    return [rng.randint(0, 2), rng.randint(0, 2), tasks]


def to_line(program):
    permits, size, tasks = program
    numbers = [permits, size, len(tasks)]
    for operations in tasks:
        numbers.append(len(operations))
        for operation in operations:
            numbers.extend(operation)
    return " ".join(map(str, numbers))


class Interpreter:
    def __init__(self, program):
        permits, size, self.programs = program
        self.locks = [asyncio.Lock(), asyncio.Lock()]
        self.semaphore = asyncio.Semaphore(permits)
        self.event = asyncio.Event()
        self.condition = asyncio.Condition()
        self.queue = asyncio.Queue(size)
        self.barrier = asyncio.Barrier(2)
        self.tasks = []
        self.log = []

    async def operation(self, name, arg, item):
        match name:
            case "yield":
                await asyncio.sleep(0)
            case "lock":
                async with self.locks[arg % 2]:
                    for _ in range(arg // 2):
                        await asyncio.sleep(0)
            case "lock_forever":
                await self.locks[arg % 2].acquire()
            case "unlock":
                self.locks[arg % 2].release()
            case "semaphore":
                async with self.semaphore:
                    for _ in range(arg // 2):
                        await asyncio.sleep(0)
            case "semaphore_forever":
                await self.semaphore.acquire()
            case "release":
                self.semaphore.release()
            case "event_set":
                self.event.set()
            case "event_clear":
                self.event.clear()
            case "event_wait":
                await self.event.wait()
            case "condition_wait":
                async with self.condition:
                    await self.condition.wait()
            case "condition_notify":
                async with self.condition:
                    self.condition.notify(arg % 3)
                    if arg > 3:
                        await asyncio.sleep(0)
            case "put":
                await self.queue.put(item)
            case "get":
                return await self.queue.get()
            case "put_nowait":
                self.queue.put_nowait(item)
            case "get_nowait":
                return self.queue.get_nowait()
            case "task_done":
                self.queue.task_done()
            case "join":
                await self.queue.join()
            case "shutdown":
                self.queue.shutdown(immediate=arg % 2 == 1)
            case "barrier":
                return await self.barrier.wait()
            case "reset":
                await self.barrier.reset()
            case "abort":
                await self.barrier.abort()
            case "cancel":
                return int(self.tasks[arg % len(self.tasks)].cancel())
        return 0

    async def task(self, number):
        for i, (code, arg, catches) in enumerate(self.programs[number]):
            try:
                result = str(await self.operation(OPERATIONS[code], arg, number * 100 + i))
            except asyncio.CancelledError:
                result = "cancelled"
                if not catches:
                    raise
            except Exception:
                result = "error"
            finally:
                self.log.append(f"{number}.{i}={result}")

    def state(self):
        return " ".join(map(str, [
            *(int(lock.locked()) for lock in self.locks), int(self.semaphore.locked()), int(self.condition.locked()),
            self.queue.qsize(), self.barrier.n_waiting, int(self.barrier.broken),
            *(int(task.done()) for task in self.tasks)]))

    async def main(self):
        self.tasks = [asyncio.create_task(self.task(n)) for n in range(len(self.programs))]
        for _ in range(PASSES):
            self.log.append("|")
            await asyncio.sleep(0)
        self.log.append(self.state())


def run_here(program):
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda *_: None)
    interpreter = Interpreter(program)
    loop.run_until_complete(interpreter.main())
    log = " ".join(interpreter.log)
    for task in interpreter.tasks:
        task._log_destroy_pending = False
    loop.close()
    return log


def main():
    if sys.version_info < (3, 13):
        print(f"not compared: this is Python {sys.version.split()[0]}, and asyncio's locks are as here from 3.13 on")
        return 0
    sys.unraisablehook = lambda *_: None  # of coroutines that are destroyed where they wait
    if sys.argv[1] == "--show":
        permits, size, tasks = program = make_program(int(sys.argv[2]))
        print(f"Semaphore({permits}), Queue({size})")
        for number, operations in enumerate(tasks):
            print(f"task {number}:", ", ".join(f"{OPERATIONS[c]} {a}{' (catches)' * catches}" for c, a, catches in operations))
        print(run_here(program))
        return 0
    count, first = int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    seeds = range(first, first + count)
    lines = "".join(to_line(make_program(seed)) + "\n" for seed in seeds)
    ours = subprocess.run([sys.argv[1]], input=lines, capture_output=True, text=True, check=True).stdout.splitlines()
    for seed, here in zip(seeds, ours, strict=True):
        cpython = run_here(make_program(seed))
        if here != cpython:
            print(f"program {seed} differs:\n  CPython {cpython}\n  here    {here}\n"
                  f"  {sys.argv[0]} --show {seed}")
            return 1
    print(f"{count} random programs: the same log here and in CPython {sys.version.split()[0]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
