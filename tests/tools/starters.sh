#!/bin/sh
# Writes the starters of chapters from their solutions: `starters.sh 01_pooling …`.
#   --check  writes nothing: tells which starters are not what their solutions say
#   --keep   what stands there now is kept beside it, as FILE.~N~
mode=write
case ${1:-} in --check | --keep) mode=${1#--}; shift ;; esac
passed=0 failed=0
complain() { failed=$((failed + 1)); echo "$1"; }
fresh=$(mktemp) || exit
trap 'rm -f "$fresh"' EXIT
for chapter; do
  for solution in $(sh tests/tools/version.sh "$chapter" 0); do
    starter=chapters/$chapter/${solution##*/}
    awk -v solved=0 -f tests/tools/starters.awk "$solution" >"$fresh" || exit 1
    if cmp -s "$fresh" "$solution"; then
      complain "$solution has no gap: what is only read stands once, in chapters/support"
    elif cmp -s "$fresh" "$starter"; then
      passed=$((passed + 1))
      [ $mode != keep ] || echo "$starter is as it was handed out"
    elif [ $mode = check ]; then
      complain "$starter is not what $solution makes: type make starters, and commit it"
    else
      kept=
      if [ $mode = keep ] && [ -e "$starter" ]; then
        n=1
        while [ -e "$starter.~$n~" ]; do n=$((n + 1)); done
        mv "$starter" "$starter.~$n~" || exit
        kept=" is fresh; yours is kept as $starter.~$n~"
      fi
      cat "$fresh" >"$starter" || exit
      echo "$starter$kept"
    fi
  done
done
[ $mode != keep ] || exit 0
[ $mode = check ] || exit $failed
echo "$passed passed, $failed failed"
[ $failed = 0 ]
