"""The command line of `compare.py`."""

import argparse
import os
import re

from bars import Bar, read_bars
from rows import Program

USAGE = "compare.py [OPTION]... LABEL=PROGRAM..."

DESCRIPTION = """Runs programs of Google Benchmark's in turn, row by row and round by round, and prints the medians
of their times per item against the baseline of each group: the variant called `sequential`, else the first. Rows
are called `group/variant`."""

EPILOG = """A bar that fails is measured once more before it counts. Exit status: 0 if all is well; 1 if a bar
failed, or a row of a --smoke run, or nothing was measured; 2 for bad usage."""

ABOUT_REQUIRE = """a bar: the first row is N times as fast as the second; `N cores` is N for each core, and a row of
one program is written LABEL:ROW; may be given several times"""

ABOUT_BARS = """the bars in a file, one a line; # begins a comment; those of rows that --filter leaves out are
not checked"""


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise ValueError(f"{message} (--help tells more)")


def positive(text, number=float):
    if not 0 < number(text) <= 1e6:
        raise ValueError
    return number(text)


def count(text):
    return positive(text, int)


# As argparse calls them.
positive.__name__, count.__name__ = "positive number", "positive whole number"


def regex(text):
    try:
        return re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"'{text}' is no regular expression: {error}") from None


def program(text):
    label, _, path = text.partition("=")
    if not label or not path:
        raise argparse.ArgumentTypeError(f"a program is given as LABEL=PROGRAM, not '{text}'")
    return Program(label, path)


def parser():
    result = Parser(usage=USAGE, description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    add = result.add_argument
    add("programs", nargs="*", type=program, metavar="LABEL=PROGRAM", help="what to run, side by side")
    add("--rounds", type=count, default=5, metavar="N", help="how often each row is measured (default 5)")
    add("--min-time", type=positive, default=0.1, metavar="S", help="for how many seconds each (default 0.1)")
    add("--limit", type=positive, default=60.0, metavar="S", help="what takes longer has failed (default 60)")
    add("--filter", type=regex, default=regex(""), metavar="REGEX", help="only the rows whose names match")
    add("--require", action="append", default=[], metavar="'ROW vs ROW >= N'", help=ABOUT_REQUIRE)
    add("--bars", metavar="FILE", help=ABOUT_BARS)
    add("--without-peers", action="store_true", help="nor are those whose second row no program here has")
    add("--smoke", action="store_true", help="run each row once, shortly")
    add("--json", metavar="FILE", help="write all that was measured")
    add("--svg", metavar="FILE", help="write a bar chart")
    add("--title", default="Benchmarks", metavar="TEXT", help="its title")
    return result


def parse(arguments):
    """Returns the options. Raises ValueError that says what is wrong with them, in one line."""
    options = parser().parse_intermixed_args(arguments)
    if not options.programs:
        raise ValueError("no program to run (--help tells more)")
    if options.smoke and (options.require or options.bars):
        raise ValueError("--smoke measures nothing that --require or --bars could check (--help tells more)")
    if options.smoke:
        options.rounds, options.min_time = 1, 0.001
    cores = len(os.sched_getaffinity(0))
    options.require = [Bar.parse(text, cores) for text in options.require]
    options.bars = read_bars(options.bars, cores) if options.bars else []
    return options
