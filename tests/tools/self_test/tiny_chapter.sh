#!/bin/sh
# Adds a chapter as CONTRIBUTING.md says, by its files and one line in the Makefile, to a copy of the tree in FOLDER, and
# sees to it that it is graded, laddered and mutated like any other: `tiny_chapter.sh FOLDER`. Its third step is step 10.
set -u
folder=$1 passed=0 failed=0
rm -rf "$folder" && mkdir -p "$folder" || exit
tar cf - --exclude=./build --exclude=./.git . | tar xf - -C "$folder" || exit
# What does not depend on a chapter need not be built again.
mkdir -p "$folder/build" && cp -a build/have "$folder/build/"
for made in build/*/support build/*/prelude.hpp* build/*/explorer build/*/tools; do
  [ -e "$made" ] && mkdir -p "$folder/${made%/*}" && cp -a "$made" "$folder/$made"
done
cp -r tests/tools/self_test/tiny/* "$folder/" && cd "$folder" || exit
sed -i 's/^needs_00 :=$/needs_90 := 00\n&/' Makefile

make() { env -u MAKEFLAGS -u MAKELEVEL "${MAKE:-make}" --no-print-directory "$@" 2>&1; }
# `expect TEXT make …`: TEXT must be in what the command says.
expect() {
  text=$1
  shift
  said=$("$@")
  case $said in
    *"$text"*) passed=$((passed + 1)) ;;
    *) failed=$((failed + 1)); printf '✘ %s does not say "%s":\n%s\n' "$*" "$text" "$said" ;;
  esac
}
expect 'chapters/90_tiny/tiny.hpp' make starters
expect '0 passed, 4 failed' make 90
expect 'step 1 — read chapters/90_tiny/README.md#step-1' make 90
expect '4 passed, 0 failed' make solution-90
expect 'Step 10 Power    1/1' make solution-90 FILTER='Step10*'
expect '1 passed, 0 failed' make solution-90 FILTER='Step1_*'
expect '4 passed, 0 failed' make starters-fail CHAPTERS=90_tiny
expect '4 passed, 0 failed' make ladder CHAPTERS=90_tiny
expect '✔ 90_tiny/forgets_the_second' make mutants CHAPTERS=90_tiny
echo "$passed passed, $failed failed"
[ $failed = 0 ]
