"""All that was measured, and where, as JSON; and the bars in it, to read them back."""

import json
import os
from dataclasses import asdict, fields
from datetime import datetime, timezone

from bars import Bar


def cpu_model():
    """Returns the processor's name as Linux gives it."""
    try:
        with open("/proc/cpuinfo") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return "unknown"


def number(value):
    """Returns `value` with six digits that count."""
    return float(f"{value:.6g}")


def row_results(row, baseline):
    results = {"variant": row.variant, "program": row.program.label}
    if not row.measured:
        return {**results, "error": row.error}
    return {
        **results,
        "median": number(row.time),
        "min": number(min(row.times)),
        "max": number(max(row.times)),
        "speedup": number(baseline.time / row.time),
        "rounds": [number(time) for time in row.times],
    }


def results(options, groups, bars):
    """Returns what is written as JSON. Times are nanoseconds per item, `min_time` is seconds."""
    compilers = [program.compiler for program in options.programs if program.compiler]
    return {
        "title": options.title,
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": {
            "cpu": cpu_model(),
            "cores": os.cpu_count(),
            "compiler": compilers[0] if compilers else "unknown",
        },
        "rounds": options.rounds,
        "min_time": options.min_time,
        "programs": [
            {"label": program.label, "path": program.path, "error": program.error or None}
            for program in options.programs
        ],
        "groups": [
            {
                "name": group.name,
                "baseline": group.baseline.variant if group.baseline else None,
                "rows": [row_results(row, group.baseline) for row in group.rows],
            }
            for group in groups
        ],
        "bars": [{**asdict(bar), "passed": bar.passed} for bar in bars],
    }


def write(path, text):
    """Writes a file, in a folder that need not be there yet."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def write_json(path, document):
    write(path, json.dumps(document, ensure_ascii=False, indent=1) + "\n")


def read_json(path):
    """Returns what was written of a run."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def bars_in(document):
    """Returns the bars of a run."""
    names = {field.name for field in fields(Bar)}
    return [Bar(**{name: value for name, value in bar.items() if name in names}) for bar in document["bars"]]
