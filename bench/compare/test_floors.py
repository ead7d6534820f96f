"""Floors: whom they are compared with, and how they are counted."""

import io
import unittest

from fakes import CompareTest
from floors import distances
from summary import main as summary


def document(*rows, group="g"):
    """What was written of a run with these rows: a program, a variant, and a median, or None if it failed."""
    written = [
        {"program": program, "variant": variant, **({"median": median} if median else {"error": "no"})}
        for program, variant, median in rows
    ]
    return {"title": "t", "programs": [{"label": "solution"}], "bars": [], "groups": [{"name": group, "rows": written}]}


class TestFloors(CompareTest):
    def test_the_fastest_row_of_the_reference_stands_against_the_lowest_floor(self):
        found = distances(
            document(
                ("solution", "sequential", 1),
                ("solution", "slow", 90),
                ("solution", "fast", 30),
                ("solution", "floor: two of them", 20),
                ("solution", "floor: one", 15),
                ("peers", "faster", 2),
            )
        )
        self.assertEqual([(each.group, each.variant, each.ratio, each.near) for each in found],
                         [("g", "fast", 2, True)])

    def test_what_is_only_there_to_compare_with_is_not_taken_for_the_reference(self):
        found = distances(
            document(
                ("solution", "no limit", 2),
                ("solution", "two semaphores", 3),
                ("solution", "ours", 30),
                ("solution", "by hand", 10),
            )
        )
        self.assertEqual([(each.variant, each.ratio) for each in found], [("ours", 3)])

    def test_a_group_without_a_floor_or_without_figures_is_not_counted(self):
        self.assertEqual(distances(document(("solution", "fast", 30))), [])
        self.assertEqual(distances(document(("solution", "fast", 30), ("solution", "floor", None))), [])
        self.assertEqual(distances(document(("solution", "fast", None), ("solution", "floor", 3))), [])

    def test_the_summary_counts_the_rows_within_twice_the_floor(self):
        rows = "g/fast\\ng/floor: x\\nh/fast\\nh/floor: y\\n"
        a = self.program("a", rows, "case $row in *fast*) takes 10;; *x*) takes 6;; *) takes 4;; esac")
        self.assertEqual(self.run_compare("--json", self.path("r.json"), a), 0)
        out = io.StringIO()
        self.assertEqual(summary([self.path("r.json")], out), 0)
        self.assertRegex(out.getvalue(), r"(?m)^  g/fast +1.67×$")
        self.assertRegex(out.getvalue(), r"(?m)^  h/fast +2.50×$")
        self.assertIn("\nwithin twice the floor: 1 of 2\n", out.getvalue())

    def test_without_floors_the_summary_says_nothing_of_them(self):
        a = self.program("a", "g/fast\\n", "takes 10")
        self.run_compare("--json", self.path("r.json"), a)
        out = io.StringIO()
        summary([self.path("r.json")], out)
        self.assertNotIn("floor", out.getvalue())


if __name__ == "__main__":
    unittest.main()
