#!/bin/sh
# Sees to it that starters fail as they should: `ladder.sh [--climb] GRADE B 01_pooling …`, where B is make's $B. A
# starter compiles without a warning, and each of its tests fails with the words that lead to the lesson. With --climb
# the rungs above: with the steps up to K written, the tests of K pass, and those of the next step fail so.
set -u
climb=
case ${1:-} in --climb) climb=1; shift ;; esac
grade=$1 b=$2
shift 2

# The steps of a chapter's sources.
steps() { sed -n 's/^TEST(Step\([0-9]*\)_.*/\1/p' "$@" | sort -nu; }

if [ "${1:-}" = --one ]; then
  chapter=${2%/*} written=${2#*/}
  next=$((written + 1))
  tree=$b/rung-$written-$chapter
  rm -rf "$tree" && mkdir -p "$tree/headers/$chapter" || exit
  for header in $(sh tests/tools/version.sh "$chapter" "$written"); do
    awk -v solved="$written" -f tests/tools/starters.awk "$header" >"$tree/headers/$chapter/${header##*/}" || exit
  done
  if [ "$written" = 0 ]; then wanted='Step[0-9]*' filter='*'; else
    wanted="Step\\($written\\|$next\\)" filter="Step${written}_*:Step${next}_*"; fi
  binaries=$(grep -l "^TEST(${wanted}_" tests/"$chapter"/*_test.cpp tests/"$chapter"/*explored.cpp 2>/dev/null |
    sed "s|^tests/\(.*\)\.cpp$|$tree/\1|")
  warnings=$(${MAKE:-make} -s SAN="${SAN:-}" BASE="${BASE:-}" EXTRA='-Wno-unused-function' $binaries 2>&1)
  if [ -n "$warnings" ]; then
    echo "✘ $chapter with $written steps written does not compile without a warning:" \
      "$(echo "$warnings" | sh tests/tools/first_warning.sh)"
    echo "$chapter with $written steps written: 0 passed, 1 failed"
    exit
  fi
  # A step that builds a header anew finds code there that works: its tests say what is not good enough.
  rebuilds=
  [ "$written" = 0 ] || [ ! -d "solutions/$chapter/before_step$next" ] || rebuilds=--rebuilds
  # Only the sum of all rungs is to look like a sum.
  "$grade" --starter "$written" $rebuilds --filter "$filter" $binaries 2>&1 |
    sed "s/^[0-9]* passed, [0-9]* failed$/$chapter with $written steps written: &/"
  rm -rf "$tree"
  exit
fi

rungs=
for chapter; do
  for step in $(steps $(ls tests/"$chapter"/*_test.cpp tests/"$chapter"/*explored.cpp 2>/dev/null)); do
    written=$((step - 1))
    if [ -n "$climb" ]; then [ "$written" = 0 ] && continue; else [ "$written" = 0 ] || continue; fi
    rungs="$rungs $chapter/$written"
  done
done
results=$(mktemp)
printf '%s\n' $rungs | env -u MAKEFLAGS xargs -P "$(nproc)" -n 1 sh "$0" "$grade" "$b" --one | tee "$results"
awk -v jobs="$(echo $rungs | wc -w)" -f tests/tools/sum.awk "$results"
status=$?
rm -f "$results"
exit $status
