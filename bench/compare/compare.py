"""Compares bench programs, side by side: `compare.py --help` tells how."""

import signal
import sys

from bars import bars_table, find, judge_all, tally
from chart import Chart
from measure import list_rows, measure_rows
from options import parse
from results import results, write, write_json
from rows import groups_of
from table import table
from text import printable, shortened


def bars_to_check(options, listed, rows):
    """Returns the bars that this run can tell about, and how many of those in the file --filter leaves out."""

    def both_in(bar, rows):
        return find(bar.fast, rows) and find(bar.slow, rows)

    bars = [bar for bar in options.bars if not options.without_peers or find(bar.slow, listed)]
    kept = [bar for bar in bars if both_in(bar, rows) or not both_in(bar, listed)]
    return options.require + kept, len(bars) - len(kept)


def report_failures(programs, rows, out):
    """Prints what went wrong, once each: programs that did not start, and the messages of rows. Returns true if
    something did."""
    errors = [(program.label, program.error) for program in programs]
    errors += [(row.program.label, row.error) for row in rows]
    lines = dict.fromkeys(f"✘ {label}: {printable(error)}\n" for label, error in errors if error)
    out.write("".join(lines))
    return bool(lines)


def smoke(programs, rows, out):
    """Prints how many rows ran, and returns the exit status."""
    ran = sum(row.measured for row in rows)
    print(f"{ran} rows run, {len(rows) - ran} failed", file=out)
    report_failures(programs, rows, out)
    return 0 if ran == len(rows) and not any(program.error for program in programs) else 1


def compare(options, out, progress):
    """Measures, prints, writes what is asked for, and returns the exit status."""

    def measure(rows):
        measure_rows(rows, options.rounds, options.min_time, options.limit, progress)

    def show(rows):
        print(table(groups_of(rows), out.isatty()), end="", file=out)

    listed = list_rows(options.programs, options.limit)
    rows = [row for row in listed if options.filter.search(row.name)]
    if not rows and not any(program.error for program in options.programs):
        raise ValueError("no row matches the filter (--help tells more)")
    measure(rows)
    if options.smoke:
        return smoke(options.programs, rows, out)
    show(rows)
    failures = report_failures(options.programs, rows, out)

    bars, left_out = bars_to_check(options, listed, rows)
    if failures and bars:
        print(file=out)
    again = judge_all(bars, rows, measure)
    if again:
        print("Below a bar, so measured once more:\n", file=out)
        show(again)
        report_failures([], again, out)
    if bars:
        print(f"{bars_table(bars, 'bars', out.isatty())}\nbars: {tally(bars)}", file=out)
    if left_out:
        print(f"{left_out} bars are not checked: --filter leaves out their rows", file=out)

    if options.json:
        write_json(options.json, results(options, groups_of(rows), bars))
    if options.svg:
        write(options.svg, str(Chart(groups_of(rows), options.programs, options.title)))
    return 0 if any(row.measured for row in rows) and all(bar.passed for bar in bars) else 1


def main(arguments, out=sys.stdout, err=sys.stderr, progress=lambda line: None):
    try:
        return compare(parse(arguments), out, progress)
    except ValueError as error:
        print(f"compare: {error}", file=err)
        return 2
    except OSError as error:
        print(f"compare: {error}", file=err)
        return 1
    except KeyboardInterrupt:
        return 130


def show_progress(line):
    print(f"\r\033[K{shortened(line, 79)}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends what runs now as well
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:], progress=show_progress if sys.stderr.isatty() else lambda line: None))
