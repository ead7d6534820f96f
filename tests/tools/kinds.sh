#!/bin/sh
# Counts the mutants of each kind in each chapter, from their lines `# Kind: 5`: sees to it that each has one, and that
# the table in CONTRIBUTING.md is up to date. `kinds.sh --write` writes it there. The names of the kinds are here.
page=CONTRIBUTING.md
table() {
  awk '
  BEGIN {
    n = split("fails in the middle: memory runs out, a copy, a move or a callback throws|" \
      "a system call says no, or does half|" \
      "what must be forgotten stays, and another operation finds it|" \
      "the second of two in one window|" \
      "two different operations meet|" \
      "destroyed, refused or called again in between|" \
      "something is kept for ever on a way that does not complete|" \
      "a promise that only another chapter tests|" \
      "in time against in position, whole timeouts against partial ones|" \
      "the sibling: another branch, another exception|" \
      "ends of ranges, clocks that are set|" \
      "waiting that looks now and then|" \
      "two executors, two loops, another thread or process|" \
      "how long something lives|" \
      "nothing is seen but what it costs", name, "|")
  }
  FNR == 1 {
    split(FILENAME, part, "/")
    chapter = substr(part[2], 1, 2)
    if (!(chapter in all)) order[++chapters] = chapter
    ++all[chapter]; ++sum
  }
  FNR < 8 && /^# Kind: [0-9]+$/ { ++count[$3, chapter]; ++total[$3] }
  END {
    printf "| | kind |"
    for (c = 1; c <= chapters; ++c) printf " %s |", order[c]
    printf " all |\n|---|---|"
    for (c = 0; c <= chapters; ++c) printf "--:|"
    print ""
    for (k = 1; k <= n + 1; ++k) {
      kind = k % (n + 1)
      printf "| %d | %s |", kind, kind ? name[kind] : "none of these: it does not do what the lesson says"
      for (c = 1; c <= chapters; ++c) printf " %s |", count[kind, order[c]]
      printf " %d |\n", total[kind]
    }
    printf "| | all |"
    for (c = 1; c <= chapters; ++c) printf " %d |", all[order[c]]
    printf " %d |\n", sum
  }' tests/[0-9]*/mutants/*.patch
}
new=$(mktemp)
table >"$new"
if [ "$1" = --write ]; then
  sed -i -e '/^<!-- kinds -->$/,/^<!-- \/kinds -->$/{//!d}' -e "/^<!-- kinds -->\$/r $new" $page
fi
failed=0
for patch in $(grep -LE '^# Kind: ([0-9]|1[0-5])$' tests/[0-9]*/mutants/*.patch); do
  echo "✘ $patch: its first lines must say '# Kind: N'; $page lists them"
  failed=$((failed + 1))
done
if ! sed -n '/^<!-- kinds -->$/,/^<!-- \/kinds -->$/{//!p}' $page | cmp -s - "$new"; then
  echo "✘ the table of kinds in $page is out of date: sh tests/tools/kinds.sh --write"
  failed=$((failed + 1))
fi
rm -f "$new"
echo "$(ls tests/[0-9]*/mutants/*.patch | wc -l) mutants, $failed failed"
[ $failed = 0 ]
