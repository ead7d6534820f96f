#!/bin/sh
# The first thing that a compiler complains of, of what it has printed: `first_warning.sh <LOG`.
awk '/warning:|error:/ && !found {found = $0} NR == 1 {first = $0} END {print found ? found : first}'
