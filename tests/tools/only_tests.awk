# Leaves of a source of tests only those that are named:
# `awk -v only=' Suite.Name Suite.Other ' -f only_tests.awk FILE`.
# What is left out becomes empty lines, so that each line keeps its number.

/^TEST\(/ {head = ""; lines = 0}
/^TEST\(/, /\{/ {
  head = head $0
  line[++lines] = $0
  if (!/\{/) next  # a long name stands on the second line
  sub(/^TEST\( */, "", head); sub(/\).*/, "", head); sub(/, */, ".", head)
  left_out = index(only, " " head " ") == 0
  for (i = 1; i <= lines; i++) print left_out ? "" : line[i]
  if (/\}$/) left_out = 0  # all on one line
  next
}
{print left_out ? "" : $0}
$0 == "}" {left_out = 0}
