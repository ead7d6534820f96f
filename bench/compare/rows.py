"""Programs, their rows, and the groups in which rows are compared."""

import math
import re
import statistics
from dataclasses import dataclass, field
from typing import List

ADDED_BY_THE_LIBRARY = re.compile(
    r"/((real|manual|process)_time|(min_time|min_warmup_time|iterations|repeats):[^/]*)$"
)


def plain_name(name):
    """Returns a benchmark's name without what Google Benchmark adds to it: "a/b/real_time" is "a/b"."""
    while ADDED_BY_THE_LIBRARY.search(name):
        name = ADDED_BY_THE_LIBRARY.sub("", name)
    return name


@dataclass(eq=False)
class Program:
    """A bench program, and what its rows are called in the table."""

    label: str  # solution, learner, peers, …
    path: str
    error: str = ""  # why it could not even say which rows it has
    compiler: str = ""  # what built it, as it says itself


@dataclass(eq=False)
class Row:
    """One benchmark of one program, and what was measured. Times are nanoseconds per item."""

    program: Program
    full_name: str  # as the program knows it
    times: List[float] = field(default_factory=list)  # one a round
    error: str = ""  # why it failed; such a row is run no more

    def __post_init__(self):
        self.name = plain_name(self.full_name)
        self.group, _, variant = self.name.partition("/")
        self.variant = variant or self.name

    @property
    def measured(self):
        return bool(self.times) and not self.error

    @property
    def time(self):
        """The median of the rounds."""
        return statistics.median(self.times)


@dataclass
class Group:
    """Rows that do the same work, one variant after another."""

    name: str
    rows: List[Row]

    @property
    def baseline(self):
        """The row that the others are compared with: the first variant called `sequential` that was measured,
        else the first that was; None if none was."""
        measured = [row for row in self.rows if row.measured]
        return next((row for row in measured if row.variant == "sequential"), measured[0] if measured else None)


def groups_of(rows):
    """Returns rows in groups. Groups, and variants in a group, come in the order of their first appearance, the
    programs of a variant side by side."""
    groups = {}
    for row in rows:
        groups.setdefault(row.group, {}).setdefault(row.variant, []).append(row)
    return [Group(name, sum(variants.values(), [])) for name, variants in groups.items()]


class BarScale:
    """How long a group's bars are, from 0 to 1: to scale if that shows anything of the short ones, else on a
    logarithmic scale."""

    def __init__(self, group):
        measured = [row for row in group.rows if row.measured]
        self.longest = max((max(row.times) for row in measured), default=1)
        self.shortest = min((row.time for row in measured), default=1)
        self.logarithmic = self.longest > 25 * self.shortest

    def length(self, time):
        if not self.logarithmic:
            return time / self.longest
        start = math.floor(math.log10(self.shortest) - 0.1)  # a power of ten, a little below the shortest
        return max(0.0, (math.log10(time) - start) / (math.log10(self.longest) - start))
