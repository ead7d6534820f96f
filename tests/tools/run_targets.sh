#!/bin/sh
# Runs `make` targets one after another and adds up their last lines `N passed, N failed`. A target that fails without
# such a line counts as one failure; one that succeeds without it as one pass. What has failed is said once more at the
# end, where it is found.
passed=0 failed=0 broken=
failures=$(mktemp)
for target; do
  printf '\n== %s\n' "$target"
  began=$(date +%s)
  output=$(mktemp)
  { ${MAKE:-make} --no-print-directory "$target" 2>&1; echo $? >"$output.status"; } | tee "$output"
  status=$(cat "$output.status")
  echo "($target: $(($(date +%s) - began)) s)"
  # A target that is itself a tally has added up already: its last line is all that counts.
  counts=$(awk '/^== / {p = f = 0; tally = 1} /^[0-9]+ passed, [0-9]+ failed/ {if (tally) p = f = 0; p += $1; f += $3}
    END {print p + 0, f + 0}' "$output")
  p=${counts% *} f=${counts#* }
  [ "$p$f" = 00 ] && { [ "$status" = 0 ] && p=1 || f=1; }
  [ "$status" != 0 ] && [ "$f" = 0 ] && f=1
  [ "$f" = 0 ] || { broken="$broken $target"; grep '^✘' "$output" >>"$failures"; }
  rm -f "$output" "$output.status"
  passed=$((passed + p)) failed=$((failed + f))
done
echo
[ -z "$broken" ] || { echo "not well:$broken"; awk '!seen[$0]++' "$failures" | head -n 40; }
rm -f "$failures"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
