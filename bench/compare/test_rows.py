"""The arithmetic of `compare.py`, its names and its words."""

import unittest

from measure import exactly, gist, time_per_item
from rows import Program, Row, groups_of, plain_name
from text import against, printable, shortened, squeezed, three_digits, time_text

A, B = Program("a", ""), Program("b", "")


class TestArithmetic(unittest.TestCase):
    def test_the_median_is_the_middle(self):
        self.assertEqual(Row(A, "x", [3, 1, 9]).time, 3)
        self.assertEqual(Row(A, "x", [4, 1, 9, 2]).time, 3)
        self.assertEqual(Row(A, "x", [7]).time, 7)

    def test_a_time_is_compared_in_words(self):
        self.assertEqual(against(200, 1), "200× slower")
        self.assertEqual(against(100, 391), "3.91× faster")
        self.assertEqual(against(1.004, 1), "the same")
        self.assertEqual(against(11_947, 1), "11,900× slower")
        self.assertEqual(against(2.5e6, 1), "2.50 M× slower")

    def test_three_digits_count(self):
        below_ten = {0: "0.00", 0.1234: "0.123", 0.9996: "1.00"}
        for number, text in {**below_ten, 9.996: "10.0", 99.96: "100", 999.6: "1,000", 1234: "1,230"}.items():
            self.assertEqual(three_digits(number), text)

    def test_a_time_has_the_unit_that_fits(self):
        times = {0.5: "0.500 ns", 999.4: "999 ns", 999.6: "1.00 µs", 1.02e6: "1.02 ms", 2.7e9: "2.70 s"}
        for time, text in times.items():
            self.assertEqual(time_text(time), text)

    def test_names_lose_what_the_library_adds(self):
        self.assertEqual(plain_name("a job/ThreadPool/real_time"), "a job/ThreadPool")
        self.assertEqual(plain_name("a/b/min_time:0.100/process_time/real_time"), "a/b")
        self.assertEqual(plain_name("a/b/8"), "a/b/8")
        self.assertEqual(plain_name("alone"), "alone")

    def test_variants_of_a_group_stand_together_in_order_of_appearance(self):
        rows = [Row(A, "g/x"), Row(A, "h/x"), Row(A, "g/y"), Row(B, "g/z"), Row(B, "g/x")]
        groups = groups_of(rows)
        self.assertEqual([group.name for group in groups], ["g", "h"])
        self.assertEqual(groups[0].rows, [rows[0], rows[4], rows[2], rows[3]])

    def test_a_time_is_the_wall_clocks_for_an_item(self):
        result = {"name": "g/x/real_time", "real_time": 2.0, "cpu_time": 0.5, "time_unit": "us"}
        self.assertAlmostEqual(time_per_item(result), 2000)
        self.assertAlmostEqual(time_per_item({**result, "items_per_second": 10 / 2e-6}), 200)
        by_cpu = {**result, "name": "g/x", "items_per_second": 10 / 0.5e-6}
        self.assertAlmostEqual(time_per_item(by_cpu), 200)

    def test_a_filter_matches_one_name_alone(self):
        self.assertEqual(exactly("a|b (c)/x.y"), r"^a\|b \(c\)/x\.y$")

    def test_of_what_a_program_said_the_gist_is_kept(self):
        self.assertEqual(gist("terminate called\n  what():  oh no\nmore"), "oh no")
        self.assertEqual(gist("one\ntwo\n \n"), "two")
        self.assertEqual(gist(""), "")

    def test_texts_fit_their_columns(self):
        self.assertEqual(shortened("abcdef", 6), "abcdef")
        self.assertEqual(shortened("abcdef", 4), "abc…")
        self.assertEqual(shortened("abcdef", 0), "")
        self.assertEqual(squeezed("a pool, 2 workers", 17), "a pool, 2 workers")
        self.assertEqual(squeezed("ThreadPoolExecutor, 2 workers", 20), "ThreadPo…, 2 workers")
        self.assertEqual(squeezed("ThreadPoolExecutor", 8), "ThreadP…")
        self.assertEqual(printable("a\033[1m\tb–"), "a [1m b–")


if __name__ == "__main__":
    unittest.main()
