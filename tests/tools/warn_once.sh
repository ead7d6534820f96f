#!/bin/sh
# Prints a compiler's warnings, from standard input: `warn_once.sh SEEN`. What stands in a header is told by each file
# that includes it; SEEN is the file of what was told already. Escape sequences, which a header may hold, are harmless.
# Two compilations may end at the same moment: one of them tells it.
exec 9>>"$1.lock"
command -v flock >/dev/null && flock 9
LC_ALL=C tr '\000-\010\013-\037\177' '?' | LC_ALL=C awk -v seen="$1" '
  BEGIN { while ((getline line < seen) > 0) told[line] = 1 }
  function flush() {
    if (block != "" && !(key in told)) { printf "%s", block; if (key != "") { told[key] = 1; print key >> seen } }
    block = key = ""
  }
  # What leads to a warning stands before it: where it was included, and in which function it is.
  /^In file included from |^[^ ]*: In |^[^ ]*: At / { if (key != "") flush() }
  /: (warning|error): / { if (key != "") flush(); key = $0 }
  { gsub(/\302[\200-\237]/, "?"); block = block $0 "\n" }
  END { flush() }' >&2
