#!/bin/sh
# Builds the binaries of the grader's self-test: `build.sh FOLDER MAIN_OBJECT g++ -std=c++2b …`
here=$(dirname "$0") folder=$1 main=$2
shift 2
mkdir -p "$folder" || exit
build() { "$@" -Ichapters/support "$main" -lgtest || exit; }
for test in misbehaviour alone; do build "$@" "$here/${test}_test.cpp" -o "$folder/${test}_test"; done
for submission in honest exits_before_main ends_in_a_listener registers_the_same_test swallows_failures; do
  build "$@" -I"$here/$submission" "$here/forgery_test.cpp" -o "$folder/${submission}_test"
done
