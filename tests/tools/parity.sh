#!/bin/sh
# Checks the table in docs/python-to-cpp.md against the tests: each row must be cited by a test or say that C++ has no
# counterpart, each number cited must be in the table, and its last column must name the steps that cite it.
# With --write it fills in that column. A test cites rows behind its first line: TEST(Step4_Workers, …) {  // CF-34
set -eu
table=docs/python-to-cpp.md
fresh=$(mktemp)
trap 'rm -f "$fresh"' EXIT

awk -v table=$table '
  # The tests come first. Their citations, as "01/4" for chapter 01, step 4.
  FILENAME != table {
    if (match($0, /^TEST(_F|_P)?\(Step[0-9]+/)) {
      step = substr($0, RSTART, RLENGTH); sub(/.*Step/, "", step)
      chapter = substr(FILENAME, 7, 2)  # of tests/03_futures/…
    }
    for (rest = $0; match(rest, /(CF|AIO)-[0-9]+/); rest = substr(rest, RSTART + RLENGTH)) {
      row = substr(rest, RSTART, RLENGTH)
      cited[row] = 1
      place = chapter "/" step
      if (!((row, place) in seen)) places[row] = places[row] (places[row] == "" ? "" : ", ") place
      seen[row, place] = 1
    }
    next
  }
  /^\| (CF|AIO)-[0-9]+ \|/ {
    split($0, cell, / *\| */)
    row = cell[2]; known[row] = 1
    if (!(row in cited) && cell[4] !~ /^no counterpart/) complain(row " is checked by no test: " cell[3])
    $0 = "| " row " | " cell[3] " | " cell[4] " | " places[row] " |"
    sub(/\|  \|$/, "| |")
  }
  { print }
  function complain(text) { print "parity: " text > "/dev/stderr"; failed = 1 }
  END {
    for (row in cited) if (!(row in known)) complain(row " is cited by a test, but not in " table)
    exit failed
  }
' tests/[0-9]*/step*_test.cpp tests/[0-9]*/*explored.cpp $table >"$fresh" || failed=1

if [ "${1:-}" = --write ]; then
  cat "$fresh" >$table
elif ! cmp -s "$fresh" $table; then
  echo "parity: $table does not say what the tests cite: run sh tests/tools/parity.sh --write" >&2
  failed=1
fi
exit ${failed:-0}
