"""Bars: how they are written and judged, what is measured once more, and the table of all of them."""

import glob
import io
import json
import os
import unittest

from bars import Bar, bars_table, read_bars
from fakes import THREE_ROWS, CompareTest
from summary import main as summary


class TestBars(CompareTest):
    def bars(self, text):
        with open(self.path("bars.txt"), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path("bars.txt")

    def test_a_requirement_is_checked_and_its_figures_shown(self):
        a = self.program("a", "g/sequential\\ng/fast\\n", THREE_ROWS)
        b = self.program("b", "g/fast\\n", "takes 5")
        self.assertEqual(
            self.run_compare(
                "--require", "g/fast vs g/sequential >= 4", "--require", "b:g/fast vs g/sequential >= 2", a, b
            ),
            0,
        )
        self.assertRegex(self.line("✔ vs"), r"^  ✔ vs sequential +4× +4.00×$")
        self.assertIn("\nbars: 2 passed, 0 failed\n", self.out)
        self.assertEqual(self.run_compare("--require", "g/fast vs g/sequential >= 4.5", a), 1)
        self.assertRegex(self.line("✘ vs"), r"^  ✘ vs sequential +4.5× +4.00× +4.00×$")
        self.assertEqual(self.run_compare("--require", "g/fast vs g/none >= 1", a), 1)
        self.assertRegex(self.line("✘"), r"^  ✘ vs none +1×$")
        self.assertIn("there is no row g/none", self.out)

    def test_bars_come_from_a_file_too(self):
        a = self.program("a", "g/sequential\\ng/fast\\n", THREE_ROWS)
        bars = self.bars("# why\ng/fast vs g/sequential >= 4\n\ng/fast vs g/sequential >= 5\n")
        self.assertEqual(self.run_compare("--bars", bars, "--json", self.path("r.json"), a), 1)
        self.assertIn("1 passed, 1 failed, 1 measured twice", self.out)
        written = json.loads(self.content("r.json"))["bars"]
        self.assertEqual([(bar["ratio"], bar["first"], bar["passed"]) for bar in written],
                         [(4, None, True), (4, 4, False)])
        self.assertEqual(self.run_compare("--bars", self.bars("#\na vs b > 2\n"), a), 2)
        self.assertIn("bars.txt:2: a bar is written 'ROW vs ROW >= NUMBER', not 'a vs b > 2'", self.err)

    def test_a_bar_that_fails_is_measured_once_more_and_that_counts(self):
        slow = self.program("slow", "g/slow\\nh/other\\n", "takes 10; echo $row >>" + self.path("log"))
        fast = self.program("fast", "g/fast\\n", self.one_after_another("n", 9, 9, 9, 4, 5, 6))
        arguments = ["--rounds", "3", "--require", "g/fast vs g/slow >= 2", slow, fast]
        self.assertEqual(self.run_compare(*arguments), 0)
        self.assertRegex(self.line("✔ vs"), r"^  ✔ vs slow +2× +2.00× +1.11×$")
        self.assertIn("1 passed, 0 failed, 1 measured twice\n", self.out)
        self.assertEqual(self.out.count("5.00 ns"), 1, "the second measurement has a table of its own")
        self.assertEqual(self.content("log").count("slow"), 6)
        self.assertEqual(self.content("log").count("other"), 3, "what no bar needs is measured once")

    def test_what_fails_twice_has_failed(self):
        slow = self.program("slow", "g/slow\\n", "takes 10")
        fast = self.program("fast", "g/fast\\n", self.one_after_another("n", 9, 8))
        self.assertEqual(self.run_compare("--rounds", "1", "--require", "g/fast vs g/slow >= 2", slow, fast), 1)
        self.assertRegex(self.line("✘ vs"), r"^  ✘ vs slow +2× +1.25× +1.11×$")

    def test_a_row_that_failed_is_not_tried_again(self):
        slow = self.program("slow", "g/slow\\n", "takes 10")
        fast = self.program("fast", "g/fast\\n", f"echo >>{self.path('log')}; echo oh >&2; exit 1")
        self.assertEqual(self.run_compare("--require", "g/fast vs g/slow >= 2", slow, fast), 1)
        self.assertIn("g/fast failed: oh", self.out)
        self.assertEqual(self.content("log"), "\n")

    def test_a_row_that_fails_the_second_time_fails_its_bar(self):
        slow = self.program("slow", "g/slow\\n", "takes 10")
        fast = self.program("fast", "g/fast\\n", self.one_after_another("n", 9) + "; [ $n = 1 ] || exit 3")
        self.assertEqual(self.run_compare("--rounds", "1", "--require", "g/fast vs g/slow >= 2", slow, fast), 1)
        self.assertRegex(self.line("✘ vs"), r"^  ✘ vs slow +2× +1.11×$")
        self.assertIn("g/fast failed: exit status 3", self.out)

    def test_bars_of_rows_that_the_filter_leaves_out_are_not_checked(self):
        a = self.program("a", "g/sequential\\ng/fast\\nh/x\\nh/y\\n", THREE_ROWS)
        bars = self.bars("g/fast vs g/sequential >= 4\nh/x vs h/y >= 2\nh/x vs h/none >= 2\n")
        self.assertEqual(self.run_compare("--filter", "^g", "--bars", bars, a), 1)
        self.assertIn("1 bars are not checked: --filter leaves out their rows", self.out)
        self.assertIn("1 passed, 1 failed\n", self.out, "a row that no program has is a mistake")

    def test_without_peers_their_bars_are_left_out(self):
        a = self.program("a", "g/sequential\\ng/fast\\n", THREE_ROWS)
        bars = self.bars("g/fast vs g/sequential >= 4\ng/fast vs g/peer >= 2\n")
        self.assertEqual(self.run_compare("--without-peers", "--bars", bars, a), 0)
        self.assertIn("1 passed, 0 failed\n", self.out)
        bars = self.bars("g/mistyped vs g/sequential >= 4\n")
        self.assertEqual(self.run_compare("--without-peers", "--bars", bars, a), 1)

    def test_without_a_label_a_row_is_the_first_programs(self):
        a = self.program("a", "g/x\\n", "exit 1")
        b = self.program("b", "g/x\\ng/y\\n", "takes 5")
        self.assertEqual(self.run_compare("--require", "g/x vs g/y >= 1", a, b), 1)
        self.assertEqual(self.run_compare("--require", "b:g/x vs g/y >= 1", a, b), 0)

    def test_a_bar_may_count_cores(self):
        self.assertEqual(Bar.parse("a/x vs a/y >= 0.95 cores", cores=4), Bar("a/x", "a/y", 3.8))
        self.assertEqual(Bar.parse("a/x || y vs a/>= 3 >= 2", cores=4), Bar("a/x || y", "a/>= 3", 2))
        for text in "a vs b", "a >= 2", "a vs b >= x cores", "a vs b >= 0", "a vs b >= nan", " vs b >= 1":
            with self.assertRaises(ValueError):
                Bar.parse(text, cores=4)

    def test_the_bars_of_the_course_can_be_read(self):
        files = glob.glob(os.path.join(os.path.dirname(__file__), "../*/bars.txt"))
        self.assertTrue(files)
        for file in files:
            bars = read_bars(file, cores=2)
            for bar in bars:
                bar.why = "there is no row " + bar.fast
            for line in bars_table(bars, "bars").splitlines():
                self.assertLessEqual(len(line), 80)


class TestSummary(CompareTest):
    def results(self, name, *numbers):
        programs = [self.program("slow", "g/slow\\n", "takes 10"), self.program("fast", "g/fast\\n", "takes 5")]
        requirements = [part for number in numbers for part in ("--require", f"g/fast vs g/slow >= {number}")]
        self.run_compare("--rounds", "1", "--title", name, "--json", self.path(name), *requirements, *programs)
        return self.path(name)

    def summary(self, *paths):
        out = io.StringIO()
        return summary(paths, out), out.getvalue()

    def test_all_bars_stand_in_one_table(self):
        one, two, none = self.results("One", 1, 2), self.results("Two", 1, 3), self.results("None")
        self.assertEqual(self.summary(one, none)[0], 0)
        status, text = self.summary(one, none, two)
        self.assertEqual(status, 1)
        self.assertRegex(text, r"(?s)^One .*✔.*✔.*\nTwo .*✔.*✘ vs slow +3× +2.00× +2.00×\n\n3 passed, 1 failed, 1 m")
        self.assertNotIn("None", text)

    def test_a_chapter_without_results_has_failed(self):
        status, text = self.summary(self.results("One", 1), self.path("missing.json"))
        self.assertEqual(status, 1)
        self.assertIn(f"✘ no results: {self.path('missing.json')}\n1 passed, 0 failed\n", text)


if __name__ == "__main__":
    unittest.main()
