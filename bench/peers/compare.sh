#!/bin/sh
# Compares chapter NUMBER with its peers, and with what is asked of it in bars.txt: `compare.sh 01 COMPARE ARGUMENT…`.
number=$1
shift
cores=$(nproc)
bars=$(awk -v n="$number" -v cores="$cores" '$1 == n { sub(/^[^ ]+ +/, ""); if (sub(/ cores$/, "")) $NF *= cores; print }' bench/peers/bars.txt)
while IFS= read -r bar; do
  [ -z "$bar" ] || set -- "$@" --require "$bar"
done <<END
$bars
END
exec "$@"
