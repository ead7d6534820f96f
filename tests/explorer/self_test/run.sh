#!/bin/sh
# Runs a binary of GoogleTests in shards, one for each processor at a time, and adds up what comes of them.
binary=$1 shards=24 logs=$1.logs
rm -rf "$logs" && mkdir -p "$logs"
run='GTEST_TOTAL_SHARDS=$3 GTEST_SHARD_INDEX=$4 "$1" >"$2/$4" 2>&1; echo $? >"$2/$4.status"'
seq 0 $((shards - 1)) | xargs -P "$(nproc)" -I'{}' sh -c "$run" sh "$binary" "$logs" $shards '{}'
# A shard that ends early has not said how many tests it has passed: it has failed.
for log in "$logs"/*.status; do
  [ "$(cat "$log")" = 0 ] || cat "${log%.status}"
done
cat "$logs"/*[0-9] | awk -v shards=$shards '
  /^\[       OK \]/ {passed++}
  /^\[  FAILED  \] .*\([0-9]+ ms\)$/ {failed++}
  /^\[==========\] .* ran\./ {shards--}
  /^[0-9]+ schedules, / {schedules += $1; steps += $3; seconds += $6}
  END {
    failed += shards
    printf "no false alarm in %d schedules, %d to the second\n", schedules, seconds ? schedules / seconds : 0
    printf "%d passed, %d failed\n", passed, failed
    exit failed > 0
  }'
