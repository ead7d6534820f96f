#!/bin/sh
# Builds wrong solutions and sees to it that the tests that they name catch them:
# `mutants.sh GRADE FOLDER tests/mutants/01_pooling/close_wakes_one.patch …`
# A mutant's first lines say what is wrong, and `# Caught by: Step3_Closing.CloseWakesEveryPopThatWaits`.
if [ "$1" = --one ]; then
  grade=$2 patch=$4
  chapter=$(basename "$(dirname "$patch")") name=$(basename "$patch" .patch)
  folder=$3/$name
  wrong=$(sed -n 's/^# //p' "$patch" | grep -v '^Caught by:' | head -n 1)
  tests=$(sed -n 's/^# Caught by: *//p' "$patch" | tr ',' ' ')
  kind=test  # or explored: where its tests are
  grep -q "^TEST($(echo $tests | sed 's/ .*//; s/\./, /'))" "tests/${chapter}_explored.cpp" 2>/dev/null && kind=explored
  fail() { echo "✘ $chapter/$name: $1"; exit 0; }
  [ -n "$wrong" ] && [ -n "$tests" ] || fail "its first lines must say what is wrong, and which test catches it"
  rm -rf "$folder" && mkdir -p "$folder/solutions" && cp -r "solutions/$chapter" "$folder/solutions/" || exit
  (cd "$folder" && patch -p1 -s --no-backup-if-mismatch) <"$patch" >"$folder/log" 2>&1 || fail "the patch does not apply: $(head -n 1 "$folder/log")"
  env -u MAKEFLAGS "${MAKE:-make}" -s $kind-from NAME="$chapter" FROM="$folder/solutions/$chapter" TESTS="$tests" TO="$folder/${chapter}_$kind" \
    >"$folder/log" 2>&1 || fail "it does not compile: $(grep -m 1 error "$folder/log")"
  for test in $tests; do
    "$grade" --quiet --time 4s --filter "$test" "$folder/${chapter}_$kind" >"$folder/log" 2>&1
    case $? in
      0) fail "$test lets it through ($wrong)" ;;
      1) ;;
      *) fail "$test: $(tail -n 1 "$folder/log")" ;;
    esac
  done
  echo "✔ $chapter/$name: $wrong"
  rm -rf "$folder"
  exit 0
fi
grade=$1 folder=$2
shift 2
results=$(mktemp)
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 sh "$0" --one "$grade" "$folder" | tee "$results"
passed=$(grep -c '^✔' "$results") failed=$(($# - passed))
rm -f "$results"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
