"""What `compare.py` prints and writes, and how it treats the programs that it runs."""

import contextlib
import io
import json
import os
import time
import unittest

from fakes import THREE_ROWS, CompareTest


class TestCompare(CompareTest):
    def test_rows_stand_against_the_sequential_one_of_their_group(self):
        a = self.program("a", "g/fast/real_time\\ng/sequential\\ng/slow\\n", THREE_ROWS)
        self.assertEqual(self.run_compare(a), 0, self.err)
        self.assertIn("10.0 ns", self.line("sequential"))
        self.assertIn(" baseline ", self.line("sequential"))
        self.assertIn("4.00× faster", self.line("fast"))
        self.assertIn("200× slower", self.line("slow"))
        self.assertIn("log scale", self.line("vs baseline"))

    def test_a_table_fits_eighty_columns(self):
        rows = "a group with quite a long name/and a variant with a longer one\\ng/x\\n"
        complains = "echo a very long message, and it goes on and on and on and on and on >&2; exit 1"
        programs = [
            self.program("solution", rows, "takes 123456"),
            self.program("a_long_label", rows, "takes 0.5"),
            self.program("bad", rows, complains),
        ]
        self.assertEqual(self.run_compare(*programs), 0)
        for line in self.out.splitlines():
            self.assertTrue(line.startswith("✘") or len(line) <= 80, line)

    def test_programs_are_named_where_they_have_variants_in_common(self):
        a, b = self.program("a", "g/x\\n", "takes 1"), self.program("bench", "g/y\\n", "takes 1")
        self.run_compare(a, b)
        self.assertNotIn("bench", self.out)
        self.run_compare(a, b, self.program("other", "g/x\\n", "takes 1"))
        self.assertRegex(self.line("  x"), "^  x +a ")
        self.assertRegex(self.line("  y"), "^  y +bench ")

    def test_programs_take_turns_and_every_other_round_goes_backwards(self):
        note = f"echo ${{0##*/}} >>{self.path('log')}; takes 5"
        programs = [self.program("a", "g/x\\n", note), self.program("b", "g/x\\n", note)]
        self.assertEqual(self.run_compare("--rounds", "3", *programs), 0, self.err)
        self.assertEqual(self.content("log"), "a\nb\nb\na\na\nb\n")

    def test_the_median_of_the_rounds_counts_and_their_spread_is_shown(self):
        a = self.program("a", "g/x\\n", self.one_after_another("n", 900, 100, 110))
        options = "--rounds", "3", "--json", self.path("new/results.json")
        self.assertEqual(self.run_compare(*options, a), 0, self.err)
        self.assertIn("110 ns", self.line("  x"))
        self.assertIn("100–900", self.line("  x"))
        results = json.loads(self.content("new/results.json"))
        self.assertEqual(
            results["groups"][0]["rows"],
            [{"variant": "x", "program": "a", "median": 110, "min": 100, "max": 900, "speedup": 1,
              "rounds": [900, 100, 110]}],
        )
        self.assertEqual(results["machine"]["compiler"], "sh")

    def test_a_program_that_fails_does_not_stop_the_others_and_its_message_is_shown_once(self):
        throws = 'echo "terminate called after\n  what():  1.2 push is not written yet" >&2; exit 134'
        programs = [
            self.program("a", "g/x\\ng/y\\n", "takes 5"),
            self.program("b", "g/x\\ng/y\\n", throws),
            "c=/missing",
        ]
        self.assertEqual(self.run_compare(*programs), 0)
        self.assertIn("5.00 ns", self.line("  x"))
        self.assertEqual(self.line("✘ b:"), "✘ b: 1.2 push is not written yet")
        self.assertEqual(self.out.count("✘ b:"), 1)
        self.assertEqual(self.line("✘ c:"), "✘ c: cannot run /missing: No such file or directory")

    def test_a_row_that_fails_by_itself_says_why(self):
        a = self.program("a", "g/x\\ng/y\\n", "case $row in *x*) fails 'no such thing';; *) takes 5;; esac")
        self.assertEqual(self.run_compare(a), 0)
        self.assertIn("✘ no such thing", self.line("  x"))
        self.assertIn("5.00 ns", self.line("  y"))
        self.assertEqual(self.run_compare("--filter", "x", a), 1, "nothing was measured")

    def test_of_a_program_that_did_not_compile_the_first_error_is_shown(self):
        with open(self.path("b.log"), "w", encoding="utf-8") as log:
            log.write("In file included from b.cpp:1:\nb.hpp:7:3: error: no type\nb.hpp:8:3: error: and more\n")
        b = self.path("b")
        self.assertEqual(self.run_compare(self.program("a", "g/x\\n", "takes 5"), "b=" + b), 0)
        message = f"✘ b: did not compile: b.hpp:7:3: error: no type (all of it: {b}.log)"
        self.assertEqual(self.line("✘ b:"), message)

    def test_a_program_may_print_what_it_likes(self):
        self.run_compare(self.program("a", "g/x\\n", "echo '{ noise'; takes 5; echo noise >&2"))
        self.assertIn("5.00 ns", self.line("  x"))

    def test_a_program_that_writes_no_time_has_failed(self):
        for run in "true", "echo '{' >$out", "result '\"real_time\": 5'":
            self.assertEqual(self.run_compare(self.program("a", "g/x\\n", run)), 1)
            self.assertEqual(self.line("✘ a:"), "✘ a: wrote no time")

    def test_a_program_that_is_killed_says_by_what(self):
        self.assertEqual(self.run_compare(self.program("a", "g/x\\n", "kill -SEGV $$")), 1)
        self.assertEqual(self.line("✘ a:"), "✘ a: killed by Segmentation fault")

    def test_a_program_that_hangs_is_killed_with_all_that_it_started(self):
        hangs = f"tail -f /dev/null & echo $! >{self.path('pid')}; tail -f /dev/null"
        self.assertEqual(self.run_compare("--limit", "0.2", self.program("a", "g/x\\n", hangs)), 1)
        self.assertEqual(self.line("✘ a:"), "✘ a: not done after 200 ms")
        stat = f"/proc/{self.content('pid').strip()}/stat"

        def alive():
            try:
                with open(stat, encoding="utf-8") as file:
                    return file.read().split()[2] != "Z"  # that one waits for its parent to take note
            except OSError:
                return False

        deadline = time.monotonic() + 10
        while alive() and time.monotonic() < deadline:
            time.sleep(0.01)  # dying takes a moment
        self.assertFalse(alive())

    def test_a_smoke_run_fails_if_one_row_fails(self):
        good, bad = self.program("a", "g/x\\n", "takes 5"), self.program("b", "g/x\\n", "exit 3")
        self.assertEqual(self.run_compare("--smoke", good), 0)
        self.assertEqual(self.out, "1 rows run, 0 failed\n")
        self.assertEqual(self.run_compare("--smoke", good, bad), 1)
        self.assertEqual(self.out, "1 rows run, 1 failed\n✘ b: exit status 3\n")
        self.assertEqual(self.run_compare("--smoke", good, "c=" + self.path("missing")), 1)

    def test_only_rows_that_match_the_filter_run(self):
        a = self.program("a", "g/x\\nh/y\\n", "takes 5")
        self.assertEqual(self.run_compare("--filter", "^h", a), 0)
        self.assertNotIn("g/", self.out)
        self.assertEqual(len(self.out.splitlines()), 3, self.out)
        self.assertEqual(self.run_compare("--filter", "z", a), 2)
        self.assertEqual(self.err, "compare: no row matches the filter (--help tells more)\n")

    def test_the_chart_shows_every_group_and_row(self):
        a = self.program("a", "g/sequential\\ng/fast\\n", THREE_ROWS)
        self.assertEqual(self.run_compare("--svg", self.path("chart.svg"), "--title", "A & B", a), 0)
        for part in "<title>A &amp; B</title>", ">g<", ">fast<", ">2.50 ns<", ">4.00× faster<":
            self.assertIn(part, self.content("chart.svg"))

    def test_bad_usage_is_explained(self):
        bad = [
            [],
            ["--rounds"],
            ["--rounds", "x", "a=b"],
            ["--rounds", "0", "a=b"],
            ["--rounds", "0.5", "a=b"],
            ["--filter", "(", "a=b"],
            ["--frob", "a=b"],
            ["program"],
            ["--require", "a >= 2", "a=b"],
            ["--require", "a vs b >= two", "a=b"],
            ["--smoke", "--require", "a vs b >= 2", "a=b"],
            ["--smoke", "--bars", os.devnull, "a=b"],
        ]
        for arguments in bad:
            self.assertEqual(self.run_compare(*arguments), 2, arguments)
            self.assertRegex(self.err, r"^compare: .*\n$")
        self.assertEqual(self.run_compare("--bars", self.path("missing"), "a=b"), 1)
        self.assertIn("No such file", self.err)
        with contextlib.redirect_stdout(io.StringIO()) as out, self.assertRaises(SystemExit) as exit:
            self.run_compare("--help")
        self.assertEqual(exit.exception.code, 0)
        self.assertIn("--min-time S", out.getvalue())

    def test_progress_tells_the_round_and_the_row_and_ends_empty(self):
        lines = []
        a = self.program("a", "g/x/real_time\\n", "takes 5")
        self.assertEqual(self.run_compare("--rounds", "2", a, progress=lines.append), 0)
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[0], "round 1/2: g/x (a)")
        self.assertRegex(lines[1], r"^round 2/2, \d+ s left: ")
        self.assertEqual(lines[2], "")


if __name__ == "__main__":
    unittest.main()
