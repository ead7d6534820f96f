#!/bin/sh
# Runs `make` targets one after another and adds up their last lines `N passed, N failed`. A target that fails without
# such a line counts as one failure; one that succeeds without it as one pass.
passed=0 failed=0 broken=
for target; do
  printf '\n== %s\n' "$target"
  output=$(mktemp)
  { ${MAKE:-make} --no-print-directory "$target" 2>&1; echo $? >"$output.status"; } | tee "$output"
  status=$(cat "$output.status")
  counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$output" | awk '{p += $1; f += $3} END {print p + 0, f + 0}')
  rm -f "$output" "$output.status"
  p=${counts% *} f=${counts#* }
  [ "$p$f" = 00 ] && { [ "$status" = 0 ] && p=1 || f=1; }
  [ "$status" != 0 ] && [ "$f" = 0 ] && f=1
  [ "$f" = 0 ] || broken="$broken $target"
  passed=$((passed + p)) failed=$((failed + f))
done
echo
[ -z "$broken" ] || echo "not well:$broken"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
