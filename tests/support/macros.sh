#!/bin/sh
# Lists the macros that touch the words a test is written with: `macros.sh g++ -std=c++2b … tests/01_pooling_test.cpp`.
# Sorted, because a submission may include the standard's headers in another order.
for source; do :; done
"$@" -E -dD -w | awk -v source="$source" -f "$(dirname "$0")/macros.awk" | LC_ALL=C sort -u
