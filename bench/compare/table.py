"""The table of a run, 80 columns wide."""

from rows import BarScale
from text import against, printable, shortened, squeezed, styled, three_digits, unit_of

WIDTH = 80
NUMBERS = 41  # the columns of a row between its names and its bar
SHORTEST = 7  # the columns that are left for bars at least


def bar(length, columns):
    """Returns a bar in eighths of a column; the shortest is one eighth."""
    eighths = max(1, round(length * 8 * columns))
    return "█" * (eighths // 8) + "▏▎▍▌▋▊▉"[eighths % 8 - 1 : eighths % 8]


def time_and_spread(row):
    """Returns the median, and in the same unit the fastest and the slowest round."""
    name, length = unit_of(row.time)
    texts = [three_digits(time / length) for time in (row.time, min(row.times), max(row.times))]
    return f"{texts[0]} {name}", f"{texts[1]}–{texts[2]}" if len(row.times) > 1 else ""


def table(groups, colour=False):
    """Returns a table of groups. Programs are named in it if they have variants in common."""
    rows = [row for group in groups for row in group.rows]
    shared = len({row.name for row in rows}) < len(rows)
    label = max(min(len(row.program.label), 10) for row in rows) if shared else 0
    labels = 1 + label if label else 0
    widest = max([10] + [max(len(row.variant), len(row.group) - 2 - labels) for row in rows])
    names = min(widest, WIDTH - NUMBERS - SHORTEST - 2 - labels)
    return "".join(group_table(group, names, label, colour) for group in groups)


def group_table(group, names, label, colour):
    """Returns the lines of a group. Its names fill so many columns, and so many those of its programs."""
    scale, baseline = BarScale(group), group.baseline
    head = 2 + names + (1 + label if label else 0)
    bars = WIDTH - head - NUMBERS
    note = ("      log" if bars < 9 else "      log scale") if scale.logarithmic else ""
    text = styled(1, f"{shortened(group.name, head):{head}}", colour) + f"{'per item':>9}"
    text += styled(2, f"{'min–max':>13}", colour) + "  vs baseline" + styled(2, note, colour) + "\n"
    previous = None
    for row in group.rows:
        text += f"  {'' if row.variant == previous else squeezed(row.variant, names):{names}}"
        previous = row.variant
        if label:
            text += f" {shortened(row.program.label, label):{label}}"
        if not row.measured:
            text += f"  ✘ {shortened(printable(row.error), WIDTH - head - 4)}\n"
            continue
        time, spread = time_and_spread(row)
        words = "baseline" if row is baseline else against(row.time, baseline.time)
        text += f"{time:>9}" + styled(2, f"{spread:>13}", colour) + f"  {words:15}  "
        text += bar(scale.length(row.time), bars) + "\n"
    return text + "\n"
