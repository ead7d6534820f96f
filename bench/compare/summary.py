"""One table of all bars, and how far the floors are: `summary.py FILE…` reads what `compare.py --json FILE` wrote,
a chapter each.

Exit status 1 if a bar failed, or a file is not there: then its chapter came to no end.
"""

import sys

from bars import bars_table, tally
from floors import distances, floors_table
from results import bars_in, read_json


def main(paths, out=sys.stdout):
    every, missing, floors = [], [], []
    for path in paths:
        try:
            document = read_json(path)
            title, bars, near = document["title"], bars_in(document), distances(document)
        except (OSError, ValueError, LookupError, TypeError):
            missing.append(path)
            continue
        if bars:
            print(bars_table(bars, title, colour=out.isatty()), file=out)
        every += bars
        floors += near
    for path in missing:
        print(f"✘ no results: {path}", file=out)
    if floors:
        print(floors_table(floors) + "\n", file=out)
    print(tally(every), file=out)
    return 0 if not missing and all(bar.passed for bar in every) else 1


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.exit(main(sys.argv[1:]))
