#!/bin/sh
# Tells whether a submission changes what the words of the tests mean: it compares the macros that there are with its
# headers and with the solution's. `macros.sh 01_pooling FOLDER g++ -std=c++2b … -- SOLUTION_FLAG… --
# SUBMISSION_FLAG…` What is different is written to FOLDER/tampered, where the grader looks; nothing is if nothing is.
# `macros.sh --list SOURCE g++ …` prints the macros that touch the words of SOURCE.
here=$(dirname "$0")
# The headers of standard input as the compiler sees them; sorted, for they may include the standard's in another
# order.
list() {
  sources=$1
  shift
  "$@" -E -dD -w | awk -v sources="$sources" -f "$here/macros.awk" | LC_ALL=C sort -u
}
if [ "$1" = --list ]; then
  source=$2
  shift 2
  list "$source" "$@" "$source"
  exit
fi
chapter=$1 out=$2
shift 2
common= solution= submission= part=common
for word; do
  if [ "$word" = -- ]; then
    case $part in common) part=solution ;; *) part=submission ;; esac
  else
    eval "$part=\"\$$part \$word\""
  fi
done
headers=$(cd "solutions/$chapter" && printf -- '-include %s ' *.hpp)
words=$(echo tests/"$chapter"/*.[ch]pp)
mkdir -p "$out"
common="$common -include tests/support/prelude.hpp"
list "$words" $common $solution $headers -x c++ /dev/null >"$out/macros.want" &
list "$words" $common $submission $headers -x c++ /dev/null >"$out/macros.have" 2>/dev/null
wait
diff "$out/macros.want" "$out/macros.have" >"$out/tampered"
[ $? = 1 ] || rm -f "$out/tampered"
