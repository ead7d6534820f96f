#!/bin/sh
# Checks that what the pages point to is there: their links and anchors, the steps that the grader sends learners to,
# and pictures by names that are unique, as Doxygen needs them.
set -eu
pages=$(ls README.md docs/*.md chapters/*/README.md)

anchors() { awk -f docs/lesson.awk "$1" | sed -n 's/.*<a id="\([^"]*\)">.*/\1/p'; }

problems=$(
  for page in $pages; do
    # Its links, one a line, without those in code.
    awk '
      /^ *```/ { fenced = !fenced }
      fenced { next }
      {
        gsub(/`[^`]*`/, "")
        while (match($0, /\]\([^() ]+\)/)) {
          print FNR, substr($0, RSTART + 2, RLENGTH - 3)
          $0 = substr($0, RSTART + RLENGTH)
        }
      }' "$page" |
    while read -r line link; do
      case $link in http:* | https:* | mailto:*) continue ;; esac
      file=${link%%#*}
      target=$page
      [ -z "$file" ] || target=$(dirname "$page")/$file
      if [ ! -e "$target" ]; then
        echo "$page:$line: there is no $link"
      elif [ "$file" != "$link" ] && ! anchors "$target" | grep -qxF "${link#*#}"; then
        echo "$page:$line: there is no #${link#*#} in $target"
      fi
    done
  done

  for tests in tests/[0-9]*; do
    chapter=${tests#tests/}
    for step in $(sed -n 's/^TEST(Step\([0-9]*\)_.*/\1/p' "$tests"/*.cpp | sort -nu); do
      grep -q "<a id=\"step-$step\"></a>" "chapters/$chapter/README.md" 2>/dev/null ||
        echo "chapters/$chapter/README.md: there is no step-$step, but $tests has tests of it"
    done
  done

  find chapters docs -name '*.svg' | sed 's|.*/||' | sort | uniq -d | sed 's/$/: two pictures have this name/'
)
[ -z "$problems" ] || { echo "$problems" >&2; exit 1; }
