#!/bin/sh
# Builds the binaries of the grader's self-test: `build.sh FOLDER MAIN_OBJECT g++ -std=c++2b …`
# A submission that changes the macros of the tests is not built: its list of them is what the self-test looks at.
here=$(dirname "$0") folder=$1 main=$2
shift 2
mkdir -p "$folder" || exit
build() { "$@" -Ichapters/support "$main" -lgtest || exit; }
build "$@" "$here/misbehaviour_test.cpp" -o "$folder/misbehaviour_test"
for submission in honest exits_before_main ends_in_a_listener registers_the_same_test swallows_failures; do
  build "$@" -I"$here/$submission" "$here/forgery_test.cpp" -o "$folder/${submission}_test"
done
for submission in honest redefines_test redefines_expect pushes_macros redefines_a_keyword redefines_a_word; do
  sh tests/tools/macros.sh --list "$here/forgery_test.cpp" "$@" -Ichapters/support -I"$here/$submission" >"$folder/$submission.macros"
done
