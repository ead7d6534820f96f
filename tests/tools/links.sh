#!/bin/sh
# Checks that what the pages point to is there: their links and anchors, the files that they name in code, the steps
# that the grader sends learners to, the numbers of tests, and pictures by names that are unique, as Doxygen needs them.
set -eu
pages=$(find *.md docs chapters tests bench -name '*.md' | sort)

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

  # The files of this repository that the pages name in code, in a line or in a block. A name may be a pattern of the
  # shell; NN_name, stepK and … stand for any. A source may be named without its folder.
  sources=" $(find chapters solutions tests bench docs -name '*.?pp' | sed 's|.*/||' | sort -u | tr '\n' ' ') "
  for page in $pages; do
    awk '
      /^ *```/ { fenced = !fenced; code = 0; next }
      !fenced && /^ *$/ { code = 0 }
      {
        count = fenced ? 1 : split($0, part, "`")
        for (i = 1; i <= count; i++) {
          if (i > 1) code = !code
          if (!fenced && !code) continue
          words = split(fenced ? $0 : part[i], word, /[][ \t"\047(){},;|<>=]*[ \t"\047(){},;|<>=]+/)
          for (w = 1; w <= words; w++) {
            sub(/#.*|:[0-9]*$|[.:]$/, "", word[w])
            if (word[w] ~ /^(tests|bench|solutions|chapters|docs)\/./ || word[w] ~ /^[a-z_0-9]+\.[ch]pp$/)
              print FNR, word[w]
          }
        }
      }' "$page" |
    while read -r line name; do
      case $name in
        */*)
          pattern=$(echo "$name" | sed 's/NN_name/[0-9][0-9]_*/g; s/NN/[0-9][0-9]/g; s/stepK/step[0-9]*/g; s/…/*/g')
          set -- $pattern
          [ -e "$1" ] || echo "$page:$line: there is no $name"
          ;;
        *) case $sources in *" $name "*) ;; *) echo "$page:$line: there is no $name" ;; esac ;;
      esac
    done
  done

  for tests in tests/[0-9]*; do
    chapter=${tests#tests/}
    for step in $(sed -n 's/^TEST(Step\([0-9]*\)_.*/\1/p' "$tests"/*.cpp | sort -nu); do
      grep -q "<a id=\"step-$step\"></a>" "chapters/$chapter/README.md" 2>/dev/null ||
        echo "chapters/$chapter/README.md: there is no step-$step, but $tests has tests of it"
    done
    # What a lesson says of its tests: the line below a step's heading, and the report of one who has just begun.
    [ -e "chapters/$chapter/README.md" ] || continue
    awk '
      function tell() {
        reading = 0
        if (size !~ / [0-9]+ tests?[.:, *]/) return
        sub(/ tests?[.:, *].*/, "", size); sub(/.* /, "", size)
        print step, size
        step = ""
      }
      END {if (reading) tell()}
      /^<a id="step-[0-9]+"><\/a>/ {step = $0; gsub(/[^0-9]/, "", step)}
      step && /^\*[^*]/ {size = ""; reading = 1}
      reading && /^$/ {tell()}
      reading {size = size " " $0}
      /^· Step [0-9]+ .* 0\/[0-9]+$/ {said = $0; sub(/.*\//, "", said); print $3, said}
    ' "chapters/$chapter/README.md" | while read -r step said; do
      is=$(cat "$tests"/*.cpp | grep -c "^TEST(Step${step}_")
      [ "$said" = "$is" ] || echo "chapters/$chapter/README.md: step $step has $is tests, not $said"
    done
    said=$(sed -n 's/.*\b\([0-9][0-9]*\) tests fail now.*/\1/p' "chapters/$chapter/README.md")
    is=$(cat "$tests"/*.cpp | grep -c '^TEST(Step')
    [ "${said:-$is}" = "$is" ] || echo "chapters/$chapter/README.md: $is tests fail in the beginning, not $said"
  done

  find chapters docs -name '*.svg' | sed 's|.*/||' | sort | uniq -d | sed 's/$/: two pictures have this name/'
)
[ -z "$problems" ] || { echo "$problems" >&2; exit 1; }
