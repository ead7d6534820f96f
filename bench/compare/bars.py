"""Bars: what rows must reach, as ratios of their medians in one run."""

import textwrap
from dataclasses import dataclass
from typing import Optional

from rows import Row
from text import printable, shortened, styled, three_digits


@dataclass
class Bar:
    """One row must be so many times as fast as another, as in `a job/ThreadPool vs a job/std::async >= 2`. A row of
    one program is written `learner:a job/ThreadPool`, else it is the first program's that has it."""

    fast: str
    slow: str
    least: float
    ratio: Optional[float] = None  # what it came to; None if it was not to be had
    first: Optional[float] = None  # what it came to before it was measured once more
    why: str = ""  # why there is no ratio

    @property
    def passed(self):
        return self.ratio is not None and self.ratio >= self.least

    @property
    def close(self):
        """True if it failed on its figures, which may be better the next time."""
        return self.ratio is not None and self.ratio < self.least

    @classmethod
    def parse(cls, text, cores):
        """Raises ValueError if `text` is not `ROW vs ROW >= N`, or `>= N cores`, which is N for each of them."""
        names, _, number = text.rpartition(" >= ")
        fast, _, slow = names.partition(" vs ")
        try:
            least = float(number[: -len(" cores")]) * cores if number.endswith(" cores") else float(number)
        except ValueError:
            least = 0
        if not (fast and slow and 0 < least < float("inf")):
            raise ValueError(f"a bar is written 'ROW vs ROW >= NUMBER', not '{text}'")
        return cls(fast, slow, least)

    def judge(self, rows):
        """Notes the ratio, or why there is none."""
        self.ratio, self.why = None, ""
        fast, slow = find(self.fast, rows), find(self.slow, rows)
        for name, row in (self.fast, fast), (self.slow, slow):
            if not row or not row.measured:
                self.why = f"{name} failed: {row.error}" if row else f"there is no row {name}"
                return
        self.ratio = slow.time / fast.time


def read_bars(path, cores):
    """Returns the bars in a file: one a line, `#` begins a comment. Raises ValueError with the line number."""
    bars = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                try:
                    bars.append(Bar.parse(line.strip(), cores))
                except ValueError as error:
                    raise ValueError(f"{path}:{number}: {error}") from None
    return bars


def find(name, rows):
    """Returns the first row of that name; None if there is none."""
    return next((row for row in rows if name in (row.name, f"{row.program.label}:{row.name}")), None)


def judge_all(bars, rows, measure):
    """Judges bars by `rows`. Those that fail on their figures are measured once more, all together, and judged
    by that: on a busy machine a good row may fall behind once. A row that crashed or is not there counts at once.

    `measure` is called with the new rows. Returns them; there are none if all is well."""
    for bar in bars:
        bar.judge(rows)
    close = [bar for bar in bars if bar.close]
    needed = {id(find(name, rows)) for bar in close for name in (bar.fast, bar.slow)}
    again = [Row(row.program, row.full_name) for row in rows if id(row) in needed]
    if again:
        measure(again)
    for bar in close:
        bar.first = bar.ratio
        bar.judge(again)
    return again


def bar_lines(bar, colour):
    """Returns the lines of a bar under the name of its first row."""
    group = bar.fast.partition("/")[0] + "/"
    slow = bar.slow[len(group) :] if bar.slow.startswith(group) else bar.slow
    numbers = [f"{bar.least:g}×"] + [f"{three_digits(n)}×" if n else "" for n in (bar.ratio, bar.first)]
    mark = styled(32, "✔", colour) if bar.passed else styled(31, "✘", colour)
    line = f"  {mark} {shortened('vs ' + slow, 46):46}" + "".join(f"{number:>10}" for number in numbers)
    why = textwrap.wrap(printable(bar.why), 80, initial_indent=" " * 4, subsequent_indent=" " * 4)
    return [line.rstrip(), *why]


def bars_table(bars, title, colour=False):
    """Returns a table of bars that were judged, 80 columns wide."""
    heads = ["asked", "reached"] + ["at first"] * any(bar.first for bar in bars)
    head = "".join(f"{head:>10}" for head in heads)
    lines = [styled(1, f"{shortened(title, 50):50}", colour) + styled(2, head, colour)]
    for fast in dict.fromkeys(bar.fast for bar in bars):
        lines.append("  " + shortened(fast, 78))
        lines += [line for bar in bars if bar.fast == fast for line in bar_lines(bar, colour)]
    return "\n".join(lines) + "\n"


def tally(bars):
    """Returns how many passed: "3 passed, 1 failed, 2 measured twice"."""
    passed = sum(bar.passed for bar in bars)
    twice = sum(bar.first is not None for bar in bars)
    return f"{passed} passed, {len(bars) - passed} failed" + (f", {twice} measured twice" if twice else "")
