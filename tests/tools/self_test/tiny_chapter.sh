#!/bin/sh
# Adds a chapter as CONTRIBUTING.md says, by its files and one line in the Makefile, to a copy of the tree in FOLDER,
# and sees to it that it is graded, laddered and mutated like any other: `tiny_chapter.sh FOLDER`. Its third step
# builds anew what the second wrote, and its fourth is step 10.
. tests/tools/self_test/tiny.sh
expect 'chapters/90_tiny/tiny.hpp' make starters
expect '0 passed, 5 failed' make 90
expect 'step 1 — read chapters/90_tiny/README.md#step-1' make 90
expect '5 passed, 0 failed' make solution-90
expect 'Step 10 Power    1/1' make solution-90 FILTER='Step10*'
expect '1 passed, 0 failed' make solution-90 FILTER='Step1_*'
expect '1 passed, 0 failed' make solution-90 FILTER='Step1*'
expect '4 passed, 0 failed' make solution-90 FILTER='Step*-Step10*'
expect '5 passed, 0 failed' make starters-fail CHAPTERS=90_tiny
expect '8 passed, 0 failed' make ladder CHAPTERS=90_tiny
expect '5 passed, 0 failed' make right CHAPTERS=90_tiny
expect '✔ 90_tiny/forgets_the_second' make mutants CHAPTERS=90_tiny
echo "$passed passed, $failed failed"
[ $failed = 0 ]
