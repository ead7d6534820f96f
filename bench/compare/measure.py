"""Runs bench programs, round by round, and reads what Google Benchmark says."""

import json
import os
import re
import signal
import subprocess
import tempfile
import threading
import time

from rows import Row, groups_of, plain_name
from text import time_text


def gist(stderr):
    """Returns the line that says most: what an exception said that ended the program, else the last line."""
    what = re.search(r"what\(\): *(.*)", stderr)
    return what[1] if what else stderr.rstrip().rpartition("\n")[2].strip()


def kill_group(process):
    """Kills a process with all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def run(command, limit):
    """Runs a command to its end, at most for `limit` seconds: then it is killed, with all that it has started.

    Returns its output, and why it failed, in one line; that is empty if it exited with status 0."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except OSError as error:
            return "", f"cannot run {command[0]}: {error.strerror}"
        too_late = threading.Event()
        timer = threading.Timer(limit, lambda: (too_late.set(), kill_group(process)))
        timer.start()  # wait(timeout) would wake up again and again, and disturb what is measured
        try:
            status = process.wait()
        finally:  # also after Ctrl-C
            timer.cancel()
            kill_group(process)
        out.seek(0), err.seek(0)
        output, errors = (file.read().decode(errors="replace") for file in (out, err))
    if too_late.is_set():
        return output, "not done after " + time_text(limit * 1e9)
    if status == 0:
        return output, ""
    return output, gist(errors) or (
        f"killed by {signal.strsignal(-status)}" if status < 0 else f"exit status {status}"
    )


def why_missing(path):
    """Returns why there is no program: the rules of the benches leave what the compiler said beside it."""
    log = path + ".log"
    if os.path.exists(path) or not os.path.exists(log):
        return ""
    with open(log, encoding="utf-8", errors="replace") as file:
        lines = file.read().splitlines() or ["the compiler said nothing"]
    first = next((line for line in lines if "error:" in line), lines[0])
    return f"did not compile: {first} (all of it: {log})"


def list_rows(programs, limit):
    """Asks the programs for their rows. One that fails gets its error."""
    rows = []
    for program in programs:
        program.error = why_missing(program.path)
        if not program.error:
            names, program.error = run([program.path, "--benchmark_list_tests=true"], limit)
        if not program.error:
            rows += [Row(program, name) for name in names.splitlines()]
    return rows


def exactly(name):
    """Returns a regular expression, as Google Benchmark reads it, that matches `name` alone."""
    return "^" + re.sub(r"([\\^$.|?*+()\[\]{}])", r"\\\1", name) + "$"


def time_per_item(result):
    """Returns the nanoseconds that an item took, by the wall clock, in a benchmark's result."""
    nanoseconds = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}[result["time_unit"]]
    if "items_per_second" not in result:
        return result["real_time"] * nanoseconds
    # Items are counted by the second of whatever time the benchmark is measured in.
    by_wall_clock = re.search("/(real|manual)_time", result["name"])
    seconds = result["real_time" if by_wall_clock else "cpu_time"] * nanoseconds / 1e9
    return result["real_time"] * nanoseconds / (result["items_per_second"] * seconds)


def measure(row, min_time, limit):
    """Runs a row once, in a process of its own, and notes its time or its error."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "result.json")  # for what is measured may print what it likes
        command = [row.program.path, "--benchmark_filter=" + exactly(row.full_name)]
        command += [f"--benchmark_min_time={min_time:g}", "--benchmark_format=json", "--benchmark_out=" + path]
        _, row.error = run(command, limit)
        if row.error:
            return
        try:
            with open(path) as file:
                document = json.load(file)
            result = document["benchmarks"][0]
            row.error = result.get("error_message", "failed") if result.get("error_occurred") else ""
            if not row.error:
                row.times.append(time_per_item(result))
            row.program.compiler = document["context"].get("compiler", "")
        except (OSError, ValueError, LookupError, ZeroDivisionError):
            row.error = "wrote no time"


def measure_rows(rows, rounds, min_time, limit, progress):
    """Measures all rows. What is to be compared is measured close together in time: a round goes through a
    group's rows one by one, and the next round in the other direction, so that neither a busy moment nor a slow
    drift of the machine favours one of them.

    `progress` is called with where the run stands, as a line; with an empty one at its end."""
    start, done, total = time.monotonic(), 0, rounds * len(rows)
    for turn in range(1, rounds + 1):
        for group in groups_of(rows):
            for row in group.rows if turn % 2 else reversed(group.rows):
                left = f", {(time.monotonic() - start) / done * (total - done):.0f} s left" if done else ""
                progress(f"round {turn}/{rounds}{left}: {row.name} ({row.program.label})")
                if not row.error:
                    measure(row, min_time, limit)
                done += 1
    progress("")
