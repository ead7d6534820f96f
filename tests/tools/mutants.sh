#!/bin/sh
# Builds wrong solutions, and sees to it that the tests that they name catch them:
# `mutants.sh GRADE B tests/01_pooling/mutants/notify_one_at_close.patch …`, where B is make's $B.
# A mutant's first lines say what is wrong, `# Kind: 5`, and `# Caught by: Step3_Closing.CloseWakesEveryPopThatWaits`.
# With --patterns before the rest: runs all tests of the chapter on each, and notes in it which others fail, for hints:
# `# Also fails: …`.
if [ "$1" = --one ]; then
  grade=$2 patch=$4
  chapter=$(basename "$(dirname "$(dirname "$patch")")") name=$(basename "$patch" .patch)
  tree=$3/mutant-$chapter-$name
  wrong=$(sed -n 's/^# //p' "$patch" | grep -v '^Caught by:\|^Kind:\|^Hint:\|^Also fails:' | head -n 1)
  tests=$(sed -n 's/^# Caught by: *//p' "$patch" | tr ',' ' ')
  fail() { echo "✘ $chapter/$name: $1"; exit 0; }
  [ -n "$wrong" ] && [ -n "$tests" ] || fail "its first lines must say what is wrong, and which test catches it"
  rm -rf "$tree" && mkdir -p "$tree/headers" && cp -r "solutions/$chapter" "$tree/headers/" || exit
  # A header that is given stands beside the chapter's then, where they find it before that of chapters/support.
  for given in $(sed -n 's,^+++ b/chapters/support/,,p' "$patch"); do
    cp "chapters/support/$given" "$tree/headers/$chapter/"
  done
  sed "s,/chapters/support/,/solutions/$chapter/," "$patch" |
    (cd "$tree/headers" && patch -p2 -s --no-backup-if-mismatch) >"$tree/log" 2>&1 ||
    fail "the patch does not apply: $(head -n 1 "$tree/log")"
  # What stands before a step that builds headers anew takes the place of what stands after it: all of it.
  earlier=$(sed -n 's,^+++ b/solutions/\([^/]*/before_step[0-9]*\)/.*,\1,p' "$patch" | head -n 1)
  [ -z "$earlier" ] || mv "$tree/headers/$earlier"/*.hpp "$tree/headers/$chapter/"
  if [ -n "${PATTERNS:-}" ]; then
    binaries=$(ls tests/"$chapter"/*_test.cpp | sed "s|^tests/\(.*\)\.cpp$|$tree/\1|")
    ${MAKE:-make} -s SAN="${SAN:-}" BASE="${BASE:-}" EXTRA=-w $binaries >"$tree/log" 2>&1
    "$grade" --quiet --time 4s --junit "$tree/xml" $binaries >"$tree/log" 2>&1
    python3 -B tests/tools/also_fails.py "$patch" "$tree/xml" && echo "✔ $chapter/$name: $wrong"
    rm -rf "$tree"
    exit 0
  fi
  for test in $tests; do
    # A name that is long may stand on the line after the suite's.
    source=$(grep -lE "(^TEST\(${test%.*}, |^ +)${test#*.}\)" tests/"$chapter"/*.cpp | head -n 1)
    [ -n "$source" ] || fail "there is no test $test"
    binary=$tree/$chapter/$(basename "$source" .cpp)
    # Only what is asked for is compiled: the other tests of the source take most of the time.
    [ -e "$tree/$source" ] || { mkdir -p "$tree/tests/$chapter" &&
      awk -v only=" $(echo $tests) " -f tests/tools/only_tests.awk "$source" >"$tree/$source" || exit; }
    [ -x "$binary" ] || ${MAKE:-make} -s SAN="${SAN:-}" BASE="${BASE:-}" EXTRA=-w "$binary" >"$tree/log" 2>&1
    [ -x "$binary" ] ||
      fail "it does not compile: $(cat "$tree/log" "$binary".*log 2>/dev/null | sh tests/tools/first_warning.sh)"
    "$grade" --quiet --time 4s --filter "$test" "$binary" >"$tree/log" 2>&1
    case $? in
      0) fail "$test lets it through ($wrong)" ;;
      1) ;;
      *) fail "$test: $(tail -n 1 "$tree/log")" ;;
    esac
  done
  echo "✔ $chapter/$name: $wrong"
  rm -rf "$tree"
  exit 0
fi
case $1 in --patterns) export PATTERNS=yes; shift ;; esac
grade=$1 b=$2
shift 2
results=$(mktemp)
# One more than there are processors, because some wait until a test that hangs is given up.
printf '%s\n' "$@" | env -u MAKEFLAGS xargs -P "$(($(nproc) + 1))" -n 1 sh "$0" --one "$grade" "$b" | tee "$results"
passed=$(grep -c '^✔' "$results") failed=$(($# - passed))
rm -f "$results"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
