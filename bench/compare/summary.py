"""One table of all bars: `summary.py FILE…` reads what `compare.py --json FILE` wrote, a chapter each.

Exit status 1 if a bar failed, or a file is not there: then its chapter came to no end.
"""

import sys

from bars import bars_table, tally
from results import read_json


def main(paths, out=sys.stdout):
    every, missing = [], []
    for path in paths:
        try:
            title, bars = read_json(path)
        except (OSError, ValueError, KeyError, TypeError):
            missing.append(path)
            continue
        if bars:
            print(bars_table(bars, title, colour=out.isatty()), file=out)
        every += bars
    for path in missing:
        print(f"✘ no results: {path}", file=out)
    print(tally(every), file=out)
    return 0 if not missing and all(bar.passed for bar in every) else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
