#!/bin/sh
# Sees to it that code that must not compile does not, and that the first error says why:
# `must_not_compile.sh tests/04_process_pool/errors.txt COMPILER FLAG…`. Each piece of code in the file begins with a
# line `== What it is`, and ends with `-- what the first error must say`. It becomes a block in braces, after the lines
# above the first piece.
if [ "$1" = --one ]; then
  piece=$2
  shift 2
  title=$(sed -n 's/^== //p' "$piece") wanted=$(sed -n 's/^-- //p' "$piece")
  { cat "${piece%/*}/head" && echo '{' && grep -v '^==\|^--' "$piece" && echo '}'; } >"$piece.cpp"
  if "$@" -fsyntax-only -x c++ "$piece.cpp" >"$piece.log" 2>&1; then echo "✘ $title: it compiles"; exit; fi
  first=$(grep -m 1 ' error: ' "$piece.log")
  case $first in
    *"$wanted"*) echo "✔ $title" ;;
    *) echo "✘ $title: the first error is: ${first#* error: }" ;;
  esac
  exit
fi
file=$1
shift
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
awk -v folder="$folder" '/^== / {n++} !/^# / {print >(folder "/" (n ? n : "head"))}' "$file"
ls "$folder" | grep -vx 'head\|results' | sort -n | xargs -P "$(nproc)" -I'{}' sh "$0" --one "$folder/{}" "$@" |
  tee "$folder/results"
passed=$(grep -c '^✔' "$folder/results") failed=$(grep -c '^✘' "$folder/results")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]
