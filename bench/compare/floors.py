"""Floors: the least that a work can cost, written by hand, and how near to it the reference comes.

A group has a floor if one of its variants is called `floor: …`, or `by hand`. Against the lowest of these stands the
fastest variant of the first program, but for those that are not the course's, or do less than the group's name says.
"""

from dataclasses import dataclass

from text import shortened


# There to compare with. A group in which one of them is the fastest is not near its floor for that.
YARDSTICKS = {
    "sequential",  # no thread, no loop, nothing to wait for
    "a thread per item",
    "a thread per job",
    "two semaphores",
    "std::async",
    "operator new",
    "InlineExecutor",  # a submit that calls has nobody to submit to
    "Countdown",  # one sequence, written out, of which the compiler knows all
    "no limit",
    "submit, then result",  # no loop
}


@dataclass
class Distance:
    """How far the fastest row of a group is from its floor."""

    group: str
    variant: str
    ratio: float

    @property
    def near(self):
        return self.ratio <= 2


def is_floor(row):
    return row["variant"].startswith("floor") or row["variant"] == "by hand"


def distances(document):
    """Returns the distance of each group that has a floor, from what was written as JSON. A group in which one of
    the two was not measured has none."""
    found = []
    reference = document["programs"][0]["label"]
    for group in document["groups"]:
        rows = [row for row in group["rows"] if "median" in row and row["program"] == reference]
        floors = [row["median"] for row in rows if is_floor(row)]
        ours = [row for row in rows if not is_floor(row) and row["variant"] not in YARDSTICKS]
        if floors and ours:
            best = min(ours, key=lambda row: row["median"])
            found.append(Distance(group["name"], best["variant"], best["median"] / min(floors)))
    return found


def floors_table(found):
    """Returns a line for each distance, and one that counts those that are near."""
    lines = [f"  {shortened(f'{each.group}/{each.variant}', 62):62}{each.ratio:>9.2f}×" for each in found]
    near = sum(each.near for each in found)
    return "\n".join(["from the floor, written by hand", *lines, f"within twice the floor: {near} of {len(found)}"])
