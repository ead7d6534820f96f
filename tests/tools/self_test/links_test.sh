#!/bin/sh
# Tries links.sh on pages with names that lead somewhere and names that do not: `links_test.sh FOLDER`.
set -u
folder=$1 passed=0 failed=0
rm -rf "$folder" && mkdir -p "$folder/docs" "$folder/chapters/01_one" "$folder/tests/01_one" "$folder/bench" \
  "$folder/solutions" || exit
cp docs/lesson.awk "$folder/docs/" && links=$PWD/tests/tools/links.sh && cd "$folder" || exit
echo 'TEST(Step1_A, B) {}' >tests/01_one/step1_a_test.cpp

# `expect COMPLAINT LINE`: what links.sh says of a page with this line, without the place; empty if it is content.
expect() {
  printf '# Page\n\n## A heading\n\n%b\n' "$2" >README.md
  printf '# One\n\n<a id="step-1"></a>\n### A step\n' >chapters/01_one/README.md
  compare "$1" "$2"
}
# `expect_step COMPLAINT LINE`: the same with a line in the lesson, whose step has one test.
expect_step() {
  printf '# Page\n' >README.md
  printf '# One\n\n<a id="step-1"></a>\n### A step\n\n%b\n' "$2" >chapters/01_one/README.md
  compare "$1" "$2"
}
compare() {
  said=$(sh "$links" 2>&1 | sed 's/^[^ ]*: //')
  if [ "$said" = "$1" ]; then passed=$((passed + 1)); else
    failed=$((failed + 1)); printf '✘ %s\n  says "%s", not "%s"\n' "$2" "$said" "$1"; fi
}
expect '' '[One](chapters/01_one/README.md#step-1), [here](#a-heading)'
expect 'there is no chapters/02_two/README.md' '[Two](chapters/02_two/README.md)'
expect 'there is no #step-2 in ./chapters/01_one/README.md' '[One](chapters/01_one/README.md#step-2)'
expect '' 'See `tests/01_one/step1_a_test.cpp:1`, `chapters/NN_name/README.md#step-1`, `ls tests/NN_name/stepK_…_test.cpp`.'
expect 'there is no tests/01_one_test.cpp' 'See `tests/01_one_test.cpp`.'
expect 'there is no tests/one' 'Code `over two\nlines, cat tests/one` ends.'
expect 'there is no docs/*.svg' '```sh\nls docs/*.svg\n```'
expect '' 'Prose may speak of tests/anything, and `code` of `step1_a_test.cpp`.'
expect 'there is no step2_b_test.cpp' 'See `step2_b_test.cpp`.'
expect_step '' '*About 5 lines. 1 test.*'
expect_step 'step 1 has 1 tests, not 12' '*About 5 lines in `step1_a_test.cpp`. 12 tests. The hardest.*'
expect_step '' '**1 tests fail now, and that is right:** 1.'
expect_step '1 tests fail in the beginning, not 3' '**3 tests fail now, and that is right.**'
expect_step 'step 1 has 1 tests, not 2' '```\n· Step 1 A   0/2\n```'
echo "$passed passed, $failed failed"
[ $failed = 0 ]
