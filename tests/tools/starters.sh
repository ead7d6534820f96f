#!/bin/sh
# Writes the starters of chapters from their solutions: `starters.sh 01_pooling …`.
#   --check  writes nothing: tells which starters are not what their solutions say
#   --keep   what stands there now is kept beside it, as FILE.~N~
mode=write
case ${1:-} in --check | --keep) mode=${1#--}; shift ;; esac
passed=0 failed=0
for chapter; do
  for solution in solutions/"$chapter"/*.hpp; do
    starter=chapters/$chapter/${solution##*/}
    fresh=$(mktemp)
    awk -v solved=0 -f tests/tools/starters.awk "$solution" >"$fresh" || exit 1
    if cmp -s "$fresh" "$starter"; then
      passed=$((passed + 1))
    elif [ $mode = check ]; then
      failed=$((failed + 1))
      echo "$starter is not what $solution makes: type make starters, and commit it"
    elif [ $mode = keep ] && [ -e "$starter" ]; then
      cp --backup=numbered "$fresh" "$starter"
      echo "$starter is fresh; yours is kept as $(ls -t "$starter".~*~ | head -n 1)"
    else
      cp "$fresh" "$starter"
      echo "$starter"
    fi
    rm -f "$fresh"
  done
done
[ $mode = check ] || exit 0
echo "$passed passed, $failed failed"
[ $failed = 0 ]
