#!/bin/sh
# Sees to it that tests ask for what the lesson says and for nothing else: right solutions that are not ours pass them.
# `right.sh GRADE B tests/01_pooling/right/one_lock …`, where B is make's $B. Such a folder has headers that take the
# place of the reference's. `// Fails: Step6_*` at the top of one names the tests of what it costs, which are to fail.
if [ "$1" = --one ]; then
  grade=$2 b=$3 folder=$4
  name=${folder##*/} chapter=${folder#tests/} && chapter=${chapter%%/*}
  tree=$b/right-$name-$chapter
  rm -rf "$tree" && mkdir -p "$tree/headers" && cp -r "solutions/$chapter" "$tree/headers/" &&
    cp "$folder"/*.hpp "$tree/headers/$chapter/" || exit
  binaries=$(ls tests/"$chapter"/*_test.cpp tests/"$chapter"/*explored.cpp 2>/dev/null |
    sed "s|^tests/\(.*\)\.cpp$|$tree/\1|")
  fails=$(sed -n 's|^// Fails: *||p' "$folder"/*.hpp | head -n 1)
  warnings=$(${MAKE:-make} -s SAN="${SAN:-}" BASE="${BASE:-}" EXTRA='-Wno-unused-function' $binaries 2>&1)
  "$grade" --quiet --filter "*${fails:+-$fails}" $binaries >"$tree/log" 2>&1 || sed '$d' "$tree/log"
  set -- $(tail -n 1 "$tree/log")  # 96 passed, 0 failed
  passed=$1 failed=$3
  if [ -n "$warnings" ]; then
    failed=$((failed + 1))
    echo "✘ $chapter/$name does not compile without a warning: $(echo "$warnings" | sh tests/tools/first_warning.sh)"
  fi
  if [ -n "$fails" ]; then
    "$grade" --quiet --filter "$fails" $binaries >"$tree/log" 2>&1
    case $? in
      1) passed=$((passed + 1)) ;;
      *) failed=$((failed + 1)); echo "✘ $chapter/$name passes $fails, which are to see what it costs" ;;
    esac
  fi
  echo "$chapter/$name: $passed passed, $failed failed"
  rm -rf "$tree"
  exit
fi
grade=$1 b=$2
shift 2
results=$(mktemp)
printf '%s\n' "$@" | env -u MAKEFLAGS xargs -P "$(nproc)" -n 1 sh "$0" --one "$grade" "$b" | tee "$results"
awk -v jobs=$# -f tests/tools/sum.awk "$results"
status=$?
rm -f "$results"
exit $status
