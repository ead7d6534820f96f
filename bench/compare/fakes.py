"""Fake bench programs for the tests: shell scripts that take Google Benchmark's flags and write its JSON."""

import io
import os
import shutil
import tempfile
import unittest

from compare import main

SCRIPT = """#!/bin/sh
for argument; do
  case $argument in
    --benchmark_list_tests=true) printf '{names}'; exit ;;
    --benchmark_filter=*) row=${{argument#*=}} ;;
    --benchmark_out=*) out=${{argument#*=}} ;;
  esac
done
result() {{ printf '{{"context": {{"compiler": "sh"}}, "benchmarks": [{{"name": "x", %s}}]}}' "$1" >$out; }}
takes() {{ result '"real_time": '$1', "time_unit": "ns"'; }}
fails() {{ result '"error_occurred": true, "error_message": "'"$1"'"'; }}
{run}
"""

THREE_ROWS = "case $row in *sequential*) takes 10;; *fast*) takes 2.5;; *) takes 2000;; esac"


class CompareTest(unittest.TestCase):
    """Has a folder for fake programs, and what `compare.py` says about them."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="compare_")
        self.addCleanup(shutil.rmtree, self.folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def content(self, name):
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def program(self, label, names, run):
        """Makes a program with the rows `names`. `run` is what it does for one of them, `$row` being the filter:
        it `takes` so many nanoseconds an item, or `fails` with a message, or what you like."""
        with open(self.path(label), "w", encoding="utf-8") as file:
            file.write(SCRIPT.format(names=names, run=run))
        os.chmod(self.path(label), 0o755)
        return f"{label}={self.path(label)}"

    def one_after_another(self, name, *times):
        """Returns what a program does whose rows take these times, a run each."""
        count = f"n=$(cat {self.path(name)} 2>/dev/null || echo 0); n=$((n + 1)); echo $n >{self.path(name)}"
        cases = " ".join(f"{n}) takes {time};;" for n, time in enumerate(times, 1))
        return f"{count}; case $n in {cases} esac"

    def run_compare(self, *arguments, **options):
        """Runs it, and returns its exit status. What it wrote is kept in `out` and `err`."""
        out, err = io.StringIO(), io.StringIO()
        status = main(arguments, out, err, **options)
        self.out, self.err = out.getvalue(), err.getvalue()
        return status

    def line(self, part):
        """Returns the first line of the output that contains `part`."""
        lines = [line for line in self.out.splitlines() if part in line]
        return lines[0] if lines else f"no line with {part} in\n{self.out}"
